/** What sets of measured values say of themselves. */

import { deviationOf, meanOf } from "../../statistics/moments.ts";

/** A copy in ascending order. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** The value at the share `ratio` of ascending values. */
export function at(ascending: ArrayLike<number>, ratio: number): number {
  const rank = Math.floor(ratio * (ascending.length - 1) + 0.5);
  return ascending[Math.max(0, Math.min(ascending.length - 1, rank))] ?? 0;
}

/** Kolmogorov and Smirnov's distance between ascending values and a distribution. */
export function distanceTo(ascending: ArrayLike<number>, distribution: (value: number) => number): number {
  const { length } = ascending;
  let most = 0;
  for (let i = 0; i < length; i++) {
    const expected = distribution(ascending[i] ?? 0);
    most = Math.max(most, Math.abs((i + 1) / length - expected), Math.abs(i / length - expected));
  }
  return most;
}

/**
 * Whether ascending values may be exponential with their own mean: the distance that 1 of 100 such samples exceeds
 * (H. W. Lilliefors, 1969, for large samples).
 */
export function mayBeExponential(ascending: ArrayLike<number>): boolean {
  const mean = meanOf(ascending);
  if (mean <= 0) return false;
  return distanceTo(ascending, (value) => 1 - Math.exp(-value / mean)) < 1.25 / Math.sqrt(ascending.length);
}

/**
 * Whether ascending values may be normal with their own mean and deviation: the distance that 1 of 100 such samples
 * exceeds (H. W. Lilliefors, 1967, for large samples).
 */
export function mayBeNormal(ascending: ArrayLike<number>): boolean {
  const [mean, deviation] = [meanOf(ascending), deviationOf(ascending)];
  if (deviation <= 0) return false;
  return (
    distanceTo(ascending, (value) => normalShare((value - mean) / deviation)) < 1.035 / Math.sqrt(ascending.length)
  );
}

/** The share of a normal law below `deviations` (M. Abramowitz and I. Stegun, 1964, 26.2.17: 7.5e-8 off at most). */
function normalShare(deviations: number): number {
  const x = Math.abs(deviations);
  const t = 1 / (1 + 0.2316419 * x);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return deviations < 0 ? above : 1 - above;
}

/** Whether ascending values may be uniform between their extremes: a distance that fewer than 1 of 100 samples exceeds. */
export function mayBeUniform(ascending: ArrayLike<number>): boolean {
  const low = ascending[0] ?? 0;
  const high = ascending[ascending.length - 1] ?? 0;
  if (high <= low) return false;
  return distanceTo(ascending, (value) => (value - low) / (high - low)) < 1.5 / Math.sqrt(ascending.length);
}

/** Ranks from 0, equal values sharing the mean of theirs. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  const { length } = values;
  const order = Uint32Array.from({ length }, (_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Float64Array(length);
  for (let from = 0; from < length; ) {
    let to = from + 1;
    while (to < length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    for (let i = from; i < to; i++) ranks[order[i] ?? 0] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

/** Pearson's correlation; 0 where one of the two does not vary. */
export function correlationOf(left: ArrayLike<number>, right: ArrayLike<number>): number {
  const leftMean = meanOf(left);
  const rightMean = meanOf(right);
  let both = 0;
  let leftSquares = 0;
  let rightSquares = 0;
  for (let i = 0; i < left.length; i++) {
    const x = (left[i] ?? 0) - leftMean;
    const y = (right[i] ?? 0) - rightMean;
    both += x * y;
    leftSquares += x * x;
    rightSquares += y * y;
  }
  return leftSquares > 0 && rightSquares > 0 ? both / Math.sqrt(leftSquares * rightSquares) : 0;
}

/** Values at even distances: at most `most` of them. */
export function thinned(values: ArrayLike<number>, most: number): ArrayLike<number> {
  if (values.length <= most) return values;
  return Float64Array.from({ length: most }, (_, i) => values[Math.floor((i * values.length) / most)] ?? 0);
}

/** The first index in `ascending` whose value is above `limit`. */
export function firstAbove(ascending: ArrayLike<number>, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The value that parts ascending values into low and high ones with the least variance within both (N. Otsu, 1979);
 * undefined where less than `ratio` of the variance lies between them.
 */
export function separation(ascending: Float64Array, ratio: number): number | undefined {
  const total = ascending.reduce((sum, value) => sum + value, 0);
  const mean = total / ascending.length;
  const variance = ascending.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  let best = 0;
  let limit = 0;
  let below = 0;
  for (let i = 1; i < ascending.length; i++) {
    below += ascending[i - 1] ?? 0;
    const high = ascending.length - i;
    const between = (i * high * (below / i - (total - below) / high) ** 2) / ascending.length;
    if (between <= best || ascending[i] === ascending[i - 1]) continue;
    best = between;
    limit = ((ascending[i] ?? 0) + (ascending[i - 1] ?? 0)) / 2;
  }
  return variance > 0 && best >= ratio * variance ? limit : undefined;
}
