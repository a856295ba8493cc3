const ENTRIES_LEAST = 1024;
const EMPTY = -1;

/**
 * Two numbers of 32 bits for each of many addresses (whole numbers from 0 to 2^53). A hash table with linear probing in
 * typed arrays: unlike a Map it makes no garbage and stays as fast while entries come and go by the million.
 */
export class AddressTable {
  #addresses = new Float64Array(ENTRIES_LEAST).fill(EMPTY);
  #values = new Uint32Array(2 * ENTRIES_LEAST);
  /** One less than the number of entries, a power of two. */
  #mask = ENTRIES_LEAST - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The entry of an address, or -1. It holds until the table is next changed. */
  find(address: number): number {
    for (let at = hash(address) & this.#mask; ; at = (at + 1) & this.#mask) {
      const found = this.#addresses[at];
      if (found === address) return at;
      if (found === EMPTY) return -1;
    }
  }

  addressAt(entry: number): number {
    return this.#addresses[entry] ?? EMPTY;
  }

  firstAt(entry: number): number {
    return this.#values[2 * entry] ?? 0;
  }

  secondAt(entry: number): number {
    return this.#values[2 * entry + 1] ?? 0;
  }

  /** Enters an address, or gives it other numbers. */
  set(address: number, first: number, second: number): void {
    let at = hash(address) & this.#mask;
    while (this.#addresses[at] !== EMPTY && this.#addresses[at] !== address) at = (at + 1) & this.#mask;
    const isNew = this.#addresses[at] === EMPTY;
    this.#addresses[at] = address;
    this.#values[2 * at] = first;
    this.#values[2 * at + 1] = second;
    if (isNew && ++this.#size > 0.75 * this.#mask) this.#grow();
  }

  /** Removes an entry; those behind it that it had pushed on move up, so that no search ends at the hole. */
  removeAt(entry: number): void {
    const addresses = this.#addresses;
    const mask = this.#mask;
    let hole = entry;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const address = addresses[at] ?? EMPTY;
      if (address === EMPTY) break;
      // It may move where its own place is not between the hole and it.
      if (((at - hash(address)) & mask) < ((at - hole) & mask)) continue;
      addresses[hole] = address;
      this.#values[2 * hole] = this.#values[2 * at] ?? 0;
      this.#values[2 * hole + 1] = this.#values[2 * at + 1] ?? 0;
      hole = at;
    }
    addresses[hole] = EMPTY;
    this.#size--;
  }

  /** Removes all, and gives back the memory. */
  clear(): void {
    if (this.#size > 0) this.#resize(ENTRIES_LEAST);
  }

  /** All entries, in no order that means anything. */
  *entries(): Generator<number> {
    for (let at = 0; at <= this.#mask; at++) if (this.#addresses[at] !== EMPTY) yield at;
  }

  #grow(): void {
    const addresses = this.#addresses;
    const values = this.#values;
    this.#resize(2 * addresses.length);
    for (const [at, address] of addresses.entries()) {
      if (address !== EMPTY) this.set(address, values[2 * at] ?? 0, values[2 * at + 1] ?? 0);
    }
  }

  #resize(entries: number): void {
    this.#addresses = new Float64Array(entries).fill(EMPTY);
    this.#values = new Uint32Array(2 * entries);
    this.#mask = entries - 1;
    this.#size = 0;
  }
}

/** Mixes the bits: addresses are multiples of 8 or 16, and neighbours. */
function hash(address: number): number {
  const low = address | 0;
  const high = address > 0x7fff_ffff ? (address / 0x1_0000_0000) | 0 : 0;
  const mixed = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
