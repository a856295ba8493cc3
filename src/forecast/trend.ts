import { Blocks } from "../statistics/block-bootstrap.ts";
import { median, quantile } from "../statistics/order.ts";
import { Slopes } from "../statistics/theil-sen.ts";
import { DAY_MS, type Segment, type Windows } from "./window-series.ts";

/** Fewer windows than these say nothing. */
export const LEAST_WINDOWS = 16;
/** Of each boot, what counts as settling and is left out. */
const SETTLING_SHARE = 0.25;
/** So many days show what is the rhythm of a day and what a trend. */
const DAYS_FOR_RHYTHM = 3;
/** Windows of the current boot that tell its level. */
const LEAST_LEVEL_WINDOWS = 4;
/**
 * Two counters are judged, and a verdict on either must be by chance in at most 5 % of healthy devices: so much wider
 * are the intervals than the bootstrap's, found with noise without a trend (test/forecast/false-alarms.test.ts).
 */
const WIDENING = 1.15;
/** The interval's ends are the fifth lowest and highest of the resamples at the least. */
const RESAMPLES_IN_TAIL = 5;

/** Windows as points: days before (negative) the last sample, and who may be compared with whom. */
export interface Points {
  readonly x: readonly number[];
  readonly segment: readonly number[];
  /** Time of day, by the windows of a day; all 0 where times of day are not told apart. */
  readonly phase: readonly number[];
  /** Segment and phase in one number. */
  readonly group: readonly number[];
  /** Rows of the windows that the points stand for. */
  readonly rows: readonly number[];
  readonly widthDays: number;
  readonly byTimeOfDay: boolean;
}

/** A line through windows, and how far off it may be. */
export interface Trend {
  /** Bytes a day. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
  /** Of the line at the last sample, in the current boot. */
  readonly level: number;
  /** Errors of slope (widened) and of level with it, one pair a resample: the truth is the estimate less an error. */
  readonly slopeErrors: Float64Array;
  readonly levelErrors: Float64Array;
  /** How the windows lie about the line. */
  readonly residuals: readonly number[];
}

/** The windows behind each boot's settling. `lastMs`: the last sample's place. */
export function pointsOf(windows: Windows, segments: readonly Segment[], lastMs: number): Points {
  const settledMs = new Map(segments.map((segment) => [segment.id, settledAt(segment)]));
  const rows = windows.key
    .map((_, row) => row)
    .filter((row) => {
      const startMs = (windows.key[row] ?? 0) * windows.widthMs;
      return startMs >= (settledMs.get(windows.segment[row] ?? -1) ?? Number.POSITIVE_INFINITY);
    });
  const full = withoutPartial(rows, windows);
  const x = full.map((row) => (((windows.key[row] ?? 0) + 0.5) * windows.widthMs - lastMs) / DAY_MS);
  const segment = full.map((row) => windows.segment[row] ?? 0);
  const phases = phasesOf(x, segment, windows.widthMs);
  const phase = full.map((row) => modulo(windows.key[row] ?? 0, phases));
  const group = segment.map((id, i) => id * phases + (phase[i] ?? 0));
  return { x, segment, phase, group, rows: full, widthDays: windows.widthMs / DAY_MS, byTimeOfDay: phases > 1 };
}

function settledAt({ startMs, endMs, uptimeMs }: Segment): number {
  const before = Number.isNaN(uptimeMs) ? 0 : uptimeMs;
  return startMs - before + (endMs - startMs + before) * SETTLING_SHARE;
}

/** A window of few samples has seen fewer minima than the others. */
function withoutPartial(rows: readonly number[], { count }: Windows): number[] {
  const usual = median(Float64Array.from(rows, (row) => count[row] ?? 0));
  return usual < 4 ? [...rows] : rows.filter((row) => (count[row] ?? 0) * 2 >= usual);
}

/** Windows of a day where the longest boot lasted for days, else 1. */
function phasesOf(x: readonly number[], segment: readonly number[], widthMs: number): number {
  if (widthMs >= DAY_MS) return 1;
  let longest = 0;
  let start = 0;
  for (let i = 0; i < x.length; i++) {
    if (i === 0 || segment[i] !== segment[i - 1]) start = x[i] ?? 0;
    longest = Math.max(longest, (x[i] ?? 0) - start);
  }
  return longest >= DAYS_FOR_RHYTHM - widthMs / DAY_MS ? Math.round(DAY_MS / widthMs) : 1;
}

/** How many resamples an interval of this confidence takes. */
export function resamplesFor(confidence: number): number {
  return Math.max(200, Math.ceil((2 * RESAMPLES_IN_TAIL) / (1 - confidence)));
}

/** The trend of the values at the points, or undefined where there are too few to tell. */
export function trendOf(points: Points, y: readonly number[], seed: number, confidence: number): Trend | undefined {
  if (points.x.length < LEAST_WINDOWS) return undefined;
  const slopes = new Slopes(points.x, points.group);
  const slope = slopes.median(y);
  const fit = new Fit(points, y, slope);
  const blocks = new Blocks(fit.noise, seed);
  const widening = WIDENING * blocks.widening * fit.lostFreedom;
  const count = resamplesFor(confidence);
  const slopeErrors = new Float64Array(count);
  const levelErrors = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const noise = blocks.resample();
    const error = slopes.median(noise);
    slopeErrors[i] = error * widening;
    levelErrors[i] = fit.levelOf(noise, error * widening);
  }
  const tail = (1 - confidence) / 2;
  const sorted = slopeErrors.slice();
  const low = slope - quantile(sorted, 1 - tail);
  const high = slope - quantile(sorted, tail);
  return { slope, low, high, level: fit.levelOf(y, slope), slopeErrors, levelErrors, residuals: fit.residuals };
}

/** Lines of one slope, each boot at its own height. */
class Fit {
  /** About the lines. */
  readonly residuals: readonly number[];
  /** The same without what is usual at that time of day. */
  readonly noise: readonly number[];
  /** Noise is smaller than it was by what the heights have taken up. */
  readonly lostFreedom: number;
  readonly #points: Points;
  /** Points that tell the height at the end. */
  readonly #levelPoints: readonly number[];

  constructor(points: Points, y: readonly number[], slope: number) {
    this.#points = points;
    const last = points.segment.at(-1);
    const current = points.x.map((_, i) => i).filter((i) => points.segment[i] === last);
    this.#levelPoints = current.length >= LEAST_LEVEL_WINDOWS ? current : points.x.map((_, i) => i);
    const flat = y.map((value, i) => value - slope * (points.x[i] ?? 0));
    this.residuals = centred(flat, points.segment, median);
    // Means: the medians of a few days would leave too little behind.
    this.noise = points.byTimeOfDay ? centred(this.residuals, points.phase, mean) : this.residuals;
    const heights = new Set(points.segment).size + (points.byTimeOfDay ? new Set(points.phase).size : 0);
    this.lostFreedom = Math.sqrt(points.x.length / Math.max(points.x.length / 2, points.x.length - heights));
  }

  /** The height at the last sample of a line of this slope. */
  levelOf(y: readonly number[], slope: number): number {
    const { x } = this.#points;
    return median(Float64Array.from(this.#levelPoints, (i) => (y[i] ?? 0) - slope * (x[i] ?? 0)));
  }
}

/** The values less the centre of their group. */
function centred(
  values: readonly number[],
  groups: readonly number[],
  centre: (values: Float64Array) => number,
): number[] {
  const members = new Map<number, number[]>();
  for (const [i, value] of values.entries()) {
    const group = groups[i] ?? 0;
    const list = members.get(group);
    if (list) list.push(value);
    else members.set(group, [value]);
  }
  const centres = new Map([...members].map(([group, list]) => [group, centre(Float64Array.from(list))]));
  return values.map((value, i) => value - (centres.get(groups[i] ?? 0) ?? 0));
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
