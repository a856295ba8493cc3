/**
 * The states that a search has met, in the order in which it met them: which makes it the search's queue as well.
 * A state is a few words; all of them lie one behind the other in one array, and a table of slots finds them by
 * content (open addressing, at most half full).
 *
 *   words   ├ state 0 ┼ state 1 ┼ state 2 ┤      ends[i]: where state i ends
 *   slots   ├ 0 ┼ 2 ┼ 0 ┼ 1 ┼ … ┤                number of a state + 1, or 0
 */

/** What `add` returns for a state that it knows already. */
export const KNOWN = -1;

const FIRST_SLOTS = 1 << 12;
const FIRST_WORDS = 1 << 12;

export class StateStore {
  words = new Uint32Array(FIRST_WORDS);
  #ends = new Uint32Array(FIRST_SLOTS);
  #parents = new Uint32Array(FIRST_SLOTS);
  #moves = new Uint8Array(FIRST_SLOTS);
  #slots = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes that the states take. */
  get bytes(): number {
    const arrays = [this.words, this.#ends, this.#parents, this.#moves, this.#slots];
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Where in `words` a state begins. */
  startOf(state: number): number {
    return state === 0 ? 0 : (this.#ends[state - 1] ?? 0);
  }

  endOf(state: number): number {
    return this.#ends[state] ?? 0;
  }

  parentOf(state: number): number {
    return this.#parents[state] ?? 0;
  }

  /** The move that led from its parent to the state. */
  moveTo(state: number): number {
    return this.#moves[state] ?? 0;
  }

  /** Adds the state in the first `length` words, reached by `move` from `parent`. Its number, or KNOWN. */
  add(state: Uint32Array, length: number, parent: number, move: number): number {
    if (this.#count * 2 >= this.#slots.length) this.#rehash();
    const mask = this.#slots.length - 1;
    let slot = hashOf(state, 0, length) & mask;
    for (let held = this.#slots[slot]; held; held = this.#slots[slot]) {
      if (this.#isAt(held - 1, state, length)) return KNOWN;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#count + 1;
    return this.#append(state, length, parent, move);
  }

  #append(state: Uint32Array, length: number, parent: number, move: number): number {
    const number = this.#count++;
    const start = this.startOf(number);
    if (start + length > this.words.length) this.words = grown(this.words, start + length);
    for (let i = 0; i < length; i++) this.words[start + i] = state[i] ?? 0;
    this.#ends[number] = start + length;
    this.#parents[number] = parent;
    this.#moves[number] = move;
    return number;
  }

  #isAt(number: number, state: Uint32Array, length: number): boolean {
    const start = this.startOf(number);
    if (this.endOf(number) - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.words[start + i] !== state[i]) return false;
    return true;
  }

  #rehash(): void {
    const length = this.#slots.length * 2;
    this.#ends = grown(this.#ends, length);
    this.#parents = grown(this.#parents, length);
    const moves = new Uint8Array(length);
    moves.set(this.#moves);
    this.#moves = moves;
    this.#slots = new Uint32Array(length);
    for (let number = 0; number < this.#count; number++) {
      let slot = hashOf(this.words, this.startOf(number), this.endOf(number)) & (length - 1);
      while (this.#slots[slot]) slot = (slot + 1) & (length - 1);
      this.#slots[slot] = number + 1;
    }
  }
}

function grown(array: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(array.length * 2, least));
  larger.set(array);
  return larger;
}

/** Word by word multiplied and folded, as murmur3's finaliser does. */
function hashOf(words: Uint32Array, from: number, end: number): number {
  let hash = end - from;
  for (let i = from; i < end; i++) {
    hash = Math.imul(hash ^ (words[i] ?? 0), 0x85eb_ca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
