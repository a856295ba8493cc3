import { Command } from "commander";
import { findAllocator } from "../allocators/catalogue.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import { type ComparedRun, compareText } from "../report/compare-text.ts";
import { recordJson } from "../report/record-json.ts";
import { loadScenario } from "../scenario/load.ts";
import type { HeapModel, Scenario } from "../scenario/model.ts";
import type { RunRecord, Verdict } from "../soak/record.ts";
import { collect } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenario } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { EXIT_CODES } from "./run.ts";
import { RunProgress } from "./run-progress.ts";
import { runOptions, type ScenarioFlags, scenarioOptions } from "./scenario-options.ts";
import { soakWithProgress } from "./soak-with-progress.ts";

interface CompareOptions extends Omit<ScenarioFlags, "allocator" | "heapSize"> {
  readonly allocators?: string;
  readonly heapSizes?: string;
  readonly heap?: string;
  readonly json?: string;
  readonly quiet?: boolean;
}

/** An allocator and a size to run the scenario on. Undefined: as the scenario has it. */
interface Candidate {
  readonly allocator: string | undefined;
  readonly size: string | undefined;
}

const COMPARE_FORMAT = "heapsoak.compare";
const CANDIDATES_MOST = 1000;
const BAD_INPUT = 2;

const EXAMPLES = `
Examples:
  Which allocator survives on the heap as it is?
    $ heapsoak compare mqtt-tls --allocators freertos-heap4,tlsf,newlib-nano
  And on which size?
    $ heapsoak compare mqtt-tls --allocators freertos-heap4,tlsf --heap-sizes 36KiB,40KiB,44KiB --uptime 7d

Exit codes: 0 a candidate passes, 1 none does, 2 bad input, 3 none passes and some are undecided.`;

/** `heapsoak compare`: one scenario on several allocators and sizes, with the same random draws. */
export function compareCommand(): Command {
  return new Command("compare")
    .summary("run a scenario on several allocators and heap sizes")
    .description("Runs a scenario on several allocators and heap sizes, with the same random draws, for one table.")
    .argument("<scenario>", "a file, a folder with one, or the name of a shipped scenario")
    .option("--allocators <a,b,c>", "the allocators (see: heapsoak allocators); the scenario's by default")
    .option("--heap-sizes <a,b,c>", "sizes of the heap, such as 36KiB,40KiB; the scenario's by default")
    .option("--heap <name>", "the heap that changes; the first by default")
    .option("--uptime <time>", "how long to simulate, such as 30d; the scenario's by default")
    .option("--seed <n>", "seed of all random draws; the scenario's by default")
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--json <file>", "write all records; - for standard output, everything else then goes to stderr")
    .option("--quiet", "no progress, only the table")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, options: CompareOptions): Promise<void> {
  const candidates = candidatesOf(options);
  const file = findScenario(argument);
  const original = await loadScenario(file, scenarioOptions(options));
  const comparison = new Comparison(file, heapOf(original, options.heap), options);
  if (options.json !== undefined) await refuseUnwritable(options.json);
  await interruptible(
    (signal) => comparison.run(candidates, signal),
    () => comparison.clear(),
  );
  process.exitCode = exitCode(comparison.runs);
  const out = options.json === "-" ? process.stderr : process.stdout;
  out.write(compareText(comparison.heap.name, comparison.runs, paintFor(out)));
  if (options.json !== undefined) await writeWhole(options.json, recordJson(comparison.json()));
}

/** Runs one scenario on each candidate, one after the other. */
class Comparison {
  readonly heap: HeapModel;
  readonly runs: ComparedRun[] = [];
  readonly #file: string;
  readonly #options: CompareOptions;
  #progress: RunProgress | undefined;

  constructor(file: string, heap: HeapModel, options: CompareOptions) {
    this.#file = file;
    this.heap = heap;
    this.#options = options;
  }

  /** Runs all of them, or those up to an interruption. */
  async run(candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
    for (const candidate of candidates) {
      if (signal.aborted) return;
      const { size } = candidate;
      const allocator = candidate.allocator ?? this.heap.allocator;
      this.runs.push({ allocator, size: size ?? null, result: await this.#result(candidate, signal) });
    }
  }

  clear(): void {
    this.#progress?.clear();
  }

  json(): object {
    const { title, path, seed } = this.#records()[0]?.scenario ?? { title: "", path: this.#file, seed: null };
    const scenario = { title, path, seed, heap: this.heap.name };
    return { format: COMPARE_FORMAT, version: 1, scenario, runs: this.runs.map(runJson) };
  }

  /** A candidate that the device or the allocator refuses is a result, too. */
  async #result({ allocator, size }: Candidate, signal: AbortSignal): Promise<ComparedRun["result"]> {
    const { name } = this.heap;
    try {
      const scenario = await loadScenario(this.#file, {
        ...scenarioOptions(this.#options),
        ...(allocator !== undefined && { allocator: { [name]: allocator } }),
        ...(size !== undefined && { heapSize: { [name]: size } }),
      });
      const label = `${[allocator, size].filter((part) => part !== undefined).join(" ")}: `;
      this.#progress = this.#options.quiet ? undefined : new RunProgress(process.stderr, { label });
      const { record } = await soakWithProgress(scenario, { ...runOptions(this.#options), signal }, this.#progress);
      return { record };
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      return { refused: error.message };
    }
  }

  #records(): RunRecord[] {
    return this.runs.flatMap(({ result }) => ("record" in result ? [result.record] : []));
  }
}

function runJson({ allocator, size, result }: ComparedRun): object {
  return { allocator, size, ...result };
}

/** Every allocator on every size, in the order given. Throws `bad-argument`, `unknown-allocator`. */
function candidatesOf({ allocators, heapSizes }: CompareOptions): Candidate[] {
  if (allocators === undefined && heapSizes === undefined) {
    throw new HeapsoakError("bad-argument", "A comparison needs --allocators, --heap-sizes or both.");
  }
  const names = allocators === undefined ? [undefined] : listed(allocators, "--allocators");
  const sizes = heapSizes === undefined ? [undefined] : listed(heapSizes, "--heap-sizes");
  for (const name of names) if (name !== undefined) findAllocator(name);
  for (const size of sizes) if (size !== undefined) parseSize(size, "--heap-sizes");
  if (names.length * sizes.length > CANDIDATES_MOST) {
    throw new HeapsoakError("bad-argument", `More than ${CANDIDATES_MOST} candidates at once.`);
  }
  return names.flatMap((allocator) => sizes.map((size) => ({ allocator, size })));
}

function listed(text: string, flag: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected a,b,c.`);
  return words;
}

function heapOf({ heaps }: Scenario, name: string | undefined): HeapModel {
  const heap = name === undefined ? heaps[0] : heaps.find((candidate) => candidate.name === name);
  if (heap) return heap;
  const names = heaps.map((candidate) => candidate.name);
  throw new HeapsoakError(
    "bad-argument",
    name === undefined ? "The scenario has no heap." : `There is no heap "${name}".`,
    {
      ...(names.length > 0 && { hint: `Heaps of the scenario: ${names.join(", ")}.` }),
    },
  );
}

/** 0 where one passes; else 3 where one is undecided, 1 where all fail, 2 where none could run. */
function exitCode(runs: readonly ComparedRun[]): number {
  const verdicts = new Set<Verdict>(runs.flatMap(({ result }) => ("record" in result ? [result.record.verdict] : [])));
  const decisive = (["pass", "undecided", "fail"] as const).find((verdict) => verdicts.has(verdict));
  return decisive === undefined ? BAD_INPUT : EXIT_CODES[decisive];
}
