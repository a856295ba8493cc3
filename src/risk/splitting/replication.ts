/** One replication of the estimate: fixed effort, level by level. */
import type { Random } from "../../statistics/random.ts";
import { type Entrance, Entrances } from "./entrances.ts";
import type { Trials } from "./trials.ts";

/** What a stage of one replication came to: trials from a level's entrances to the next level, the last to failure. */
export interface Stage {
  readonly trials: number;
  /** Those that entered the next level. Failures enter every level. */
  readonly entered: number;
  /** Those that failed without having been seen in the next level first. */
  readonly failed: number;
  /** Runs from time 0 that the entrances of the next level descend from. */
  readonly ancestors: number;
}

/** The probability of failure is the product of `entered / trials`; without a failure the last stages are missing. */
export interface Replication {
  readonly probability: number;
  readonly stages: readonly Stage[];
  readonly steps: number;
}

const FAILURE = Number.POSITIVE_INFINITY;

/**
 * Multilevel splitting over one set of levels, again and again. Each level's trials begin with the entrances of the
 * level before, every one as often as every other, and each with fresh randomness. What was drawn before the entrance
 * (lives of blocks, times of the next arrivals) stays, so trials of one entrance resemble each other: the estimate is
 * unbiased all the same, but how much it varies must be seen from independent replications.
 *
 * Source: fixed-effort splitting as in M. J. J. Garvels, "The splitting method in rare event simulation" (2000).
 */
export class Splitting {
  readonly #trials: Trials;
  readonly #levels: readonly number[];
  readonly #effort: number;
  #from: Entrances;
  #to: Entrances;

  /** `effort`: trials of each stage. `capacity`: states kept of each level. */
  constructor(trials: Trials, levels: readonly number[], effort: number, capacity: number, random: Random) {
    this.#trials = trials;
    this.#levels = [...levels, FAILURE];
    this.#effort = effort;
    this.#from = new Entrances(capacity, random);
    this.#to = new Entrances(capacity, random);
  }

  /** One more estimate, independent of all before. */
  replicate(): Replication {
    const before = this.#trials.steps;
    const stages: Stage[] = [];
    let probability = 1;
    for (const level of this.#levels) {
      const stage = this.#runStage(level, stages.length === 0);
      stages.push(stage);
      probability *= stage.entered / stage.trials;
      if (probability === 0) break;
      [this.#from, this.#to] = [this.#to, this.#from];
    }
    return { probability, stages, steps: this.#trials.steps - before };
  }

  #runStage(level: number, isFirst: boolean): Stage {
    this.#to.clear();
    let failed = 0;
    const runFrom = (from: Entrance, ancestor: number) => {
      const end = from.state === "failed" ? from.state : this.#trials.run(from.state, this.#trials.nextBranch(), level);
      if (end === "failed" && from.state !== "failed") failed++;
      if (end !== "survived") this.#to.add(this.#trials.machine, ancestor, end === "failed");
    };
    if (isFirst) {
      for (let run = 0; run < this.#effort; run++) runFrom({ state: "start", ancestor: run }, run);
    } else {
      const shares = this.#from.share(this.#effort);
      for (const [index, from] of this.#from.all.entries()) {
        for (let left = shares[index] ?? 0; left > 0; left--) runFrom(from, from.ancestor);
      }
    }
    return { trials: this.#effort, entered: this.#to.came, failed, ancestors: this.#to.ancestors.size };
  }
}
