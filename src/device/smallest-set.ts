/**
 * The smallest set of live blocks whose release makes a request fit.
 *
 * A hole that serves the request lies between two live blocks that stay, so all blocks in it are released: the set
 * holds a run of neighbours, and no block outside the run is needed. With allocators that merge what is free side by
 * side a smallest set is therefore a run of neighbouring live blocks, which with the holes between and beside them is
 * large enough. Runs are tried from the shortest on, each by really releasing its blocks on the heap as it is and
 * asking again; only what then fits is told. For allocators that do not merge, the same order of trials finds what
 * there is to find among single blocks and neighbours.
 */

import { GuestFault } from "../wasm/guest-fault.ts";
import type { HeapBlock } from "../wasm/heap-record.ts";
import type { Device } from "./device.ts";
import type { Heap } from "./heap.ts";

/** A request on a heap as it stands. */
export interface HeapQuestion {
  readonly device: Device;
  readonly heap: Heap;
  readonly requestBytes: number;
  /** 0: the allocator's own. */
  readonly alignment: number;
  /** When a block was allocated, on any clock; the older of two equal sets is told. */
  readonly bornAt: (payload: number) => number;
  /** Payloads that stay. */
  readonly kept?: ReadonlySet<number>;
  /** Sets tried at most; 20,000 by default. */
  readonly trialsMost?: number;
}

/** The answer. */
export interface SmallestSet {
  /** In address order; empty: the request fits as it is. */
  readonly blocks: readonly HeapBlock[];
  /** Of the released blocks, headers included. */
  readonly releasedBytes: number;
  /** The largest request that would succeed once they are released. */
  readonly largestFreeBytes: number;
  /** Sets that were tried on the heap. */
  readonly tried: number;
}

const TRIALS_MOST = 20_000;

/** A run of neighbouring live blocks with the holes between and beside them. */
interface Run {
  readonly blocks: readonly HeapBlock[];
  readonly releasedBytes: number;
  readonly bornAt: number;
}

/**
 * The smallest set, by number of blocks, then by bytes, then the oldest. Undefined: there is none among the runs of
 * neighbours (the request is larger than the heap can serve), or it was not found within the trials. The device stays
 * as it is.
 */
export function smallestSet(question: HeapQuestion): SmallestSet | undefined {
  const { device, heap, trialsMost = TRIALS_MOST } = question;
  const before = device.snapshot();
  let tried = 0;
  const released = (blocks: readonly HeapBlock[]): SmallestSet | undefined => {
    tried++;
    const largestFreeBytes = askWithout(question, blocks);
    device.restore(before);
    const releasedBytes = blocks.reduce((sum, { bytes }) => sum + bytes, 0);
    return largestFreeBytes === undefined ? undefined : { blocks, releasedBytes, largestFreeBytes, tried };
  };
  const asItIs = released([]);
  if (asItIs) return asItIs;
  const blocks = [...heap.blocks()];
  const runs = new Runs(blocks, question.requestBytes, question.bornAt);
  for (let count = runs.least; count <= runs.live.length; count++) {
    for (const run of runs.ofLength(count)) {
      if (run.blocks.some(({ payload }) => question.kept?.has(payload))) continue;
      const found = released(run.blocks);
      if (found) return found;
      if (tried >= trialsMost) return undefined;
    }
  }
  return undefined;
}

/** What another set is to do without: the blocks of the first, and those that are as large as the request themselves. */
export function keptForOther(heap: Heap, requestBytes: number, { blocks }: SmallestSet): Set<number> {
  const large = [...heap.blocks()].filter(({ state, bytes }) => state === "live" && bytes >= requestBytes);
  return new Set([...blocks, ...large].map(({ payload }) => payload));
}

/** Releases the blocks and asks again: the largest request that would have succeeded then; undefined: refused. */
function askWithout({ heap, requestBytes, alignment }: HeapQuestion, blocks: readonly HeapBlock[]): number | undefined {
  try {
    for (const { payload } of blocks) heap.release(payload);
    const { largestFreeBytes } = heap.summary();
    return heap.allocate(requestBytes, alignment) === 0 ? undefined : largestFreeBytes;
  } catch (fault) {
    if (fault instanceof GuestFault) return undefined;
    throw fault;
  }
}

/** The runs of live neighbours of a heap that span enough bytes, by length. */
class Runs {
  readonly live: readonly HeapBlock[];
  /** No shorter run spans enough bytes. */
  readonly least: number;
  readonly #requestBytes: number;
  readonly #bornAt: (payload: number) => number;
  /** Before live block i, and behind the last: bytes of the holes there. */
  readonly #gaps: readonly number[];
  /** Bytes in front of live block i, the hole right in front of it included. */
  readonly #offsets: readonly number[];

  constructor(blocks: readonly HeapBlock[], requestBytes: number, bornAt: (payload: number) => number) {
    this.live = blocks.filter(({ state }) => state === "live");
    this.#requestBytes = requestBytes;
    this.#bornAt = bornAt;
    const gaps = [0];
    for (const { state, bytes } of blocks) {
      if (state === "live") gaps.push(0);
      else if (state !== "bookkeeping") gaps[gaps.length - 1] = (gaps.at(-1) ?? 0) + bytes;
    }
    this.#gaps = gaps;
    let sum = 0;
    this.#offsets = gaps.map((gap, index) => {
      sum += gap + (this.live[index - 1]?.bytes ?? 0);
      return sum;
    });
    this.least = this.#leastLength();
  }

  /** Those of `count` blocks, fewest bytes first, of equal ones the oldest. */
  ofLength(count: number): Run[] {
    const runs: Run[] = [];
    for (let first = 0; first + count <= this.live.length; first++) {
      if (this.#spanBytes(first, count) >= this.#requestBytes) runs.push(this.#run(first, count));
    }
    return runs.sort((a, b) => a.releasedBytes - b.releasedBytes || a.bornAt - b.bornAt);
  }

  #run(first: number, count: number): Run {
    const blocks = this.live.slice(first, first + count);
    return {
      blocks,
      releasedBytes: blocks.reduce((sum, { bytes }) => sum + bytes, 0),
      bornAt: Math.min(...blocks.map(({ payload }) => this.#bornAt(payload))),
    };
  }

  /** Bytes of the run with the holes between and beside its blocks. */
  #spanBytes(first: number, count: number): number {
    return (this.#offsets[first + count] ?? 0) - (this.#offsets[first] ?? 0) + (this.#gaps[first] ?? 0);
  }

  /** Of the runs that span enough, by two ends that move up. */
  #leastLength(): number {
    let least = this.live.length + 1;
    let end = 1;
    for (let first = 0; first < this.live.length; first++) {
      end = Math.max(end, first + 1);
      while (end < this.live.length && this.#spanBytes(first, end - first) < this.#requestBytes) end++;
      if (this.#spanBytes(first, end - first) >= this.#requestBytes) least = Math.min(least, end - first);
    }
    return least;
  }
}
