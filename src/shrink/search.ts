/** The state of a shrinking: the shortest sequence so far that still fails in the same way, and what is left to spend. */
import { lengthOf, prefix, type Sequence } from "./sequence.ts";
import { isSameFailure, type Trial, type TrialFailure } from "./trial.ts";

/** What a shrinking may cost. */
export interface ShrinkBudget {
  /** Sequences run. */
  readonly replays: number;
  /** Operations of all of them. */
  readonly operations: number;
}

export class Search {
  /** The best sequence so far. Its last operation fails. */
  sequence: Sequence;
  failure: TrialFailure;
  readonly trial: Trial;
  readonly #target: TrialFailure;
  readonly #budget: ShrinkBudget;
  readonly #startReplays: number;
  readonly #startOperations: number;

  /** `failure` is what `sequence` comes to in the trial. */
  constructor(trial: Trial, sequence: Sequence, failure: TrialFailure, budget: ShrinkBudget) {
    this.trial = trial;
    this.sequence = sequence;
    this.failure = failure;
    this.#target = failure;
    this.#budget = budget;
    this.#startReplays = trial.replays;
    this.#startOperations = trial.operations;
  }

  /** Nothing more can be tried. */
  get isSpent(): boolean {
    return this.leftReplays <= 0 || this.trial.operations - this.#startOperations >= this.#budget.operations;
  }

  get leftReplays(): number {
    return this.#budget.replays - (this.trial.replays - this.#startReplays);
  }

  /** Whether the candidate's first failure is the one that is looked for; then it is the best sequence from now on. */
  accept(candidate: Sequence): boolean {
    if (this.isSpent || lengthOf(candidate) === 0) return false;
    const failure = this.trial.run(candidate, { checked: this.#target.kind === "corruption" });
    if (!failure || !isSameFailure(failure, this.#target)) return false;
    this.sequence = prefix(candidate, failure.index + 1);
    this.failure = failure;
    return true;
  }
}
