/**
 * Whether a figure shrinks over a run: the Theil–Sen slope (the median of the slopes between all pairs of windows)
 * with an interval from a moving-block bootstrap of the residuals, because neighbouring windows are alike.
 *
 * Only additions, multiplications, divisions, square roots and comparisons of doubles are used, and whole-number
 * randomness from the run's seed: the same series gives the same answer on every machine.
 *
 * Sources: H. Theil (1950), P. K. Sen (1968); moving blocks: H. R. Künsch (1989).
 */
import type { Column, Drift } from "./record.ts";

/** Equal groups of rows that the trend is taken over, each by its least value. */
const WINDOWS = 128;
/** Fewer windows than these say nothing. */
const LEAST_WINDOWS = 16;
/** Of the series, what counts as settling and is left out. */
const SETTLING_SHARE = 0.25;
const RESAMPLES = 200;
/**
 * Few blocks vary less than what they stand for; by how much the interval is widened for many of them, found with
 * autocorrelated noise without a trend: at most 5 % of such series may be called shrinking (test/soak/drift.test.ts).
 */
const LEAST_WIDENING = 1.2;
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
  const blocks = new Blocks(residuals, seed);
  const errors = Float64Array.from({ length: RESAMPLES }, () => slopes.median(blocks.resample()));
  const low = select(errors, Math.floor(RESAMPLES * 0.025));
  const high = select(errors, Math.ceil(RESAMPLES * 0.975) - 1);
  // The error of the slope lies within [low, high] of the truth, so the truth lies within [-high, -low] of the slope.
  return { slope, low: slope - blocks.widening * high, high: slope - blocks.widening * low, base };
}

/** Slopes between all pairs of points at fixed places x. */
class Slopes {
  readonly #x: readonly number[];
  readonly #slopes: Float64Array;

  constructor(x: readonly number[]) {
    this.#x = x;
    this.#slopes = new Float64Array((x.length * (x.length - 1)) / 2);
  }

  median(y: readonly number[]): number {
    const x = this.#x;
    let count = 0;
    for (let i = 0; i < y.length; i++) {
      for (let j = i + 1; j < y.length; j++) {
        const run = (x[j] ?? 0) - (x[i] ?? 0);
        if (run > 0) this.#slopes[count++] = ((y[j] ?? 0) - (y[i] ?? 0)) / run;
      }
    }
    return count ? median(this.#slopes.subarray(0, count)) : 0;
  }
}

/** Series made of blocks of the residuals, as long as neighbours remain alike. */
class Blocks {
  /** How much wider the interval must be: the more, the longer the blocks. */
  readonly widening: number;
  readonly #residuals: readonly number[];
  readonly #length: number;
  #state: number;

  constructor(residuals: readonly number[], seed: bigint) {
    const count = residuals.length;
    const memory = memoryOf(residuals);
    this.#residuals = residuals;
    this.#length = Math.max(1, Math.min(Math.ceil(3 * memory), Math.floor(count / 4)));
    this.widening = (LEAST_WIDENING * count) / (count - 2 * this.#length);
    this.#state = Number(seed & 0xffffffffn) ^ 0x9e3779b9;
  }

  resample(): number[] {
    const series: number[] = [];
    while (series.length < this.#residuals.length) {
      const first = this.#below(this.#residuals.length - this.#length + 1);
      for (let i = 0; i < this.#length && series.length < this.#residuals.length; i++) {
        series.push(this.#residuals[first + i] ?? 0);
      }
    }
    return series;
  }

  /** A whole number from 0 to `count` − 1 (mulberry32). */
  #below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  }
}

/** Windows that a disturbance lasts: 1 + twice the sum of the autocorrelations up to the first that is not positive. */
function memoryOf(residuals: readonly number[]): number {
  const count = residuals.length;
  const mean = residuals.reduce((sum, value) => sum + value, 0) / count;
  const covariance = (lag: number) => {
    let sum = 0;
    for (let i = lag; i < count; i++) sum += ((residuals[i] ?? 0) - mean) * ((residuals[i - lag] ?? 0) - mean);
    return sum;
  };
  const variance = covariance(0);
  let memory = 1;
  for (let lag = 1; lag < count / 4; lag++) {
    const correlation = variance > 0 ? covariance(lag) / variance : 0;
    if (correlation <= 0) break;
    memory += 2 * correlation;
  }
  return memory;
}

/** The median; reorders `values`. */
function median(values: Float64Array): number {
  const upper = select(values, values.length >> 1);
  if (values.length % 2) return upper;
  return (upper + select(values, (values.length >> 1) - 1)) / 2;
}

/** The value that would stand at `rank` if `values` were sorted; reorders them (Hoare's selection). */
function select(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1] ?? 0;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] ?? 0) < pivot) left++;
      while ((values[right] ?? 0) > pivot) right--;
      if (left > right) break;
      const kept = values[left] ?? 0;
      values[left++] = values[right] ?? 0;
      values[right--] = kept;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank] ?? 0;
}
