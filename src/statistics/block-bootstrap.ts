import { Random } from "./random.ts";

/**
 * Few blocks vary less than what they stand for; by how much the interval is widened for many of them, found with
 * autocorrelated noise without a trend: at most 5 % of such series may be called shrinking (test/soak/drift.test.ts).
 */
const LEAST_WIDENING = 1.2;

/**
 * Series made of blocks of the residuals, as long as neighbours remain alike: a moving-block bootstrap.
 * Source: H. R. Künsch (1989).
 */
export class Blocks {
  /** How much wider the interval must be: the more, the longer the blocks. */
  readonly widening: number;
  readonly #residuals: readonly number[];
  readonly #length: number;
  readonly #random: Random;

  constructor(residuals: readonly number[], seed: number) {
    const count = residuals.length;
    const memory = memoryOf(residuals);
    this.#residuals = residuals;
    this.#length = Math.max(1, Math.min(Math.ceil(3 * memory), Math.floor(count / 4)));
    this.widening = (LEAST_WIDENING * count) / (count - 2 * this.#length);
    this.#random = new Random(seed);
  }

  /** As many values as there are residuals. */
  resample(): number[] {
    const series: number[] = [];
    while (series.length < this.#residuals.length) {
      const first = this.#random.below(this.#residuals.length - this.#length + 1);
      for (let i = 0; i < this.#length && series.length < this.#residuals.length; i++) {
        series.push(this.#residuals[first + i] ?? 0);
      }
    }
    return series;
  }
}

/** Windows that a disturbance lasts: 1 + twice the sum of the autocorrelations up to the first that is not positive. */
function memoryOf(residuals: readonly number[]): number {
  const count = residuals.length;
  const mean = residuals.reduce((sum, value) => sum + value, 0) / count;
  const covariance = (lag: number) => {
    let sum = 0;
    for (let i = lag; i < count; i++) sum += ((residuals[i] ?? 0) - mean) * ((residuals[i - lag] ?? 0) - mean);
    return sum;
  };
  const variance = covariance(0);
  let memory = 1;
  for (let lag = 1; lag < count / 4; lag++) {
    const correlation = variance > 0 ? covariance(lag) / variance : 0;
    if (correlation <= 0) break;
    memory += 2 * correlation;
  }
  return memory;
}
