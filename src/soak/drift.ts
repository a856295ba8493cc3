/**
 * Whether a figure shrinks over a run: the Theil–Sen slope (the median of the slopes between all pairs of windows)
 * with an interval from a moving-block bootstrap of the residuals, because neighbouring windows are alike.
 *
 * Only additions, multiplications, divisions, square roots and comparisons of doubles are used, and whole-number
 * randomness from the run's seed: the same series gives the same answer on every machine.
 */
import { Blocks } from "../statistics/block-bootstrap.ts";
import { median, select } from "../statistics/order.ts";
import { Slopes } from "../statistics/theil-sen.ts";
import type { Column, Drift } from "./record.ts";

/** Equal groups of rows that the trend is taken over, each by its least value. */
const WINDOWS = 128;
/** Fewer windows than these say nothing. */
const LEAST_WINDOWS = 16;
/** Of the series, what counts as settling and is left out. */
const SETTLING_SHARE = 0.25;
const RESAMPLES = 200;
const DAY_US = 86400e6;
/** Where a steady state may begin: at these shares of the run. */
const STEADY_EIGHTHS = [0, 1, 2, 3, 4];
/** Median absolute deviations of the second half by which the median of an eighth may lie beside that half's. */
const STEADY_SPREADS = 3;

interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}
interface Trend {
  readonly slope: number;
  readonly low: number;
  readonly high: number;
  /** Value of the line at x = 0. */
  readonly base: number;
}

/**
 * The drift of the least values `least` of windows that end at `atUs`, or null when there are too few of them.
 * `seed` is the run's.
 */
export function driftOf(atUs: Column, least: Column, seed: bigint): Drift | null {
  const points = windowed(atUs, least);
  const settled = from(points, Math.floor(points.x.length * SETTLING_SHARE));
  if (settled.x.length < LEAST_WINDOWS) return null;
  const trend = trendOf(settled, seed);
  const shrinking = trend.high < 0;
  return {
    bytesPerDay: trend.slope,
    low: trend.low,
    high: trend.high,
    shrinking,
    exhaustionUs: shrinking ? exhaustion(trend) : null,
    steadyFromUs: steadySince(points, seed),
  };
}

function exhaustion({ base, slope }: Trend): number | null {
  const us = Math.round((-base / slope) * DAY_US);
  return Number.isSafeInteger(us) && us >= 0 ? us : null;
}

/**
 * The earliest eighth of the run, in its first half or where the second begins, that lies on the level of the second
 * half and from which on that neither falls nor rises. Null: there is none.
 */
function steadySince(points: Points, seed: bigint): number | null {
  const edge = (eighths: number) => Math.floor((points.x.length * eighths) / 8);
  const late = Float64Array.from(points.y.slice(edge(4)));
  const level = median(late);
  const spread = median(late.map((value) => Math.abs(value - level)));
  for (const eighth of STEADY_EIGHTHS) {
    const rest = from(points, edge(eighth));
    if (rest.x.length < LEAST_WINDOWS) return null;
    const start = median(Float64Array.from(points.y.slice(edge(eighth), edge(eighth + 1))));
    if (Math.abs(start - level) > STEADY_SPREADS * spread) continue;
    const { low, high } = trendOf(rest, seed);
    if (low <= 0 && high >= 0) return Math.round((rest.x[0] ?? 0) * DAY_US);
  }
  return null;
}

/** At most WINDOWS points: day and least value of equal groups of rows. */
function windowed(atUs: Column, least: Column): Points {
  const count = Math.min(WINDOWS, atUs.length);
  const edge = (window: number) => Math.floor((window * atUs.length) / count);
  const x: number[] = [];
  const y: number[] = [];
  for (let window = 0; window < count; window++) {
    x.push((atUs[edge(window + 1) - 1] ?? 0) / DAY_US);
    y.push(least.slice(edge(window), edge(window + 1)).reduce((a, b) => Math.min(a, b)));
  }
  return { x, y };
}

function from(points: Points, first: number): Points {
  return { x: points.x.slice(first), y: points.y.slice(first) };
}

function trendOf({ x, y }: Points, seed: bigint): Trend {
  const slopes = new Slopes(x);
  const slope = slopes.median(y);
  const base = median(Float64Array.from(y, (value, i) => value - slope * (x[i] ?? 0)));
  const residuals = y.map((value, i) => value - base - slope * (x[i] ?? 0));
  const blocks = new Blocks(residuals, Number(seed & 0xffffffffn));
  const errors = Float64Array.from({ length: RESAMPLES }, () => slopes.median(blocks.resample()));
  const low = select(errors, Math.floor(RESAMPLES * 0.025));
  const high = select(errors, Math.ceil(RESAMPLES * 0.975) - 1);
  // The error of the slope lies within [low, high] of the truth, so the truth lies within [-high, -low] of the slope.
  return { slope, low: slope - blocks.widening * high, high: slope - blocks.widening * low, base };
}
