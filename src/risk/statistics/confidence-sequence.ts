/**
 * An interval for a probability that may be looked at after every run, and on which a campaign may stop: the chance
 * that the true probability is ever outside of it is at most 1 − confidence, whenever one looks and stops.
 *
 * The mixture of the likelihoods of all probabilities, uniformly weighted, divided by that of the true one p is a
 * martingale that begins at 1; so it ever reaches 1 / α with a chance of at most α (Ville's inequality):
 *
 *   1 / ((n + 1) × Binomial(k; n, p)) < 1 / α        holds for the true p at all n at once
 *
 * Source: H. Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of Mathematical
 * Statistics 41 (1970); S. R. Howard et al., "Time-uniform, nonparametric, nonasymptotic confidence sequences",
 * Annals of Statistics 49 (2021).
 */
import { binomialChances, boundaryBetween } from "./binomial.ts";
import type { Interval } from "./clopper-pearson.ts";

/** The probabilities that are not excluded after so many failures in so many runs. */
export function confidenceSequence(failures: number, runs: number, confidence = 0.95): Interval {
  const least = (1 - confidence) / (runs + 1);
  const isIn = (p: number) => binomialChances(failures, runs, p).exactly > least;
  const estimate = runs > 0 ? failures / runs : 0.5;
  const low = isIn(0) ? 0 : boundaryBetween(0, estimate, isIn);
  const high = isIn(1) ? 1 : boundaryBetween(estimate, 1, (p) => !isIn(p));
  return [low, high];
}
