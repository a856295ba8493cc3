import { meanOf } from "../../statistics/moments.ts";
import { type BlockClass, grantedOf } from "./block-class.ts";
import { hasWaited } from "./queue.ts";
import { gapsOf } from "./starts.ts";
import { separation, sorted, thinned } from "./statistics.ts";

/** Starts that come in groups. */
export interface Bursts {
  /** Of each group its first start, its number of starts, and from its first to its last. */
  readonly firstUs: Float64Array;
  readonly counts: Float64Array;
  readonly spanUs: Float64Array;
  /** Between starts of a group, where nobody waited for room in a queue. */
  readonly innerGapsUs: Float64Array;
}

const BURSTS_LEAST = 5;
const TESTED_MOST = 20_000;
/** Gaps inside and between groups differ so much that little of their logarithms' variance is within either. */
const SEPARATED_RATIO = 0.8;
/** Numbers that vary less than this share of what chance ends give are no accident of independent gaps. */
const REGULAR_RATIO = 0.5;
/** So many times as long as the gaps inside groups are those between groups of any number. */
const APART_RATIO = 100;
const INSTANT_US = 1;

/**
 * The groups in which blocks of the class come, where their numbers are more regular than gaps drawn one by one
 * would make them. Short and long gaps are told apart where that leaves the least variance (N. Otsu, 1979).
 */
export function burstsOf(leader: BlockClass): Bursts | undefined {
  const gaps = gapsOf(leader.bornUs);
  if (gaps.length < 2 * BURSTS_LEAST) return undefined;
  // Who waits for room in a queue goes on with the same group.
  const queue = grantedOf(leader);
  const isFree = gaps.map((_, index) => (hasWaited(queue, leader.bornUs[index + 1] ?? 0) ? 0 : 1));
  const free = gaps.filter((_, index) => isFree[index] === 1);
  const limit = separation(sorted(thinned(free, TESTED_MOST)).map(logarithm), SEPARATED_RATIO);
  if (limit === undefined) return undefined;
  const bursts = splitAt(leader, gaps, isFree, Math.exp(limit));
  const mean = meanOf(bursts.counts);
  const squares = bursts.counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / bursts.counts.length;
  const isRegular = squares <= REGULAR_RATIO * mean * (mean - 1) || areApart(bursts);
  return bursts.counts.length >= BURSTS_LEAST && mean >= 2 && isRegular ? bursts : undefined;
}

/** Whether groups are so far apart that whatever begins one has to do with it as a whole. */
function areApart({ firstUs, innerGapsUs }: Bursts): boolean {
  return meanOf(gapsOf(firstUs)) >= APART_RATIO * meanOf(innerGapsUs);
}

function logarithm(gap: number): number {
  return Math.log(Math.max(INSTANT_US, gap));
}

function splitAt(leader: BlockClass, gaps: Float64Array, isFree: Float64Array, limitUs: number): Bursts {
  const firsts = [0];
  const inner: number[] = [];
  gaps.forEach((gap, index) => {
    if (isFree[index] === 0) return;
    if (gap > limitUs) firsts.push(index + 1);
    else inner.push(gap);
  });
  const ends = [...firsts.slice(1), leader.rows.length];
  const born = (index: number) => leader.bornUs[index] ?? 0;
  return {
    firstUs: Float64Array.from(firsts, born),
    counts: Float64Array.from(firsts, (first, index) => (ends[index] ?? 0) - first),
    spanUs: Float64Array.from(firsts, (first, index) => born((ends[index] ?? 0) - 1) - born(first)),
    innerGapsUs: Float64Array.from(inner),
  };
}
