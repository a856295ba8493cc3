/**
 * A guided search for the run that fails first, or needs the largest heap. It keeps moments of runs as snapshots, goes
 * on from the most promising ones and from those it has visited least, each time with fresh randomness and for as
 * long as a few, or a few thousand, operations of the heap take, and keeps what is new. That is no proof and no
 * probability: what it finds can happen, as the scenario is written, and may be as unlikely as it likes.
 */
import { HeapsoakError } from "../../errors.ts";
import type { Scenario } from "../../scenario/model.ts";
import { type Best, Chase, type Quarry } from "./chase.ts";
import { type PhasesUs, phaseVariants } from "./phases.ts";
import { Choices } from "./random.ts";
import { neededBytes, traceOf, withHeapBytes } from "./recipe.ts";
import type { HuntFind, HuntGoal, HuntRecipe, HuntRecord } from "./record.ts";

export interface HuntRequest {
  /** What is hunted; `failure` by default. */
  readonly goal?: HuntGoal;
  /** The heap that is watched; the first by default. */
  readonly heap?: string;
  /** The scenario's uptime by default. */
  readonly horizonUs?: number;
  /** Of the choices and of the first run's draws; the scenario's by default. */
  readonly seed?: bigint;
  /** Instructions, events and snapshots in the same measure; STEPS_A_SECOND times 10 by default. */
  readonly budgetSteps?: number;
  /** False: first starts as written. */
  readonly variesPhases?: boolean;
  /** Ends the hunt where it is, with what it has found. */
  readonly signal?: AbortSignal;
  /** Told after every round. */
  readonly onRound?: (progress: HuntProgress) => void;
}

export interface HuntProgress {
  readonly spentSteps: number;
  readonly budgetSteps: number;
  readonly heapsSeen: number;
  /** Simulated time of the earliest failure, or bytes of the largest footprint, so far. */
  readonly best: number | undefined;
}

export interface Hunted {
  readonly record: HuntRecord;
  /** The pieces of a trace of the run that was found, or else of the run as written. */
  readonly trace: () => string[];
}

/** What a processor of 2020 runs in a second: the budget of a hunt is counted, not timed. */
export const STEPS_A_SECOND = 10_000_000;
const BUDGET_SECONDS = 10;
const PHASE_VARIANTS = 4;
/** The share of the budget for footprints; the rest is for refusals. */
const FOOTPRINT_SHARE = 0.3;
/** How much larger the heap is made where the largest need is hunted: the first that the device has room for. */
const ENLARGEMENTS = [4, 3, 2, 1.5, 1.25];

/** Hunts. Same scenario, request and version: same finds. Throws what laying out the scenario throws, `bad-argument`. */
export async function hunt(scenario: Scenario, request: HuntRequest = {}): Promise<Hunted> {
  return new Hunt(scenario, request).run();
}

class Hunt {
  readonly #request: HuntRequest;
  readonly #goal: HuntGoal;
  readonly #heap: number;
  readonly #seed: bigint;
  readonly #budget: number;
  readonly #variants: readonly PhasesUs[];
  /** With the horizon; and with the heap that is hunted on, a larger one where the need may be larger. */
  readonly #written: Scenario;
  readonly #hunted: Scenario;
  #spentSteps = 0;
  #heapsSeen = 0;
  #branches = 0;

  constructor(scenario: Scenario, request: HuntRequest) {
    this.#request = request;
    this.#goal = request.goal ?? "failure";
    this.#written = { ...scenario, uptimeUs: request.horizonUs ?? scenario.uptimeUs };
    this.#heap = heapIndex(scenario, request.heap);
    this.#seed = request.seed ?? scenario.seed;
    this.#budget = request.budgetSteps ?? BUDGET_SECONDS * STEPS_A_SECOND;
    const count = request.variesPhases === false ? 1 : PHASE_VARIANTS;
    this.#variants = phaseVariants(scenario, count, new Choices(this.#seed));
    this.#hunted = this.#goal === "heap" ? enlarged(this.#written, this.#heap) : this.#written;
  }

  async run(): Promise<Hunted> {
    if (this.#goal === "heap") return this.#runForHeap();
    const { chase, plain } = await this.#chase(this.#written, "failure", this.#budget);
    const best = chase.best && isEarlier(chase.best, plain) ? failureFind(chase.best) : null;
    return this.#recorded(failureFind(plain), best);
  }

  /**
   * First the largest footprint on a heap with room to spare; then, for as long as the budget lasts, refusals on the
   * very heap that serves the worst run so far, of which each needs a larger one.
   */
  async #runForHeap(): Promise<Hunted> {
    const { chase, plain } = await this.#chase(this.#hunted, "footprint", this.#budget * FOOTPRINT_SHARE);
    const stepBytes = chase.granuleBytes;
    const plainFind = this.#needOf(plain, { stepBytes, refusedBytes: 0 });
    const first = chase.best && this.#needOf(chase.best, { stepBytes, refusedBytes: 0 });
    let worst = first && isLarger(first, plainFind) ? first : plainFind;
    while (!worst.needsMore && this.#spentSteps < this.#budget && !this.#request.signal?.aborted) {
      const refusedBytes = worst.neededBytes ?? 0;
      const tight = withHeapBytes(this.#written, this.#heap, refusedBytes);
      if (!tight) break;
      const { chase: next } = await this.#chase(tight, "refusal", this.#budget - this.#spentSteps);
      if (!next.best) break;
      worst = this.#needOf(next.best, { stepBytes, refusedBytes });
    }
    return this.#recorded(plainFind, worst === plainFind ? null : worst);
  }

  async #chase(scenario: Scenario, quarry: Quarry, budgetSteps: number): Promise<{ chase: Chase; plain: Best }> {
    const before = { spent: this.#spentSteps, seen: this.#heapsSeen };
    const chase = new Chase({
      scenario,
      quarry,
      budgetSteps,
      heap: this.#heap,
      seed: this.#seed,
      variants: this.#variants,
      signal: this.#request.signal,
      onRound: ({ spentSteps, heapsSeen, best }) => {
        const found = quarry === "failure" ? best?.failure?.atUs : best?.footprintBytes;
        const [spent, seen] = [before.spent + spentSteps, before.seen + heapsSeen];
        this.#request.onRound?.({ spentSteps: spent, budgetSteps: this.#budget, heapsSeen: seen, best: found });
      },
    });
    const plain = await chase.run();
    this.#spentSteps += chase.spentSteps;
    this.#heapsSeen += chase.heapsSeen;
    this.#branches += chase.branches;
    return { chase, plain };
  }

  /** The run held against heaps of all sizes up to the one with room to spare. */
  #needOf({ recipe, failure }: Best, sizes: { readonly stepBytes: number; readonly refusedBytes: number }): HuntFind {
    const needed = neededBytes(this.#hunted, this.#heap, recipe, sizes);
    return {
      recipe,
      failure,
      neededBytes: needed ?? arenaOf(this.#hunted, this.#heap),
      needsMore: needed === undefined,
    };
  }

  #recorded(plain: HuntFind, found: HuntFind | null): Hunted {
    const { heaps, title, file, device, uptimeUs } = this.#written;
    const record: HuntRecord = {
      format: "heapsoak.hunt",
      version: 1,
      scenario: { title, path: file, device: device.id },
      goal: this.#goal,
      heap: heaps[this.#heap]?.name ?? "",
      allocator: heaps[this.#heap]?.allocator ?? "",
      arenaBytes: arenaOf(this.#written, this.#heap),
      huntedBytes: arenaOf(this.#hunted, this.#heap),
      horizonUs: uptimeUs,
      seed: String(this.#seed),
      budgetSteps: this.#budget,
      spentSteps: this.#spentSteps,
      branches: this.#branches,
      heapsSeen: this.#heapsSeen,
      phaseVariants: this.#variants.length,
      plain,
      found,
    };
    return { record, trace: () => this.#trace((found ?? plain).recipe) };
  }

  /** On the heap that was hunted on: what needs more than the scenario's own would end before its end there. */
  #trace(recipe: HuntRecipe): string[] {
    return traceOf(this.#hunted, this.#heap, recipe);
  }
}

function failureFind({ recipe, failure }: Best): HuntFind {
  return { recipe, failure, neededBytes: null, needsMore: false };
}

function isLarger(find: HuntFind, than: HuntFind): boolean {
  if (find.needsMore !== than.needsMore) return find.needsMore;
  return (find.neededBytes ?? 0) > (than.neededBytes ?? 0);
}

function isEarlier({ failure }: Best, { failure: other }: Best): boolean {
  return failure !== null && failure.atUs < (other?.atUs ?? Number.POSITIVE_INFINITY);
}

function heapIndex({ heaps }: Scenario, name: string | undefined): number {
  const index = name === undefined ? 0 : heaps.findIndex((heap) => heap.name === name);
  if (index >= 0 && index < heaps.length) return index;
  const names = heaps.map((heap) => heap.name).join(", ");
  const message = name === undefined ? "The scenario has no heap." : `There is no heap "${name}".`;
  throw new HeapsoakError("bad-argument", message, names === "" ? {} : { hint: `Heaps of the scenario: ${names}.` });
}

function arenaOf({ heaps }: Scenario, heap: number): number {
  return (heaps[heap]?.parts ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The scenario with the largest heap that the device has room for; as it is where it has several regions. */
function enlarged(scenario: Scenario, heap: number): Scenario {
  if (scenario.heaps[heap]?.parts.length !== 1) return scenario;
  for (const factor of ENLARGEMENTS) {
    const larger = withHeapBytes(scenario, heap, Math.floor((arenaOf(scenario, heap) * factor) / 8) * 8);
    if (larger) return larger;
  }
  return scenario;
}
