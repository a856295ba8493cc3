import type { ForecastVerdict } from "./record.ts";
import { LEAST_WINDOWS, type Points, type Trend, trendOf } from "./trend.ts";

/** The trends that a verdict rests on; undefined: no such counter. */
export interface Trends {
  readonly free: Trend | undefined;
  readonly largest: Trend | undefined;
  /** Largest block minus free memory. */
  readonly together: Trend | undefined;
}

/** Whether a counter falls: its whole interval lies below zero. */
export function isFalling(trend: Trend | undefined): boolean {
  return trend !== undefined && trend.high < 0;
}

/**
 * What falling counters mean: free memory falls in a leak; where it does not, but the largest block does, what is
 * free is scattered; both at once where, in a leak, the largest block falls away from free memory as well.
 */
export function verdictOf({ free, largest, together }: Trends): ForecastVerdict {
  const isLeak = isFalling(free);
  if (isLeak && isFalling(largest) && isFalling(together)) return "leak-and-fragmentation";
  if (isLeak) return "leak";
  return isFalling(largest) ? "fragmentation" : "stable";
}

/**
 * Whether a fall comes to an end within the log: the later half no longer falls, and less than the whole. Caches
 * that fill up look like that, and a single step down.
 */
export function levelsOff(
  points: Points,
  y: readonly number[],
  whole: Trend,
  seed: number,
  confidence: number,
): boolean {
  const half = points.x.length >> 1;
  if (points.x.length - half < LEAST_WINDOWS) return false;
  const late: Points = {
    ...points,
    x: points.x.slice(half),
    segment: points.segment.slice(half),
    phase: points.phase.slice(half),
    group: points.group.slice(half),
    rows: points.rows.slice(half),
  };
  const trend = trendOf(late, y.slice(half), seed, confidence);
  return trend !== undefined && trend.high >= 0 && trend.low > whole.slope;
}
