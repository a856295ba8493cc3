/** A run of a scenario that is taken to the moment of a refused request, and to others before it. */
import { layOut } from "../../scenario/layout.ts";
import type { Scenario } from "../../scenario/model.ts";
import { failureOf } from "../../soak/build-record.ts";
import { compileScenario } from "../../soak/compiler.ts";
import { ledgerOf, requestAlignment, siteOfBlock } from "../../soak/pins-of-run.ts";
import type { RunFailure } from "../../soak/record.ts";
import { type MachineSnapshot, SoakMachine } from "../../wasm/soak-machine.ts";
import type { JournalEntry, LedgerEntry } from "../../wasm/soak-readers.ts";
import type { Site } from "./record.ts";

/** Instructions and events between two looks. */
const BATCH_STEPS = 500_000;
/** More of them than this at the very moment of a failure are not gone through one by one. */
const SINGLE_STEPS_MOST = 2_000_000;

/** A refused request. The machine stands right before it. */
export interface Refusal {
  readonly kind: "failure" | "refused";
  readonly atUs: number;
  readonly heap: number;
  readonly requestBytes: number;
  readonly alignment: number;
  /** Number of the step that asked; undefined for the kernel. */
  readonly step: number | undefined;
  readonly by: Site;
}

export class ScenarioRun {
  readonly machine: SoakMachine;
  readonly scenario: Scenario;
  readonly #fresh: MachineSnapshot;
  /** Heap whose refused requests count where the run does not fail; undefined: any. */
  readonly #heap: number | undefined;

  /** Throws what `layOut` and `compileScenario` throw. */
  constructor(scenario: Scenario, seed: bigint, heap: number | undefined) {
    this.scenario = scenario;
    this.#heap = heap;
    const compiled = compileScenario(scenario);
    this.machine = new SoakMachine({ scenario, compiled, layout: layOut(scenario), seed });
    this.#fresh = this.machine.snapshot();
    this.machine.prepare();
  }

  /** Back to time 0, with the same seed. */
  restart(): void {
    this.machine.restore(this.#fresh);
    this.machine.prepare();
  }

  /**
   * Runs to the failure; where there is none until the horizon, back to the first refused request. Returns the refusal
   * with the machine right before it; otherwise the failure that is none, or undefined, with the machine at the end.
   */
  runToRefusal(): Refusal | RunFailure | undefined {
    let firstRefused: MachineSnapshot | undefined;
    let before: MachineSnapshot | undefined;
    this.machine.setHorizon(this.scenario.uptimeUs);
    for (let end: string = "continue"; end !== "horizon" && end !== "failed"; ) {
      before = this.machine.snapshot(before === firstRefused ? undefined : before);
      end = this.#advance(BATCH_STEPS);
      if (this.machine.failure()) return this.#returnTo(before, () => this.machine.failure() !== undefined);
      if (!firstRefused && this.#refused() > 0) firstRefused = before;
    }
    return firstRefused && this.#returnTo(firstRefused, () => this.#refused() > 0);
  }

  /** Runs on to the time, or to where the run ends. Returns whether the time was reached. */
  runTo(us: number, note: (entries: readonly JournalEntry[]) => void = () => {}): boolean {
    const { machine } = this;
    machine.setHorizon(us);
    while (machine.nowUs < us) {
      const end = this.#advance(BATCH_STEPS, note);
      if (end === "failed") return false;
      if (end === "horizon") break;
    }
    return true;
  }

  /** Who allocated the block. */
  siteOf(block: Pick<LedgerEntry, "context" | "step">): Site {
    return siteOfBlock(this.machine.compiled, block);
  }

  /** The live blocks of a heap by payload. */
  ledger(heap: number): Map<number, LedgerEntry> {
    return ledgerOf(this.machine, heap);
  }

  /** Refused requests so far. */
  #refused(): number {
    const { machine } = this;
    if (this.#heap !== undefined) return machine.failedRequests(this.#heap);
    return machine.heaps.reduce((sum, _, index) => sum + machine.failedRequests(index), 0);
  }

  #advance(steps: number, note: (entries: readonly JournalEntry[]) => void = () => {}): string {
    const end = this.machine.advance(steps);
    if (end === "stack-overrun") this.machine.takeOverrun();
    note(this.machine.journal());
    return end;
  }

  /** From `before`, up to right before the step after which `hasHappened`. */
  #returnTo(before: MachineSnapshot, hasHappened: () => boolean): Refusal | RunFailure | undefined {
    const { machine } = this;
    let passed = 0;
    for (let failed = BATCH_STEPS; failed - passed > 1; ) {
      const middle = (passed + failed) >>> 1;
      machine.restore(before);
      this.#advance(middle);
      if (hasHappened()) failed = middle;
      else passed = middle;
    }
    machine.restore(before);
    if (passed > 0) this.#advance(passed);
    machine.journalling = true;
    let last = machine.snapshot();
    let entries: readonly JournalEntry[] = [];
    for (let steps = 0; !hasHappened() && steps < SINGLE_STEPS_MOST; steps++) {
      last = machine.snapshot(last);
      entries = [];
      this.#advance(1, (found) => {
        entries = found;
      });
    }
    const failure = failureOf(machine, this.scenario);
    const refusal = this.#refusal(failure, entries);
    if (!refusal) return failure ?? undefined;
    machine.restore(last);
    machine.journalling = false;
    return refusal;
  }

  /** What was refused in the last step; undefined: the run failed otherwise. */
  #refusal(failure: RunFailure | null, entries: readonly JournalEntry[]): Refusal | undefined {
    const refused = entries.filter(({ operation, result }) => isRequest(operation) && result === 0).at(-1);
    const { machine } = this;
    if (failure && (failure.requestBytes === null || failure.heap === null)) return undefined;
    const heap = failure ? machine.heaps.findIndex(({ name }) => name === failure.heap) : refused?.heap;
    const requestBytes = failure?.requestBytes ?? refused?.requestBytes;
    if (heap === undefined || requestBytes === undefined) return undefined;
    const step = refused?.step ?? machine.failure()?.step;
    return {
      kind: failure ? "failure" : "refused",
      atUs: failure?.atUs ?? refused?.atUs ?? machine.nowUs,
      heap,
      requestBytes,
      alignment: requestAlignment(this.scenario, machine.compiled, step),
      step,
      by: failure ? { task: failure.task, step: failure.step } : this.siteOf({ context: refused?.context, step }),
    };
  }
}

function isRequest(operation: JournalEntry["operation"]): boolean {
  return operation === "allocate" || operation === "allocate-aligned" || operation === "reallocate";
}
