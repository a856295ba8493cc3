/**
 * Whether two configurations differ, from runs of both with the same seeds: only seeds on which one failed and the
 * other did not tell, and without a difference each of those is a fair coin.
 *
 * Source: Q. McNemar, Psychometrika 12 (1947), with the binomial's own tails; S. Holm, "A simple sequentially
 * rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
 */
import { binomialChances } from "./binomial.ts";

/** The two-sided p value of seeds on which only the first, and only the second failed. */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  const fewer = Math.min(onlyFirst, onlySecond);
  return Math.min(1, 2 * binomialChances(fewer, onlyFirst + onlySecond, 0.5).atMost);
}

/** The p values of several tests made at once, each raised so that all together err as seldom as one. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => (pValues[a] ?? 0) - (pValues[b] ?? 0) || a - b);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let most = 0;
  for (const [rank, index] of order.entries()) {
    most = Math.max(most, Math.min(1, (pValues[index] ?? 1) * (pValues.length - rank)));
    adjusted[index] = most;
  }
  return adjusted;
}
