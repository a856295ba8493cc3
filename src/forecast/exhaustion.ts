import { Random } from "../statistics/random.ts";
import type { Trend } from "./trend.ts";

/** What lies further ahead is not told from never. */
const YEARS_MOST = 100;
export const DAYS_MOST = YEARS_MOST * 365;
/** Windows looked at on the way to the first one below the line; the chance of passing them all is nil. */
const STEPS_MOST = 5000;
/** Windows of noise that follow each other as they did. */
const RUN_LENGTH = 8;

/** Days from the last sample until a request is refused, one future a resample; Infinity: not within 100 years. */
export interface Futures {
  readonly days: Float64Array;
  /** Of the finite ones, how many came by the largest block. */
  readonly byLargest: number;
}

/** What can run out: a trend, and how many bytes must stay of it. */
export interface Reserve {
  readonly trend: Trend;
  readonly needBytes: number;
  readonly isLargest: boolean;
}

/** What futures to draw. */
export interface FutureRequest {
  readonly widthDays: number;
  readonly seed: number;
  /** Where they begin, counted from the last sample: before it for a device that has just booted. */
  readonly fromDays: number;
}

/**
 * Futures of the device: in each, slope and level are off by what a resample of the noise makes of them, and windows
 * follow each other about that line as they did in the log, until the first lies below what must stay.
 */
export function futuresOf(reserves: readonly Reserve[], request: FutureRequest): Futures {
  const { widthDays, seed, fromDays } = request;
  const random = new Random(seed);
  const count = reserves[0]?.trend.slopeErrors.length ?? 0;
  const days = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let byLargest = 0;
  for (let i = 0; i < count; i++) {
    let isLargest = false;
    for (const { trend, needBytes, isLargest: ofLargest } of reserves) {
      const slope = trend.slope - (trend.slopeErrors[i] ?? 0);
      const level = trend.level - (trend.levelErrors[i] ?? 0) + slope * fromDays;
      const passed = firstBelow(level - needBytes, slope, trend.residuals, widthDays, random);
      if (passed >= (days[i] ?? 0)) continue;
      days[i] = passed;
      isLargest = ofLargest;
    }
    if (isLargest) byLargest++;
  }
  return { days, byLargest };
}

/** Days until the first window with `margin + slope × days + residual` below 0. */
function firstBelow(
  margin: number,
  slope: number,
  residuals: readonly number[],
  widthDays: number,
  random: Random,
): number {
  const lowest = residuals.reduce((least, value) => Math.min(least, value), 0);
  if (slope >= 0 && margin + lowest >= 0) return Number.POSITIVE_INFINITY;
  // Before, no residual reaches down far enough.
  const start = slope < 0 ? Math.max(0, (margin + lowest) / -slope) : 0;
  const highest = residuals.reduce((most, value) => Math.max(most, value), 0);
  const stretch = slope < 0 ? (highest - lowest) / -slope / STEPS_MOST : 0;
  const step = Math.max(widthDays, stretch);
  let at = 0;
  for (let i = 0; i < STEPS_MOST; i++) {
    const days = start + i * step;
    if (days > DAYS_MOST) break;
    at = i % RUN_LENGTH === 0 ? random.below(residuals.length) : (at + 1) % residuals.length;
    if (margin + slope * days + (residuals[at] ?? 0) < 0) return days;
  }
  const end = start + STEPS_MOST * step;
  return slope < 0 && end <= DAYS_MOST ? end : Number.POSITIVE_INFINITY;
}
