/**
 * Counter-based random streams: draw number n of a site is a function of (seed, branch, site, n) and of nothing
 * else. So a task added to a scenario leaves every other site's draws alone, a restored snapshot that gets a new
 * branch goes on with fresh draws, and any single draw can be made again.
 *
 *   key  = absorb(absorb(absorb(0, seed), branch), identity)      when the run begins or branches
 *   bits = finish(key + n × GOLDEN)                               n = 0, 1, 2 …, one a draw
 *
 * A draw that needs more than 64 bits derives them from its own word (`moreBits`, `redraw`), not from the counter.
 *
 * Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014): the golden-ratio
 * increment; its finaliser with David Stafford's constants (variant 13). Cost: about 2 ns.
 */

import { DrawSiteField } from "./draw-map";

const GOLDEN: u64 = 0x9e3779b97f4a7c15;
/** Odd, unrelated to GOLDEN and to each other: they separate the chains that one word begins. */
const MORE_BITS_STEP: u64 = 0xd1b54a32d192ed03;
const REDRAW_STEP: u64 = 0x8cb92ba72f3d8dd7;

/** 2^-53: a 53-bit whole number times this lies in [0, 1). */
const UNIT: f64 = 1.1102230246251565e-16;

@final
@unmanaged
class DrawSite {
  identity: u64;
  key: u64;
  counter: u64;
}

export class Random {
  /** A bijection of 64-bit words in which every input bit moves every output bit with probability 1/2. */
  @inline static finish(word: u64): u64 {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }

  /** The 64 bits of the site's next draw. */
  @inline static nextBits(address: u32): u64 {
    const site = changetype<DrawSite>(address);
    const counter = site.counter;
    site.counter = counter + 1;
    return Random.finish(site.key + counter * GOLDEN);
  }

  /** Further bits of the draw that began with `word`. */
  @inline static moreBits(word: u64): u64 {
    return Random.finish(word + MORE_BITS_STEP);
  }

  /** The word with which a draw that fell outside its limits is made anew. */
  @inline static redraw(word: u64): u64 {
    return Random.finish(word + REDRAW_STEP);
  }

  /** A number in [0, 1) from the upper 53 bits. */
  @inline static unit(word: u64): f64 {
    return <f64>(<i64>(word >> 11)) * UNIT;
  }

  /** A number in (0, 1] from the upper 53 bits: its logarithm is finite. */
  @inline static positiveUnit(word: u64): f64 {
    return <f64>(<i64>((word >> 11) + 1)) * UNIT;
  }

  /**
   * A whole number below `bound` ≤ 2^32: the upper half of the 128-bit product word × bound. No value is likelier
   * than another by more than bound / 2^64.
   */
  @inline static below(word: u64, bound: u64): u64 {
    return ((word >> 32) * bound + (((word & 0xffffffff) * bound) >> 32)) >> 32;
  }
}

/** Keys the site's stream for a run's seed and branch. The counter goes on: it belongs to the site's past. */
export function rekey(address: u32, seed: u64, branch: u32): void {
  const site = changetype<DrawSite>(address);
  site.key = absorb(absorb(absorb(0, seed), branch), site.identity);
}

/** Two rounds, so that seeds and branches 0, 1, 2 … give keys that have nothing in common. */
function absorb(state: u64, word: u64): u64 {
  return Random.finish(Random.finish(state + GOLDEN) ^ Random.finish(word + GOLDEN));
}

if (
  offsetof<DrawSite>("identity") != DrawSiteField.IdentityLow << 2 ||
  offsetof<DrawSite>("key") != DrawSiteField.KeyLow << 2 ||
  offsetof<DrawSite>("counter") != DrawSiteField.CounterLow << 2 ||
  offsetof<DrawSite>() != DrawSiteField.Length << 2
) {
  ERROR("DrawSite disagrees with DrawSiteField");
}
