/** What a campaign has come to so far: outcomes in, sums out, the same whatever order the outcomes come in. */
import type { CampaignPlan, CampaignSink } from "./plan.ts";
import type { OutcomeFailure, RunMargins, RunOutcome } from "./run/outcome.ts";
import { clopperPearson, type Interval, upperBound } from "./statistics/clopper-pearson.ts";
import { confidenceSequence } from "./statistics/confidence-sequence.ts";
import type { Lifetime } from "./statistics/kaplan-meier.ts";

/** The least of a reserve over all runs, and the seed of the first run that had it. */
export interface Least {
  readonly bytes: number;
  readonly seed: string;
}

/** A failure with the run that it happened in. */
export interface SeededFailure extends OutcomeFailure {
  readonly seed: string;
}

/** Up to this many runs a cell that may stop early is looked at after each, then after each hundredth more. */
const LOOKED_AT_EACH = 100;

/**
 * The runs of one cell, counted strictly in the order of their numbers: those that come early wait. So what has been
 * counted when a campaign is interrupted holds no more short runs, which tend to be failures, than it should.
 */
export class CellTally {
  failures = 0;
  steps = 0;
  simulatedUs = 0;
  /** A run each, in order. */
  readonly lifetimes: Lifetime[] = [];
  readonly kinds = new Map<string, number>();
  readonly leastFree = new Map<string, Least>();
  readonly leastLargestFree = new Map<string, Least>();
  readonly leastHeadroom = new Map<string, Least>();
  earliest: SeededFailure | undefined;
  isEnough = false;
  readonly #plan: CampaignPlan;
  readonly #waiting = new Map<number, RunOutcome>();

  constructor(plan: CampaignPlan) {
    this.#plan = plan;
  }

  get runs(): number {
    return this.lifetimes.length;
  }

  /** Whether no more runs are wanted. */
  get isDone(): boolean {
    return this.isEnough || this.runs >= this.#plan.runs;
  }

  add(run: number, outcome: RunOutcome): void {
    if (run < this.runs || this.isDone) return;
    this.#waiting.set(run, outcome);
    for (let next = this.#waiting.get(this.runs); next && !this.isDone; next = this.#waiting.get(this.runs)) {
      this.#waiting.delete(this.runs);
      this.#count(next);
    }
  }

  /** For the probability of failure, 95 %: one that allows for stopping where the campaign may stop early. */
  get interval(): Interval {
    return this.#mayStop ? confidenceSequence(this.failures, this.runs) : clopperPearson(this.failures, this.runs);
  }

  /** The probability lies below it, with 95 %. */
  get upperBound95(): number {
    return this.#mayStop ? this.interval[1] : upperBound(this.failures, this.runs);
  }

  get #mayStop(): boolean {
    return this.#plan.precision !== null;
  }

  #count({ seed, endUs, failure, steps, margins }: RunOutcome): void {
    this.lifetimes.push({ us: endUs, failed: failure !== null });
    this.steps += steps;
    this.simulatedUs += endUs;
    this.#countMargins(margins, seed);
    if (failure) this.#countFailure({ ...failure, seed });
    if (this.#plan.precision !== null && isLookedAt(this.runs)) this.isEnough = this.#suffices(this.#plan.precision);
  }

  #countFailure(failure: SeededFailure): void {
    this.failures++;
    this.kinds.set(failure.kind, (this.kinds.get(failure.kind) ?? 0) + 1);
    if (!this.earliest || failure.atUs < this.earliest.atUs) this.earliest = failure;
  }

  #countMargins({ heaps, stacks }: RunMargins, seed: string): void {
    for (const [name, { leastFreeBytes, leastLargestFreeBytes }] of Object.entries(heaps)) {
      keepLeast(this.leastFree, name, { bytes: leastFreeBytes, seed });
      keepLeast(this.leastLargestFree, name, { bytes: leastLargestFreeBytes, seed });
    }
    for (const [name, { headroomBytes }] of Object.entries(stacks)) {
      keepLeast(this.leastHeadroom, name, { bytes: headroomBytes, seed });
    }
  }

  #suffices(precision: number): boolean {
    const [low, high] = this.interval;
    return (high - low) / 2 <= precision;
  }
}

/** All cells of a plan. */
export class Tally implements CampaignSink {
  readonly cells: readonly CellTally[];

  constructor(plan: CampaignPlan) {
    this.cells = plan.cells.map(() => new CellTally(plan));
  }

  report(cell: number, run: number, outcome: RunOutcome): void {
    this.cells[cell]?.add(run, outcome);
  }

  needs(cell: number, run: number): boolean {
    const tally = this.cells[cell];
    return tally !== undefined && !tally.isDone && run >= tally.runs;
  }

  /** Whether every cell has all the runs that it needs. */
  get isComplete(): boolean {
    return this.cells.every(({ isDone }) => isDone);
  }
}

function keepLeast(least: Map<string, Least>, name: string, candidate: Least): void {
  const known = least.get(name);
  if (!known || candidate.bytes < known.bytes) least.set(name, candidate);
}

function isLookedAt(runs: number): boolean {
  return runs % Math.max(1, Math.floor(runs / LOOKED_AT_EACH)) === 0;
}
