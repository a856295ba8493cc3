/** The schema of the record of a forecast. */
import { z } from "zod";
import {
  type DeviceForecast,
  type ExhaustionRecord,
  type FleetForecast,
  FORECAST_FORMAT,
  FORECAST_VERSION,
  type ForecastOutcome,
  type ForecastRecord,
  type ForecastVerdict,
  type PooledForecast,
  type SourceRecord,
  type TrackRecord,
  type TrendRecord,
} from "../forecast/record.ts";
import {
  amount,
  bytes,
  count,
  flag,
  list,
  mapOf,
  nullable,
  number,
  object,
  ratio,
  text,
  timeUs,
  word,
} from "./schema-parts.ts";

const outcome = word<ForecastOutcome>({ "within-horizon": true, "not-within-horizon": true, undecided: true });
const slope = { bytesPerDay: number, low: number, high: number };
const trend = nullable(object<TrendRecord>({ ...slope, levelBytes: number, isUsed: flag }));
const pooledTrend = nullable(object<NonNullable<PooledForecast["free"]>>(slope));

const source = object<SourceRecord>({
  name: text,
  format: text,
  columns: nullable(mapOf(text)),
  lines: count,
  samples: count,
  otherLines: count,
  brokenLines: count,
  tooLongLines: count,
  unfinishedBytes: bytes,
  cut: nullable(text),
  faults: list(object<SourceRecord["faults"][number]>({ line: count, reason: text })),
});

const exhaustion = object<ExhaustionRecord>({
  earliestUs: nullable(timeUs),
  expectedUs: nullable(timeUs),
  latestUs: nullable(timeUs),
  earliestAt: nullable(text),
  expectedAt: nullable(text),
  latestAt: nullable(text),
  withinHorizonRatio: ratio,
  by: word<ExhaustionRecord["by"]>({ free: true, largest: true }),
});

const track = object<TrackRecord>({
  samples: count,
  observedUs: timeUs,
  lastAt: nullable(text),
  typicalIntervalUs: nullable(timeUs),
  reboots: count,
  segments: count,
  gaps: count,
  duplicates: count,
  outOfOrder: count,
  clockJumps: count,
  minimumResets: count,
  exhaustions: count,
  rises: count,
  rebootsToldBy: list(text),
});

const device = object<DeviceForecast>({
  device: text,
  track,
  windows: count,
  windowUs: timeUs,
  byTimeOfDay: flag,
  free: trend,
  largest: trend,
  together: trend,
  minimumFreeBytes: nullable(number),
  smallestFreeBytes: nullable(number),
  smallestLargestBytes: nullable(number),
  alreadyBelow: flag,
  unseenDipBytes: number,
  verdict: word<ForecastVerdict>({
    leak: true,
    fragmentation: true,
    "leak-and-fragmentation": true,
    stable: true,
    undecided: true,
  }),
  evidence: list(text),
  outcome,
  exhaustion: nullable(exhaustion),
});

const pooled = object<PooledForecast>({
  devices: count,
  verdicts: object<PooledForecast["verdicts"]>({
    leak: count,
    fragmentation: count,
    "leak-and-fragmentation": count,
    stable: count,
    undecided: count,
  }),
  free: pooledTrend,
  largest: pooledTrend,
});

const fleet = object<FleetForecast>({
  devices: count,
  observedDevices: count,
  observedDeviceYears: amount,
  rebootsPerYear: amount,
  failuresPerYear: nullable(amount),
  low: amount,
  high: amount,
});

export const forecastSchema = object<ForecastRecord>({
  format: z.literal(FORECAST_FORMAT),
  version: z.literal(FORECAST_VERSION),
  provenance: object<ForecastRecord["provenance"]>({ heapsoak: text }),
  requestBytes: bytes,
  requestIsGiven: flag,
  horizonUs: timeUs,
  confidence: ratio,
  sources: list(source),
  devices: list(device),
  pooled: nullable(pooled),
  fleet: nullable(fleet),
  outcome,
});
