/** Looks at a heap at times spread over a window: what replay and run are compared by. */
import { Random } from "../../statistics/random.ts";
import type { HeapSummary } from "../../wasm/heap-record.ts";

/** Looks at a heap in a window. */
export const SAMPLES = 4096;

/** A heap over a window, at the same times for all that are compared. */
export interface HeapSamples {
  readonly count: number;
  readonly liveBytes: Float64Array;
  readonly holes: Float64Array;
  /** The largest request that would have succeeded. */
  readonly largestFreeBytes: Float64Array;
  readonly freeBytes: Float64Array;
  /** Exact, over the whole window. */
  readonly peakLiveBytes: number;
  readonly failedRequests: number;
  readonly requests: number;
}

/** Columns that fill as the looks are taken. */
export class SampleColumns {
  count = 0;
  readonly liveBytes: Float64Array;
  readonly holes: Float64Array;
  readonly largestFreeBytes: Float64Array;
  readonly freeBytes: Float64Array;

  constructor(most: number) {
    this.liveBytes = new Float64Array(most);
    this.holes = new Float64Array(most);
    this.largestFreeBytes = new Float64Array(most);
    this.freeBytes = new Float64Array(most);
  }

  add({ liveBytes, holes, largestFreeBytes, freeBytes }: HeapSummary): void {
    this.liveBytes[this.count] = liveBytes;
    this.holes[this.count] = holes;
    this.largestFreeBytes[this.count] = largestFreeBytes;
    this.freeBytes[this.count++] = freeBytes;
  }

  /** What was seen, with the counters of the window. */
  finish(totals: Pick<HeapSamples, "peakLiveBytes" | "failedRequests" | "requests">): HeapSamples {
    const { count } = this;
    return {
      ...totals,
      count,
      liveBytes: this.liveBytes.subarray(0, count),
      holes: this.holes.subarray(0, count),
      largestFreeBytes: this.largestFreeBytes.subarray(0, count),
      freeBytes: this.freeBytes.subarray(0, count),
    };
  }
}

/**
 * Whole microseconds in the window, ascending: one anywhere in each of `count` equal parts, so that they weigh time
 * evenly and no period of the firmware falls in step with them.
 */
export function sampleTimes(fromUs: number, toUs: number, count = SAMPLES): Float64Array {
  const random = new Random(0x5eed);
  const part = (toUs - fromUs) / count;
  return Float64Array.from({ length: count }, (_, index) => Math.floor(fromUs + (index + random.next()) * part));
}
