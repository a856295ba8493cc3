/** The record of `heapsoak size`: plain versioned data. Sizes in bytes, times in microseconds, chances from 0 to 1. */
import type { FailOn } from "../run/cell.ts";
import type { OutcomeFailureKind } from "../run/outcome.ts";
import type { StopReason } from "./meter.ts";

export interface SizeRecord {
  readonly format: "heapsoak.size";
  readonly version: 1;
  readonly provenance: { readonly heapsoak: string; readonly core: string; readonly scenario: string };
  readonly scenario: { readonly title: string; readonly path: string; readonly device: string };
  readonly heap: string;
  /** Size of that heap in the scenario. */
  readonly nowBytes: number;
  readonly horizonUs: number;
  readonly failOn: FailOn;
  readonly risk: number;
  readonly confidence: number;
  /** Runs of a size, with these seeds, and how many of them may fail. */
  readonly runs: number;
  readonly failuresMost: number;
  readonly baseSeed: string;
  /** What ended the search early, or null. */
  readonly stopped: StopReason | null;
  readonly allocators: readonly AllocatorSize[];
  readonly stacks: readonly StackSize[];
  /** Runs of the whole search. */
  readonly runsTaken: number;
}

/** What came of an allocator. */
export type AllocatorSize = RefusedAllocator | SearchedAllocator;

/** The scenario cannot be run with it. */
export interface RefusedAllocator {
  readonly allocator: string;
  readonly verdict: "refused";
  readonly reason: string;
}

export interface SearchedAllocator {
  readonly allocator: string;
  readonly verdict: "found" | "none" | "undecided";
  readonly stepBytes: number;
  /** The largest size that the device holds beside all else. */
  readonly mostBytes: number;
  /** The smallest size that meets the risk, as the next one does; null unless found. */
  readonly heapBytes: number | null;
  /**
   * The smallest of these above which runs with sizes up to a quarter larger meet it as well: the same where failure is
   * monotone in size. Null: not known, or there is none.
   */
  readonly steadyBytes: number | null;
  /** Runs of that size, of its neighbours, and of the largest. */
  readonly at: SizeEvidence | null;
  readonly below: SizeEvidence | null;
  readonly above: SizeEvidence | null;
  readonly most: SizeEvidence | null;
  /** Of undecided ones: the smallest size is larger than this, and no size from `candidateBytes` on is refuted. */
  readonly refutedBytes: number | null;
  readonly candidateBytes: number | null;
  /** The most live bytes in a run that survived, headers included, and the largest block; null: not known. */
  readonly peakLiveBytes: number | null;
  readonly largestBlockBytes: number | null;
  readonly unavoidable: BoundRecord | null;
  readonly policy: BoundRecord | null;
  readonly monotone: MonotonicityRecord;
  /** Runs that were made, instructions and events of them, and runs that every size of the grid would take. */
  readonly runsTaken: number;
  readonly steps: number;
  readonly gridSizes: number;
  readonly gridRuns: number;
}

/** What runs of one size say. */
export interface SizeEvidence {
  readonly heapBytes: number;
  readonly runs: number;
  readonly failures: number;
  readonly kinds: Readonly<Partial<Record<OutcomeFailureKind, number>>>;
  readonly probability: number;
  /** Clopper–Pearson, two-sided 95 %. */
  readonly interval: readonly [low: number, high: number];
  /** One-sided, at the confidence asked for. */
  readonly upperBound: number;
}

/** A bound for any workload with that peak and that largest block; null where none is known. */
export interface BoundRecord {
  readonly bytes: number | null;
  readonly formula: string | null;
  readonly source: string | null;
}

export interface MonotonicityRecord {
  /** Whether, of all that was tried, no seed failed in a larger heap than one in which it survived. */
  readonly monotone: boolean;
  /** How many sizes and seeds that rests on: seeds that were run with two sizes or more. */
  readonly sizesTried: number;
  readonly seedsCompared: number;
  readonly seedsNotMonotone: number;
  /** The widest of them. */
  readonly examples: readonly { readonly seed: string; readonly survivesBytes: number; readonly failsBytes: number }[];
  /** Sizes that meet the risk though larger ones do not, and larger sizes than the one found that do not. */
  readonly smallerMeet: readonly number[];
  readonly largerFail: readonly number[];
}

/** A stack over all runs. */
export interface StackSize {
  readonly name: string;
  readonly sizeBytes: number;
  /** The deepest that was seen. */
  readonly observedBytes: number;
  /** The deepest path of the program with an interrupt on top; null where a recursion has no largest depth. */
  readonly worstCaseBytes: number | null;
  /** What the guards at its low end take of it. */
  readonly guardBytes: number;
  /** The worst case and the guards, rounded up; without a worst case, what was seen and the guards. */
  readonly recommendedBytes: number;
}
