import { Command } from "commander";
import { findAllocator } from "../allocators/catalogue.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import { guardsText } from "../report/check-text.ts";
import { compareText } from "../report/compare-text.ts";
import {
  COMPARE_FORMAT,
  type ComparedCandidate,
  type ComparedStack,
  type CompareRecord,
} from "../report/report-record.ts";
import { bestVerdict } from "../risk/verdict.ts";
import { loadScenario } from "../scenario/load.ts";
import type { HeapModel, Scenario } from "../scenario/model.ts";
import type { RunRecord } from "../soak/record.ts";
import { collect } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenarios, scenarioName } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { refuseOutputs, reportStream, withHtmlOption, writeOutputs } from "./record-outputs.ts";
import { EXIT_CODES } from "./run.ts";
import { RunProgress } from "./run-progress.ts";
import { runOptions, type ScenarioFlags, scenarioOptions } from "./scenario-options.ts";
import { soakWithProgress } from "./soak-with-progress.ts";

interface CompareOptions extends Omit<ScenarioFlags, "allocator" | "heapSize"> {
  readonly allocators?: string;
  readonly heapSizes?: string;
  readonly heap?: string;
  readonly stack?: string;
  readonly json?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

/** A scenario, and an allocator and a size to run it on. Undefined: as the scenario has it. */
interface Candidate {
  readonly file: string;
  readonly heap: HeapModel | undefined;
  /** The protection of the stack that is compared, or undefined. */
  readonly protection: string | undefined;
  readonly allocator: string | undefined;
  readonly size: string | undefined;
}

type RunResult = { readonly record: RunRecord } | { readonly refused: string };

const CANDIDATES_MOST = 1000;
const BAD_INPUT = 2;

const EXAMPLES = `
Examples:
  Which allocator survives on the heap as it is?
    $ heapsoak compare mqtt-tls --allocators freertos-heap4,tlsf,newlib-nano
  And on which size?
    $ heapsoak compare mqtt-tls --allocators freertos-heap4,tlsf --heap-sizes 36KiB,40KiB,44KiB --uptime 7d
  Several scenarios side by side, such as one program with different ways to own its memory:
    $ heapsoak compare ownership-manual ownership-raii ownership-counted ownership-traced
  One overflow of one task's stack under different guards:
    $ heapsoak compare overflow-none overflow-mpu overflow-freertos-2 --stack command

Exit codes: 0 a candidate passes, 1 none does, 2 bad input, 3 none passes and some are undecided.`;

/** `heapsoak compare`: scenarios on several allocators and sizes, with the same random draws. */
export function compareCommand(): Command {
  const command = new Command("compare")
    .summary("run scenarios on several allocators and heap sizes")
    .description("Runs scenarios on several allocators and heap sizes, with the same random draws, for one table.")
    .argument("<scenario...>", "files, folders, or names of shipped scenarios")
    .option("--allocators <a,b,c>", "the allocators (see: heapsoak allocators); the scenario's by default")
    .option("--heap-sizes <a,b,c>", "sizes of the heap, such as 36KiB,40KiB; the scenario's by default")
    .option("--heap <name>", "the heap that changes; the first by default")
    .option("--stack <task>", "also compare what notices an overflow of this task's stack")
    .option("--uptime <time>", "how long to simulate, such as 30d; the scenario's by default")
    .option("--seed <n>", "seed of all random draws; the scenario's by default")
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--json <file>", "write all records; - for standard output, everything else then goes to stderr");
  return withHtmlOption(command)
    .option("--quiet", "no progress, only the table")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(args: readonly string[], options: CompareOptions): Promise<void> {
  const candidates = await candidatesOf(findScenarios(args), options);
  await refuseOutputs(options);
  const comparison = new Comparison(options);
  await interruptible(
    (signal) => comparison.run(candidates, signal),
    () => comparison.clear(),
  );
  const { runs } = comparison;
  process.exitCode = exitCode(runs);
  const stack = comparedStack(candidates, options.stack);
  const record: CompareRecord = { format: COMPARE_FORMAT, version: 1, runs, ...(stack && { stack }) };
  const out = reportStream(options);
  out.write(compareText(record, paintFor(out)));
  await writeOutputs(options, { name: "comparison", record });
}

function comparedStack(candidates: readonly Candidate[], task: string | undefined): ComparedStack | undefined {
  return task === undefined
    ? undefined
    : { task, protections: candidates.map(({ protection }) => protection ?? "none") };
}

/** Runs the candidates, one after the other. */
class Comparison {
  readonly runs: ComparedCandidate[] = [];
  readonly #options: CompareOptions;
  #progress: RunProgress | undefined;

  constructor(options: CompareOptions) {
    this.#options = options;
  }

  /** Runs all of them, or those up to an interruption. */
  async run(candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
    for (const candidate of candidates) {
      if (signal.aborted) return;
      const { file, heap, size } = candidate;
      this.runs.push({
        scenario: scenarioName(file),
        heap: heap?.name ?? null,
        allocator: candidate.allocator ?? heap?.allocator ?? null,
        size: size ?? null,
        ...(await this.#result(candidate, signal)),
      });
    }
  }

  clear(): void {
    this.#progress?.clear();
  }

  /** A candidate that the device or the allocator refuses is a result, too. */
  async #result({ file, heap, allocator, size }: Candidate, signal: AbortSignal): Promise<RunResult> {
    const name = heap?.name ?? "";
    try {
      const scenario = await loadScenario(file, {
        ...scenarioOptions(this.#options),
        ...(allocator !== undefined && { allocator: { [name]: allocator } }),
        ...(size !== undefined && { heapSize: { [name]: size } }),
      });
      const label = [scenarioName(file), allocator, size].filter((part) => part !== undefined).join(" ");
      this.#progress = this.#options.quiet ? undefined : new RunProgress(process.stderr, { label: `${label}: ` });
      const { record } = await soakWithProgress(scenario, { ...runOptions(this.#options), signal }, this.#progress);
      return { record };
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      return { refused: error.message };
    }
  }
}

/** Every scenario on every allocator and size, in the order given. Throws what is wrong with any of them. */
async function candidatesOf(files: readonly string[], options: CompareOptions): Promise<Candidate[]> {
  const { allocators, heapSizes } = options;
  if (allocators === undefined && heapSizes === undefined && files.length === 1) {
    throw new HeapsoakError("bad-argument", "A comparison needs --allocators, --heap-sizes, or several scenarios.");
  }
  const names = allocators === undefined ? [undefined] : listed(allocators, "--allocators");
  const sizes = heapSizes === undefined ? [undefined] : listed(heapSizes, "--heap-sizes");
  for (const name of names) if (name !== undefined) findAllocator(name);
  for (const size of sizes) if (size !== undefined) parseSize(size, "--heap-sizes");
  if (files.length * names.length * sizes.length > CANDIDATES_MOST) {
    throw new HeapsoakError("bad-argument", `More than ${CANDIDATES_MOST} candidates at once.`);
  }
  const candidates: Candidate[] = [];
  for (const file of files) {
    const scenario = await loadScenario(file, scenarioOptions(options));
    const changesHeap = allocators !== undefined || heapSizes !== undefined || options.heap !== undefined;
    const heap = changesHeap ? heapOf(scenario, options.heap) : scenario.heaps[0];
    const protection = options.stack === undefined ? undefined : protectionOf(scenario, options.stack);
    for (const allocator of names) {
      for (const size of sizes) candidates.push({ file, heap, protection, allocator, size });
    }
  }
  return candidates;
}

function listed(text: string, flag: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected a,b,c.`);
  const repeated = words.find((word, index) => words.indexOf(word) < index);
  if (repeated !== undefined) throw new HeapsoakError("bad-argument", `${flag}: "${repeated}" is given twice.`);
  return words;
}

function heapOf({ heaps }: Scenario, name: string | undefined): HeapModel {
  const heap = name === undefined ? heaps[0] : heaps.find((candidate) => candidate.name === name);
  if (heap) return heap;
  const message = name === undefined ? "The scenario has no heap." : `There is no heap "${name}".`;
  throw unknownName(message, "Heaps", heaps);
}

/** The guards of the task's stack in words. Throws `bad-argument`. */
function protectionOf({ title, tasks }: Scenario, name: string): string {
  const task = tasks.find((candidate) => candidate.name === name);
  if (!task) throw unknownName(`"${title}" has no task "${name}".`, "Tasks", tasks);
  return guardsText(task.stack);
}

function unknownName(message: string, kind: string, named: readonly { readonly name: string }[]): HeapsoakError {
  const names = named.map(({ name }) => name).join(", ");
  return new HeapsoakError("bad-argument", message, names === "" ? {} : { hint: `${kind} of the scenario: ${names}.` });
}

/** 0 where one passes; else 3 where one is undecided, 1 where all fail, 2 where none could run. */
function exitCode(runs: readonly ComparedCandidate[]): number {
  const verdicts = runs.flatMap((run) => ("record" in run ? [run.record.verdict] : []));
  return verdicts.length === 0 ? BAD_INPUT : EXIT_CODES[bestVerdict(verdicts)];
}
