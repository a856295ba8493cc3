import { Command, Option } from "commander";
import { granuleBytesOf } from "../allocators/bounds.ts";
import { findAllocator } from "../allocators/catalogue.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import { recordJson } from "../report/record-json.ts";
import { sizeText } from "../report/size-text.ts";
import { formatCount } from "../report/table.ts";
import { verdictOf } from "../report/verdict-of.ts";
import { parseAllocators } from "../risk/grid.ts";
import type { FailOn } from "../risk/run/cell.ts";
import { costText } from "../risk/size/cost.ts";
import type { SizeRecord } from "../risk/size/record.ts";
import { requirementOf } from "../risk/size/requirement.ts";
import { findSizes, type SizeCandidate, type SizeOptions, type SizeQuestion } from "../risk/size/size.ts";
import { heapToSize } from "../risk/size/size-grid.ts";
import { loadScenario } from "../scenario/load.ts";
import { parseShare } from "../scenario/quantities.ts";
import { collect, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenario } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { LiveLine } from "./live-line.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { EXIT_CODES } from "./run.ts";
import { parseSeed, parseTimeOption, scenarioOptions } from "./scenario-options.ts";

interface SizeFlags {
  readonly risk: string;
  readonly horizon: string;
  readonly confidence: string;
  readonly allocators?: string;
  readonly heap?: string;
  readonly step?: string;
  readonly runs?: string;
  readonly failOn: FailOn;
  readonly seed?: string;
  readonly device?: string;
  readonly set?: string[];
  readonly maxCpu: string;
  readonly maxRuns?: string;
  readonly json?: string;
  readonly quiet?: boolean;
}

const BAD_INPUT = 2;
const MAX_CPU = "1h";
const RUNS_MOST = 1_000_000;

const EXAMPLES = `
The smallest size is one that meets the risk, as the next one does; the one below does not. More runs than needed let
a few fail and find a smaller size.

Examples:
  Which heap does each allocator need, if at most one device in a hundred may fail within a day?
    $ heapsoak size mqtt-tls --risk 1% --horizon 1d --allocators freertos-heap4,tlsf,newlib-nano
  The same for whole KiB, in fewer sizes:
    $ heapsoak size mqtt-tls --risk 1% --horizon 1d --step 1KiB
  A size with which no request is ever refused, even where the firmware copes:
    $ heapsoak size gateway.yaml --heap internal --risk 5% --horizon 7d --fail-on request

Exit codes: 0 a size was found for an allocator, 1 none up to the device's memory meets the risk, 2 bad input,
3 undecided.`;

/** `heapsoak size`: the smallest heap and stacks that meet a risk. */
export function sizeCommand(): Command {
  return new Command("size")
    .summary("the smallest heap and stacks that meet a risk")
    .description("Finds the smallest heap and stacks whose risk of failure is below a limit, for each allocator.")
    .argument("<scenario>", "a file, a folder with one, or the name of a shipped scenario")
    .requiredOption("--risk <share>", "the chance of failure within the horizon that may remain, such as 1% or 0.01")
    .requiredOption("--horizon <time>", "the time to survive, such as 30d")
    .option("--confidence <share>", "how sure the result has to be", "95%")
    .option("--allocators <a,b,c>", "the allocators (see: heapsoak allocators); the scenario's by default")
    .option("--heap <name>", "the heap to size; the first by default")
    .option(
      "--step <size>",
      "from one size to the next, such as 256 or 1/128 of the size now; the allocator's granule by default",
    )
    .option("--runs <n>", "runs of a size; by default the fewest that can show the risk, 299 for 1 %")
    .addOption(
      new Option("--fail-on <what>", "what counts: the run's failure, or a refused request of the heap")
        .choices(["failure", "request"])
        .default("failure"),
    )
    .option("--seed <n>", "first of the seeds; the scenario's by default")
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--max-cpu <time>", "refuse a search that takes more processor time", MAX_CPU)
    .option("--max-runs <n>", "refuse a search that takes more runs")
    .option("--json <file>", "write the record; - for standard output, everything else then goes to stderr")
    .option("--quiet", "no progress, only the result")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, flags: SizeFlags): Promise<void> {
  const question = await questionOf(findScenario(argument), flags);
  const limits = limitsOf(flags);
  if (flags.json !== undefined) await refuseUnwritable(flags.json);
  const line = new LiveLine(process.stderr);
  const record = await interruptible(
    (signal) => findSizes(question, { ...limits, signal, ...(flags.quiet ? {} : shownOn(line)) }),
    () => line.clear(),
  );
  line.clear();
  process.exitCode = exitCode(record);
  const out = flags.json === "-" ? process.stderr : process.stdout;
  out.write(sizeText(record, paintFor(out)));
  if (flags.json !== undefined) await writeWhole(flags.json, recordJson(record));
}

function shownOn(line: LiveLine): Pick<SizeOptions, "onCost" | "onProgress"> {
  return {
    onCost: (cost) => {
      line.clear();
      process.stderr.write(`${costText(cost)}\n`);
    },
    onProgress: ({ allocator, runs, expectedRuns }) =>
      line.update(() => `${allocator}: run ${formatCount(runs)} of about ${formatCount(expectedRuns)}`),
  };
}

async function questionOf(file: string, flags: SizeFlags): Promise<SizeQuestion> {
  const requirement = requirementOf(
    openShare(flags.risk, "--risk"),
    openShare(flags.confidence, "--confidence"),
    flags.runs === undefined ? undefined : parseCount(flags.runs, "--runs", 1, RUNS_MOST),
  );
  const horizonUs = parseTimeOption(flags.horizon, "--horizon");
  const { failOn } = flags;
  const seed = flags.seed === undefined ? undefined : parseSeed(flags.seed);
  const names = flags.allocators === undefined ? undefined : allocatorsOf(flags.allocators);
  const options = scenarioOptions(flags);
  const scenario = await loadScenario(file, options);
  const heap = heapToSize(scenario, flags.heap ?? scenario.heaps[0]?.name ?? "");
  const stepBytes = stepOf(flags.step, heap.parts[0]?.bytes ?? 0);
  const candidates: SizeCandidate[] = [];
  for (const allocator of names ?? [findAllocator(heap.allocator).name]) {
    const loading = loadScenario(file, { ...options, ...(names && { allocator: { [heap.name]: allocator } }) });
    candidates.push({ allocator, scenario: await orRefusal(loading) });
  }
  const baseSeed = seed ?? scenario.seed;
  return { scenario, heap: heap.name, candidates, requirement, horizonUs, failOn, baseSeed, stepBytes };
}

/** A scenario that an allocator does not suit is a result, too. */
async function orRefusal<T>(loading: Promise<T>): Promise<T | HeapsoakError> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof HeapsoakError) return error;
    throw error;
  }
}

/** Above 0 and below 1. */
function openShare(text: string, flag: string): number {
  try {
    const share = parseShare(text);
    if (share > 0 && share < 1) return share;
  } catch (cause) {
    if (!(cause instanceof HeapsoakError)) throw cause;
  }
  throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected a share above 0 and below 1.`, {
    hint: "For example 1% or 0.01.",
  });
}

/** Names of the catalogue, each once. */
function allocatorsOf(text: string): string[] {
  const names = parseAllocators(text).map((name) => findAllocator(name).name);
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated === undefined) return names;
  throw new HeapsoakError("bad-argument", `--allocators: "${repeated}" is given twice.`);
}

/** A size, or a share of the size now as `1/128`; the granule of the allocator by default. */
function stepOf(text: string | undefined, nowBytes: number): SizeQuestion["stepBytes"] {
  if (text === undefined) return (allocator) => granuleBytesOf(findAllocator(allocator));
  const parts = /^1\/([1-9]\d{0,5})$/.exec(text.trim());
  const bytes = parts ? Math.ceil(nowBytes / Number(parts[1]) / 8) * 8 : parseSize(text, "--step");
  if (bytes > 0) return () => bytes;
  throw new HeapsoakError("bad-argument", `--step: got "${text}", expected at least 1 byte.`);
}

function limitsOf({ maxCpu, maxRuns }: SizeFlags): Pick<SizeOptions, "cpuMostUs" | "runsMost"> {
  return {
    cpuMostUs: parseTimeOption(maxCpu, "--max-cpu"),
    ...(maxRuns !== undefined && { runsMost: parseCount(maxRuns, "--max-runs", 1, Number.MAX_SAFE_INTEGER) }),
  };
}

/** 0 where a size was found; else 3 where one is undecided, 1 where none meets the risk, 2 where none could run. */
function exitCode(record: SizeRecord): number {
  const isRefused = record.allocators.every(({ verdict }) => verdict === "refused");
  return isRefused ? BAD_INPUT : EXIT_CODES[verdictOf(record) ?? "undecided"];
}
