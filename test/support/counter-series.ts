import { DeviceTrack } from "../../src/forecast/device-track.ts";
import { blankSample, clearSample } from "../../src/forecast/sample.ts";
import { Random } from "../../src/statistics/random.ts";

/** A device whose truth is known. */
export interface SeriesOptions {
  readonly seed: number;
  readonly days: number;
  readonly everyMs?: number;
  /** Bytes a day by which free memory, and with it the largest block, falls. */
  readonly leak?: number;
  /** Bytes a day by which the largest block falls besides. */
  readonly scattering?: number;
  readonly freeBytes?: number;
  readonly largestBytes?: number;
  /** Standard deviation of the noise, about. */
  readonly noiseBytes?: number;
  /** Of one sample's noise with the next (AR(1)). */
  readonly correlation?: number;
  /** Half of the swing over a day. */
  readonly rhythmBytes?: number;
}

/** A sample of the series: milliseconds since its start, and the counters. */
export interface SeriesRow {
  readonly atMs: number;
  readonly free: number;
  readonly largest: number;
}

const DAY_MS = 86_400e3;
export const SERIES_START_MS = Date.UTC(2026, 0, 5, 7, 30);

/** The samples of a device, as many days as asked for. */
export function* counterSeries(options: SeriesOptions): Generator<SeriesRow> {
  const {
    days,
    everyMs = 600e3,
    leak = 0,
    scattering = 0,
    noiseBytes = 500,
    correlation = 0.8,
    rhythmBytes = 0,
  } = options;
  const { freeBytes = 60_000, largestBytes = 40_000 } = options;
  const random = new Random(options.seed * 7919);
  const scale = noiseBytes * Math.sqrt(1 - correlation ** 2);
  const noises = [0, 0];
  const phase = random.next() * 2 * Math.PI;
  for (let atMs = 0; atMs < days * DAY_MS; atMs += everyMs) {
    for (const i of [0, 1]) noises[i] = correlation * (noises[i] ?? 0) + scale * normal(random);
    const day = atMs / DAY_MS;
    const rhythm = rhythmBytes * Math.sin(2 * Math.PI * day + phase);
    const free = freeBytes - leak * day + rhythm + (noises[0] ?? 0);
    const largest = largestBytes - (leak + scattering) * day + rhythm * 0.6 + (noises[1] ?? 0);
    yield { atMs, free: Math.max(0, Math.round(free)), largest: Math.max(0, Math.round(Math.min(free, largest))) };
  }
}

/** The samples as a table. */
export function counterTable(options: SeriesOptions): string {
  const rows = Array.from(counterSeries(options), ({ atMs, free, largest }) => {
    return `${new Date(SERIES_START_MS + atMs).toISOString()},${free},${largest}\n`;
  });
  return `time,free_heap,largest_block\n${rows.join("")}`;
}

/** The same samples as the reader would leave them. */
export function trackOf(options: SeriesOptions, requestBytes = 1024): DeviceTrack {
  const track = new DeviceTrack(`device ${options.seed}`, requestBytes);
  const sample = blankSample();
  for (const { atMs, free, largest } of counterSeries(options)) {
    clearSample(sample);
    sample.wallMs = SERIES_START_MS + atMs;
    sample.uptimeMs = atMs;
    sample.freeBytes = free;
    sample.largestBytes = largest;
    track.add(sample);
  }
  return track;
}

function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.next();
  return sum;
}
