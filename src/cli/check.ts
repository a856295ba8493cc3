import { Command } from "commander";
import { coreFrames } from "../device/frames.ts";
import { HeapsoakError } from "../errors.ts";
import { type CheckedFigures, checkText } from "../report/check-text.ts";
import { layOut } from "../scenario/layout.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/model.ts";
import { compileScenario } from "../soak/compiler.ts";
import { disassemble } from "../soak/disassemble.ts";
import { interruptWorstCase, taskWorstCase } from "../soak/stack-worst-case.ts";
import { collect } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenarios } from "./find-scenario.ts";
import { type ScenarioFlags, scenarioOptions } from "./scenario-options.ts";

interface CheckOptions extends ScenarioFlags {
  readonly program?: boolean;
}

const BAD_INPUT = 2;

const EXAMPLES = `
Examples:
  $ heapsoak check gateway.yaml
  All scenarios of a folder:
    $ heapsoak check scenarios/
  What the soak engine executes:
    $ heapsoak check gateway.yaml --program

Exit codes: 0 all are valid, 2 one is not.`;

/** `heapsoak check`: whether scenarios are valid, what is odd about them, and where everything lies. */
export function checkCommand(): Command {
  return new Command("check")
    .summary("validate scenarios and show their memory maps")
    .description("Validates scenarios: reports all mistakes at once, then warnings, tasks, stacks and the memory map.")
    .argument("<scenario...>", "files, folders, or names of shipped scenarios")
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--allocator <[heap=]name>", "allocator of a heap, the first by default; repeatable", collect)
    .option("--heap-size <[heap=]size>", "bytes of a heap, the first by default; repeatable", collect)
    .option("--set <path=value>", "change any value of the scenarios; repeatable", collect)
    .option("--program", "print the compiled program as well")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(args: readonly string[], options: CheckOptions): Promise<void> {
  const settings = scenarioOptions(options);
  let gap = "";
  for (const file of findScenarios(args)) {
    try {
      const scenario = await loadScenario(file, settings);
      process.stdout.write(gap + page(scenario, options.program ?? false));
      gap = "\n";
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      reportIssues(error);
    }
  }
}

/** What there is to say of a valid scenario. Throws where the device cannot hold it. */
function page(scenario: Scenario, withProgram: boolean): string {
  const { drawing } = layOut(scenario);
  const text = checkText(scenario, { drawing, ...worstCases(scenario) }, paintFor(process.stdout));
  if (!withProgram) return text;
  const compiled = compileScenario(scenario);
  const names = [...scenario.tasks, ...scenario.interrupts].map(({ name }) => name);
  const listings = names.map((name) => `\n${name}:\n${disassemble(compiled, name).join("\n")}\n`);
  return text + listings.join("");
}

function worstCases(scenario: Scenario): Omit<CheckedFigures, "drawing"> {
  const frames = coreFrames(scenario.device);
  return {
    tasks: scenario.tasks.map((task) => taskWorstCase(task, frames)),
    mainStack: interruptWorstCase(scenario.interrupts, frames),
  };
}

/** Other files may still be checked: the error is printed here, in the words of src/main.ts. */
function reportIssues({ message, hint }: HeapsoakError): void {
  process.stderr.write(`heapsoak: ${message}\n${hint === undefined ? "" : `  ${hint}\n`}`);
  process.exitCode = BAD_INPUT;
}
