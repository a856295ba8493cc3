/** Random numbers from a seed: the same ones on every machine. Mulberry32. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits. */
  word() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count) {
    return Math.floor((this.word() / 0x1_0000_0000) * count);
  }

  /** True in `share` of the cases, 0 to 1. */
  chance(share) {
    return this.word() < share * 0x1_0000_0000;
  }
}
