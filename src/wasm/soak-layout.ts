/** Lays a compiled scenario into engine memory: the control record and everything it leads to. */
import { VISITS_HISTOGRAM_LENGTH } from "../../assembly/memory-map.ts";
import {
  CacheField,
  ContextField,
  FrameField,
  LevelField,
  ModeField,
  NameField,
  QueueField,
  SiteField,
} from "../../assembly/soak/context-map.ts";
import { WheelField } from "../../assembly/soak/draw-map.ts";
import {
  JournalField,
  LedgerField,
  RECENT_OPERATIONS,
  SLOWEST_OPERATIONS,
  SoakHeapField,
} from "../../assembly/soak/ledger-map.ts";
import { SOAK, SOAK_HIGH, SoakField } from "../../assembly/soak-map.ts";
import type { Heap } from "../device/heap.ts";
import type { CompiledContext, CompiledScenario, CompiledSite } from "../soak/compiled.ts";
import type { Engine } from "./engine.ts";
import { EngineRecord } from "./engine-record.ts";
import type { HeapRecord } from "./heap-record.ts";
import { type LaidProgram, layProgram } from "./soak-program.ts";

/** A heap of the run: what reports call it and its record. */
export interface SoakHeap {
  readonly heap: Heap;
  readonly record: HeapRecord;
}

/** What a run is besides its program. */
export interface SoakSettings {
  readonly seed: bigint;
  readonly horizonUs: number;
  /** Simulated time between two telemetry samples. */
  readonly sampleGapUs: number;
  readonly bootTimeUs: number;
  /** Static data, which start-up code clears. */
  readonly staticRanges: readonly { readonly low: number; readonly bytes: number }[];
}

/** Bytes of a task's control block: FreeRTOS 10's StaticTask_t for 32-bit cores as it ships (mutexes, notifications, 16-byte names); half its pointers on an AVR. */
const CONTROL_BLOCK_BYTES = { 4: 84, 2: 47 } as const;
/** More than JOURNAL_MARGIN in assembly/soak/journal.ts, which is how many one instruction may write. */
const JOURNAL_ENTRIES = 8192;
const LEDGER_LEAST = 1024;
const LEDGER_MOST = 524288;
const NONE = -1;

/** The addresses that the host comes back to. */
export interface SoakRecords {
  readonly control: EngineRecord;
  readonly contexts: readonly EngineRecord[];
  readonly heaps: readonly EngineRecord[];
}

/** Writes all records of a run. Throws `does-not-fit` when the engine's memory does not hold them. */
export function laySoak(
  engine: Engine,
  compiled: CompiledScenario,
  heaps: readonly SoakHeap[],
  settings: SoakSettings,
): SoakRecords {
  return new SoakLayer(engine, compiled).lay(heaps, settings);
}

class SoakLayer {
  readonly #engine: Engine;
  readonly #compiled: CompiledScenario;
  readonly #program: LaidProgram;
  readonly #control: EngineRecord;
  /** Address of the next unused draw site. */
  #nextSite = 0;

  constructor(engine: Engine, compiled: CompiledScenario) {
    this.#engine = engine;
    this.#compiled = compiled;
    engine.bytes.fill(0, SOAK, SOAK_HIGH);
    this.#control = new EngineRecord(engine, SOAK);
    this.#program = layProgram(engine, compiled.image);
  }

  lay(heaps: readonly SoakHeap[], settings: SoakSettings): SoakRecords {
    this.#laySettings(settings);
    this.#laySites();
    const contexts = this.#layContexts(heaps);
    this.#layQueues();
    this.#layCaches();
    this.#layModes();
    const accounts = this.#layHeaps(heaps);
    this.#layJournal();
    this.#layLedger(heaps);
    return { control: this.#control, contexts, heaps: accounts };
  }

  #laySettings({ seed, horizonUs, sampleGapUs, bootTimeUs, staticRanges }: SoakSettings): void {
    const control = this.#control;
    control.setLong(SoakField.Seed, seed);
    control.setLong(SoakField.Horizon, horizonUs);
    control.setLong(SoakField.SampleGap, sampleGapUs);
    control.setLong(SoakField.BootTime, bootTimeUs);
    control.set(SoakField.Wheel, this.#engine.allocatePool(WheelField.Length * 4));
    control.set(SoakField.FailureHeap, NONE);
    control.set(SoakField.FailureContext, NONE);
    control.set(SoakField.FailureStep, NONE);
    control.set(SoakField.Mode, NONE);
    const ranges = this.#records(SoakField.StaticRanges, SoakField.StaticRangeCount, staticRanges.length, 2);
    for (const [index, { low, bytes }] of staticRanges.entries()) {
      ranges[index]?.set(0, low);
      ranges[index]?.set(1, bytes);
    }
  }

  /** All draw sites lie in one array; contexts, caches and modes take theirs from it in turn. */
  #laySites(): void {
    const { contexts, caches, modes } = this.#compiled;
    const count = contexts.reduce((sum, { sites }) => sum + sites.length, 0) + caches.length + 2 * modes.length;
    this.#records(SoakField.Sites, SoakField.SiteCount, count, SiteField.Length);
    this.#nextSite = this.#control.get(SoakField.Sites);
  }

  /** Address of a draw site. */
  #site({ identity }: CompiledSite): number {
    const site = new EngineRecord(this.#engine, this.#nextSite);
    site.setLong(SiteField.Stream, identity);
    this.#nextSite += SiteField.Length * 4;
    return site.address;
  }

  #layContexts(heaps: readonly SoakHeap[]): EngineRecord[] {
    const { contexts, taskCount, levelCount, firstInterruptLevel } = this.#compiled;
    const records = this.#records(SoakField.Contexts, SoakField.ContextCount, contexts.length, ContextField.Length);
    this.#control.set(SoakField.TaskCount, taskCount);
    this.#control.set(SoakField.FirstInterruptLevel, firstInterruptLevel);
    this.#records(SoakField.Levels, SoakField.LevelCount, levelCount, LevelField.Length);
    const pointerBytes = heaps[0]?.heap.allocator.pointerBytes ?? 4;
    for (const [index, context] of contexts.entries()) {
      const record = records[index];
      if (!record) continue;
      record.set(ContextField.Index, index);
      this.#layContext(record, context);
      this.#layStart(record, context);
      if (context.spawnedStackBytes === 0) continue;
      record.set(ContextField.StackBytes, context.spawnedStackBytes);
      record.set(ContextField.ControlBlockBytes, CONTROL_BLOCK_BYTES[pointerBytes]);
    }
    return records;
  }

  /** What a context runs and where it keeps what it holds. */
  #layContext(record: EngineRecord, context: CompiledContext): void {
    record.set(ContextField.Program, this.#program.address(context.program));
    record.set(ContextField.Level, context.level);
    record.set(ContextField.FirstLeakStep, NONE);
    record.set(ContextField.RetriesLeft, NONE);
    record.set(ContextField.Fpu, context.fpu ? 1 : 0);
    record.set(ContextField.HandlerFrame, context.handlerFrame);
    record.set(ContextField.Names, this.#array(context.names.length, NameField.Length));
    record.set(ContextField.NameCount, context.names.length);
    record.set(ContextField.Numbers, this.#array(context.samples.length, 2));
    record.set(ContextField.Locals, this.#array(context.localCount, 1));
    record.set(ContextField.Frames, this.#array(context.frameCapacity, FrameField.Length));
    record.set(ContextField.FrameCapacity, context.frameCapacity);
    record.set(ContextField.Sites, this.#nextSite);
    record.set(ContextField.SiteCount, context.sites.length);
    for (const site of context.sites) this.#site(site);
  }

  /** When a context starts. */
  #layStart(record: EngineRecord, context: CompiledContext): void {
    const periodUs = Math.floor(context.periodUs);
    record.set(ContextField.ActivationKind, context.activation);
    record.set(ContextField.Overrun, context.overrun);
    record.setLong(ContextField.Period, periodUs);
    record.setReal(ContextField.PeriodFraction, context.periodUs - periodUs);
    record.setLong(ContextField.FirstDelay, context.firstDelayUs);
    record.setReal(ContextField.Jitter, context.jitter);
    record.set(ContextField.JitterSite, context.jitterSite);
    record.set(ContextField.StartSite, context.startSite);
    record.set(ContextField.RandomStart, context.randomStart ? 1 : 0);
    record.set(ContextField.OnMode, context.onMode);
    if (context.gap) {
      record.set(ContextField.GapDraw, this.#program.address(context.gap.draw));
      record.set(ContextField.GapSite, context.gap.site);
    }
    if (!context.hourly) return;
    const factors = new EngineRecord(this.#engine, this.#array(context.hourly.length, 2));
    for (const [hour, factor] of context.hourly.entries()) factors.setReal(hour * 2, factor);
    record.set(ContextField.Hourly, factors.address);
  }

  #layQueues(): void {
    const { queues } = this.#compiled;
    const records = this.#records(SoakField.Queues, SoakField.QueueCount, queues.length, QueueField.Length);
    for (const [index, { capacity, whenFull }] of queues.entries()) {
      records[index]?.set(QueueField.Capacity, capacity);
      records[index]?.set(QueueField.WhenFull, whenFull);
      records[index]?.set(QueueField.Items, this.#array(capacity, 1));
    }
  }

  #layCaches(): void {
    const { caches } = this.#compiled;
    const records = this.#records(SoakField.Caches, SoakField.CacheCount, caches.length, CacheField.Length);
    for (const [index, { slots, evict, site }] of caches.entries()) {
      records[index]?.set(CacheField.Slots, slots);
      records[index]?.set(CacheField.Evict, evict);
      records[index]?.set(CacheField.Items, this.#array(slots + 1, 1));
      records[index]?.set(CacheField.Site, this.#site(site));
    }
  }

  #layModes(): void {
    const { modes } = this.#compiled;
    const records = this.#records(SoakField.Modes, SoakField.ModeCount, modes.length, ModeField.Length);
    for (const [index, mode] of modes.entries()) {
      const record = records[index];
      if (!record) continue;
      const dwellSite = this.#site(mode.dwellSite);
      const isConstant = "us" in mode.dwell;
      record.set(ModeField.DwellDraw, "draw" in mode.dwell ? this.#program.address(mode.dwell.draw) : 0);
      record.set(ModeField.DwellSite, isConstant ? mode.dwell.us : dwellSite);
      record.set(ModeField.NextSite, this.#site(mode.nextSite));
      const next = new EngineRecord(this.#engine, this.#array(mode.next.length, 4));
      for (const [at, { share, mode: successor }] of mode.next.entries()) {
        next.setReal(at * 4, share);
        next.setReal(at * 4 + 2, successor);
      }
      record.set(ModeField.NextCount, mode.next.length);
      record.set(ModeField.NextModes, next.address);
    }
  }

  #layHeaps(heaps: readonly SoakHeap[]): EngineRecord[] {
    const accounts = this.#records(SoakField.Heaps, SoakField.HeapCount, heaps.length, SoakHeapField.Length);
    for (const [index, { heap, record }] of heaps.entries()) {
      const account = accounts[index];
      const compiled = this.#compiled.heaps[index];
      if (!account || !compiled) continue;
      account.set(SoakHeapField.Record, record.address);
      account.set(SoakHeapField.Visits, this.#array(VISITS_HISTOGRAM_LENGTH, 2));
      account.set(SoakHeapField.Slowest, this.#array(SLOWEST_OPERATIONS, JournalField.Length));
      account.set(SoakHeapField.IsrSafe, compiled.isrSafe ? 1 : 0);
      account.set(SoakHeapField.Ownership, compiled.ownership);
      account.set(SoakHeapField.HoleSlackShift, heap.allocator.holeSlackShift?.(record.options) ?? 1);
      account.set(SoakHeapField.KeepsShadow, heap.allocator.walkNeedsShadow ? 1 : 0);
    }
    return accounts;
  }

  #layJournal(): void {
    const entryBytes = JournalField.Length * 4;
    const journal = this.#engine.allocateGrowingPool(
      JOURNAL_ENTRIES * entryBytes,
      () => this.#control.get(SoakField.JournalCount) * entryBytes,
    );
    this.#control.set(SoakField.Journal, journal);
    this.#control.set(SoakField.Recent, this.#array(RECENT_OPERATIONS, JournalField.Length));
    this.#control.set(SoakField.JournalCapacity, JOURNAL_ENTRIES);
  }

  /** A record for each granule that the heaps have, the smallest block of a pool, and one for a request under way. */
  #layLedger(heaps: readonly SoakHeap[]): void {
    const granules = heaps.reduce((sum, { heap, record }) => {
      const arenaBytes = heap.regions.reduce((bytes, region) => bytes + region.bytes, 0);
      return sum + arenaBytes / record.granuleBytes;
    }, 0);
    const capacity = Math.min(Math.max(Math.ceil(granules) + 1, LEDGER_LEAST), LEDGER_MOST);
    const recordBytes = LedgerField.Length * 4;
    const ledger = this.#engine.allocateGrowingPool(
      capacity * recordBytes,
      () => this.#control.get(SoakField.LedgerUsed) * recordBytes,
    );
    this.#control.set(SoakField.Ledger, ledger);
    this.#control.set(SoakField.LedgerCapacity, capacity);
  }

  /** Zeroed records in a row; their address and number go into the control record. */
  #records(at: SoakField, countAt: SoakField, count: number, words: number): EngineRecord[] {
    const address = this.#array(count, words);
    this.#control.set(at, address);
    this.#control.set(countAt, count);
    return Array.from({ length: count }, (_, index) => new EngineRecord(this.#engine, address + index * words * 4));
  }

  #array(count: number, words: number): number {
    return this.#engine.allocatePool(count * words * 4);
  }
}
