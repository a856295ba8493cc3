/** One search on one heap: moments are kept, gone on from, and kept again. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Scenario } from "../../scenario/model.ts";
import type { OutcomeFailure } from "../run/outcome.ts";
import { Ground } from "./ground.ts";
import { type PhasesUs, withPhases } from "./phases.ts";
import { type Moment, Population } from "./population.ts";
import { branchesOf } from "./recipe.ts";
import type { HuntRecipe } from "./record.ts";
import { Strides } from "./strides.ts";

/** What is looked for: the earliest failure, the largest footprint, or any request of the heap that is refused. */
export type Quarry = "failure" | "footprint" | "refusal";

export interface ChaseRequest {
  readonly scenario: Scenario;
  /** Number of the heap that is watched. */
  readonly heap: number;
  readonly quarry: Quarry;
  readonly seed: bigint;
  readonly variants: readonly PhasesUs[];
  readonly budgetSteps: number;
  readonly signal: AbortSignal | undefined;
  readonly onRound: (chase: Chase) => void;
}

/** The end of a branch that is the best so far. */
export interface Best {
  readonly recipe: HuntRecipe;
  readonly failure: OutcomeFailure | null;
  /** Arena less the largest request that would succeed; infinite where one was refused. */
  readonly footprintBytes: number;
}

const SEEDS_A_VARIANT = 4;
const MOMENTS_A_ROUND = 16;
const BRANCHES_A_MOMENT = 2;
/** The share of the budget that the run as written may take. */
const PLAIN_SHARE = 0.25;
/** What time is worth beside bytes once a failure is known. */
const TIME_RANK = 0.25;

export class Chase {
  readonly #request: ChaseRequest;
  readonly #horizonUs: number;
  readonly #grounds: Ground[] = [];
  readonly #population = new Population();
  best: Best | undefined;
  branches = 0;

  constructor(request: ChaseRequest) {
    this.#request = request;
    this.#horizonUs = request.scenario.uptimeUs;
  }

  get spentSteps(): number {
    return this.#grounds.reduce((sum, { spentSteps }) => sum + spentSteps, 0);
  }

  get heapsSeen(): number {
    return this.#population.seen;
  }

  get granuleBytes(): number {
    return this.#grounds[0]?.granuleBytes ?? 1;
  }

  /** Searches until the budget is spent, or what was looked for cannot be bettered. Returns the run as written. */
  async run(): Promise<Best> {
    const { scenario, heap, variants, onRound } = this.#request;
    const first = new Ground(scenario, heap);
    this.#grounds.push(first);
    const plain = this.#runAsWritten(first);
    const strides = new Strides(plain.recipe.endUs, first.machine.steps);
    for (const phases of variants.slice(1)) this.#grounds.push(new Ground(withPhases(scenario, phases), heap));
    this.#plant();
    for (let round = 0; this.#goesOn(); round++) {
      this.#round(round, strides);
      onRound(this);
      await nextTurn();
    }
    return plain;
  }

  /** What all finds are held against, and the time that the scenario's steps take. */
  #runAsWritten(ground: Ground): Best {
    const { seed, budgetSteps } = this.#request;
    ground.begin(seed);
    ground.advanceTo(this.#horizonUs, Math.ceil(budgetSteps * PLAIN_SHARE));
    const failure = ground.failure();
    const endUs = failure ? failure.atUs + 1 : Math.max(ground.machine.nowUs, 1);
    const recipe = { seed: String(seed), phasesUs: {}, branches: [], endUs };
    return { recipe, failure, footprintBytes: this.#footprint(ground) };
  }

  /** Time 0 of a few seeds on each ground. */
  #plant(): void {
    for (const [index, ground] of this.#grounds.entries()) {
      for (let i = 0; i < SEEDS_A_VARIANT; i++) {
        const seed = BigInt.asUintN(64, this.#request.seed + BigInt(i));
        ground.begin(seed);
        const key = `start ${index} ${i}`;
        this.#population.add({ ground: index, seed, trail: undefined, atUs: 0, snapshot: ground.keep(), key, rank: 0 });
      }
    }
  }

  #goesOn(): boolean {
    const { signal, budgetSteps, quarry } = this.#request;
    if (signal?.aborted || this.spentSteps >= budgetSteps) return false;
    return quarry === "failure" || this.best?.footprintBytes !== Number.POSITIVE_INFINITY;
  }

  #round(round: number, strides: Strides): void {
    const stride = strides.choose(round);
    const before = this.spentSteps;
    let gains = 0;
    for (const moment of this.#population.select(MOMENTS_A_ROUND, round % 2 === 0 ? "visits" : "promise")) {
      for (let i = 0; i < BRANCHES_A_MOMENT && this.#goesOn(); i++) {
        gains += this.#branch(moment, strides.lengthUs(stride));
      }
    }
    strides.credit(stride, gains, this.spentSteps - before);
  }

  /** Goes on from a moment with fresh randomness; what that gained: 1 for a new heap, more for a new best. */
  #branch(moment: Moment, lengthUs: number): number {
    const ground = this.#grounds[moment.ground];
    const atUs = Math.min(moment.atUs + lengthUs, this.#horizonUs);
    if (!ground || atUs <= moment.atUs) return 0;
    const branch = ++this.branches;
    const trail = { before: moment.trail, atUs: moment.atUs, branch };
    ground.resume(moment.snapshot);
    ground.machine.rebranch(branch);
    if (!ground.advanceTo(atUs, this.#request.budgetSteps - this.spentSteps)) return 0;
    const failure = ground.failure();
    const end = { ground: moment.ground, seed: moment.seed, trail, atUs: failure?.atUs ?? atUs };
    const gain = this.#judge(end, ground, failure);
    const look = failure ? undefined : ground.look();
    if (!look) return gain;
    const rank = this.#rank(ground, end.atUs);
    return gain + Number(this.#population.add({ ...end, snapshot: ground.keep(), key: look.key, rank }));
  }

  /** Keeps the end of a branch if it is the best so far. */
  #judge(end: Omit<Moment, "snapshot" | "key" | "rank">, ground: Ground, failure: OutcomeFailure | null): number {
    const isRefused = failure !== null || ground.machine.failedRequests(this.#request.heap) > 0;
    const footprintBytes = isRefused ? Number.POSITIVE_INFINITY : this.#footprint(ground);
    if (!this.#isBetter(failure, footprintBytes)) return 0;
    const phasesUs = this.#request.variants[end.ground] ?? {};
    // One microsecond behind a failure, so that a run to there has it.
    const endUs = failure ? end.atUs + 1 : end.atUs;
    const recipe = { seed: String(end.seed), phasesUs, branches: branchesOf(end.trail), endUs };
    this.best = { recipe, failure, footprintBytes };
    if (failure) this.#population.dropFrom(failure.atUs);
    return MOMENTS_A_ROUND;
  }

  #isBetter(failure: OutcomeFailure | null, footprintBytes: number): boolean {
    const { quarry } = this.#request;
    if (quarry === "refusal") return footprintBytes === Number.POSITIVE_INFINITY;
    if (quarry === "footprint") return footprintBytes > (this.best?.footprintBytes ?? 0);
    return failure !== null && failure.atUs < (this.best?.failure?.atUs ?? Number.POSITIVE_INFINITY);
  }

  /** Shares of the arena: how much could be granted at once, less what is stuck in holes, and time where it counts. */
  #rank(ground: Ground, atUs: number): number {
    const { largestFreeBytes, freeBytes } = ground.look() ?? { largestFreeBytes: 0, freeBytes: 0 };
    const stuck = (freeBytes - largestFreeBytes) / 8;
    const earliestUs = this.best?.failure?.atUs;
    const late = earliestUs === undefined ? 0 : (TIME_RANK * atUs) / earliestUs;
    return (largestFreeBytes - stuck) / ground.arenaBytes + late;
  }

  #footprint(ground: Ground): number {
    return ground.arenaBytes - (ground.look()?.largestFreeBytes ?? 0);
  }
}
