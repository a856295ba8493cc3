import { HeapsoakError } from "../errors.ts";
import type { Draw } from "./model.ts";
import { parseQuantity, type Unit } from "./quantities.ts";

/** An empirical distribution of more values than this says nothing that fewer would not. */
const VALUES_MOST = 100_000;
export const EMPIRICAL_BYTES_MOST = 2 * 1024 * 1024;

/** The share of draws that lie within the limits, before repetition; 1 without limits. Approximate, for judging only. */
export function acceptedShare(draw: Draw): number {
  const low = draw.minimum ?? 0;
  const high = draw.maximum ?? Number.POSITIVE_INFINITY;
  switch (draw.kind) {
    case "constant":
      return inside(draw.value, low, high) ? 1 : 0;
    case "uniform":
      return uniformShare(draw.low, draw.high, low, high);
    case "normal":
      if (draw.deviation === 0) return inside(draw.mean, low, high) ? 1 : 0;
      return normalBelow((high - draw.mean) / draw.deviation) - normalBelow((low - draw.mean) / draw.deviation);
    case "lognormal": {
      const score = (value: number) => Math.log(value / draw.median) / draw.sigma;
      return normalBelow(score(high)) - (low > 0 ? normalBelow(score(low)) : 0);
    }
    case "exponential":
      return Math.exp(-low / draw.mean) - Math.exp(-high / draw.mean);
    case "pareto": {
      const above = (value: number) => (value <= draw.least ? 1 : (draw.least / value) ** draw.alpha);
      return above(low) - (high < draw.least ? 1 : high === Number.POSITIVE_INFINITY ? 0 : above(high));
    }
    case "geometric": {
      const above = (value: number) => (1 - 1 / draw.mean) ** Math.max(0, Math.ceil(value) - 1);
      return above(low) - (high === Number.POSITIVE_INFINITY ? 0 : above(Math.floor(high) + 1));
    }
    case "choice":
      return shareOf(draw.values, draw.weights, low, high);
    case "empirical":
      return shareOf(
        draw.values,
        draw.values.map(() => 1),
        low,
        high,
      );
  }
}

/** The most that the draw can give, and Infinity where it has no end. */
export function upperBound(draw: Draw): number {
  return Math.min(draw.maximum ?? Number.POSITIVE_INFINITY, ruleUpperBound(draw));
}

/** The least that the draw can give. */
export function lowerBound(draw: Draw): number {
  return Math.max(draw.minimum ?? 0, ruleLowerBound(draw));
}

/** The mean before limits, Infinity where it has none. */
export function meanOf(draw: Draw): number {
  switch (draw.kind) {
    case "constant":
      return draw.value;
    case "uniform":
      return (draw.low + draw.high) / 2;
    case "lognormal":
      return draw.median * Math.exp((draw.sigma * draw.sigma) / 2);
    case "pareto":
      return draw.alpha > 1 ? (draw.alpha * draw.least) / (draw.alpha - 1) : Number.POSITIVE_INFINITY;
    case "choice": {
      const total = draw.weights.reduce((sum, weight) => sum + weight, 0);
      return draw.values.reduce((sum, value, index) => sum + value * (draw.weights[index] ?? 0), 0) / total;
    }
    case "empirical":
      return draw.values.reduce((sum, value) => sum + value, 0) / draw.values.length;
    default:
      return draw.mean;
  }
}

/**
 * The values of an empirical distribution: one number with its unit a line; blank lines and `#` comments are
 * skipped. Throws `bad-scenario` with the line.
 */
export function parseEmpirical(text: string, unit: Unit, file: string): number[] {
  const values: number[] = [];
  for (const [index, line] of text.split("\n", VALUES_MOST * 2).entries()) {
    const value = line.replace(/#.*/, "").trim();
    if (value === "") continue;
    try {
      values.push(parseQuantity(unit, value));
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      throw new HeapsoakError("bad-scenario", `${file}:${index + 1}: ${error.message}`);
    }
    if (values.length > VALUES_MOST) {
      throw new HeapsoakError("bad-scenario", `${file}: more than ${VALUES_MOST} values.`);
    }
  }
  if (values.length === 0) throw new HeapsoakError("bad-scenario", `${file}: holds no value.`);
  return values;
}

function ruleUpperBound(draw: Draw): number {
  if (draw.kind === "constant") return draw.value;
  if (draw.kind === "uniform") return draw.high;
  if (draw.kind === "normal" && draw.deviation === 0) return draw.mean;
  if (draw.kind === "choice") return largest(draw.values.filter((_, index) => (draw.weights[index] ?? 0) > 0));
  if (draw.kind === "empirical") return largest(draw.values);
  return Number.POSITIVE_INFINITY;
}

function ruleLowerBound(draw: Draw): number {
  if (draw.kind === "constant") return draw.value;
  if (draw.kind === "uniform") return draw.low;
  if (draw.kind === "pareto") return draw.least;
  if (draw.kind === "geometric") return 1;
  if (draw.kind === "choice" || draw.kind === "empirical") return -largest(draw.values.map((value) => -value));
  return draw.kind === "normal" && draw.deviation === 0 ? draw.mean : 0;
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

function inside(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

function uniformShare(from: number, to: number, low: number, high: number): number {
  if (from === to) return inside(from, low, high) ? 1 : 0;
  return (Math.min(to, high) - Math.max(from, low)) / (to - from);
}

function shareOf(values: readonly number[], weights: readonly number[], low: number, high: number): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kept = weights.reduce((sum, weight, i) => sum + (inside(values[i] ?? Number.NaN, low, high) ? weight : 0), 0);
  return kept / total;
}

/** Share of a standard normal below `score`, to three digits: logistic approximation of its distribution function. */
function normalBelow(score: number): number {
  if (score === Number.POSITIVE_INFINITY) return 1;
  if (score === Number.NEGATIVE_INFINITY) return 0;
  return 1 / (1 + Math.exp(-1.5976 * score - 0.07056 * score ** 3));
}
