/** The record of a campaign: plain data from which all reports are made. Probabilities have ten significant digits. */
import type { EvaluationVerdict } from "../fit/evaluation/evaluate.ts";
import type { Verdict } from "../soak/record.ts";
import type { RefusedCell } from "./grid.ts";
import type { FailOn } from "./run/cell.ts";
import type { OutcomeFailureKind } from "./run/outcome.ts";
import type { SplittingEstimate } from "./splitting/splitting.ts";
import type { SurvivalPoint } from "./statistics/kaplan-meier.ts";
import type { Least, SeededFailure } from "./tally.ts";

export const RISK_FORMAT = "heapsoak.risk";
export const RISK_VERSION = 1;

/** A configuration, as a record names it. */
export interface CellName {
  readonly allocator: string;
  readonly arenaBytes: number;
}

export interface RiskCell extends CellName {
  readonly heap: string;
  readonly runs: number;
  readonly failures: number;
  /** Share of the runs that failed within the horizon. */
  readonly probability: number;
  /** For the true probability, two-sided, 95 %. */
  readonly interval: readonly [number, number];
  /** The true probability lies below it, one-sided, 95 %: what can be said when no run failed. */
  readonly upperBound95: number;
  /** What probability, interval and bound come from; runs, failures and all else are always those of plain runs. */
  readonly method: "runs" | "splitting";
  /** `confidence-sequence` where the campaign could stop early, `exact` where every run is the same. */
  readonly intervalMethod: "clopper-pearson" | "confidence-sequence" | "exact" | "replications";
  /** The estimate by splitting, where there is one, also where it saw no failure. */
  readonly splitting?: SplittingEstimate;
  /** By when half of the runs have failed; null: fewer have. */
  readonly medianTimeToFailureUs: number | null;
  /** Failed runs by kind, most first. */
  readonly kinds: Readonly<Partial<Record<OutcomeFailureKind, number>>>;
  readonly earliest: SeededFailure | null;
  /** Kaplan and Meier's curve with its 95 % band: after each failure, thinned. */
  readonly survival: readonly SurvivalPoint[];
  /** The least of each reserve in any run, and the seed of that run. */
  readonly margins: {
    readonly heaps: Readonly<Record<string, { readonly leastFree: Least; readonly leastLargestFree: Least }>>;
    /** Negative: that many bytes beyond its end. */
    readonly stacks: Readonly<Record<string, { readonly sizeBytes: number; readonly headroom: Least }>>;
  };
  /** Instructions and events. */
  readonly steps: number;
}

/** Two configurations on the same seeds. */
export interface PairedDifference {
  readonly first: CellName;
  readonly second: CellName;
  /** Seeds that both have run. */
  readonly runs: number;
  readonly onlyFirstFailed: number;
  readonly onlySecondFailed: number;
  /** McNemar's exact test; `adjustedP` after Holm over all pairs of the record. */
  readonly p: number;
  readonly adjustedP: number;
  /** Which fails less, or null: with 95 % for all pairs together, none can be told. */
  readonly better: "first" | "second" | null;
}

/** Whether larger heaps failed less, for one allocator. */
export interface Monotony {
  readonly allocator: string;
  /** False: there is a size from which the next larger one failed more often on the same seeds. */
  readonly holds: boolean;
  readonly rises: readonly {
    readonly fromBytes: number;
    readonly toBytes: number;
    readonly onlySmallerFailed: number;
    readonly onlyLargerFailed: number;
    /** Whether chance does not explain it (see `paired`). */
    readonly isReal: boolean;
  }[];
}

export interface RiskRecord {
  readonly format: typeof RISK_FORMAT;
  readonly version: typeof RISK_VERSION;
  readonly provenance: {
    readonly heapsoak: string;
    readonly core: string;
    /** Of version, core, cells and seeds together. */
    readonly plan: string;
  };
  readonly scenario: { readonly title: string; readonly path: string; readonly device: string };
  /** Where the scenario was fitted to a trace: which, and how well. */
  readonly fit: { readonly trace: string; readonly verdict: EvaluationVerdict } | null;
  readonly horizonUs: number;
  readonly failOn: FailOn;
  readonly seeds: { readonly first: string; readonly most: number };
  readonly precision: number | null;
  readonly maxRisk: number | null;
  /** Against `maxRisk`, by the best cell; without one: whether all runs were made. */
  readonly verdict: Verdict;
  /** False: the campaign was interrupted. */
  readonly complete: boolean;
  /** Whether the scenario draws nothing, so that one run is all there is to see. */
  readonly drawsNothing: boolean;
  readonly cells: readonly RiskCell[];
  readonly refused: readonly RefusedCell[];
  /** Allocators at one size, and neighbouring sizes of one allocator. */
  readonly paired: readonly PairedDifference[];
  readonly monotone: readonly Monotony[];
  /** The smallest heap that is below `maxRisk` with 95 %, as are all larger ones of its allocator; or null. */
  readonly recommended: (CellName & { readonly heap: string }) | null;
  readonly cost: { readonly runs: number; readonly steps: number; readonly simulatedUs: number };
}
