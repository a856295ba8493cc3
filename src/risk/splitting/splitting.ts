/** How likely a cell is to fail before its horizon, where that is too rare for plain runs to see. */
import { HeapsoakError } from "../../errors.ts";
import { Random } from "../../statistics/random.ts";
import type { Cell } from "../run/cell.ts";
import { type Interval, upperBound } from "../statistics/clopper-pearson.ts";
import { rounded } from "../statistics/rounding.ts";
import { chooseImportance } from "./choice.ts";
import { type ImportanceKind, likelyKinds } from "./importance.ts";
import type { Pilot } from "./levels.ts";
import { type Replication, Splitting } from "./replication.ts";
import { boundOfMean, spreadOf } from "./replications-interval.ts";
import { Trials } from "./trials.ts";
import { ANCESTORS_LEAST, warningsOf } from "./warnings.ts";

export interface SplittingOptions {
  /** By default a pool's occupied blocks; of other heaps live bytes or shortfall, whichever does better in a try-out. */
  readonly importance?: ImportanceKind;
  /** Independent estimates, from which the interval is; 20 by default, at least 2. */
  readonly replications?: number;
  /** Trials of each level in each replication; 400 by default, at least 10. */
  readonly effort?: number;
  /** Trials of each level in the pilot that places the levels; as many as in a replication by default. */
  readonly pilotTrials?: number;
  /** Share of a level's trials that should enter the next one; 0.2 by default. */
  readonly share?: number;
  /** The scenario's by default. */
  readonly seed?: bigint;
  /** Bytes of memory for states, at most; 256 MiB by default. Where they do not hold all, an even choice is kept. */
  readonly stateBytesMost?: number;
  /** Called after each replication; what it throws ends the estimate. */
  readonly onReplication?: (done: number, of: number) => void;
}

/** One level, over all replications. The last one is failure itself. */
export interface SplittingLevel {
  /** Importance at which a run enters the level; null for failure. */
  readonly threshold: number | null;
  /** Share of the trials that began in the level before (the first: at time 0) and entered this one. */
  readonly probability: number;
  readonly trials: number;
  readonly entrances: number;
  /** Runs from time 0 that the entrances descend from. */
  readonly ancestors: number;
}

/** Plain data, the same for the same cell and options on every machine. */
export interface SplittingEstimate {
  /** Of a failure before the horizon. 0 where no trial failed: then `upperBound95` is what is known. */
  readonly probability: number;
  /** 95 %, two-sided. */
  readonly interval: Interval;
  /** The probability lies below it with 95 % confidence. */
  readonly upperBound95: number;
  readonly importance: ImportanceKind;
  /** The estimate of each. */
  readonly replications: readonly number[];
  readonly levels: readonly SplittingLevel[];
  /** Instructions and events of the replications, and of pilots and try-outs before them. */
  readonly steps: number;
  readonly pilotSteps: number;
  readonly trials: number;
  /** Relative variance of the probability times steps: what a relative error costs. null without a failure. */
  readonly workNormalisedVariance: number | null;
  /** The same of plain runs. */
  readonly plainWorkNormalisedVariance: number | null;
  readonly warnings: readonly string[];
}

const USUAL = { replications: 20, effort: 400, share: 0.2, stateBytesMost: 2 ** 28 };
/** Generations of states that are held at once: those that trials begin with, and those they come to. */
const GENERATIONS = 2;
const STATES_LEAST = 8;

/**
 * Estimates the probability by multilevel splitting. The same options give the same estimate. Cost: about
 * `replications × effort` runs for each factor of `1 / share` that the probability is below 1.
 *
 * Throws `bad-argument`, and what laying the cell out throws.
 */
export function splitCell(cell: Cell, options: SplittingOptions = {}): SplittingEstimate {
  const { replications, effort, share, stateBytesMost } = { ...USUAL, ...options };
  refuseBadOptions({ replications, effort, share, pilotTrials: options.pilotTrials ?? effort });
  const seed = options.seed ?? cell.scenario.seed;
  const kinds: ReturnType<typeof likelyKinds> = options.importance ? [options.importance] : likelyKinds(cell);
  const trials = new Trials(cell, seed, kinds[0]);
  const random = new Random(Number(BigInt.asUintN(32, seed)));
  const capacity = Math.max(STATES_LEAST, Math.floor(stateBytesMost / GENERATIONS / trials.stateBytes));
  const pilot = chooseImportance(trials, kinds, { trials: options.pilotTrials ?? effort, share, capacity, random });
  const pilotSteps = trials.steps;
  const splitting = new Splitting(trials, pilot.thresholds, effort, capacity, random);
  const done: Replication[] = [];
  while (done.length < replications) {
    done.push(splitting.replicate());
    options.onReplication?.(done.length, replications);
  }
  return estimateOf(trials, pilot, done, pilotSteps);
}

function refuseBadOptions(options: {
  readonly replications: number;
  readonly effort: number;
  readonly share: number;
  readonly pilotTrials: number;
}): void {
  const { replications, effort, share, pilotTrials } = options;
  const refuse = (what: string) => {
    throw new HeapsoakError("bad-argument", `Splitting needs ${what}.`);
  };
  if (!(Number.isInteger(replications) && replications >= 2)) refuse(`2 replications or more, not ${replications}`);
  if (!(Number.isInteger(effort) && effort >= 10)) refuse(`10 trials a level or more, not ${effort}`);
  if (!(Number.isInteger(pilotTrials) && pilotTrials >= 10)) refuse(`10 pilot trials or more, not ${pilotTrials}`);
  if (!(share >= 0.01 && share <= 0.9)) refuse(`a share of 0.01 to 0.9 for each level, not ${share}`);
}

function estimateOf(
  trials: Trials,
  pilot: Pilot,
  replications: readonly Replication[],
  pilotSteps: number,
): SplittingEstimate {
  const values = replications.map(({ probability }) => probability);
  const { mean, variance } = spreadOf(values);
  const steps = replications.reduce((sum, replication) => sum + replication.steps, 0);
  const levels = levelsOf(pilot.thresholds, replications);
  return {
    probability: rounded(mean),
    ...(mean > 0 ? boundsOf(values) : boundsWithoutFailure(replications)),
    importance: trials.importance.kind,
    replications: values.map(rounded),
    levels,
    steps,
    pilotSteps,
    trials: trials.count,
    workNormalisedVariance: mean > 0 ? rounded((variance / mean ** 2) * (steps / values.length)) : null,
    plainWorkNormalisedVariance: mean > 0 ? rounded(((1 - mean) / mean) * pilot.stepsOfRun) : null,
    warnings: warningsOf(pilot, replications, levels),
  };
}

function boundsOf(values: readonly number[]): Pick<SplittingEstimate, "interval" | "upperBound95"> {
  const upper = (tail: number) => Math.min(1, boundOfMean(values, "upper", tail));
  return { interval: [boundOfMean(values, "lower", 0.025), upper(0.025)], upperBound95: upper(0.05) };
}

/**
 * No trial failed. A failure is in every level, so it is no likelier than entering one: the deepest one that enough
 * unrelated runs entered for that to be known well. Levels behind it, or hits that did not come, would promise more than
 * so few stories can tell.
 */
function boundsWithoutFailure(
  replications: readonly Replication[],
): Pick<SplittingEstimate, "interval" | "upperBound95"> {
  const depth = depthKnownWell(replications);
  const reach = replications.map(({ stages }) => productOf(stages.slice(0, depth).map(shareOf)));
  const first = { entered: 0, trials: 0 };
  for (const { stages } of replications) {
    first.entered += stages[0]?.entered ?? 0;
    first.trials += stages[0]?.trials ?? 0;
  }
  const bound = (tail: number) =>
    depth === 0 ? rounded(upperBound(first.entered, first.trials, 1 - tail)) : boundOfMean(reach, "upper", tail);
  return { interval: [0, Math.min(1, bound(0.025))], upperBound95: Math.min(1, bound(0.05)) };
}

/** How many levels all replications entered with descendants of enough runs each. */
function depthKnownWell(replications: readonly Replication[]): number {
  const known = ({ stages }: Replication) => {
    const poor = stages.findIndex(({ ancestors }) => ancestors < ANCESTORS_LEAST);
    return poor < 0 ? stages.length : poor;
  };
  return Math.min(...replications.map(known));
}

function shareOf({ entered, trials }: Replication["stages"][number]): number {
  return entered / trials;
}

function productOf(shares: readonly number[]): number {
  return shares.reduce((product, share) => product * share, 1);
}

function levelsOf(thresholds: readonly number[], replications: readonly Replication[]): SplittingLevel[] {
  return [...thresholds, null].map((threshold, index) => {
    const stages = replications.flatMap(({ stages }) => stages[index] ?? []);
    const total = (figure: "trials" | "entered" | "ancestors") => stages.reduce((sum, stage) => sum + stage[figure], 0);
    const trials = total("trials");
    const entrances = total("entered");
    const probability = trials === 0 ? 0 : rounded(entrances / trials);
    return { threshold, probability, trials, entrances, ancestors: total("ancestors") };
  });
}
