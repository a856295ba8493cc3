/** The exact worst case of an allocator on tiny heaps, by a search of all that an adversary can do. */
import type { OptionValues } from "../../allocators/entry.ts";
import { HeapsoakError } from "../../errors.ts";
import { affordableBudget } from "./affordable.ts";
import { COMPACT_UNITS_MOST, CompactGame } from "./compact-game.ts";
import { type Game, LIVE_MOST, type Move, searchGame } from "./game.ts";
import { play } from "./playing.ts";
import { HeapBench, type Policy, policyOf } from "./policy.ts";
import { RealGame } from "./real-game.ts";
import type { SizeResult, WorstRecord, WorstStep } from "./record.ts";
import { mostBlockUnits, worstBounds } from "./worst-bounds.ts";

export interface WorstRequest {
  /** A name or alias from the catalogue. */
  readonly allocator: string;
  readonly options?: OptionValues;
  /** Units that the adversary may hold at once. */
  readonly live: number;
  /** Units of its largest request: at most `live`. */
  readonly largest: number;
  /** Bytes of a unit of the requests; the least distance between two payloads by default. */
  readonly unitBytes?: number;
  /** States after which the search of one size gives up. */
  readonly statesMost?: number;
  /** Search the allocator itself also where a model of it would do. */
  readonly withoutModel?: boolean;
  /** Told of every size that is done. */
  readonly onSize?: (size: SizeResult) => void;
}

export interface WorstCase {
  readonly record: WorstRecord;
  /** The sequence as a trace, or undefined where there is none. */
  readonly trace: string | undefined;
}

/** States of one search by default: seconds either way. */
const STATES_MOST = { compact: 6_000_000, real: 250_000 } as const;
/** No machine holds more. */
export const STATES_CEILING = 200_000_000;
export const UNIT_BYTES_MOST = 256;
/** Sizes behind the least that survives on which the game is played as well. */
const CONFIRMED_SIZES = 2;

/**
 * Searches heap by heap, from the least that could do upwards, until one is not defeated by any sequence, nor are the
 * next two. Throws `bad-argument` for a budget without sense, `unknown-allocator`, `unknown-option`.
 */
export function worstCase(request: WorstRequest): WorstCase {
  refuseBadBudget(request);
  const policy = policyOf(request.allocator, request.options ?? {}, request.unitBytes);
  return new WorstSearch(policy, request).run();
}

class WorstSearch {
  readonly #policy: Policy;
  readonly #request: WorstRequest;
  readonly #bench: HeapBench;
  readonly #isModelled: boolean;
  readonly #statesMost: number;
  readonly #sizes: SizeResult[] = [];
  #defeat: { readonly heapUnits: number; readonly moves: readonly Move[] } | undefined;

  constructor(policy: Policy, request: WorstRequest) {
    this.#policy = policy;
    this.#request = request;
    this.#bench = new HeapBench(policy);
    this.#isModelled = policy.compact !== undefined && !request.withoutModel && request.live < COMPACT_UNITS_MOST;
    this.#statesMost = request.statesMost ?? STATES_MOST[this.#isModelled ? "compact" : "real"];
  }

  run(): WorstCase {
    const blockUnits = this.#blockUnits();
    const first = this.#leastUnits();
    const most = this.#mostUnits(first, blockUnits);
    for (let units = first; units <= most && !this.#isDecided(); units++) this.#search(units);
    const { steps, trace } = this.#played();
    const { live, largest } = this.#request;
    const { entry, options, unitBytes } = this.#policy;
    const outcome = this.#outcome();
    const record: WorstRecord = {
      format: "heapsoak.worst",
      version: 1,
      allocator: entry.name,
      options,
      unitBytes,
      liveUnits: live,
      largestUnits: largest,
      ownBytes: this.#ownBytes(outcome.heapUnits),
      ...outcome,
      heapBytes: outcome.heapUnits * unitBytes,
      bounds: worstBounds(this.#policy, live, blockUnits),
      sizes: this.#sizes,
      sequence: this.#defeat ? { heapUnits: this.#defeat.heapUnits, steps } : null,
      affordable: this.#affordable(outcome),
    };
    return { record, trace };
  }

  #search(heapUnits: number): void {
    const game = this.#game(heapUnits);
    if (!game) return;
    const { live, largest } = this.#request;
    const result = searchGame(game, { live, largest, statesMost: this.#statesMost });
    if (result.kind === "defeated") this.#defeat = { heapUnits, moves: result.moves };
    const moves = result.kind === "defeated" ? result.moves.length : null;
    const size: SizeResult = { heapUnits, outcome: result.kind, states: result.states, moves };
    this.#sizes.push(size);
    this.#request.onSize?.(size);
  }

  #game(units: number): Game | undefined {
    const { compact, unitBytes } = this.#policy;
    if (compact && this.#isModelled) return new CompactGame(compact, units);
    const heap = this.#bench.heap(units);
    return heap && new RealGame(this.#bench.device, heap, unitBytes, this.#request.live);
  }

  /** Decided are the last sizes together that are not defeated, or one that is too large to know. */
  #isDecided(): boolean {
    const last = this.#sizes.slice(-1 - CONFIRMED_SIZES);
    const isConfirmed = last.length > CONFIRMED_SIZES && last.every(({ outcome }) => outcome === "survives");
    return isConfirmed || last.at(-1)?.outcome === "beyond";
  }

  #outcome(): Pick<WorstRecord, "verdict" | "heapUnits" | "monotone"> {
    const sizes = this.#sizes;
    const lastDefeat = sizes.findLastIndex(({ outcome }) => outcome === "defeated");
    const least = sizes[lastDefeat + 1];
    if (!least) return { verdict: "no-heap", heapUnits: sizes.at(-1)?.heapUnits ?? 0, monotone: null };
    if (least.outcome === "beyond") return { verdict: "undecided", heapUnits: least.heapUnits, monotone: null };
    const survivedBefore = sizes.slice(0, Math.max(lastDefeat, 0)).some(({ outcome }) => outcome === "survives");
    const isConfirmed = sizes.length - lastDefeat - 1 > CONFIRMED_SIZES;
    const monotone = survivedBefore ? false : isConfirmed && sizes.at(-1)?.outcome === "survives" ? true : null;
    return { verdict: "exact", heapUnits: least.heapUnits, monotone };
  }

  /** The sequence that the search found, on the allocator itself: what a model says is not believed. */
  #played(): { steps: readonly WorstStep[]; trace: string | undefined } {
    if (!this.#defeat) return { steps: [], trace: undefined };
    const { heapUnits, moves } = this.#defeat;
    const { steps, trace } = play(this.#bench, this.#policy, heapUnits, moves);
    if (steps.findIndex(({ refused }) => refused) !== steps.length - 1) {
      throw new Error(`${this.#policy.entry.name}: the sequence found for ${heapUnits} units does not defeat it`);
    }
    return { steps, trace };
  }

  /** One less than the least heap that serves the plainest programs: below it, defeats are trivial. */
  #leastUnits(): number {
    for (let units = this.#request.live; units <= this.#bench.unitsMost; units++) {
      const { live, largest } = this.#request;
      if ([1, largest].every((size) => this.#serves(units, size, Math.floor(live / size)))) {
        return this.#bench.heap(units - 1) ? units - 1 : units;
      }
    }
    throw this.#servesNot();
  }

  #serves(heapUnits: number, requestUnits: number, times: number): boolean {
    const heap = this.#bench.heap(heapUnits);
    if (!heap) return false;
    for (let i = 0; i < times; i++) if (heap.allocate(requestUnits * this.#policy.unitBytes) === 0) return false;
    return true;
  }

  #mostUnits(first: number, blockUnits: readonly number[]): number {
    if (this.#isModelled) return COMPACT_UNITS_MOST;
    const { live, largest } = this.#request;
    const growth = Math.ceil(mostBlockUnits(live, blockUnits) * (largest + 1));
    return Math.min(first + growth, this.#bench.unitsMost);
  }

  /** Units of the block of each request, header and rounding included, on a heap with room. */
  #blockUnits(): number[] {
    const { unitBytes } = this.#policy;
    return Array.from({ length: this.#request.largest }, (_, index) => {
      const heap = this.#bench.heap(this.#bench.unitsMost);
      if (!heap || heap.allocate((index + 1) * unitBytes) === 0) throw this.#servesNot();
      return heap.summary().liveBytes / unitBytes;
    });
  }

  /** Bytes of the heap that are not free while it is empty. */
  #ownBytes(units: number): number {
    const heap = this.#bench.heap(units);
    return heap ? units * this.#policy.unitBytes - heap.summary().freeBytes : 0;
  }

  #affordable({ verdict, heapUnits }: Pick<WorstRecord, "verdict" | "heapUnits">): WorstRecord["affordable"] {
    const { live, largest } = this.#request;
    return verdict === "undecided" ? affordableBudget({ live, largest, heapUnits }, this.#statesMost) : null;
  }

  #servesNot(): HeapsoakError {
    const { entry, unitBytes } = this.#policy;
    const bytes = this.#request.largest * unitBytes;
    return new HeapsoakError("bad-argument", `${entry.name} refuses ${bytes} bytes on every heap of this search.`, {
      hint: "Take a smaller --largest or --unit, or another --option.",
    });
  }
}

function refuseBadBudget({ live, largest, unitBytes = 1, statesMost = 1 }: WorstRequest): void {
  const wrong = (what: string, got: number, least: number, most: number) =>
    Number.isInteger(got) && got >= least && got <= most
      ? undefined
      : new HeapsoakError("bad-argument", `${what}: got ${got}, expected a whole number from ${least} to ${most}.`);
  const error =
    wrong("live", live, 1, LIVE_MOST) ??
    wrong("largest", largest, 1, LIVE_MOST) ??
    wrong("unit", unitBytes, 1, UNIT_BYTES_MOST) ??
    wrong("states", statesMost, 1, STATES_CEILING);
  if (error) throw error;
  if (largest <= live) return;
  throw new HeapsoakError("bad-argument", `A largest request of ${largest} units with at most ${live} live.`, {
    hint: "The largest request is part of what is live: --largest is at most --live.",
  });
}
