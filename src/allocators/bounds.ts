/**
 * How much memory a placement policy can need in the worst case, whatever the firmware does. All formulas count in
 * granules (what every block is a multiple of), headers and rounding included: M is the peak of the live blocks
 * together, n the largest block. They say nothing of a particular firmware; that is what a soak is for.
 */
import { HeapsoakError } from "../errors.ts";
import type { AllocatorEntry, BoundKind } from "./entry.ts";

/** What is known of a policy. */
export interface Bound {
  /** In M, n and log2, for people. */
  readonly formula: string;
  /** The proof's paper, and where the formula is quoted in this form. */
  readonly source: string;
  /** Whether the formula is exact or rounded by those who quote it. */
  readonly precision: "exact" | "about";
  readonly granules: (peak: number, largest: number) => number;
}

const DEFAULT_GRANULE_BYTES = 8;

/**
 * No allocator that leaves blocks where they are can do with less than this in its worst case. Exact where all
 * sizes are powers of two and the allocator is the best possible one.
 *
 * J. M. Robson, "An estimate of the store size necessary for dynamic storage allocation", J. ACM 18 (1971), and
 * "Bounds for some functions concerning dynamic storage allocation", J. ACM 21 (1974). Knuth's exercise 2.5-38
 * (The Art of Computer Programming 1) gives N(16, 2) = 23, which the formula meets.
 */
export const UNAVOIDABLE: Bound = {
  formula: "M (1 + ½ log2 n) − n + 1",
  source: "Robson 1971 and 1974, for any allocator that does not move blocks",
  precision: "exact",
  granules: (peak, largest) => peak * (1 + Math.log2(largest) / 2) - largest + 1,
};

/** Upper bounds by policy; undefined where none is known. */
const BOUNDS: { readonly [K in BoundKind]: Bound | undefined } = {
  // J. M. Robson, "Worst case fragmentation of first fit and best fit storage allocation strategies", The Computer
  // Journal 20 (1977), which also has the one for best fit. Rounded as the README of o1heap does; Knuth's exercise
  // 2.5-43 has M H(n) / ln 2, which is a little less for n above 4.
  "first-fit": {
    formula: "M (1 + ⌈log2 n⌉)",
    source: "Robson 1977, for address-ordered first fit that merges at once",
    precision: "about",
    granules: (peak, largest) => peak * (1 + Math.ceil(Math.log2(largest))),
  },
  "best-fit": {
    formula: "M (n − 2)",
    source: "Robson 1977",
    precision: "about",
    granules: (peak, largest) => peak * (largest - 2),
  },
  // T. Ogasawara, "An algorithm with constant execution time for dynamic storage allocation", RTCSA 1995; the bound
  // after J. Herter, "Timing-predictable memory allocation in hard real-time systems", 2014, as o1heap states it.
  "half-fit": {
    formula: "2 M (1 + ⌈log2 n⌉)",
    source: "Ogasawara 1995, Herter 2014",
    precision: "about",
    granules: (peak, largest) => 2 * peak * (1 + Math.ceil(Math.log2(largest))),
  },
  "never-fragments": {
    formula: "M",
    source: "every block fits every hole",
    precision: "exact",
    granules: (peak) => peak,
  },
  none: undefined,
};

/** The bound of an allocator's policy with its default options, or undefined: no known bound. */
export function boundOf(entry: AllocatorEntry): Bound | undefined {
  return BOUNDS[entry.bound];
}

/**
 * Bytes of arena with which `entry` cannot fail, for a peak of `peakBytes` in live blocks and a largest block of
 * `largestBytes` (headers and rounding included), or undefined where no bound is known. Control structures come on
 * top. A bound that is only about right is never given below what no allocator can avoid.
 * Throws `bad-argument` unless 0 < largestBytes <= peakBytes.
 */
export function worstCaseBytes(entry: AllocatorEntry, peakBytes: number, largestBytes: number): number | undefined {
  const bound = boundOf(entry);
  const inGranules = granules(peakBytes, largestBytes, granuleBytesOf(entry));
  if (!bound) return undefined;
  const { peak, largest, granuleBytes } = inGranules;
  const least = entry.bound === "never-fragments" ? peak : UNAVOIDABLE.granules(peak, largest);
  return Math.ceil(Math.max(least, bound.granules(peak, largest))) * granuleBytes;
}

/** Bytes below which some sequence of requests defeats any allocator that does not move blocks. See `worstCaseBytes`. */
export function unavoidableBytes(
  peakBytes: number,
  largestBytes: number,
  granuleBytes = DEFAULT_GRANULE_BYTES,
): number {
  const { peak, largest } = granules(peakBytes, largestBytes, granuleBytes);
  return Math.ceil(UNAVOIDABLE.granules(peak, largest)) * granuleBytes;
}

/** What every block of the allocator is a multiple of, in bytes, with its default options. */
export function granuleBytesOf(entry: AllocatorEntry): number {
  return entry.granuleBytes ?? DEFAULT_GRANULE_BYTES;
}

function granules(peakBytes: number, largestBytes: number, granuleBytes: number) {
  if (!(largestBytes > 0 && largestBytes <= peakBytes && Number.isFinite(peakBytes))) {
    throw new HeapsoakError("bad-argument", `A peak of ${peakBytes} bytes with a largest block of ${largestBytes}.`, {
      hint: "The largest block is above 0 and part of the peak.",
    });
  }
  return { peak: Math.ceil(peakBytes / granuleBytes), largest: Math.ceil(largestBytes / granuleBytes), granuleBytes };
}
