/** Axes: where a value lies between the ends of one, and round values to write beside it. */
import { formatBytes } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";

/** One axis. */
export interface Scale {
  /** How far along the axis the value lies, 0 to 1; what lies beyond an end is held there. */
  share(value: number): number;
  /** Round values in ascending order, and how they are written. */
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

/** What an axis measures: the least round step that is not below a rough one, and how a value is written. */
export interface Measure {
  step(rough: number): number;
  text(value: number): string;
}

/** Both ends of an axis, in its measure. */
export type Span = readonly [low: number, high: number];

const TICKS_MOST = 6;
/** Beyond doubles whole numbers have gaps, and steps add up to nothing. */
const VALUE_MOST = 2 ** 53;
const SECOND_US = 1e6;
const DAY_US = 86_400e6;
const CLOCK_STEPS_US = [
  ...[1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 10_800, 21_600, 43_200],
].map((seconds) => seconds * SECOND_US);

/** Steps of 1, 2 and 5 times a power of ten. */
export function decimalStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Bytes, in steps of powers of two. */
export const BYTES: Measure = {
  step: (rough) => 2 ** Math.ceil(Math.log2(Math.max(1, rough))),
  text: formatBytes,
};

/** Microseconds, in steps of a clock, then in days. */
export const TIME: Measure = {
  step(rough) {
    if (rough < SECOND_US) return decimalStep(rough);
    return CLOCK_STEPS_US.find((step) => step >= rough) ?? decimalStep(rough / DAY_US) * DAY_US;
  },
  text: (us) => (us === 0 ? "0" : formatDuration(us).replace("-", "−")),
};

/** Shares of 1, in per cent. */
export const SHARE: Measure = {
  step: decimalStep,
  text: (share) => `${Number((share * 100).toPrecision(6))} %`,
};

/** Plain numbers in steps of 1 or more. */
export const COUNT: Measure = {
  step: (rough) => Math.max(1, decimalStep(rough)),
  text: (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ","),
};

/** An axis of equal steps, marked at round values, or at those that are given. */
export function linearScale([from, to]: Span, measure: Measure, marks?: readonly number[]): Scale {
  const low = held(from);
  const high = Math.max(held(to), low + Math.max(Number.MIN_VALUE, Math.abs(low) * 1e-9));
  const ticks = marks ?? roundValues([low, high], measure);
  return {
    share: (value) => within((held(value) - low) / (high - low)),
    ticks: ticks.map((value) => ({ value, text: measure.text(value) })),
  };
}

function roundValues([low, high]: Span, measure: Measure): number[] {
  const step = measure.step((high - low) / TICKS_MOST);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.min(first + 2 * TICKS_MOST, Math.floor(high / step + 1e-9));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** An axis of equal factors, marked at those of the values that lie on it; both ends must be above 0. */
export function logScale([from, to]: Span, measure: Measure, marks: readonly number[]): Scale {
  const low = Math.max(Number.MIN_VALUE, held(from));
  const high = Math.max(held(to), low * 1.01);
  const ticks = marks.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
  return {
    share: (value) => within(Math.log(Math.max(low, held(value)) / low) / Math.log(high / low)),
    ticks: ticks.map((value) => ({ value, text: measure.text(value) })),
  };
}

/** Marks of a logarithmic axis: powers of ten, of shares; powers of two, of bytes. */
export const SHARE_MARKS = Array.from({ length: 10 }, (_, index) => Number(`1e${index - 9}`));
export const BYTE_MARKS = Array.from({ length: 33 }, (_, index) => 2 ** index);

/** From the least to the greatest multiple of a round step that holds the span. */
export function rounded([low, high]: Span, measure: Measure): Span {
  const step = measure.step(Math.max(held(high) - held(low), Number.MIN_VALUE) / TICKS_MOST);
  return [Math.floor(held(low) / step + 1e-9) * step, Math.ceil(held(high) / step - 1e-9) * step];
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function held(value: number): number {
  return Number.isFinite(value) ? Math.min(VALUE_MOST, Math.max(-VALUE_MOST, value)) : value > 0 ? VALUE_MOST : 0;
}
