/** The smallest heap and stacks of a scenario that meet a risk, for each of several allocators. */
import { createHash } from "node:crypto";
import { HeapsoakError } from "../../errors.ts";
import type { Scenario } from "../../scenario/model.ts";
import { packageVersion } from "../../version.ts";
import { coreDigest } from "../../wasm/module.ts";
import type { FailOn } from "../run/cell.ts";
import { costOf, refuseCost, type SizeCost } from "./cost.ts";
import { boundsOf, largestBlockBytes } from "./demand.ts";
import { evidenceOf, monotonicityOf } from "./evidence.ts";
import { Meter, SearchStopped, type StopReason } from "./meter.ts";
import type { AllocatorSize, SearchedAllocator, SizeRecord } from "./record.ts";
import type { Requirement } from "./requirement.ts";
import { type FoundSize, SizeSearch } from "./search.ts";
import { heapToSize, SizeGrid } from "./size-grid.ts";
import { stackSizes } from "./stacks.ts";
import { Trials } from "./trials.ts";

/** An allocator to size the heap for: the scenario with it, or why there is none. */
export interface SizeCandidate {
  readonly allocator: string;
  readonly scenario: Scenario | HeapsoakError;
}

export interface SizeQuestion {
  /** As it stands: its stacks and the size of its heap now. */
  readonly scenario: Scenario;
  readonly heap: string;
  readonly candidates: readonly SizeCandidate[];
  readonly requirement: Requirement;
  readonly horizonUs: number;
  readonly failOn: FailOn;
  readonly baseSeed: bigint;
  /** Bytes from one size to the next, for an allocator. */
  readonly stepBytes: (allocator: string) => number;
}

export interface SizeOptions {
  readonly signal?: AbortSignal;
  /** Limits on the search of all allocators: beyond them it is refused, or ends undecided where the estimate was wrong. */
  readonly runsMost?: number;
  readonly cpuMostUs?: number;
  /** What it is going to take, before it begins. */
  readonly onCost?: (cost: SizeCost) => void;
  readonly onProgress?: (progress: SizeProgress) => void;
}

export interface SizeProgress {
  readonly allocator: string;
  readonly runs: number;
  readonly expectedRuns: number;
}

/** Runs with the largest heap, from which the cost is estimated. */
const PILOT_RUNS = 2;

/** A search that can begin, or why it cannot. */
type Prepared = { readonly allocator: string } & (
  | { readonly trials: Trials; readonly runCpuUs: number; readonly largestBytes: number | undefined }
  | { readonly refused: string }
);
type Searchable = Extract<Prepared, { trials: Trials }>;

/**
 * Looks for the smallest sizes. The result depends on the question alone, unless the signal or a limit ends the search:
 * it then says what is known. Throws `bad-argument` where it would cost more than a limit, or no such heap can be sized.
 */
export async function findSizes(question: SizeQuestion, options: SizeOptions = {}): Promise<SizeRecord> {
  const search = new Search(question, options);
  return search.run();
}

class Search {
  readonly #question: SizeQuestion;
  readonly #options: SizeOptions;
  readonly #meter: Meter;
  readonly #results: AllocatorSize[] = [];
  readonly #deepestBytes = new Map<string, number>();
  #stopped: StopReason | null = null;
  #allocator = "";
  #expectedRuns = 0;

  constructor(question: SizeQuestion, options: SizeOptions) {
    this.#question = question;
    this.#options = options;
    const { signal, runsMost, cpuMostUs, onProgress } = options;
    this.#meter = new Meter({
      signal,
      runsMost,
      cpuMostUs,
      onProgress:
        onProgress &&
        ((runs) => onProgress({ allocator: this.#allocator, runs, expectedRuns: Math.max(runs, this.#expectedRuns) })),
    });
  }

  async run(): Promise<SizeRecord> {
    heapToSize(this.#question.scenario, this.#question.heap);
    const prepared = await this.#prepareAll();
    if (this.#stopped === null) this.#announce(prepared);
    for (const one of prepared) {
      this.#results.push("refused" in one ? refusedResult(one) : await this.#search(one));
    }
    return this.#record();
  }

  async #prepareAll(): Promise<Prepared[]> {
    const prepared: Prepared[] = [];
    for (const candidate of this.#question.candidates) {
      this.#allocator = candidate.allocator;
      prepared.push(await this.#prepare(candidate));
    }
    return prepared;
  }

  async #prepare({ allocator, scenario }: SizeCandidate): Promise<Prepared> {
    if (scenario instanceof HeapsoakError) return { allocator, refused: scenario.message };
    const { heap, horizonUs, failOn, baseSeed, stepBytes } = this.#question;
    try {
      const grid = new SizeGrid({ scenario, heap, horizonUs, failOn }, stepBytes(allocator));
      const trials = new Trials(grid, baseSeed, this.#meter);
      return { allocator, trials, ...(await this.#pilot(trials)) };
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      return { allocator, refused: error.message };
    }
  }

  /** A few runs with the largest heap: what one costs, and what the firmware asks for at most. */
  async #pilot(trials: Trials): Promise<{ runCpuUs: number; largestBytes: number | undefined }> {
    let runCpuUs = 0;
    let largestBytes: number | undefined;
    await this.#untilStopped(async () => {
      const { runs } = this.#question.requirement;
      for (let run = 0; run < Math.min(PILOT_RUNS, runs); run++) {
        const startUs = this.#meter.cpuUs;
        await trials.fails(trials.grid.last, run);
        runCpuUs = this.#meter.cpuUs - startUs; // of the last: the first one also compiles
      }
      largestBytes = await largestBlockBytes(trials.grid, trials.seed(0), this.#meter);
    });
    return { runCpuUs, largestBytes };
  }

  /** Says what it will cost, and refuses where that is too much. */
  #announce(prepared: readonly Prepared[]): void {
    const { requirement, horizonUs } = this.#question;
    const searches = prepared.flatMap((one) => {
      return "trials" in one ? [{ grid: one.trials.grid, runCpuUs: one.runCpuUs }] : [];
    });
    if (searches.length === 0) return;
    const cost = costOf(requirement, searches);
    this.#expectedRuns = cost.runs;
    refuseCost(cost, this.#options, { requirement, horizonUs });
    this.#options.onCost?.(cost);
  }

  async #search({ allocator, trials, largestBytes }: Searchable): Promise<SearchedAllocator> {
    this.#allocator = allocator;
    const search = new SizeSearch(trials, this.#question.requirement);
    const decided = await this.#untilStopped(() => search.find(trials.grid.sizeOf(trials.peakLiveBytes)));
    for (const [name, bytes] of trials.deepestBytes) {
      this.#deepestBytes.set(name, Math.max(bytes, this.#deepestBytes.get(name) ?? 0));
    }
    return this.#result(trials, { found: search.found, decided, largestBytes });
  }

  /** Whether the work came to its end; what stops one search stops all. */
  async #untilStopped(work: () => Promise<void>): Promise<boolean> {
    if (this.#stopped !== null) return false;
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof SearchStopped)) throw error;
      this.#stopped = error.reason;
      return false;
    }
  }

  #result(
    trials: Trials,
    { found, decided, largestBytes }: { found: FoundSize; decided: boolean; largestBytes: number | undefined },
  ): SearchedAllocator {
    const { confidence, runs, failuresMost } = this.#question.requirement;
    const { grid } = trials;
    const { size } = found;
    const evidence = (at: number) => evidenceOf(trials, at, confidence);
    const verdict = size !== undefined ? "found" : decided ? "none" : "undecided";
    const refuted = trials.sizes.findLast((tried) => tried.unusable || tried.failures > failuresMost)?.size ?? 0;
    const peak = trials.peakLiveBytes;
    const bounds = peak > 0 && largestBytes !== undefined ? boundsOf(grid.allocator, peak, largestBytes) : undefined;
    return {
      allocator: grid.allocator,
      verdict,
      stepBytes: grid.stepBytes,
      mostBytes: grid.bytes(grid.last),
      heapBytes: size === undefined ? null : grid.bytes(size),
      steadyBytes: found.steady === undefined ? null : grid.bytes(found.steady),
      at: size === undefined ? null : evidence(size),
      below: size === undefined ? null : evidence(size - 1),
      above: size === undefined ? null : evidence(size + 1),
      most: evidence(grid.last),
      refutedBytes: verdict === "undecided" ? grid.bytes(refuted) : null,
      candidateBytes: verdict === "undecided" ? candidateBytes(trials, refuted) : null,
      peakLiveBytes: peak > 0 ? peak : null,
      largestBlockBytes: largestBytes ?? null,
      unavoidable: bounds?.unavoidable ?? null,
      policy: bounds?.policy ?? null,
      monotone: monotonicityOf(trials, this.#question.requirement, size),
      runsTaken: trials.runs,
      steps: trials.steps,
      gridSizes: grid.last,
      gridRuns: grid.last * runs,
    };
  }

  #record(): SizeRecord {
    const { scenario, heap, requirement, horizonUs, failOn, baseSeed } = this.#question;
    const { risk, confidence, runs, failuresMost } = requirement;
    return {
      format: "heapsoak.size",
      version: 1,
      provenance: {
        heapsoak: packageVersion(),
        core: coreDigest(),
        scenario: createHash("sha256").update(scenario.source).digest("hex"),
      },
      scenario: { title: scenario.title, path: scenario.file, device: scenario.device.id },
      heap,
      nowBytes: heapToSize(scenario, heap).parts[0]?.bytes ?? 0,
      horizonUs,
      failOn,
      risk,
      confidence,
      runs,
      failuresMost,
      baseSeed: String(baseSeed),
      stopped: this.#stopped,
      allocators: this.#results,
      stacks: this.#deepestBytes.size > 0 ? stackSizes(scenario, this.#deepestBytes) : [],
      runsTaken: this.#meter.runs,
    };
  }
}

function refusedResult({ allocator, refused }: { allocator: string; refused: string }): AllocatorSize {
  return { allocator, verdict: "refused", reason: refused };
}

/** The smallest size above all that are refuted in which some run survived; null where there is none. */
function candidateBytes(trials: Trials, refuted: number): number | null {
  const open = trials.sizes.find(({ size, failed, failures }) => size > refuted && failed.size > failures);
  return open ? trials.grid.bytes(open.size) : null;
}
