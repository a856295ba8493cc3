import { formatDuration } from "../scenario/quantities.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { wrapped } from "./wrapped.ts";

/** A scenario that comes with heapsoak, as it is listed. */
export interface ListedScenario {
  readonly name: string;
  readonly theme: string;
  readonly title: string;
  readonly why: string;
  readonly device: string;
  readonly uptimeUs: number;
  readonly seed: string;
  readonly expectations: readonly string[];
}

const WIDTH = 96;

/** The page of `heapsoak scenarios`: by theme, each with its reason and what it expects. */
export function scenarioListText(scenarios: readonly ListedScenario[], paint: Paint = plainPaint): string {
  const themes = [...new Set(scenarios.map(({ theme }) => theme))];
  const sections = themes.map((theme) => {
    const entries = scenarios.filter((scenario) => scenario.theme === theme).map((scenario) => entry(scenario, paint));
    return [paint.strong(theme === "" ? "scenarios" : theme), ...entries].join("\n");
  });
  const last =
    scenarios.length === 0 ? "There are none." : "`heapsoak run NAME` runs one; `heapsoak check NAME` shows it.";
  return `${[...sections, last].join("\n\n")}\n`;
}

function entry({ name, title, why, device, uptimeUs, expectations }: ListedScenario, paint: Paint): string {
  return [
    `  ${paint.strong(name)}  ${title} (${device}, ${formatDuration(uptimeUs)})`,
    ...wrapped(why, WIDTH - 6).map((line) => `      ${line}`),
    ...new Set(expectations.map((text) => `      expects ${text}`)),
  ].join("\n");
}
