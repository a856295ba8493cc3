/**
 * Does the scenario make the heap look like the trace? Every figure is compared with its tolerance and with chance:
 * runs of the scenario that differ in nothing but their draws tell how far the trace, were it one of them, would lie
 * from their mean.
 */
import { deviationOf, meanOf } from "../../statistics/moments.ts";
import { median } from "../../statistics/order.ts";
import { type DistributedFigure, figuresOf, type HeapFigures, pooled, wanderOf, wasserstein } from "./figures.ts";
import type { HeapSamples } from "./heap-samples.ts";

/**
 * `within`: inside the tolerance or what chance explains; `beyond`: neither; `untold`: chance leaves too much open;
 * `wilder`: it would, because the scenario swings far more than the trace.
 */
export type FigureVerdict = "within" | "beyond" | "untold" | "wilder";

/** One figure side by side. All differences and tolerances are relative to `scale`. */
export interface FigureRecord {
  readonly name: string;
  readonly unit: "bytes" | "count" | "ratio";
  /** Of the trace's first half; null where it is a distance. */
  readonly firstHalf: number | null;
  /** Of its second half, and the mean, least and most of the runs; distances are between the two. */
  readonly trace: number | null;
  readonly scenario: number;
  readonly runs: readonly number[];
  /** What the difference is relative to: 0 where there is nothing to compare. */
  readonly scale: number;
  readonly differenceRatio: number;
  readonly toleranceRatio: number;
  /** What chance explains. */
  readonly chanceRatio: number;
  /** How far a sixteenth of a run lies from the mean of all, by how far one of the trace does; null: not judged. */
  readonly swingsRatio: number | null;
  readonly verdict: FigureVerdict;
}

/** How much one figure may differ, and from where on chance leaves too much open; without a limit it never does. */
interface Criterion {
  readonly name: string;
  readonly unit: FigureRecord["unit"];
  readonly value: (figures: HeapFigures) => number;
  readonly tolerance: number;
  readonly chanceMost?: number;
  /** Of means: what they are the mean of. */
  readonly meanOf?: DistributedFigure;
  /** What differences are relative to; the trace's value by default. */
  readonly scale?: (figures: HeapFigures, samples: HeapSamples) => number;
}

interface DistanceCriterion {
  readonly name: string;
  readonly unit: FigureRecord["unit"];
  readonly of: DistributedFigure;
  readonly tolerance: number;
}

/** What is judged, and by how much a scenario may be wrong without being of less use. */
const CRITERIA: readonly Criterion[] = [
  {
    name: "mean live bytes",
    unit: "bytes",
    value: (of) => of.meanLiveBytes,
    meanOf: "liveBytes",
    tolerance: 0.02,
    chanceMost: 0.05,
  },
  { name: "peak live bytes", unit: "bytes", value: (of) => of.peakLiveBytes, tolerance: 0.1 },
  {
    name: "mean largest free block",
    unit: "bytes",
    value: (of) => of.meanLargestFreeBytes,
    meanOf: "largestFreeBytes",
    tolerance: 0.1,
    chanceMost: 0.25,
  },
  {
    name: "least largest free block",
    unit: "bytes",
    value: (of) => of.leastLargestFreeBytes,
    tolerance: 0.15,
    // A block that is nearly used up may not make a difference of some bytes large.
    scale: (of) => of.meanLargestFreeBytes,
  },
  {
    name: "mean holes",
    unit: "count",
    value: (of) => of.meanHoles,
    meanOf: "holes",
    tolerance: 0.15,
    scale: (of) => of.meanHoles + 1,
  },
  { name: "fragmentation", unit: "ratio", value: (of) => of.fragmentationRatio, tolerance: 0.05, scale: () => 1 },
  {
    name: "slow swings of live bytes",
    unit: "bytes",
    value: (of) => of.wanderBytes,
    tolerance: 0.03,
    scale: (of) => of.meanLiveBytes,
  },
  {
    name: "failed requests",
    unit: "count",
    value: (of) => of.failedRequests,
    tolerance: 0.001,
    scale: (_, { requests }) => requests,
  },
];
const DISTANCES: readonly DistanceCriterion[] = [
  { name: "live bytes over time", unit: "bytes", of: "liveBytes", tolerance: 0.05 },
  { name: "largest free over time", unit: "bytes", of: "largestFreeBytes", tolerance: 0.12 },
  { name: "holes over time", unit: "count", of: "holes", tolerance: 0.2 },
];

/**
 * A scenario whose runs swing more than so many times as far as the trace is another one, where chance hides the rest.
 */
const SWINGS_RATIO_MOST = 2;

/** Student's t that both tails together leave 0.5 % beyond, by degrees of freedom from 1: many figures are judged at once. */
const T_995 = [127.3, 14.09, 7.45, 5.6, 4.77, 4.32, 4.03, 3.83, 3.69, 3.58, 3.5, 3.43, 3.37, 3.33, 3.29];

/** What is compared: the halves of the trace, and the same window of every run. */
export interface Compared {
  readonly firstHalf: HeapSamples;
  readonly trace: HeapSamples;
  readonly runs: readonly HeapSamples[];
  /** Time that the scenario was not fitted on, by that it was; 0 where it was fitted on none of it. */
  readonly fittedShare: number;
}

/** Every figure side by side. Needs two runs or more. */
export function judge(compared: Compared): FigureRecord[] {
  return [...figureRecords(compared), ...DISTANCES.map((criterion) => distanceRecord(criterion, compared))];
}

function figureRecords({ firstHalf, trace, runs, fittedShare }: Compared): FigureRecord[] {
  const [first, second, ...all] = [firstHalf, trace, ...runs].map(figuresOf);
  if (!first || !second) return [];
  const spread = chanceFactor(runs.length, fittedShare);
  return CRITERIA.map((criterion) => {
    const { name, unit, value, tolerance, chanceMost = Number.POSITIVE_INFINITY } = criterion;
    const values = all.map(value);
    const scenario = meanOf(values);
    const scale = criterion.scale?.(second, trace) ?? value(second);
    const differenceRatio = relative(scenario - value(second), scale);
    const runsRatio = relative(deviationOf(values) * spread, scale);
    const chanceRatio = Math.min(runsRatio, relative(swings(criterion, firstHalf, trace) * spread, scale));
    const swingsRatio = swingsRatioOf(criterion, { firstHalf, trace, runs });
    const isWilder = runsRatio > chanceMost && (swingsRatio ?? 0) > SWINGS_RATIO_MOST;
    const verdict = verdictOf(Math.abs(differenceRatio), tolerance, chanceRatio, chanceMost);
    return {
      name,
      unit,
      firstHalf: value(first),
      trace: value(second),
      scenario,
      runs: values,
      scale,
      differenceRatio,
      toleranceRatio: tolerance,
      chanceRatio,
      swingsRatio,
      verdict: isWilder && verdict !== "beyond" ? "wilder" : verdict,
    };
  });
}

/**
 * By how much the trace itself swings: as a deviation of a mean over a whole half far too much, and still less than
 * what a scenario allows itself that is much wilder than the trace and must not pass for that.
 */
function swings({ meanOf: column }: Criterion, firstHalf: HeapSamples, trace: HeapSamples): number {
  if (column === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(wanderOf(firstHalf[column]), wanderOf(trace[column]));
}

/**
 * Swings of the median run by those of the trace's livelier half: a few runs with a rare event do not make it large,
 * nor does a trace that was calm for half of its time.
 */
function swingsRatioOf(
  { meanOf: column }: Criterion,
  { firstHalf, trace, runs }: Omit<Compared, "fittedShare">,
): number | null {
  if (column === undefined) return null;
  const own = Math.max(...swingsOf([firstHalf[column], trace[column]]));
  const theirs = median(Float64Array.from(swingsOf(runs.map((run) => run[column]))));
  return own > 0 ? theirs / own : null;
}

/** By window: how far its sixteenths lie from the mean of all windows. */
function swingsOf(columns: readonly Float64Array[]): number[] {
  const means = columns.map(meanOf);
  const mean = meanOf(means);
  return columns.map((column, index) => Math.hypot(wanderOf(column), (means[index] ?? 0) - mean));
}

/** The distance of the trace from all runs, against that of each run from the others. */
function distanceRecord({ name, unit, of, tolerance }: DistanceCriterion, compared: Compared): FigureRecord {
  const { trace, runs, fittedShare } = compared;
  const columns = runs.map((run) => run[of].slice().sort());
  const distance = wasserstein(trace[of].slice().sort(), pooled(columns));
  const among = columns.map((column, index) => wasserstein(column, pooled(columns.toSpliced(index, 1))));
  const own = chanceFactor(runs.length, 0);
  const chance = (meanOf(among) + deviationOf(among) * own) * (chanceFactor(runs.length, fittedShare) / own);
  const scale = of === "holes" ? meanOf(trace[of]) + 1 : meanOf(trace[of]);
  const differenceRatio = relative(distance, scale);
  const chanceRatio = relative(chance, scale);
  return {
    name,
    unit,
    firstHalf: null,
    trace: null,
    scenario: distance,
    runs: among,
    scale,
    differenceRatio,
    toleranceRatio: tolerance,
    chanceRatio,
    swingsRatio: null,
    verdict: verdictOf(differenceRatio, tolerance, chanceRatio, Number.POSITIVE_INFINITY),
  };
}

/**
 * By how many standard deviations of the runs the trace may differ from their mean: it is one draw, the mean has an
 * error, and what the scenario was fitted on was a draw, too, the less exact the shorter it was.
 */
function chanceFactor(runs: number, fittedShare: number): number {
  const t = T_995[Math.min(runs - 1, T_995.length) - 1] ?? 0;
  return t * Math.sqrt(1 + 1 / runs + fittedShare);
}

function verdictOf(difference: number, tolerance: number, chance: number, chanceMost: number): FigureVerdict {
  if (difference > tolerance && difference > chance) return "beyond";
  return chance > chanceMost ? "untold" : "within";
}

/** Without anything to be relative to, any difference is a whole one. */
function relative(difference: number, scale: number): number {
  if (scale > 0) return difference / scale;
  return difference === 0 ? 0 : Math.sign(difference);
}
