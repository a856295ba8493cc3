/** The soak engine of one run, seen from the host: built from a compiled scenario, advanced in batches, read back. */

import { ContextField, LevelField } from "../../assembly/soak/context-map.ts";
import {
  HeapWatch,
  JournalField,
  LedgerField,
  LedgerOwner,
  RECENT_OPERATIONS,
  SoakHeapField,
} from "../../assembly/soak/ledger-map.ts";
import { INSTRUCTION_STEP_SHIFT } from "../../assembly/soak/program-map.ts";
import { FailureKind, HaltKind, SoakField, SoakStatus } from "../../assembly/soak-map.ts";
import type { Device } from "../device/device.ts";
import type { Heap } from "../device/heap.ts";
import { type Layout, planScenario } from "../scenario/layout.ts";
import type { Scenario } from "../scenario/model.ts";
import type { CompiledScenario } from "../soak/compiled.ts";
import { type RunStack, type StackSetups, stackSetups } from "../soak/stack-setup.ts";
import type { Engine, Snapshot } from "./engine.ts";
import { EngineRecord } from "./engine-record.ts";
import { GuestFault } from "./guest-fault.ts";
import { laySoak, type SoakRecords } from "./soak-layout.ts";
import {
  type ContextFigures,
  type HeapFigures,
  type JournalEntry,
  type LedgerEntry,
  type MachineFailure,
  readContext,
  readFailure,
  readHeap,
  readJournalEntry,
  readLedgerEntry,
} from "./soak-readers.ts";
import { layStacks } from "./soak-stacks.ts";
import { SoakTelemetry } from "./soak-telemetry.ts";
import { readStackRecord, type StackState } from "./stack-record.ts";

export interface SoakMachineOptions {
  readonly scenario: Scenario;
  readonly compiled: CompiledScenario;
  readonly layout: Layout;
  /** The scenario's by default. */
  readonly seed?: bigint;
  /** Simulated time between two telemetry samples; 1/2,048 of the uptime and at least 1 ms by default. */
  readonly sampleGapUs?: number;
  /**
   * Run on the exact core from the start. It does the same more slowly, but needs no snapshot in front of each batch:
   * faster where batches are short.
   */
  readonly exactly?: boolean;
}

/** A stack of the run and the engine address of its record. */
export interface SoakStack extends RunStack {
  readonly record: number;
}

/** Why a batch ended. */
export type BatchEnd =
  | "continue"
  | "horizon"
  | "failed"
  | "stack-overrun"
  | "journal-full"
  | "level-reached"
  | "about-to-reboot";

/**
 * How near a heap is to failure: the bytes of its live blocks, or, of each request, what it asks for less the largest
 * request that would succeed (positive where it must fail).
 */
export type WatchedImportance = "live-bytes" | "shortfall";

/** A fault of the device, with what was running. */
export interface MachineFault {
  readonly fault: GuestFault;
  readonly atUs: number;
  readonly context: number | undefined;
  readonly step: number | undefined;
}

/** A machine at a moment. */
export interface MachineSnapshot {
  readonly device: Snapshot;
  readonly leftHeap: boolean;
  readonly faults: readonly MachineFault[];
}

const ENDS = {
  [SoakStatus.Continue]: "continue",
  [SoakStatus.Horizon]: "horizon",
  [SoakStatus.Failed]: "failed",
  [SoakStatus.StackOverrun]: "stack-overrun",
  [SoakStatus.JournalFull]: "journal-full",
  [SoakStatus.LevelReached]: "level-reached",
  [SoakStatus.AboutToReboot]: "about-to-reboot",
} as const satisfies { readonly [K in SoakStatus]: BatchEnd };

const WATCHES: { readonly [K in WatchedImportance]: HeapWatch } = {
  "live-bytes": HeapWatch.LiveBytes,
  shortfall: HeapWatch.Shortfall,
};
/** A level that no heap reaches, and an importance that any heap has. */
const LEVEL_MOST = 2 ** 31 - 1;
const LEVEL_LEAST = -(2 ** 31);

const SAMPLES_A_RUN = 2_048;
const SAMPLE_GAP_LEAST_US = 1_000;

/**
 * One run in engine memory. Nothing of it lives in this object but what the engine cannot hold: the faults that
 * ended it, and whether heap metadata has led out of a heap, after which only the exact core runs.
 */
export class SoakMachine {
  readonly device: Device;
  readonly telemetry: SoakTelemetry;
  readonly compiled: CompiledScenario;
  readonly heaps: readonly Heap[];
  /** The main stack first, then those of the tasks in the order of `compiled.contexts`. */
  readonly stacks: readonly SoakStack[];
  readonly #engine: Engine;
  readonly #records: SoakRecords;
  readonly #spansBanks: boolean;
  /** Metadata has led out of a heap, or nobody wants to wait for that. */
  #leftHeap: boolean;
  #faults: readonly MachineFault[] = [];
  #before: Snapshot | undefined;

  /** Lays the run into the layout's device, which must be fresh. Throws `does-not-fit`. */
  constructor({ scenario, compiled, layout, seed, sampleGapUs, exactly = false }: SoakMachineOptions) {
    this.#leftHeap = exactly;
    this.device = layout.device;
    this.compiled = compiled;
    this.heaps = layout.heaps;
    this.#engine = layout.device.engine;
    const heaps = layout.heaps.map((heap) => ({ heap, record: layout.device.recordOf(heap) }));
    this.#spansBanks = heaps.some(({ record }) => record.batchCore === this.#engine.exact);
    this.#records = laySoak(this.#engine, compiled, heaps, {
      seed: seed ?? scenario.seed,
      horizonUs: scenario.uptimeUs,
      sampleGapUs: sampleGapUs ?? usualSampleGap(scenario.uptimeUs),
      bootTimeUs: scenario.bootTimeUs,
      staticRanges: planScenario(scenario).placements.filter(({ kind }) => kind === "static"),
    });
    this.stacks = this.#layStacks(stackSetups(scenario, layout.stacks));
    this.telemetry = SoakTelemetry.reserve(this.#engine, layout.heaps.length);
  }

  /** Gives the run another seed, and a branch of it, for its draws from the first one on: before `prepare`. */
  reseed(seed: bigint, branch = 0): void {
    this.#records.control.setLong(SoakField.Seed, seed);
    this.#records.control.set(SoakField.Branch, branch);
  }

  /** Starts the device at time 0. Once, before the first batch. */
  prepare(): void {
    this.#engine.exact.soakPrepare();
  }

  /**
   * Runs about `budget` instructions and events. A fault of the device ends the run: it is in `faults`, and the
   * failure is of kind "fault". Where the fast core meets metadata that leads out of its heap, the batch is
   * repeated on the exact one, which does what the board would.
   */
  advance(budget: number): BatchEnd {
    if (this.#leftHeap || this.#spansBanks) return this.#advanceExactly(budget);
    this.#before = this.#engine.snapshot(this.#before);
    try {
      return ENDS[this.#engine.fast.soakAdvance(budget) as SoakStatus];
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      this.#engine.restore(this.#before);
      this.#leftHeap = true;
      return this.#advanceExactly(budget);
    }
  }

  /** Simulated microseconds since the start. */
  get nowUs(): number {
    return this.#records.control.long(SoakField.Now);
  }

  /** Instructions executed and events handled. */
  get steps(): number {
    return this.#records.control.long(SoakField.Steps);
  }

  get horizonUs(): number {
    return this.#records.control.long(SoakField.Horizon);
  }

  /** Where `advance` ends with "horizon". */
  setHorizon(us: number): void {
    this.#records.control.setLong(SoakField.Horizon, us);
  }

  get reboots(): number {
    return this.#records.control.get(SoakField.Reboots);
  }

  /** Gives all later draws another randomness: a continuation from here that is independent of branch 0. */
  rebranch(branch: number): void {
    this.#engine.exact.soakRekey(branch);
  }

  /**
   * Draws anew what is left of every memoryless time: lives, gaps and modes that are exponential and have no limits.
   * The run is as likely to go on in any way as before, and shares none of these times with others from its snapshot.
   */
  renew(): void {
    this.#engine.exact.soakRenew();
  }

  /** The run as it is now; pass an earlier snapshot to reuse its memory. Cost: bytes of RAM and used engine state. */
  snapshot(reuse?: MachineSnapshot): MachineSnapshot {
    return { device: this.#engine.snapshot(reuse?.device), leftHeap: this.#leftHeap, faults: this.#faults };
  }

  /** Bytes of the largest snapshot of this run, however long it runs. */
  get stateBytesMost(): number {
    return this.#engine.stateBytesMost;
  }

  /** Puts the run back to where it was. */
  restore({ device, leftHeap, faults }: MachineSnapshot): void {
    this.#engine.restore(device);
    this.#leftHeap = leftHeap;
    this.#faults = faults;
  }

  /** The first failure of the run, or undefined. */
  failure(): MachineFailure | undefined {
    return readFailure(this.#records.control);
  }

  /**
   * Whether a first failure that the device survives ends its batch with "about-to-reboot": everything is then as it
   * was when the request was refused, and the next batch begins with the reboot. The run itself does not notice.
   */
  set stopsAtFailure(on: boolean) {
    this.#records.control.set(SoakField.StopsAtFailure, on ? 1 : 0);
  }

  /** The device's faults. One ends the run, so there is at most one. */
  get faults(): readonly MachineFault[] {
    return this.#faults;
  }

  /** What every task instance and interrupt has done, in the order of `compiled.contexts`. */
  contexts(): ContextFigures[] {
    return this.#records.contexts.map(readContext);
  }

  /** The account of a heap, in the order of `heaps`. */
  heapFigures(index: number): HeapFigures {
    return readHeap(this.#account(index));
  }

  /** Requests that heap number `index` has refused. */
  failedRequests(index: number): number {
    return this.#records.heaps[index]?.long(SoakHeapField.FailedRequests) ?? 0;
  }

  /**
   * Watches one heap: from now on a batch ends with "level-reached" where its importance reaches `level` for the first
   * time, and where it refuses a request. The run itself does not notice.
   */
  watch(heap: number, importance: WatchedImportance, level: number): void {
    const account = this.#account(heap);
    account.set(SoakHeapField.Watch, WATCHES[importance]);
    account.set(SoakHeapField.WatchLevel, Math.min(level, LEVEL_MOST));
  }

  /** Lets the greatest importance of a watched heap begin anew. */
  forgetImportance(heap: number): void {
    this.#account(heap).set(SoakHeapField.WatchMost, LEVEL_LEAST);
  }

  /** The greatest importance that a watched heap has had since it was forgotten. */
  importanceMost(heap: number): number {
    return this.#account(heap).signed(SoakHeapField.WatchMost);
  }

  /** A stack as the run has left it. */
  stackState(stack: SoakStack): StackState {
    return readStackRecord(this.#engine, stack.record);
  }

  /** What the last refused request asked for. */
  get refusedBytes(): number {
    return this.#records.control.get(SoakField.RefusedBytes);
  }

  /** After "stack-overrun": the stack that was overrun for the first time. The run goes on with the next batch. */
  takeOverrun(): SoakStack | undefined {
    const { control } = this.#records;
    const record = control.get(SoakField.OverrunStack);
    control.set(SoakField.OverrunStack, 0);
    return this.stacks.find((stack) => stack.record === record);
  }

  /** All live blocks, leaked ones included, in the order of the engine's records. */
  ledgerBlocks(): LedgerEntry[] {
    const { control } = this.#records;
    const ledger = control.get(SoakField.Ledger);
    const blocks: LedgerEntry[] = [];
    for (let i = 0; i < control.get(SoakField.LedgerUsed); i++) {
      const record = new EngineRecord(this.#engine, ledger + i * LedgerField.Length * 4);
      const owner = record.get(LedgerField.Owner);
      if (owner !== LedgerOwner.None && owner !== LedgerOwner.Reference) blocks.push(readLedgerEntry(record));
    }
    return blocks;
  }

  /** Whether heap operations are written to the journal. Off at first: it costs time. */
  set journalling(on: boolean) {
    this.#records.control.set(SoakField.Journalling, on ? 1 : 0);
  }

  /** The heap operations since the journal was last read, oldest first; empties it. */
  journal(): JournalEntry[] {
    const { control } = this.#records;
    const entries = this.#entries(control.get(SoakField.Journal), control.get(SoakField.JournalCount));
    control.set(SoakField.JournalCount, 0);
    return entries;
  }

  /** The last operations on any heap, and reboots, oldest first: 32 at most. */
  recentOperations(): JournalEntry[] {
    const { control } = this.#records;
    const count = control.long(SoakField.Operations);
    const kept = this.#entries(control.get(SoakField.Recent), Math.min(count, RECENT_OPERATIONS));
    const oldest = count > RECENT_OPERATIONS ? count % RECENT_OPERATIONS : 0;
    return [...kept.slice(oldest), ...kept.slice(0, oldest)];
  }

  /** The operations of a heap that took the most visits, most first, the earlier of equal ones: 8 at most. */
  slowestOperations(heap: number): JournalEntry[] {
    const account = this.#account(heap);
    return this.#entries(account.get(SoakHeapField.Slowest), account.get(SoakHeapField.SlowestCount));
  }

  /** Records of JournalField in a row. */
  #entries(address: number, count: number): JournalEntry[] {
    return Array.from({ length: count }, (_, i) =>
      readJournalEntry(new EngineRecord(this.#engine, address + i * JournalField.Length * 4)),
    );
  }

  #account(index: number): EngineRecord {
    const account = this.#records.heaps[index];
    if (!account) throw new RangeError(`the run has no heap ${index}`);
    return account;
  }

  #layStacks({ frames, main, tasks }: StackSetups): SoakStack[] {
    const { control, contexts } = this.#records;
    const setups = { frames, main: main?.setup, tasks: tasks.map(({ setup }) => setup) };
    const laid = layStacks(this.#engine, control, contexts, setups);
    const ofTasks = tasks.map((stack, index): SoakStack => ({ ...stack, record: laid.tasks[index] ?? 0 }));
    return main ? [{ ...main, record: laid.main }, ...ofTasks] : ofTasks;
  }

  #advanceExactly(budget: number): BatchEnd {
    try {
      return ENDS[this.#engine.exact.soakAdvance(budget) as SoakStatus];
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      this.#noteFault(fault);
      return "failed";
    }
  }

  /** The device stopped inside an operation: the failure is the fault, unless an earlier one is already noted. */
  #noteFault(fault: GuestFault): void {
    const { control } = this.#records;
    const at = this.#running();
    this.#faults = [{ fault, atUs: this.nowUs, ...at }];
    control.set(SoakField.Halted, HaltKind.ForGood);
    if (control.get(SoakField.FailureKind) !== FailureKind.None) return;
    control.set(SoakField.FailureKind, FailureKind.Fault);
    control.setLong(SoakField.FailureAt, this.nowUs);
    control.set(SoakField.FailureContext, at.context ?? -1);
    control.set(SoakField.FailureStep, at.step ?? -1);
  }

  /** The context that has the processor, and its step: the first of the most urgent level that is ready. */
  #running(): { context: number | undefined; step: number | undefined } {
    const { control, contexts } = this.#records;
    const high = control.get(SoakField.ReadyLevelsHigh);
    const level = high ? 63 - Math.clz32(high) : 31 - Math.clz32(control.get(SoakField.ReadyLevels));
    const levels = new EngineRecord(this.#engine, control.get(SoakField.Levels));
    const first = level < 0 ? 0 : levels.get(level * LevelField.Length + LevelField.First);
    const index = contexts.findIndex(({ address }) => address === first);
    const pc = contexts[index]?.get(ContextField.Pc) ?? 0;
    return { context: optional(index), step: pc ? this.#engine.word(pc) >>> INSTRUCTION_STEP_SHIFT : undefined };
  }
}

/** Simulated time between two telemetry samples of a run that long. */
export function usualSampleGap(uptimeUs: number): number {
  return Math.max(Math.ceil(uptimeUs / SAMPLES_A_RUN), SAMPLE_GAP_LEAST_US);
}

function optional(index: number): number | undefined {
  return index < 0 ? undefined : index;
}
