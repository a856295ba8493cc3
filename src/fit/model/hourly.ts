import { correlationOf } from "./statistics.ts";

const HOUR_US = 3600e6;
const DAY_US = 24 * HOUR_US;
const DAYS_LEAST = 2;
const STARTS_LEAST = 150;
/** Hours differ when chi-square with 23 degrees of freedom is beyond its mean by this many standard deviations. */
const DEVIATIONS = 4;
const AGREEMENT = 0.4;

/** How often things happen by the hour of the day. */
export interface Day {
  /** 24 factors around 1. */
  readonly factors: readonly number[];
  /** The time that was looked at, each hour weighed with its factor. */
  readonly exposureUs: number;
  /** The times on a clock that runs faster in busy hours: on it the rate is even. */
  evened(timesUs: Float64Array): Float64Array;
}

/** The rhythm of the day, where the trace spans two days at least and the days agree that there is one. */
export function dayOf(timesUs: Float64Array, untilUs: number): Day | undefined {
  if (untilUs < DAYS_LEAST * DAY_US || timesUs.length < STARTS_LEAST) return undefined;
  const counts = [new Float64Array(24), new Float64Array(24)];
  const exposures = [new Float64Array(24), new Float64Array(24)];
  for (const us of timesUs) add(counts, us, 1);
  for (let us = 0; us < untilUs; us += HOUR_US) add(exposures, us, Math.min(HOUR_US, untilUs - us));
  const rates = Array.from({ length: 24 }, (_, hour) => ratio(total(counts, hour), total(exposures, hour)));
  const mean = timesUs.length / untilUs;
  let statistic = 0;
  for (let hour = 0; hour < 24; hour++) {
    const expected = mean * total(exposures, hour);
    statistic += (total(counts, hour) - expected) ** 2 / expected;
  }
  const even = Array.from({ length: 24 }, (_, hour) => ratio(counts[0]?.[hour] ?? 0, exposures[0]?.[hour] ?? 0));
  const odd = Array.from({ length: 24 }, (_, hour) => ratio(counts[1]?.[hour] ?? 0, exposures[1]?.[hour] ?? 0));
  if (statistic < 23 + DEVIATIONS * Math.sqrt(46) || correlationOf(even, odd) < AGREEMENT) return undefined;
  const average = rates.reduce((sum, rate) => sum + rate, 0) / 24;
  const factors = rates.map((rate) => Number((rate / average).toFixed(3)));
  const exposureUs = factors.reduce((sum, factor, hour) => sum + factor * total(exposures, hour), 0);
  return { factors, exposureUs, evened: (times) => times.map((us) => evenedTime(us, factors)) };
}

/** Days are counted in turn, so that their agreement can be seen. */
function add(columns: readonly Float64Array[], us: number, amount: number): void {
  const hour = Math.floor(us / HOUR_US) % 24;
  const column = columns[Math.floor(us / DAY_US) % 2];
  if (column) column[hour] = (column[hour] ?? 0) + amount;
}

function total(columns: readonly Float64Array[], hour: number): number {
  return (columns[0]?.[hour] ?? 0) + (columns[1]?.[hour] ?? 0);
}

function ratio(count: number, exposure: number): number {
  return exposure > 0 ? count / exposure : 0;
}

function evenedTime(us: number, factors: readonly number[]): number {
  const whole = factors.reduce((sum, factor) => sum + factor, 0) * HOUR_US;
  const hours = Math.floor((us % DAY_US) / HOUR_US);
  const before = factors.slice(0, hours).reduce((sum, factor) => sum + factor, 0) * HOUR_US;
  return Math.floor(us / DAY_US) * whole + before + (us % HOUR_US) * (factors[hours] ?? 0);
}
