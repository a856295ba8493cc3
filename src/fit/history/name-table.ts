/** The index of what is not said, and of names beyond the table's room. */
export const UNNAMED = 0;
const NAMES_MOST = 65_536;
const FIRST_SLOTS = 1024;

/**
 * Numbers names given as bytes, without making a string of each that comes by: an open-addressing table over the
 * first occurrences. Names beyond the first 65,535 are not told apart and count as not said.
 */
export class NameTable {
  /** Names that found no room, with repetitions. */
  refused = 0;
  readonly #names: Buffer[] = [Buffer.alloc(0)];
  #slots = new Uint32Array(FIRST_SLOTS);

  /** The number of the name in bytes [from, to). */
  indexOf(bytes: Uint8Array, from: number, to: number): number {
    if (from >= to) return UNNAMED;
    const mask = this.#slots.length - 1;
    for (let slot = hash(bytes, from, to) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] ?? 0;
      if (index === 0) return this.#enter(slot, bytes.subarray(from, to));
      if (isSame(this.#names[index], bytes, from, to)) return index;
    }
  }

  /** All names, by number; the first is empty. */
  get names(): string[] {
    return this.#names.map((name) => name.toString("utf8"));
  }

  #enter(slot: number, name: Uint8Array): number {
    if (this.#names.length >= NAMES_MOST) {
      this.refused++;
      return UNNAMED;
    }
    const index = this.#names.push(Buffer.from(name)) - 1;
    this.#slots[slot] = index;
    if (index * 2 > this.#slots.length) this.#widen();
    return index;
  }

  #widen(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    this.#names.forEach((name, index) => {
      if (index === UNNAMED) return;
      let slot = hash(name, 0, name.length) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index;
    });
    this.#slots = slots;
  }
}

/** FNV-1a. */
function hash(bytes: Uint8Array, from: number, to: number): number {
  let value = 0x811c9dc5;
  for (let at = from; at < to; at++) value = Math.imul(value ^ (bytes[at] ?? 0), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

function isSame(name: Buffer | undefined, bytes: Uint8Array, from: number, to: number): boolean {
  if (name === undefined || name.length !== to - from) return false;
  for (let at = from; at < to; at++) if (name[at - from] !== bytes[at]) return false;
  return true;
}
