import { median } from "../statistics/order.ts";
import type { TrackRecord } from "./record.ts";
import type { Sample } from "./sample.ts";
import { DAY_MS, type Segment, WindowSeries } from "./window-series.ts";

/** A silence of so many usual intervals is a gap. */
const GAP_INTERVALS = 10;
const GAP_LEAST_MS = 60e3;
/** A `millis()` of 32 bits starts again at 0 after 49.7 days. */
const WRAP_MS = 2 ** 32;
/** Clocks of boards are off by so much at the most; more is a clock that was set. */
const CLOCK_DRIFT_RATIO = 0.02;
const CLOCK_DRIFT_LEAST_MS = 30e3;
/** Below: times of day, or of a clock that was never set. */
const DATED_FROM_MS = 315_532_800e3;
/** A silence that is longer is a clock that was set. */
const YEAR_MS = 366 * DAY_MS;
const RISE_RATIO = 0.5;
const RISES_KEPT = 100;
const INTERVALS_KEPT = 128;
/** After so many intervals the usual one is looked at anew, besides after each full turn. */
const INTERVALS_DUE: readonly number[] = [5, 10, 20, 50];

/** What the step from one sample to the next is. */
type Step = "same" | "duplicate" | "late" | "reboot" | "gap" | "clock-jump" | "rise-of-minimum";

/**
 * One device's samples as they come: told apart into stretches between reboots, and thinned. What the log does not
 * say is not guessed: without an uptime, a count of boots or a least-free counter no reboot is recognised, and the
 * counters before and behind a gap are then not compared.
 */
export class DeviceTrack {
  readonly device: string;
  readonly series = new WindowSeries();
  /** Counters that occurred at all. */
  readonly known = {
    free: false,
    used: false,
    largest: false,
    minimum: false,
    uptime: false,
    boot: false,
    dated: false,
  };
  smallestFree = Number.POSITIVE_INFINITY;
  smallestLargest = Number.POSITIVE_INFINITY;
  readonly #requestBytes: number;
  readonly #counts = {
    samples: 0,
    reboots: 0,
    segments: 0,
    gaps: 0,
    duplicates: 0,
    outOfOrder: 0,
    clockJumps: 0,
    minimumResets: 0,
    exhaustions: 0,
  };
  /** The greatest first. */
  readonly #rises: number[] = [];
  readonly #intervals = new Float64Array(INTERVALS_KEPT);
  #intervalCount = 0;
  /** Until a few intervals are known, a day. */
  #gapMs = 86_400e3;
  #segment: Segment | undefined;
  /** Added to the uptime it gives the place on the axis of the series. */
  #offsetMs = 0;
  /** The same for the date: not 0 where the clock was set. */
  #dateOffsetMs = 0;
  #atMs = 0;
  #wallMs = Number.NaN;
  #uptimeMs = Number.NaN;
  #minimum = Number.NaN;
  #boot = "";
  #bootSeen = false;
  #free = Number.NaN;
  #largestFree = Number.NEGATIVE_INFINITY;
  #observedMs = 0;
  #wasExhausted = false;

  constructor(device: string, requestBytes: number) {
    this.device = device;
    this.#requestBytes = requestBytes;
  }

  /** Of the last sample: its place on the axis, its date and its uptime (NaN: not known). */
  get last(): { atMs: number; wallMs: number; uptimeMs: number } {
    return { atMs: this.#atMs, wallMs: this.#wallMs, uptimeMs: this.#uptimeMs };
  }

  /** The median of the last intervals. */
  get typicalIntervalMs(): number {
    return median(this.#intervals.slice(0, Math.min(this.#intervalCount, INTERVALS_KEPT)));
  }

  /** The log shows a boot; the samples behind it belong to a new stretch. */
  boot(): void {
    this.#bootSeen = true;
    this.known.boot = true;
  }

  add(sample: Sample): void {
    const isFirst = this.#segment === undefined;
    this.#counts.samples++;
    // A clock that lost its date tells nothing until it is set again.
    if (this.known.dated && sample.wallMs < DATED_FROM_MS) sample.wallMs = Number.NaN;
    const step = isFirst ? "clock-jump" : this.#step(sample);
    if (step === "duplicate") this.#counts.duplicates++;
    else if (step === "late") this.#counts.outOfOrder++;
    else if (step === "same" || step === "rise-of-minimum") this.#advance(sample, step);
    else this.#begin(sample, step, isFirst);
    this.#note(sample);
    if (step !== "late") this.#remember(sample);
    const at = step === "late" ? this.#place(sample) : this.#atMs;
    this.series.add(at, this.#freeOf(sample), sample.largestBytes);
  }

  /** Counts for the record. */
  record(): TrackRecord {
    const { uptime, boot, minimum } = this.known;
    const told = [uptime && "uptime", boot && "boots", minimum && "the least-free counter"];
    const interval = this.typicalIntervalMs;
    return {
      ...this.#counts,
      rises: this.#rises.filter((bytes) => bytes > (this.#largestFree - this.smallestFree) * RISE_RATIO).length,
      observedUs: Math.round(this.#observedMs * 1000),
      lastAt: this.known.dated ? new Date(this.#wallMs).toISOString() : null,
      typicalIntervalUs: interval > 0 ? Math.round(interval * 1000) : null,
      rebootsToldBy: told.filter((text) => typeof text === "string"),
    };
  }

  /** The device's own least free bytes over all boots; Infinity where it has no such counter. */
  get minimumFree(): number {
    return this.series.segments.reduce(
      (least, { minimumFreeBytes }) => Math.min(least, minimumFreeBytes),
      Number.POSITIVE_INFINITY,
    );
  }

  #freeOf({ freeBytes, usedBytes }: Sample): number {
    return Number.isNaN(freeBytes) ? -usedBytes : freeBytes;
  }

  #step(sample: Sample): Step {
    if (this.#bootSeen || (sample.boot !== "" && this.#boot !== "" && sample.boot !== this.#boot)) return "reboot";
    const byUptime = this.#stepByUptime(sample);
    if (byUptime) return byUptime;
    const hasRisen = sample.minimumFreeBytes > this.#minimum;
    const passedMs = sample.wallMs - this.#wallMs;
    // Times since boot alone, or a date where there was none: nothing joins the two.
    if (Number.isNaN(passedMs)) return "clock-jump";
    if (hasRisen) return "reboot";
    if (passedMs === 0) return "duplicate";
    if (passedMs < 0) return -passedMs <= this.#gapMs ? "late" : "clock-jump";
    // A least-free counter that has not risen has been counting all the while.
    if (passedMs > YEAR_MS) return "clock-jump";
    if (passedMs <= this.#gapMs || (this.known.minimum && sample.minimumFreeBytes <= this.#minimum)) return "same";
    return "gap";
  }

  /** Undefined: uptime is not known before or now. */
  #stepByUptime(sample: Sample): Step | undefined {
    const runMs = sample.uptimeMs - this.#uptimeMs;
    if (Number.isNaN(runMs)) return undefined;
    const passedMs = this.#passedMs(sample);
    if (runMs < 0) {
      if (this.#hasWrapped(sample)) return "same";
      if (-runMs <= this.#gapMs && sample.uptimeMs > this.#gapMs && !(passedMs > 0)) return "late";
      return "reboot";
    }
    if (runMs === 0 && !(passedMs > 0)) return "duplicate";
    const toleranceMs = Math.max(CLOCK_DRIFT_LEAST_MS, passedMs * CLOCK_DRIFT_RATIO);
    // It has run for less than has passed: it booted in between. Going on as usual, its clock was set instead.
    const hasBooted = passedMs - runMs > toleranceMs && sample.uptimeMs < passedMs;
    if (hasBooted && runMs * GAP_INTERVALS > this.#gapMs * 2) return "reboot";
    return sample.minimumFreeBytes > this.#minimum ? "rise-of-minimum" : "same";
  }

  /** NaN too where the date was not set before. */
  #passedMs({ wallMs }: Sample): number {
    return wallMs > DATED_FROM_MS && this.#wallMs < DATED_FROM_MS ? Number.NaN : wallMs - this.#wallMs;
  }

  /** Where uptime is milliseconds in 32 bits, going back from the very end to the start is no reboot. */
  #hasWrapped(sample: Sample): boolean {
    if (this.#uptimeMs < WRAP_MS * 0.9 || this.#uptimeMs > WRAP_MS || sample.uptimeMs > WRAP_MS * 0.1) return false;
    const runMs = sample.uptimeMs + WRAP_MS - this.#uptimeMs;
    const passedMs = sample.wallMs - this.#wallMs;
    const expectedMs = Number.isNaN(passedMs) ? this.#gapMs : passedMs;
    const slackMs = Math.max(CLOCK_DRIFT_LEAST_MS, expectedMs * CLOCK_DRIFT_RATIO);
    return Number.isNaN(passedMs) ? runMs <= expectedMs : Math.abs(runMs - passedMs) <= slackMs;
  }

  #advance(sample: Sample, step: Step): void {
    if (step === "rise-of-minimum") this.#counts.minimumResets++;
    if (sample.uptimeMs < this.#uptimeMs) this.#offsetMs += WRAP_MS;
    const atMs = this.#place(sample);
    const passedMs = Math.max(0, atMs - this.#atMs);
    const clockMs = sample.wallMs - this.#wallMs;
    if (passedMs > this.#gapMs) this.#counts.gaps++;
    // Both clocks are there and disagree: the uptime is right, and the date was set.
    if (Math.abs(clockMs - passedMs) > Math.max(CLOCK_DRIFT_LEAST_MS, passedMs * CLOCK_DRIFT_RATIO))
      this.#counts.clockJumps++;
    this.#countInterval(passedMs);
    this.#observedMs += passedMs;
    this.#atMs = Math.max(atMs, this.#atMs);
    if (this.#segment) this.#segment.endMs = this.#atMs;
  }

  /** Opens a segment. */
  #begin(sample: Sample, step: Step, isFirst: boolean): void {
    if (step === "reboot") this.#countReboot();
    else if (step === "gap") this.#counts.gaps++;
    else if (!isFirst) this.#counts.clockJumps++;
    const { wallMs, uptimeMs } = sample;
    const atMs = isFirst ? (Number.isNaN(wallMs) ? uptimeMs : wallMs) : this.#placeBehind(wallMs);
    this.#offsetMs = atMs - uptimeMs;
    this.#atMs = atMs;
    this.#counts.segments++;
    this.#segment = this.series.begin(atMs, uptimeMs, step === "reboot");
    this.#bootSeen = false;
    this.#minimum = Number.NaN;
    this.#free = Number.NaN;
  }

  /** Where a stretch begins; without a date, or behind a clock that was set, right behind the one before. */
  #placeBehind(wallMs: number): number {
    if (Number.isNaN(wallMs)) return this.#atMs + 1;
    const aheadMs = wallMs + this.#dateOffsetMs - this.#atMs;
    // Whole days, so that windows of the same time of day stay together.
    if (!(aheadMs > 0 && aheadMs <= YEAR_MS)) this.#dateOffsetMs -= Math.floor((aheadMs - 1) / DAY_MS) * DAY_MS;
    return wallMs + this.#dateOffsetMs;
  }

  #countReboot(): void {
    this.#counts.reboots++;
    if (this.#wasExhausted) this.#counts.exhaustions++;
  }

  /** On the axis: uptime where it is known, or else the date. */
  #place({ wallMs, uptimeMs }: Sample): number {
    const place = uptimeMs + this.#offsetMs;
    if (!Number.isNaN(place)) return place;
    return Number.isNaN(wallMs) ? this.#atMs : wallMs + this.#dateOffsetMs;
  }

  #remember(sample: Sample): void {
    const free = this.#freeOf(sample);
    if (free > this.#free) this.#keepRise(free - this.#free);
    this.#free = free;
    this.#largestFree = Math.max(this.#largestFree, free);
    this.#wasExhausted = sample.largestBytes < this.#requestBytes || sample.freeBytes < this.#requestBytes;
    if (!Number.isNaN(sample.wallMs)) this.#wallMs = sample.wallMs;
    this.#uptimeMs = sample.uptimeMs;
    if (sample.boot !== "") this.#boot = sample.boot;
  }

  /** The greatest rises from one sample to the next; how much is much is known at the end only. */
  #keepRise(bytes: number): void {
    const rises = this.#rises;
    if (rises.length >= RISES_KEPT && bytes <= (rises.at(-1) ?? 0)) return;
    const at = rises.findIndex((other) => other < bytes);
    rises.splice(at < 0 ? rises.length : at, 0, bytes);
    if (rises.length > RISES_KEPT) rises.pop();
  }

  /** Extremes, and what the log knows at all. */
  #note(sample: Sample): void {
    const { known } = this;
    const { freeBytes, usedBytes, largestBytes, minimumFreeBytes } = sample;
    if (freeBytes >= 0) known.free = true;
    else if (usedBytes >= 0) known.used = true;
    if (largestBytes >= 0) known.largest = true;
    if (sample.uptimeMs >= 0) known.uptime = true;
    if (sample.boot !== "") known.boot = true;
    if (sample.wallMs > DATED_FROM_MS) known.dated = true;
    const free = this.#freeOf(sample);
    if (free < this.smallestFree) this.smallestFree = free;
    if (largestBytes < this.smallestLargest) this.smallestLargest = largestBytes;
    if (minimumFreeBytes >= 0) this.#noteMinimum(minimumFreeBytes);
  }

  #noteMinimum(bytes: number): void {
    this.known.minimum = true;
    this.#minimum = bytes;
    const segment = this.#segment;
    if (!segment || bytes >= segment.minimumFreeBytes) return;
    segment.minimumFreeBytes = bytes;
    segment.minimumAtMs = this.#atMs;
  }

  #countInterval(ms: number): void {
    if (!(ms > 0)) return;
    this.#intervals[this.#intervalCount++ % INTERVALS_KEPT] = ms;
    const isDue = this.#intervalCount % INTERVALS_KEPT === 0 || INTERVALS_DUE.includes(this.#intervalCount);
    if (isDue) this.#gapMs = Math.max(GAP_LEAST_MS, this.typicalIntervalMs * GAP_INTERVALS);
  }
}
