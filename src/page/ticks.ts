/** Where marks stand on an axis: at round values, at most as many as asked for. */

import { formatDuration } from "../scenario/quantities.ts";

const SECOND_US = 1e6;
const DAY_US = 86_400e6;
const ROUND_TIMES_US = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200].map(
  (seconds) => seconds * SECOND_US,
);

/** Ticks at times that are round in seconds, minutes, hours and days. */
export function timeTicks(lowUs: number, highUs: number, most: number): number[] {
  const least = (highUs - lowUs) / most;
  if (least > DAY_US / 2) return multiples(lowUs, highUs, DAY_US * roundStep(least / DAY_US));
  return multiples(
    lowUs,
    highUs,
    ROUND_TIMES_US.find((step) => least > SECOND_US / 2 && step >= least) ?? roundStep(least),
  );
}

/** A time on an axis. */
export function timeLabel(us: number): string {
  return us === 0 ? "0" : formatDuration(us);
}

/** Ticks at powers of two. */
export function byteTicks(low: number, high: number, most: number): number[] {
  return multiples(low, high, Math.max(1, 2 ** Math.ceil(Math.log2((high - low) / most))));
}

/** Ticks at whole numbers. */
export function countTicks(low: number, high: number, most: number): number[] {
  return multiples(low, high, Math.max(1, roundStep((high - low) / most)));
}

/** The least of 1, 2, 5, 10, 20 … (and their tenths) that is not below. */
function roundStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((step) => step * decade >= least) ?? 10) * decade;
}

function multiples(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}
