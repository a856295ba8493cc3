import { deviationOf, meanOf } from "../../statistics/moments.ts";
import { timeDraw } from "./draw.ts";
import { type Day, dayOf } from "./hourly.ts";
import type { FittedStart } from "./model.ts";
import { at, mayBeExponential, sorted, thinned } from "./statistics.ts";

/** Fewer starts than this tell a rate, and no law. */
const LAW_LEAST = 12;
const TESTED_MOST = 4000;
/** Starts that keep within this share of the period around a grid are periodic. */
const JITTER_MOST = 0.5;
/** More starts a second no scenario may have. */
const RATE_MOST = 1e6;
const CLOSE_RATIO = 0.05;
const ROUND_RATIO = 2e-4;

/** When something starts that was seen to at `timesUs`, ascending, of the time up to `untilUs`. */
export function startOf(timesUs: Float64Array, untilUs: number): FittedStart {
  const firstUs = timesUs[0] ?? 0;
  if (timesUs.length === 1) return { kind: "at", atUs: firstUs };
  const periodic = periodicOf(timesUs);
  if (periodic) return periodic;
  const perSecond = Math.min(RATE_MOST, (timesUs.length / untilUs) * 1e6);
  if (timesUs.length < LAW_LEAST) return { kind: "poisson", perSecond };
  const day = dayOf(timesUs, untilUs);
  const gaps = gapsOf(day ? day.evened(timesUs) : timesUs);
  if (mayBeExponential(sorted(thinned(gaps, TESTED_MOST)))) {
    return { kind: "poisson", perSecond: rateOf(timesUs, untilUs, day), ...(day && { hourly: day.factors }) };
  }
  return { kind: "every", gap: timeDraw(gapsOf(timesUs)), jitterRatio: 0, firstUs };
}

/** Factors are around 1 over a whole day: the rate is that of factor 1. */
function rateOf(timesUs: Float64Array, untilUs: number, day: Day | undefined): number {
  return (timesUs.length / (day ? day.exposureUs : untilUs)) * 1e6;
}

/** The times between neighbours. */
export function gapsOf(timesUs: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: Math.max(0, timesUs.length - 1) }, (_, i) =>
    Math.max(0, (timesUs[i + 1] ?? 0) - (timesUs[i] ?? 0)),
  );
}

/**
 * A grid that the times keep to, each start off it by itself. Where every gap counts from the start before, errors
 * add up instead, and the gaps vary less than the distances from the grid.
 */
function periodicOf(timesUs: Float64Array): FittedStart | undefined {
  const gaps = gapsOf(timesUs);
  const median = at(sorted(gaps), 0.5);
  // A few starts on a grid may have come there by accident, unless they keep to it closely.
  const spread = at(sorted(gaps), 1) - at(sorted(gaps), 0);
  if (gaps.length < 2 || (gaps.length < LAW_LEAST && spread > CLOSE_RATIO * median)) return undefined;
  if (median <= 0 || gaps.some((gap) => gap > 2 * median)) return undefined;
  const { periodUs, phaseUs, offsets } = gridOf(timesUs);
  const most = Math.max(...[at(sorted(offsets), 1), -at(sorted(offsets), 0)]);
  if (most > JITTER_MOST * periodUs || deviationOf(offsets) > deviationOf(gaps) + 1) return undefined;
  const jitterRatio = most < 2 ? 0 : most / periodUs;
  const firstUs = jitterRatio === 0 ? (timesUs[0] ?? 0) : Math.max(0, phaseUs);
  return { kind: "every", gap: { kind: "constant", value: rounded(periodUs) }, jitterRatio, firstUs };
}

/** The regression line of times on their numbers. */
function gridOf(timesUs: Float64Array): { periodUs: number; phaseUs: number; offsets: Float64Array } {
  const middle = (timesUs.length - 1) / 2;
  const mean = meanOf(timesUs);
  let both = 0;
  let squares = 0;
  for (let i = 0; i < timesUs.length; i++) {
    both += (i - middle) * ((timesUs[i] ?? 0) - mean);
    squares += (i - middle) ** 2;
  }
  const periodUs = both / squares;
  const phaseUs = mean - middle * periodUs;
  return { periodUs, phaseUs, offsets: timesUs.map((us, i) => us - phaseUs - i * periodUs) };
}

/** The period as an engineer writes it, where the data allow: three digits, when they are all it says. */
function rounded(us: number): number {
  const short = Number(us.toPrecision(3));
  return Math.abs(short - us) <= ROUND_RATIO * us ? short : us;
}
