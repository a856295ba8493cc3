/**
 * Bounds on a probability from so many failures in so many independent runs, by the tails of the binomial itself.
 *
 * Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
 * binomial", Biometrika 26 (1934).
 */
import { binomialChances, boundaryBetween } from "./binomial.ts";

/** Of a probability, 0 to 1. */
export type Interval = readonly [low: number, high: number];

/** The two-sided interval that covers the true probability at least so often; 95 % by default. [0, 1] without runs. */
export function clopperPearson(failures: number, runs: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  return [lowerBound(failures, runs, 1 - tail), upperBound(failures, runs, 1 - tail)];
}

/** The true probability lies below it at least so often. */
export function upperBound(failures: number, runs: number, confidence = 0.95): number {
  if (failures >= runs) return 1;
  const tail = 1 - confidence;
  return boundaryBetween(failures / runs, 1, (p) => binomialChances(failures, runs, p).atMost <= tail);
}

/** The true probability lies above it at least so often. */
export function lowerBound(failures: number, runs: number, confidence = 0.95): number {
  if (failures <= 0) return 0;
  const tail = 1 - confidence;
  return boundaryBetween(0, failures / runs, (p) => binomialChances(failures, runs, p).atLeast >= tail);
}
