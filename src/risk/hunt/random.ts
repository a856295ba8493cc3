/** A small generator for choices of a hunt: what it chooses decides nothing but where is looked. */
export class Choices {
  #state: number;

  constructor(seed: bigint) {
    this.#state = Number(BigInt.asUintN(32, seed ^ (seed >> 32n)));
  }

  /** A whole number from 0 and below `count`. */
  below(count: number): number {
    // A Weyl sequence through murmur3's finaliser: 32 bits are enough to choose where to look.
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * count);
  }
}
