/** The record of a hunt: plain data, from which the report is made. */
import type { OutcomeFailure } from "../run/outcome.ts";

/** What is hunted: the earliest failure, or the run that needs the largest heap. */
export type HuntGoal = "failure" | "heap";

/**
 * How a run came about, so that it can be repeated: the scenario with these first starts, from this seed, and at each
 * time of `branches` fresh randomness of that number.
 */
export interface HuntRecipe {
  /** Decimal of a u64. */
  readonly seed: string;
  /** Microseconds by which the first start of a task or interrupt is later than written; those of 0 are left out. */
  readonly phasesUs: Readonly<Record<string, number>>;
  readonly branches: readonly (readonly [atUs: number, branch: number])[];
  /** Where it ends. */
  readonly endUs: number;
}

/** A run that was found. */
export interface HuntFind {
  readonly recipe: HuntRecipe;
  /** What it fails with on the scenario's own heap; null: it does not. */
  readonly failure: OutcomeFailure | null;
  /** Bytes of the least arena that serves it, `heap` hunts only. */
  readonly neededBytes: number | null;
  /** No arena that was tried serves it: it needs more than `neededBytes`. */
  readonly needsMore: boolean;
}

export interface HuntRecord {
  readonly format: "heapsoak.hunt";
  readonly version: 1;
  readonly scenario: { readonly title: string; readonly path: string; readonly device: string };
  readonly goal: HuntGoal;
  readonly heap: string;
  readonly allocator: string;
  /** Of the scenario's own heap. */
  readonly arenaBytes: number;
  /** Of the heap that was hunted on: larger where the largest need is looked for. */
  readonly huntedBytes: number;
  readonly horizonUs: number;
  readonly seed: string;
  /** Instructions, events and what the snapshots cost, in the same measure. */
  readonly budgetSteps: number;
  readonly spentSteps: number;
  /** Continuations that were run, and how many different heaps they led to. */
  readonly branches: number;
  readonly heapsSeen: number;
  /** Ways of starting: as written, and with other phases. */
  readonly phaseVariants: number;
  /** The run as written, with the scenario's seed, up to the horizon or as far as the budget allowed. */
  readonly plain: HuntFind;
  /** The worst that was found; null: nothing worse than the run as written. */
  readonly found: HuntFind | null;
}
