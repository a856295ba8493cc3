import { median, quantile } from "../statistics/order.ts";
import { Random } from "../statistics/random.ts";
import { type JudgedDevice, rounded } from "./device-forecast.ts";
import type { FleetForecast, ForecastVerdict, PooledForecast } from "./record.ts";

const DAYS_A_YEAR = 365;
const RESAMPLES = 2000;
/** Fewer failures a year are none. */
const LEAST_FAILURES = 1e-6;
/** Fewer devices do not tell how devices differ. */
const LEAST_DEVICES = 4;

/**
 * All devices together: the median of their slopes, with an interval from drawing devices anew, each with one of the
 * errors of its slope. Below four devices there is none.
 */
export function pool(devices: readonly JudgedDevice[], confidence: number): PooledForecast {
  const verdicts: Record<ForecastVerdict, number> = {
    leak: 0,
    fragmentation: 0,
    "leak-and-fragmentation": 0,
    stable: 0,
    undecided: 0,
  };
  for (const { forecast } of devices) verdicts[forecast.verdict]++;
  return {
    devices: devices.length,
    verdicts,
    free: pooledSlope(devices, "free", confidence),
    largest: pooledSlope(devices, "largest", confidence),
  };
}

function pooledSlope(
  devices: readonly JudgedDevice[],
  counter: "free" | "largest",
  confidence: number,
): PooledForecast["free"] {
  const trends = devices.flatMap(({ trends }) => trends[counter] ?? []);
  if (trends.length < LEAST_DEVICES) return null;
  const random = new Random(trends.length);
  const medians = Float64Array.from({ length: RESAMPLES / 4 }, () => {
    const slopes = trends.map(() => {
      const trend = trends[random.below(trends.length)];
      return (trend?.slope ?? 0) - (trend?.slopeErrors[random.below(trend.slopeErrors.length)] ?? 0);
    });
    return median(Float64Array.from(slopes));
  });
  const tail = (1 - confidence) / 2;
  const slope = median(Float64Array.from(trends, (trend) => trend.slope));
  return {
    bytesPerDay: rounded(slope),
    low: rounded(quantile(medians, tail)),
    high: rounded(quantile(medians, 1 - tail)),
  };
}

/**
 * Exhaustions a year in a fleet of so many devices. The model: every device runs from boot until its memory is
 * exhausted or it reboots for another reason, then starts anew; its time to exhaustion is the same after every boot;
 * the times of a fleet are those of the observed devices; other reboots come at their observed rate, at any time alike; uptimes are spread as they are in the long
 * run. The interval covers which devices were observed, the errors of their trends, and the count of reboots.
 *
 * Rate of a device = P(exhaustion before a reboot) / E(time until either), by the renewal theorem.
 */
export function fleetForecast(devices: readonly JudgedDevice[], size: number, confidence: number): FleetForecast {
  const judged = devices.flatMap(({ fromBoot }) => (fromBoot ? [fromBoot] : []));
  const days = sum(devices.map(({ forecast }) => forecast.track.observedUs)) / 86_400e6;
  const exhaustions = sum(devices.map(({ forecast }) => forecast.track.exhaustions));
  const reboots = sum(devices.map(({ forecast }) => forecast.track.reboots)) - exhaustions;
  const rates = drawRates(judged, reboots, days);
  const tail = (1 - confidence) / 2;
  const perYear = (ratio: number) => {
    const failures = quantile(rates, ratio) * DAYS_A_YEAR * size;
    return failures < LEAST_FAILURES ? 0 : failures;
  };
  // As many as were seen, and one that was not: of no exhaustion in T device-days follows at most −ln(1 − confidence) / T.
  const unseen = (-Math.log(1 - confidence) / Math.max(days, 1e-9)) * DAYS_A_YEAR * size;
  const isSeen = judged.length > 0 && perYear(0.5) > 0;
  const upper = judged.length > 0 ? perYear(1 - tail) : 0;
  return {
    devices: size,
    observedDevices: judged.length,
    observedDeviceYears: rounded(days / DAYS_A_YEAR),
    rebootsPerYear: days > 0 ? rounded((reboots / days) * DAYS_A_YEAR) : 0,
    failuresPerYear: isSeen ? rounded(perYear(0.5)) : null,
    low: isSeen ? rounded(perYear(tail)) : 0,
    high: rounded(isSeen ? upper : Math.max(upper, unseen)),
  };
}

/** Exhaustions a day and device: one draw of devices, futures and reboots each. */
function drawRates(judged: readonly Float64Array[], reboots: number, days: number): Float64Array {
  const random = new Random(judged.length + reboots);
  return Float64Array.from({ length: judged.length > 0 ? RESAMPLES : 0 }, () => {
    const rebootsADay = gammaDraw(reboots + 0.5, random) / Math.max(days, 1e-9);
    const drawn = judged.map(() => {
      const futures = judged[random.below(judged.length)];
      return deviceRate(futures?.[random.below(futures.length)] ?? Number.POSITIVE_INFINITY, rebootsADay);
    });
    return sum(drawn) / drawn.length;
  });
}

/** Of a device that would be exhausted `lifeDays` after each boot. */
function deviceRate(lifeDays: number, rebootsADay: number): number {
  if (!Number.isFinite(lifeDays)) return 0;
  const life = Math.max(lifeDays, 1e-6);
  if (rebootsADay * life < 1e-9) return 1 / life;
  const survives = Math.exp(-rebootsADay * life);
  return (survives * rebootsADay) / (1 - survives);
}

/** About a gamma distribution of that shape and scale 1 (E. B. Wilson, M. M. Hilferty, 1931). */
function gammaDraw(shape: number, random: Random): number {
  let normal = -6;
  for (let i = 0; i < 12; i++) normal += random.next();
  const root = 1 - 1 / (9 * shape) + normal / (3 * Math.sqrt(shape));
  return shape * Math.max(0, root) ** 3;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
