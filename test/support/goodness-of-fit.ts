/** Distances between samples and the distribution they should come from, for tests with fixed seeds. */

/** Below this a Kolmogorov–Smirnov or standardised score is no surprise (about one time in 1,000). */
export const KS_MOST = 1.95;
export const SCORE_MOST = 3.3;

/** Kolmogorov–Smirnov: the largest distance from the distribution function, times the root of the sample's size. */
export function ksStatistic(samples: Float64Array, cdf: (x: number) => number): number {
  const sorted = samples.slice().sort();
  let distance = 0;
  for (const [i, x] of sorted.entries()) {
    const expected = cdf(x);
    distance = Math.max(distance, expected - i / sorted.length, (i + 1) / sorted.length - expected);
  }
  return distance * Math.sqrt(sorted.length);
}

/** Pearson's chi-squared over the given probabilities, as standard deviations from its mean. */
export function chiSquaredScore(samples: Float64Array, probabilities: ReadonlyMap<number, number>): number {
  const counts = new Map<number, number>();
  for (const sample of samples) counts.set(sample, (counts.get(sample) ?? 0) + 1);
  let sum = 0;
  for (const [value, probability] of probabilities) {
    const expected = samples.length * probability;
    sum += ((counts.get(value) ?? 0) - expected) ** 2 / expected;
  }
  const freedom = probabilities.size - 1;
  return (sum - freedom) / Math.sqrt(2 * freedom);
}

export function mean(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] as number;
  return sum / samples.length;
}

export function variance(samples: Float64Array): number {
  const centre = mean(samples);
  return mean(samples.map((x) => (x - centre) ** 2));
}

/** The standard normal distribution function, by its power series near 0 and a continued fraction outside. */
export function normalCdf(x: number): number {
  if (x > 0) return 1 - normalCdf(-x);
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  if (x > -3) {
    let term = x;
    let sum = x;
    for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
      term *= (x * x) / k;
      sum += term;
    }
    return 0.5 + density * sum;
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / (-x + fraction);
  return density / (-x + fraction);
}
