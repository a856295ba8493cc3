/** Runs one cell again and again: laid out and compiled once, put back to its start for every seed. */
import { HeapsoakError } from "../../errors.ts";
import { layOut } from "../../scenario/layout.ts";
import type { Scenario } from "../../scenario/model.ts";
import { failureOf } from "../../soak/build-record.ts";
import { compileScenario } from "../../soak/compiler.ts";
import { type BatchEnd, type MachineSnapshot, SoakMachine, usualSampleGap } from "../../wasm/soak-machine.ts";
import type { Cell } from "./cell.ts";
import type { OutcomeFailure, RunMargins, RunOutcome } from "./outcome.ts";
import { type HeapReserve, lastRefusal, mayReboot, reserveOf } from "./refusal.ts";

/**
 * Instructions and events of a batch, about 50 ms: the snapshot in front of each costs nothing beside it, and whoever
 * waits for a signal does not wait long.
 */
const BATCH_STEPS = 1_500_000;

/**
 * One cell in engine memory. The same seed gives the same outcome as `soak(scenario, { seed, uptimeUs })`, whatever
 * has run here before.
 */
export class CellRunner {
  readonly machine: SoakMachine;
  readonly #cell: Cell;
  readonly #scenario: Scenario;
  /** Index of the cell's heap. */
  readonly #heap: number;
  /** Whether the firmware can go on after what counts as a failure, so that a batch ends behind it. */
  readonly #outlivesFailure: boolean;
  readonly #fresh: MachineSnapshot;
  #before: MachineSnapshot | undefined;
  #seed: bigint;
  #refusal: OutcomeFailure | undefined;
  #hasEnded = false;

  /** Throws what `layOut` and `compileScenario` throw, and `bad-argument` where the scenario has no such heap. */
  constructor(cell: Cell) {
    this.#cell = cell;
    this.#scenario = { ...cell.scenario, uptimeUs: cell.horizonUs };
    const scenario = this.#scenario;
    this.#heap = scenario.heaps.findIndex(({ name }) => name === cell.heap);
    if (this.#heap < 0) throw new HeapsoakError("bad-argument", `There is no heap "${cell.heap}".`);
    const sampleGapUs = lastSampleUs(cell.horizonUs);
    const compiled = compileScenario(scenario);
    this.machine = new SoakMachine({ scenario, compiled, layout: layOut(scenario), sampleGapUs });
    this.#outlivesFailure = cell.failOn === "request" || mayReboot(scenario);
    this.#fresh = this.machine.snapshot();
    this.#seed = scenario.seed;
    this.start(this.#seed);
  }

  /** The device at time 0 with the draws of this seed; another branch has other draws from the first one on. */
  start(seed: bigint, branch = 0): void {
    this.machine.restore(this.#fresh);
    this.machine.reseed(seed, branch);
    this.machine.prepare();
    this.#seed = seed;
    this.#refusal = undefined;
    this.#hasEnded = false;
  }

  /** Runs the seed to its end. */
  run(seed: bigint): RunOutcome {
    this.start(seed);
    while (!this.advance());
    return this.outcome();
  }

  /** Goes on by a batch; whether the run is over: failed, or at its horizon. */
  advance(): boolean {
    if (this.#hasEnded) return true;
    const { machine } = this;
    if (this.#outlivesFailure) this.#before = machine.snapshot(this.#before);
    const end = this.#goOn(BATCH_STEPS);
    const failed = this.#hasFailed();
    if (this.#before && this.#mayHaveGoneOn()) this.#returnToFailure(this.#before);
    this.#hasEnded = failed || end === "horizon";
    return this.#hasEnded;
  }

  /** What has come of the machine as it is now. */
  outcome(): RunOutcome {
    const { machine } = this;
    const failure = this.#failure();
    return {
      seed: String(this.#seed),
      endUs: failure ? failure.atUs : machine.nowUs,
      failure,
      steps: machine.steps,
      margins: this.#margins(),
    };
  }

  /** Whether the first failure of this batch may not be what the batch ended with. */
  #mayHaveGoneOn(): boolean {
    return this.#hasRefused() || this.machine.failure()?.kind === "reboot-by-policy";
  }

  #hasFailed(): boolean {
    return this.machine.failure() !== undefined || this.#hasRefused();
  }

  #hasRefused(): boolean {
    return this.#cell.failOn === "request" && this.machine.failedRequests(this.#heap) > 0;
  }

  #failure(): OutcomeFailure | null {
    if (this.#refusal) return this.#refusal;
    const failure = failureOf(this.machine, this.#scenario);
    if (!failure) return this.#hasRefused() ? this.#refusalSeen(reserveOf(this.machine, this.#heap)) : null;
    const { message: _, ...facts } = failure;
    return facts;
  }

  /**
   * The firmware went on after the failure: back to before the batch, and to the first step after which it had
   * happened, found by halving. So an outcome does not depend on where batches end.
   */
  #returnToFailure(before: MachineSnapshot): void {
    let [passed, failed] = [0, BATCH_STEPS];
    while (failed - passed > 1) {
      const middle = Math.floor((passed + failed) / 2);
      this.#replay(before, middle);
      if (this.#hasFailed()) failed = middle;
      else passed = middle;
    }
    this.#replay(before, passed);
    this.machine.journalling = true;
    let reserve = reserveOf(this.machine, this.#heap);
    while (!this.#hasFailed()) {
      reserve = reserveOf(this.machine, this.#heap);
      this.#goOn(1);
    }
    if (!this.machine.failure()) this.#refusal = this.#refusalSeen(reserve);
  }

  #refusalSeen(reserve: HeapReserve): OutcomeFailure {
    return lastRefusal(this.machine, this.#heap, reserve);
  }

  #replay(before: MachineSnapshot, steps: number): void {
    this.machine.restore(before);
    if (steps > 0) this.#goOn(steps);
  }

  /** Goes on by about so many instructions and events, less where a stack is overrun for the first time. */
  #goOn(steps: number): BatchEnd {
    const end = this.machine.advance(steps);
    if (end === "stack-overrun") this.machine.takeOverrun();
    return end;
  }

  #margins(): RunMargins {
    const { machine } = this;
    const heaps = machine.heaps.map(({ name }, index) => {
      const { minimumFreeBytes, minimumLargestFreeBytes } = machine.telemetry.extremes(index);
      const margin = {
        leastFreeBytes: minimumFreeBytes,
        leastLargestFreeBytes: minimumLargestFreeBytes,
        failedRequests: machine.failedRequests(index),
      };
      return [name, margin] as const;
    });
    const stacks = machine.stacks.map((stack) => {
      const headroomBytes = stack.setup.bytes - machine.stackState(stack).observedBytes;
      return [stack.name, { headroomBytes }] as const;
    });
    return { heaps: Object.fromEntries(heaps), stacks: Object.fromEntries(stacks) };
  }
}

/**
 * The last of a run's samples: the only one that is taken here, since nobody looks at the series, and a campaign of
 * short runs would do little else than sample. A run that has come to a deadlock before shows it there.
 */
function lastSampleUs(horizonUs: number): number {
  const gapUs = usualSampleGap(horizonUs);
  return Math.max(1, Math.floor((horizonUs - 1) / gapUs)) * gapUs;
}
