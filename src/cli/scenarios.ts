import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { type ListedScenario, scenarioListText } from "../report/scenario-text.ts";
import { loadScenario } from "../scenario/load.ts";
import { paintFor } from "./colors.ts";
import { shippedScenarios } from "./find-scenario.ts";
import { writeJson } from "./output.ts";

interface ScenariosOptions {
  readonly json?: string;
}

const EXAMPLES = `
Examples:
  $ heapsoak scenarios
  $ heapsoak scenarios --json -
  $ heapsoak run mqtt-tls

Exit codes: 0 shown, 2 one of them is not valid.`;

/** `heapsoak scenarios`: what comes with heapsoak, by theme. */
export function scenariosCommand(): Command {
  return new Command("scenarios")
    .summary("list the scenarios that come with heapsoak")
    .description("Lists the scenarios that come with heapsoak, by theme: what each shows, and what it expects.")
    .option("--json <file>", "write it as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(options: ScenariosOptions): Promise<void> {
  const listed: ListedScenario[] = [];
  for (const { name, theme, file } of shippedScenarios()) {
    try {
      const { title, why, device, uptimeUs, seed, expect } = await loadScenario(file);
      const expectations = expect.map(({ text }) => text);
      listed.push({ name, theme, title, why, device: device.id, uptimeUs, seed: String(seed), expectations });
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      process.stderr.write(`heapsoak: ${error.message}\n`);
      process.exitCode = 2;
    }
  }
  if (options.json !== undefined) {
    await writeJson(options.json, { format: "heapsoak.scenarios", version: 1, scenarios: listed });
  }
  if (options.json !== "-") process.stdout.write(scenarioListText(listed, paintFor(process.stdout)));
}
