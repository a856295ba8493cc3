import { quantile } from "../statistics/order.ts";
import type { DeviceTrack } from "./device-track.ts";
import { evidenceOf } from "./evidence.ts";
import { DAYS_MOST, type Futures, futuresOf, type Reserve } from "./exhaustion.ts";
import type { DeviceForecast, ExhaustionRecord, ForecastOutcome, ForecastVerdict, TrendRecord } from "./record.ts";
import { type Points, pointsOf, type Trend, trendOf } from "./trend.ts";
import { isFalling, levelsOff, type Trends, verdictOf } from "./verdict.ts";
import { DAY_MS } from "./window-series.ts";

export const DAY_US = 86_400e6;

const WINDOWS_A_DAY_MOST = 32;

/** What is asked of a device's counters. */
export interface Question {
  readonly requestBytes: number;
  readonly horizonUs: number;
  readonly confidence: number;
}

/** A device's forecast, and what the fleet's is made of. */
export interface JudgedDevice {
  readonly forecast: DeviceForecast;
  readonly trends: Trends;
  /** Days from boot to exhaustion, one future a resample; undefined: the log is too short to tell. */
  readonly fromBoot: Float64Array | undefined;
}

type Column = "free" | "largest" | "together";

/** Judges a device by its track. The same track gives the same forecast. */
export function judgeDevice(track: DeviceTrack, question: Question): JudgedDevice {
  const seed = seedOf(track.device);
  widen(track);
  const { windows, segments } = track.series;
  const points = pointsOf(windows, segments, track.last.atMs);
  const values = (column: Column) => points.rows.map((row) => windows[column][row] ?? 0);
  const trend = (column: Column, known: boolean) => {
    const y = values(column);
    return known && y.every(Number.isFinite) ? trendOf(points, y, seed, question.confidence) : undefined;
  };
  const { known } = track;
  const trends: Trends = {
    free: trend("free", known.free || known.used),
    largest: trend("largest", known.largest),
    together: trend("together", known.free && known.largest),
  };
  const slowing = (["free", "largest"] as const).filter((column) => {
    const whole = trends[column];
    return whole && isFalling(whole) && levelsOff(points, values(column), whole, seed, question.confidence);
  });
  return new Judgement(track, question, points, trends, slowing).device(seed);
}

/**
 * A window holds a sample at least, or neighbouring ones would be of different times of day by chance; and of a
 * day there are no more windows than days can fill.
 */
function widen({ series, typicalIntervalMs }: DeviceTrack): void {
  const longestMs = series.segments.reduce((most, { startMs, endMs }) => Math.max(most, endMs - startMs), 0);
  series.widen(Math.max(typicalIntervalMs, longestMs >= DAY_MS * 2 ? DAY_MS / WINDOWS_A_DAY_MOST : 0));
}

/** All that is known of a device, on the way to its forecast. */
class Judgement {
  readonly #track: DeviceTrack;
  readonly #question: Question;
  readonly #points: Points;
  readonly #trends: Trends;
  readonly #slowing: readonly Column[];
  readonly #dipBytes: number;

  constructor(track: DeviceTrack, question: Question, points: Points, trends: Trends, slowing: readonly Column[]) {
    this.#track = track;
    this.#question = question;
    this.#points = points;
    this.#trends = trends;
    this.#slowing = slowing;
    this.#dipBytes = track.known.free && trends.free ? this.#unseenDip(trends.free) : 0;
  }

  device(seed: number): JudgedDevice {
    const reserves = this.#reserves();
    const request = { widthDays: this.#points.widthDays, seed };
    const futures = reserves.length > 0 ? futuresOf(reserves, { ...request, fromDays: 0 }) : undefined;
    const fromBoot =
      reserves.length > 0
        ? futuresOf(reserves, { ...request, fromDays: -this.#upDays() }).days.map((days) =>
            Math.max(days, this.#points.widthDays),
          )
        : undefined;
    const exhaustion = futures ? this.#exhaustion(futures) : null;
    const outcome = this.#outcome(exhaustion);
    const verdict = this.#verdict(outcome);
    const figures = this.#figures();
    const evidence = evidenceOf(
      { ...figures, verdict, outcome, exhaustion, slowing: this.#slowing },
      this.#track.known,
      this.#question,
    );
    return { forecast: { ...figures, verdict, evidence, outcome, exhaustion }, trends: this.#trends, fromBoot };
  }

  #figures() {
    const { series, known, device, smallestFree, smallestLargest, minimumFree } = this.#track;
    const { free, largest, together } = this.#trends;
    return {
      device,
      track: this.#track.record(),
      windows: this.#points.x.length,
      windowUs: Math.round(series.widthMs * 1000),
      byTimeOfDay: this.#points.byTimeOfDay,
      free: free ? trendRecord(free, !known.free) : null,
      largest: largest ? trendRecord(largest, false) : null,
      together: together ? trendRecord(together, false) : null,
      minimumFreeBytes: finite(minimumFree),
      smallestFreeBytes: known.free ? finite(smallestFree) : null,
      smallestLargestBytes: finite(smallestLargest),
      alreadyBelow: this.#hasHappened,
      unseenDipBytes: Math.round(this.#dipBytes),
    };
  }

  /**
   * What is used alone tells no level. Of free memory as much must stay as the firmware takes between the samples:
   * that may be the request itself, so the larger of the two counts, not their sum.
   */
  #reserves(): Reserve[] {
    const { free, largest } = this.#trends;
    const { requestBytes } = this.#question;
    const reserves: Reserve[] = [];
    if (free && this.#track.known.free)
      reserves.push({ trend: free, needBytes: Math.max(requestBytes, this.#dipBytes), isLargest: false });
    if (largest) reserves.push({ trend: largest, needBytes: requestBytes, isLargest: true });
    return reserves;
  }

  /** How far below the lowest window about its line the device's own least-free counter was, in the deepest boot. */
  #unseenDip(trend: Trend): number {
    const { series, last } = this.#track;
    const lowest = trend.residuals.reduce((least, value) => Math.min(least, value), 0);
    const segment = series.segments.at(-1);
    if (!segment || !Number.isFinite(segment.minimumFreeBytes)) return 0;
    const lineBytes = trend.level + trend.slope * ((segment.minimumAtMs - last.atMs) / DAY_MS);
    return Math.max(0, lineBytes + lowest - segment.minimumFreeBytes);
  }

  /** Days since the last boot, or since the log began. */
  #upDays(): number {
    const { last, series } = this.#track;
    const startMs = series.segments.at(-1)?.startMs ?? last.atMs;
    return (Number.isNaN(last.uptimeMs) ? last.atMs - startMs : last.uptimeMs) / DAY_MS;
  }

  #exhaustion({ days, byLargest }: Futures): ExhaustionRecord {
    const tail = (1 - this.#question.confidence) / 2;
    const sorted = days.slice();
    const [earliest, expected, latest] = [quantile(sorted, tail), quantile(sorted, 0.5), quantile(sorted, 1 - tail)];
    const ends = days.filter((value) => value < DAYS_MOST).length;
    const within = days.filter((value) => value * DAY_US <= this.#question.horizonUs).length;
    return {
      earliestUs: usOf(earliest),
      expectedUs: usOf(expected),
      latestUs: usOf(latest),
      earliestAt: this.#dateOf(earliest),
      expectedAt: this.#dateOf(expected),
      latestAt: this.#dateOf(latest),
      withinHorizonRatio: within / days.length,
      by: byLargest * 2 > ends || !this.#track.known.free ? "largest" : "free",
    };
  }

  #dateOf(days: number): string | null {
    const { wallMs } = this.#track.last;
    if (!Number.isFinite(days) || !this.#track.known.dated) return null;
    return new Date(wallMs + days * DAY_MS).toISOString();
  }

  /** A sample was below the request already. */
  get #hasHappened(): boolean {
    const { smallestFree, smallestLargest, known } = this.#track;
    const { requestBytes } = this.#question;
    return smallestLargest < requestBytes || (known.free && smallestFree < requestBytes);
  }

  /** Undecided where the futures are of two minds, or the fall seems to end. */
  #outcome(exhaustion: ExhaustionRecord | null): ForecastOutcome {
    if (!exhaustion) return "undecided";
    const { horizonUs, confidence } = this.#question;
    if (exhaustion.withinHorizonRatio <= 1 - confidence) return "not-within-horizon";
    const { free, largest } = this.#trends;
    const isExpected = exhaustion.expectedUs !== null && exhaustion.expectedUs <= horizonUs;
    const isShown = (isFalling(free) || isFalling(largest)) && this.#slowing.length === 0;
    return isExpected && (isShown || this.#hasHappened) ? "within-horizon" : "undecided";
  }

  #verdict(outcome: ForecastOutcome): ForecastVerdict {
    const { free, largest } = this.#trends;
    if (!free && !largest) return "undecided";
    if (this.#slowing.length > 0) return "undecided";
    const verdict = verdictOf(this.#trends);
    return verdict === "stable" && outcome === "undecided" ? "undecided" : verdict;
  }
}

function trendRecord({ slope, low, high, level }: Trend, isUsed: boolean): TrendRecord {
  return { bytesPerDay: rounded(slope), low: rounded(low), high: rounded(high), levelBytes: Math.round(level), isUsed };
}

/** Six digits are more than any trend has; −0 is 0. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6)) + 0;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function usOf(days: number): number | null {
  return days < DAYS_MOST ? Math.round(days * DAY_US) : null;
}

/** The same device is judged with the same draws, whatever else is in the files (FNV-1a). */
function seedOf(device: string): number {
  let hash = 0x811c9dc5;
  for (const character of device) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash | 0;
}
