/** Trials: runs from time 0, or from where another run entered a level, each with randomness that no other has had. */
import type { MachineSnapshot, SoakMachine } from "../../wasm/soak-machine.ts";
import type { Cell } from "../run/cell.ts";
import { CellRunner } from "../run/cell-runner.ts";
import { Importance, type ImportanceKind } from "./importance.ts";

/** How a trial ends: it has entered the level, failed, or come to the horizon. */
export type TrialEnd = "entered" | "failed" | "survived";

/** Instructions and events of a batch, which ends earlier where a level is entered. */
const BATCH_STEPS = 4_000_000;
const BRANCHES_MOST = 2 ** 32;

/** One cell and its trials. Branch 0 of the seed is that of plain runs and is left to them. */
export class Trials {
  readonly machine: SoakMachine;
  readonly horizonUs: number;
  readonly #cell: Cell;
  readonly #runner: CellRunner;
  readonly #seed: bigint;
  readonly #failsOnRequest: boolean;
  #importance: Importance;
  #branch = 1;
  #steps = 0;
  #count = 0;

  /** Throws what `CellRunner` throws. */
  constructor(cell: Cell, seed: bigint, kind: ImportanceKind) {
    this.#cell = cell;
    this.#runner = new CellRunner(cell);
    this.machine = this.#runner.machine;
    this.horizonUs = cell.horizonUs;
    this.#importance = new Importance(this.machine, cell, kind);
    this.#seed = seed;
    this.#failsOnRequest = cell.failOn === "request";
  }

  /** What levels are of. */
  get importance(): Importance {
    return this.#importance;
  }

  /** From now on levels are of another importance. */
  measureBy(kind: ImportanceKind): void {
    this.#importance = new Importance(this.machine, this.#cell, kind);
  }

  /** Instructions and events of all trials: what they cost, whoever ran them. */
  get steps(): number {
    return this.#steps;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of a state, at most. */
  get stateBytes(): number {
    return this.machine.stateBytesMost;
  }

  /** A branch that no trial has had. */
  nextBranch(): number {
    if (this.#branch === BRANCHES_MOST) throw new RangeError("an estimate has 2^32 - 1 trials at most");
    return this.#branch++;
  }

  /** Runs from the state, or from time 0, until it enters `level`, fails, or comes to the horizon. */
  run(from: MachineSnapshot | "start", branch: number, level: number): TrialEnd {
    this.#begin(from, branch);
    const { machine, importance } = this;
    importance.watch(level);
    if (importance.most >= level) return "entered"; // it has come by more than one level at once
    const before = machine.steps;
    const end = this.#goOn(level);
    this.#steps += machine.steps - before;
    return end;
  }

  #begin(from: MachineSnapshot | "start", branch: number): void {
    this.#count++;
    if (from !== "start") {
      this.machine.restore(from);
      this.machine.rebranch(branch);
      this.machine.renew();
      return;
    }
    this.#runner.start(this.#seed, branch);
    this.importance.forget();
  }

  #goOn(level: number): TrialEnd {
    const { machine, importance } = this;
    for (;;) {
      const end = machine.advance(BATCH_STEPS);
      if (machine.failure() !== undefined || (this.#failsOnRequest && importance.hasRefused)) return "failed";
      if (importance.most >= level) return "entered";
      if (end === "horizon") return "survived";
      if (end === "stack-overrun") machine.takeOverrun();
    }
  }
}
