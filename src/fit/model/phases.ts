import { meanOf } from "../../statistics/moments.ts";
import { separation, sorted } from "./statistics.ts";

/** Times in which something happens at one rate, and times in which it happens at another, in turn. */
export interface Phases {
  readonly busy: Phase;
  readonly quiet: Phase;
}

/** One of the two: how many starts each time had, and the gaps in front of them. */
export interface Phase {
  readonly counts: Float64Array;
  readonly gapsUs: Float64Array;
}

/** Gaps on each side that a gap is smoothed over: their mean tells the rate, single gaps do not. */
const SIDE = 10;
const GAPS_LEAST = 400;
const PHASES_LEAST = 6;
/** Rates closer than this are one; times shorter than this many gaps on average are no phases. */
const RATE_RATIO = 3;
const LENGTH_LEAST = 2 * SIDE;
const SEPARATED_RATIO = 0.75;

/** The two rates between which gaps switch, or undefined where they do not, or not for long enough to be told. */
export function phasesOf(gaps: Float64Array): Phases | undefined {
  if (gaps.length < GAPS_LEAST) return undefined;
  const smoothed = smooth(gaps).map((gap) => Math.log(Math.max(1, gap)));
  const limit = separation(sorted(smoothed), SEPARATED_RATIO);
  if (limit === undefined) return undefined;
  const lengths: { readonly isBusy: boolean; count: number }[] = [];
  const sides = { busy: [] as number[], quiet: [] as number[] };
  gaps.forEach((gap, index) => {
    const isBusy = (smoothed[index] ?? 0) <= limit;
    sides[isBusy ? "busy" : "quiet"].push(gap);
    const last = lengths.at(-1);
    if (last?.isBusy === isBusy) last.count++;
    else lengths.push({ isBusy, count: 1 });
  });
  const isClear = meanOf(sides.quiet) >= RATE_RATIO * meanOf(sides.busy);
  if (!isClear || lengths.length < PHASES_LEAST || gaps.length / lengths.length < LENGTH_LEAST) return undefined;
  const phase = (isBusy: boolean, own: readonly number[]): Phase => ({
    counts: Float64Array.from(lengths.filter((length) => length.isBusy === isBusy).map(({ count }) => count)),
    gapsUs: Float64Array.from(own),
  });
  return { busy: phase(true, sides.busy), quiet: phase(false, sides.quiet) };
}

/** The mean of each gap and its neighbours. */
function smooth(gaps: Float64Array): Float64Array {
  const sums = new Float64Array(gaps.length + 1);
  for (let i = 0; i < gaps.length; i++) sums[i + 1] = (sums[i] ?? 0) + (gaps[i] ?? 0);
  return gaps.map((_, i) => {
    const from = Math.max(0, i - SIDE);
    const to = Math.min(gaps.length, i + SIDE + 1);
    return ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from);
  });
}
