/** How long branches are: a few events to the whole run, in doublings, more often the lengths that lead to something. */

const STRIDES_MOST = 40;
/** What a stride that has not been tried is taken to have cost: so that each is. */
const FIRST_COST = 1000;

export class Strides {
  readonly #gapUs: number;
  readonly #gains: number[];
  readonly #costs: number[];

  /** Of a run that did so many steps in so much time. */
  constructor(endUs: number, steps: number) {
    this.#gapUs = Math.max(1, endUs / Math.max(steps, 1));
    const count = Math.min(STRIDES_MOST, Math.ceil(Math.log2(endUs / this.#gapUs)) + 1);
    this.#gains = Array.from({ length: Math.max(1, count) }, () => 1);
    this.#costs = this.#gains.map(() => FIRST_COST);
  }

  /** In turn for two rounds, then for two rounds the one that has gained most for what it cost. */
  choose(round: number): number {
    if (round % 4 < 2) return Math.floor(round / 4) % this.#gains.length;
    const worth = this.#gains.map((gain, stride) => gain / (this.#costs[stride] ?? 1));
    return worth.indexOf(Math.max(...worth));
  }

  lengthUs(stride: number): number {
    return Math.ceil(this.#gapUs * 2 ** stride);
  }

  credit(stride: number, gains: number, cost: number): void {
    this.#gains[stride] = (this.#gains[stride] ?? 0) + gains;
    this.#costs[stride] = (this.#costs[stride] ?? 0) + cost;
  }
}
