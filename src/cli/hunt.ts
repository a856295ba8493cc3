import { Command, Option } from "commander";
import { HeapsoakError } from "../errors.ts";
import { formatBytes } from "../quantities.ts";
import { huntText } from "../report/hunt-text.ts";
import { recordJson } from "../report/record-json.ts";
import { formatCount } from "../report/table.ts";
import { verdictOf } from "../report/verdict-of.ts";
import { type HuntProgress, type HuntRequest, hunt, STEPS_A_SECOND } from "../risk/hunt/hunt.ts";
import type { HuntGoal } from "../risk/hunt/record.ts";
import { loadScenario } from "../scenario/load.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { collect, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenario } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { LiveLine } from "./live-line.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { parseSeed, parseTimeOption, type ScenarioFlags, scenarioOptions } from "./scenario-options.ts";
import { TraceOutput } from "./trace-output.ts";

interface HuntOptions extends Omit<ScenarioFlags, "uptime"> {
  readonly for: HuntGoal;
  readonly horizon?: string;
  readonly heap?: string;
  readonly maxCpu?: string;
  readonly steps?: string;
  readonly phases: boolean;
  readonly out?: string;
  readonly json?: string;
  readonly quiet?: boolean;
}

const STEPS_MOST = 1e12;

const EXAMPLES = `
A hunt keeps snapshots of runs and goes on from the most promising ones with fresh randomness, again and again: from heaps
that are nearly full or badly broken up, and from heaps it has not seen before. Whatever runs on a fixed grid starts at
other phases and in other orders as well. What it finds can happen as the scenario is written; how likely it is, it does
not tell (see: heapsoak risk). Same options, same finds: the budget is counted in steps, not timed.

Examples:
  When can it fail first?
    $ heapsoak hunt mqtt-tls --horizon 1d --out worst.trace.gz
  How much heap can it need?
    $ heapsoak hunt mqtt-tls --for heap --horizon 1h --max-cpu 60s
  With first starts as they are written:
    $ heapsoak hunt gateway.yaml --no-phases --json hunt.json

Exit codes: 0 nothing was found: no failure, or no need above the heap's size, 1 something was, 2 bad input.`;

/** `heapsoak hunt`: a guided search for the worst run of a scenario. */
export function huntCommand(): Command {
  return new Command("hunt")
    .summary("search a scenario for its worst run")
    .description("Searches seeds, phases and orders for the earliest failure or the largest heap that is needed.")
    .argument("<scenario>", "a file, a folder with one, or the name of a shipped scenario")
    .addOption(
      new Option("--for <what>", "the earliest failure, or the run that needs the largest heap")
        .choices(["failure", "heap"])
        .default("failure"),
    )
    .option("--horizon <time>", "how long runs may be, such as 1d; the scenario's uptime by default")
    .option("--heap <name>", "the heap that is watched; the first by default")
    .option("--max-cpu <time>", "about as much processor time, such as 60s; 10 s by default")
    .option("--steps <n>", `the same in instructions and events: ${formatCount(STEPS_A_SECOND)} count as a second`)
    .option("--seed <n>", "seed of the search and of the run as written; the scenario's by default")
    .option("--no-phases", "leave first starts as they are written")
    .option("--allocator <[heap=]name>", "allocator of a heap, the first by default; repeatable", collect)
    .option("--heap-size <[heap=]size>", "bytes of a heap, the first by default; repeatable", collect)
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--out <file>", "write the worst run as a trace; gzip where it ends in .gz")
    .option("--json <file>", "write the record; - for standard output, the report then goes to stderr")
    .option("--quiet", "no progress, only the report")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, options: HuntOptions): Promise<void> {
  const { out, json } = options;
  const request = requestOf(options);
  if (out === "-")
    throw new HeapsoakError("bad-argument", "--out: a file is needed; the report is on standard output.");
  if (out !== undefined && out === json)
    throw new HeapsoakError("bad-argument", "--json and --out name the same file.");
  const scenario = await loadScenario(findScenario(argument), scenarioOptions(options));
  for (const file of [out, json]) if (file !== undefined) await refuseUnwritable(file);
  const line = options.quiet ? undefined : new LiveLine(process.stderr);
  const onRound = (progress: HuntProgress) => line?.update(() => progressText(progress, options.for));
  const { record, trace } = await interruptible(
    (signal) => hunt(scenario, { ...request, signal, onRound }),
    () => line?.clear(),
  );
  line?.clear();
  process.exitCode = verdictOf(record) === "fail" ? 1 : 0;
  const stream = json === "-" ? process.stderr : process.stdout;
  stream.write(huntText(record, paintFor(stream)));
  if (json !== undefined) await writeWhole(json, recordJson(record));
  if (out !== undefined) await writeTrace(out, trace());
}

function requestOf(options: HuntOptions): HuntRequest {
  const { horizon, heap, maxCpu, steps, seed } = options;
  if (maxCpu !== undefined && steps !== undefined) {
    throw new HeapsoakError("bad-argument", "--max-cpu and --steps both say how long to search.");
  }
  const cpuSteps = maxCpu === undefined ? undefined : (parseTimeOption(maxCpu, "--max-cpu") / 1e6) * STEPS_A_SECOND;
  const budgetSteps = steps === undefined ? cpuSteps : parseCount(steps, "--steps", 1, STEPS_MOST);
  return {
    goal: options.for,
    variesPhases: options.phases,
    ...(horizon !== undefined && { horizonUs: parseTimeOption(horizon, "--horizon") }),
    ...(heap !== undefined && { heap }),
    ...(budgetSteps !== undefined && { budgetSteps: Math.min(Math.ceil(budgetSteps), STEPS_MOST) }),
    ...(seed !== undefined && { seed: parseSeed(seed) }),
  };
}

function progressText({ spentSteps, budgetSteps, heapsSeen, best }: HuntProgress, goal: HuntGoal): string {
  const share = Math.floor((100 * spentSteps) / budgetSteps);
  const seen = `${formatCount(heapsSeen)} different heaps`;
  if (best === undefined || best === Number.POSITIVE_INFINITY) return `${share} %: ${seen}`;
  return `${share} %: ${seen}; ${goal === "failure" ? `a failure after ${formatDuration(best)}` : `${formatBytes(best)} needed`}`;
}

async function writeTrace(path: string, pieces: readonly string[]): Promise<void> {
  const output = new TraceOutput(path);
  try {
    for (const piece of pieces) await output.write(piece);
    await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
}
