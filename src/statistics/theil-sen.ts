import { median } from "./order.ts";

/**
 * Slopes between pairs of points at fixed places x; the median of them is the Theil–Sen slope. With `groups` only
 * points of the same group are paired: what differs between groups (a season, a boot) is no part of the slope then.
 *
 * Sources: H. Theil (1950), P. K. Sen (1968); within seasons: R. M. Hirsch, J. R. Slack, R. A. Smith (1982).
 */
export class Slopes {
  readonly #x: readonly number[];
  readonly #groups: readonly number[] | undefined;
  readonly #slopes: Float64Array;

  constructor(x: readonly number[], groups?: readonly number[]) {
    this.#x = x;
    this.#groups = groups;
    this.#slopes = new Float64Array((x.length * (x.length - 1)) / 2);
  }

  /** The median slope of the values y at the places, 0 where no two can be paired. */
  median(y: readonly number[]): number {
    const x = this.#x;
    const groups = this.#groups;
    let count = 0;
    for (let i = 0; i < y.length; i++) {
      for (let j = i + 1; j < y.length; j++) {
        if (groups && groups[i] !== groups[j]) continue;
        const run = (x[j] ?? 0) - (x[i] ?? 0);
        if (run > 0) this.#slopes[count++] = ((y[j] ?? 0) - (y[i] ?? 0)) / run;
      }
    }
    return count ? median(this.#slopes.subarray(0, count)) : 0;
  }
}
