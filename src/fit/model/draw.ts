import { deviationOf, meanOf } from "../../statistics/moments.ts";
import { at, mayBeExponential, mayBeNormal, mayBeUniform, sorted, thinned } from "./statistics.ts";

/** How a size, a time or a count is drawn: what a scenario can say. */
export type FittedDraw =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "exponential"; readonly mean: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** None beyond `most`, the largest that was seen. */
  | { readonly kind: "lognormal"; readonly mean: number; readonly sigma: number; readonly most: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number; readonly most: number }
  | { readonly kind: "table"; readonly values: readonly number[]; readonly weights: readonly number[] };

/** Most entries of a table: one a line's eye can still follow, and the mean of each stands for its neighbours. */
export const ENTRIES_MOST = 60;
const SHARES = ENTRIES_MOST - 3;
/** A value that is as much as this many shares stands alone; so many of them cost no more entries than they save. */
const ALONE_SHARES = 3;
/** As many values as a law is tested on, and as few as it needs to be told from another. */
const TESTED_MOST = 4000;
const TESTED_LEAST = 30;
/** A bell is told from other humps only by many values, and takes the place of long tables only. */
/** Fewer values are as short by themselves; so many of each tell, and so far chance goes. */
const EVEN_LEAST = 4;
const EVEN_COUNT_LEAST = 5;
const EVEN_DEVIATIONS = 3;
const BELL_LEAST = 200;
const BELL_VALUES_LEAST = 24;
/** Normal values stay this many deviations above 0. */
const BELL_DEVIATIONS = 4;
/** Values this close are one. */
const CONSTANT_RATIO = 0.002;
const CONSTANT_US = 20;

/** The mean of what the draw gives. */
export function drawMean(draw: FittedDraw): number {
  switch (draw.kind) {
    case "constant":
      return draw.value;
    case "exponential":
    case "lognormal":
    case "normal":
      return draw.mean;
    case "uniform":
      return (draw.low + draw.high) / 2;
    case "table": {
      const total = draw.weights.reduce((sum, weight) => sum + weight, 0);
      return draw.values.reduce((sum, value, index) => sum + value * (draw.weights[index] ?? 0), 0) / total;
    }
  }
}

/** Counts: uniform where all whole numbers of a range come about equally often, their table otherwise. */
export function countDraw(values: ArrayLike<number>): FittedDraw {
  const table = tableOf(values);
  return table.kind === "table" ? (evenTable(table.values, table.weights) ?? table) : table;
}

/** Chi-square within its mean and some standard deviations: the whole numbers of a range, all as likely. */
function evenTable(values: readonly number[], weights: readonly number[]): FittedDraw | undefined {
  const [low, high] = [values[0] ?? 0, values.at(-1) ?? 0];
  const expected = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  if (values.length < EVEN_LEAST || high - low !== values.length - 1 || expected < EVEN_COUNT_LEAST) return undefined;
  const statistic = weights.reduce((sum, weight) => sum + (weight - expected) ** 2 / expected, 0);
  const freedom = values.length - 1;
  const isEven = statistic <= freedom + EVEN_DEVIATIONS * Math.sqrt(2 * freedom);
  return isEven && values.every(Number.isInteger) ? { kind: "uniform", low, high } : undefined;
}

/** A table of the values: each by itself when they are few, means of equal shares of them otherwise. */
export function tableOf(values: ArrayLike<number>): FittedDraw {
  const ascending = sorted(values);
  const counts = new Map<number, number>();
  for (const value of ascending) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size > ENTRIES_MOST) return binned(ascending);
  }
  if (counts.size === 1) return { kind: "constant", value: ascending[0] ?? 0 };
  return { kind: "table", values: [...counts.keys()], weights: [...counts.values()] };
}

/** Means of neighbours; the extremes stay as they are. */
function binned(ascending: Float64Array): FittedDraw {
  const inner = ascending.subarray(1, -1);
  const { values, weights } = inShares(inner, () => 1);
  return {
    kind: "table",
    values: [ascending[0] ?? 0, ...values, ascending.at(-1) ?? 0],
    weights: [1, ...weights, 1],
  };
}

/**
 * Ascending values in at most ENTRIES_MOST − 2 shares, each by its mean, so that the whole keeps it. Shares hold
 * equally much of half the values' number and half their sum: of a few values that are most of the sum, none is lost
 * among the many.
 */
export function inShares(
  ascending: ArrayLike<number>,
  weightOf: (index: number) => number,
): { values: number[]; weights: number[] } {
  const values: number[] = [];
  const weights: number[] = [];
  let total = 0;
  let totalMoment = 0;
  for (let i = 0; i < ascending.length; i++) {
    total += weightOf(i);
    totalMoment += weightOf(i) * (ascending[i] ?? 0);
  }
  const share = (weight: number, moment: number) =>
    (weight / total + (totalMoment > 0 ? moment / totalMoment : 0)) / (totalMoment > 0 ? 2 : 1);
  let weight = 0;
  let moment = 0;
  const close = () => {
    if (weight <= 0) return;
    values.push(moment / weight);
    weights.push(weight);
    weight = 0;
    moment = 0;
  };
  for (let i = 0; i < ascending.length; i++) {
    const own = weightOf(i);
    const ownMoment = own * (ascending[i] ?? 0);
    if (share(own, ownMoment) >= ALONE_SHARES / SHARES) close();
    weight += own;
    moment += ownMoment;
    if (share(weight, moment) >= 1 / SHARES) close();
  }
  close();
  return { values, weights };
}

/** The law of times: constant, exponential or uniform where the values may be that, their table otherwise. */
export function timeDraw(values: ArrayLike<number>): FittedDraw {
  if (values.length === 0) return { kind: "constant", value: 0 };
  const ascending = sorted(thinned(values, TESTED_MOST));
  const mean = meanOf(values);
  const spread = at(ascending, 0.99) - at(ascending, 0.01);
  const extremes = (ascending.at(-1) ?? 0) - (ascending[0] ?? 0);
  if (spread <= Math.max(CONSTANT_US, mean * CONSTANT_RATIO) && extremes <= Math.max(CONSTANT_US, mean * 0.02)) {
    return { kind: "constant", value: mean };
  }
  if (values.length >= TESTED_LEAST) {
    if (mayBeExponential(ascending)) return { kind: "exponential", mean };
    if (mayBeUniform(ascending)) return uniformOf(values, mean);
  }
  return bellOf(values, ascending, mean) ?? tableOf(values);
}

/** A normal or lognormal law where the values may be of one, their mean kept. */
function bellOf(values: ArrayLike<number>, ascending: Float64Array, mean: number): FittedDraw | undefined {
  if (values.length < BELL_LEAST || !((ascending[0] ?? 0) > 0)) return undefined;
  if (new Set(ascending).size < BELL_VALUES_LEAST) return undefined;
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i] ?? 0);
  const deviation = deviationOf(ascending);
  if (deviation * BELL_DEVIATIONS < mean && mayBeNormal(ascending)) return { kind: "normal", mean, deviation, most };
  const logarithms = ascending.map((value) => Math.log(value));
  if (!mayBeNormal(logarithms)) return undefined;
  return { kind: "lognormal", mean, sigma: deviationOf(logarithms), most };
}

/** The law of sizes: uniform, normal or lognormal where many different ones may be that, their table otherwise. */
export function sizeDraw(bytes: ArrayLike<number>): FittedDraw {
  const table = countDraw(bytes);
  if (table.kind !== "table" || table.values.length < BELL_VALUES_LEAST) return table;
  const ascending = spreadOut(sorted(thinned(bytes, TESTED_MOST)));
  if (mayBeUniform(ascending)) return uniformOf(bytes, meanOf(bytes));
  return bellOf(bytes, ascending, meanOf(bytes)) ?? table;
}

/** Whole numbers as what may have been rounded to them: equal ones evenly within half on either side. */
function spreadOut(ascending: Float64Array): Float64Array {
  const spread = ascending.slice();
  for (let from = 0; from < spread.length; ) {
    const value = ascending[from] ?? 0;
    let to = from;
    while (ascending[to] === value) to++;
    for (let i = from; i < to; i++) spread[i] = value - 0.5 + (i - from + 0.5) / (to - from);
    from = to;
  }
  return spread;
}

/** Between the extremes of all values, or as wide as their deviation says, around their mean. */
function uniformOf(values: ArrayLike<number>, mean: number): FittedDraw {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i] ?? 0);
    high = Math.max(high, values[i] ?? 0);
  }
  // One far off among many does not make the others any wider.
  const half = Math.min((high - low) / 2, Math.sqrt(3) * deviationOf(values), mean);
  return { kind: "uniform", low: mean - half, high: mean + half };
}
