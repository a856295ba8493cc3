/** What a window of looks comes to, and how far two windows are apart. */
import { deviationOf, meanOf } from "../../statistics/moments.ts";
import type { HeapSamples } from "./heap-samples.ts";

/** The figures that a fit is judged by. Means are over time. */
export interface HeapFigures {
  readonly meanLiveBytes: number;
  /** `wanderOf` the live bytes. */
  readonly wanderBytes: number;
  readonly peakLiveBytes: number;
  readonly meanHoles: number;
  readonly meanLargestFreeBytes: number;
  /** The least that was seen in the looks. */
  readonly leastLargestFreeBytes: number;
  /** Mean of 1 − largest request that would succeed / free bytes. */
  readonly fragmentationRatio: number;
  readonly failedRequests: number;
}

/** What is distributed over time, and compared as a whole. */
export type DistributedFigure = "liveBytes" | "holes" | "largestFreeBytes";

const PARTS = 16;

/** The figures of a window that holds looks. */
export function figuresOf(samples: HeapSamples): HeapFigures {
  const { liveBytes, holes, largestFreeBytes, freeBytes, peakLiveBytes, failedRequests } = samples;
  return {
    meanLiveBytes: meanOf(liveBytes),
    wanderBytes: wanderOf(liveBytes),
    peakLiveBytes,
    meanHoles: meanOf(holes),
    meanLargestFreeBytes: meanOf(largestFreeBytes),
    leastLargestFreeBytes: largestFreeBytes.reduce((least, bytes) => Math.min(least, bytes), Number.POSITIVE_INFINITY),
    fragmentationRatio: meanOf(largestFreeBytes.map((largest, index) => fragmentation(largest, freeBytes[index] ?? 0))),
    failedRequests,
  };
}

function fragmentation(largestFreeBytes: number, freeBytes: number): number {
  return freeBytes > 0 ? Math.max(0, 1 - largestFreeBytes / freeBytes) : 0;
}

/** Standard deviation of the means of sixteenths of a window: how far what is looked at wanders slowly. */
export function wanderOf(column: Float64Array): number {
  const length = column.length / PARTS;
  const means = Array.from({ length: PARTS }, (_, part) =>
    meanOf(column.subarray(Math.floor(part * length), Math.floor((part + 1) * length))),
  );
  return deviationOf(means);
}

/**
 * How far two distributions are apart, in their own unit: the mean of the distances between equal quantiles
 * (Wasserstein's first). At least the difference of their means; both must be sorted.
 */
export function wasserstein(one: Float64Array, other: Float64Array): number {
  if (one.length === 0 || other.length === 0) return 0;
  let distance = 0;
  let share = 0;
  for (let i = 0, k = 0; i < one.length && k < other.length; ) {
    const next = Math.min((i + 1) / one.length, (k + 1) / other.length);
    distance += (next - share) * Math.abs((one[i] ?? 0) - (other[k] ?? 0));
    share = next;
    // Products of whole numbers, so that both indices move together where the shares are equal.
    const reached = (i + 1) * other.length - (k + 1) * one.length;
    if (reached <= 0) i++;
    if (reached >= 0) k++;
  }
  return distance;
}

/** All values of the arrays, sorted. */
export function pooled(arrays: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of arrays) {
    all.set(values, at);
    at += values.length;
  }
  return all.sort();
}
