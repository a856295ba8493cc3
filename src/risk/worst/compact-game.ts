/**
 * The textbook's list allocators without headers, which merge at once, on a heap of at most 30 units: a heap is two
 * bitmaps, so that a state takes two words and a move a few instructions. What it says is held against the real
 * allocator: every sequence that it finds is played there, and tests compare the searches.
 *
 *   live     1 1 1 . 1 1 . . . .       a bit a unit, the lowest first: a block of 3, a hole, a block of 2, a hole
 *   starts   1 . . . 1 . . . . .       a live block begins here
 */
import type { Game } from "./game.ts";

export type Fit = "first-fit" | "next-fit" | "best-fit" | "worst-fit";

/** Units of the largest heap whose bitmaps are whole words of one sign. */
export const COMPACT_UNITS_MOST = 30;

export class CompactGame implements Game {
  readonly stateWords = 3;
  readonly #fit: Fit;
  readonly #units: number;
  readonly #whole: number;
  #live = 0;
  #starts = 0;
  /** Of next fit: the unit behind the last block handed out. */
  #resume = 0;

  constructor(fit: Fit, units: number) {
    this.#fit = fit;
    this.#units = units;
    this.#whole = maskOf(units);
  }

  get liveUnits(): number {
    return bitsIn(this.#live);
  }

  get liveBlocks(): number {
    return bitsIn(this.#starts);
  }

  save(state: Uint32Array): number {
    state[0] = this.#live;
    state[1] = this.#starts;
    if (this.#fit !== "next-fit") return 2;
    state[2] = this.#resume;
    return 3;
  }

  load(words: Uint32Array, from: number): void {
    this.#live = words[from] ?? 0;
    this.#starts = words[from + 1] ?? 0;
    if (this.#fit === "next-fit") this.#resume = words[from + 2] ?? 0;
  }

  allocate(units: number): boolean {
    const at = this.#place(units);
    if (at < 0) return false;
    this.#live |= maskOf(units) << at;
    this.#starts |= 1 << at;
    const end = at + units;
    this.#resume = end === this.#units ? 0 : end; // from the heap's end a search wraps at once
    return true;
  }

  release(index: number): boolean {
    let starts = this.#starts;
    for (let i = 0; i < index; i++) starts &= starts - 1;
    const at = lowestBit(starts);
    const behind = (this.#starts | ~this.#live) & ~maskOf(at + 1);
    const end = behind === 0 ? this.#units : lowestBit(behind);
    this.#live &= ~(maskOf(end) & ~maskOf(at));
    this.#starts &= ~(1 << at);
    return true;
  }

  /** The unit where a block of `units` goes, or -1. */
  #place(units: number): number {
    // Bit i: the units from i on are free, as many as are asked for.
    let fitting = ~this.#live & this.#whole;
    for (let i = 1; i < units; i++) fitting &= fitting >> 1;
    if (fitting === 0) return -1;
    if (this.#fit === "first-fit") return lowestBit(fitting);
    if (this.#fit === "next-fit") return this.#placeNext(fitting);
    return this.#placeExtreme(units);
  }

  /** The first hole that begins at `resume` or behind it, else the first of all. */
  #placeNext(fitting: number): number {
    const free = ~this.#live & this.#whole;
    const beginnings = fitting & ~(free << 1) & ~maskOf(this.#resume);
    return lowestBit(beginnings === 0 ? fitting : beginnings);
  }

  #placeExtreme(units: number): number {
    const free = ~this.#live & this.#whole;
    let chosen = -1;
    let chosenUnits = 0;
    for (let holes = free & ~(free << 1); holes !== 0; holes &= holes - 1) {
      const at = lowestBit(holes);
      const length = this.#holeEnd(at) - at;
      if (length < units) continue;
      if (chosen < 0 || (this.#fit === "best-fit" ? length < chosenUnits : length > chosenUnits)) {
        chosen = at;
        chosenUnits = length;
      }
    }
    return chosen;
  }

  /** The first unit at `at` or behind it that is live, or the heap's end. */
  #holeEnd(at: number): number {
    const live = this.#live & ~maskOf(at);
    return live === 0 ? this.#units : lowestBit(live);
  }
}

/** The lowest `bits` bits, at most 31. */
function maskOf(bits: number): number {
  return bits >= 31 ? 0x7fff_ffff : (1 << bits) - 1;
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** The bits that are set: by pairs, fours and bytes, then summed by a multiplication. */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
