/**
 * Everything that decides what a run does next, in one canonical form: device RAM and the kernel's records, with
 * times relative to now, and blocks, contexts and queues by what they are instead of where their records lie. Two
 * equal states of a run without randomness go on alike.
 */
import { AllocatorKind, HeapField } from "../../assembly/memory-map.ts";
import {
  ActivationKind,
  CacheField,
  ContextField,
  FrameField,
  LevelField,
  ModeField,
  NameField,
  QueueField,
  SiteField,
} from "../../assembly/soak/context-map.ts";
import {
  TimerField,
  WHEEL_LEVELS,
  WHEEL_SLOTS_PER_LEVEL,
  WheelField,
  WheelSlotField,
} from "../../assembly/soak/draw-map.ts";
import { LedgerField, LedgerOwner, SoakHeapField } from "../../assembly/soak/ledger-map.ts";
import { SOAK, SoakField, TimerKind } from "../../assembly/soak-map.ts";
import { StackField } from "../../assembly/stack/stack-map.ts";
import type { CompiledContext, CompiledScenario } from "../soak/compiled.ts";
import type { RunState } from "../soak/periodic.ts";
import type { Engine } from "./engine.ts";
import { EngineRecord } from "./engine-record.ts";

/**
 * Words of a context that are left out. Nothing a run does depends on them, or the state has them in another form:
 * counters and marks for reports; timers, chains and order of entry, which are written out below.
 */
const LEFT_OUT_OF_CONTEXTS: ReadonlySet<number> = new Set([
  ...range(ContextField.Arrival, ContextField.Grid),
  ...range(ContextField.Grid, ContextField.Grid + 2),
  ...range(ContextField.Activations, ContextField.LastAllocationAt + 2),
  ContextField.Skipped,
  ContextField.FailedRequests,
  ContextField.Leaks,
  ContextField.FirstLeakStep,
  ContextField.Next,
  ContextField.EntryCount,
  ContextField.ControlBlock,
  ContextField.StackBlock,
]);
/** Words of a stack that are left out: a counter, and the ledger record of its stacklet, written in another form. */
const LEFT_OUT_OF_STACKS: ReadonlySet<number> = new Set([
  StackField.StackletsTaken,
  StackField.StackletsTakenHigh,
  StackField.Stacklet,
]);
/** Words of allocators' static variables that only count calls, for the statistics that the original reports. */
const COUNTERS_IN_RAM: { readonly [K in AllocatorKind]?: readonly number[] } = {
  [AllocatorKind.FreertosHeap4]: [5, 6], // xNumberOfSuccessfulAllocations, xNumberOfSuccessfulFrees
  [AllocatorKind.FreertosHeap5]: [5, 6],
  [AllocatorKind.Lwmem]: [8, 9], // nr_alloc, nr_free
};
/** Reboots that are longer ago no longer count towards a boot loop. */
const BOOT_LOOP_WINDOW_US = 3600e6;
const REBOOT_TIMES = (SoakField.RebootTimesEnd - SoakField.RebootTimes) / 2;

/**
 * The state of the run in `engine`, as long as it stands still; `ram` are views of its memory, the device's, which make
 * up the rest behind the head. Not for heaps that a collector traces.
 */
export function canonicalState(engine: Engine, compiled: CompiledScenario, ram: readonly Uint8Array[]): RunState {
  return new StateReader(engine, compiled).state(ram);
}

class StateReader {
  readonly #engine: Engine;
  readonly #compiled: CompiledScenario;
  readonly #control: EngineRecord;
  readonly #nowUs: number;
  readonly #words: number[] = [];
  /** 1 + the place of a block in the order of heaps and addresses, by its ledger record. */
  readonly #blocks = new Map<number, number>([[0, 0]]);

  constructor(engine: Engine, compiled: CompiledScenario) {
    this.#engine = engine;
    this.#compiled = compiled;
    this.#control = new EngineRecord(engine, SOAK);
    this.#nowUs = this.#control.long(SoakField.Now);
  }

  state(ram: readonly Uint8Array[]): RunState {
    this.#addLedger();
    this.#addControl();
    this.#addTimers();
    for (const [index, context] of this.#compiled.contexts.entries()) this.#addContext(index, context);
    this.#addRings();
    this.#addStack(this.#control.get(SoakField.MainStack));
    const sites = this.#control.get(SoakField.Sites);
    this.#addWords(sites, this.#control.get(SoakField.SiteCount) * SiteField.Length);
    const head = new Uint8Array(Uint32Array.from(this.#words).buffer);
    return { head, whole: () => Buffer.concat([head, ...this.#withoutCounters(ram)]) };
  }

  #withoutCounters(ram: readonly Uint8Array[]): Uint8Array[] {
    const copies = ram.map((bank) => ({ low: bank.byteOffset, bytes: bank.slice() }));
    for (const account of this.#several(
      this.#control.get(SoakField.Heaps),
      this.#compiled.heaps.length,
      SoakHeapField.Length,
    )) {
      const heap = this.#at(account.get(SoakHeapField.Record));
      for (const word of COUNTERS_IN_RAM[heap.get(HeapField.Kind) as AllocatorKind] ?? []) {
        const address = heap.get(HeapField.State) + word * 4;
        for (const { low, bytes } of copies) if (address >= low) bytes.fill(0, address - low, address - low + 4);
      }
    }
    return copies.map(({ bytes }) => bytes);
  }

  #addLedger(): void {
    const ledger = this.#control.get(SoakField.Ledger);
    const used = this.#control.get(SoakField.LedgerUsed);
    const records = Array.from({ length: used }, (_, i) => this.#at(ledger + i * LedgerField.Length * 4));
    const live = records.filter((record) => record.get(LedgerField.Owner) !== LedgerOwner.None);
    const heap = (record: EngineRecord) => record.get(LedgerField.Heap);
    const payload = (record: EngineRecord) => record.get(LedgerField.Payload);
    live.sort((a, b) => heap(a) - heap(b) || payload(a) - payload(b));
    for (const [index, { address }] of live.entries()) this.#blocks.set(address, index + 1);
    this.#words.push(live.length);
    for (const record of live) {
      this.#add(record, LedgerField.Heap, LedgerField.Payload, LedgerField.RequestBytes, LedgerField.BlockBytes);
      this.#add(record, LedgerField.Owner, LedgerField.Owners, LedgerField.LengthBytes);
      this.#addBlock(record.get(LedgerField.Before));
    }
  }

  #addControl(): void {
    const control = this.#control;
    this.#add(
      control,
      SoakField.Booting,
      SoakField.Mode,
      SoakField.Resuming,
      SoakField.ExitedTasks,
      SoakField.CurrentTask,
    );
    this.#add(control, SoakField.FailureKind, SoakField.Halted);
    const levels = control.get(SoakField.Levels);
    for (let level = 0; level < control.get(SoakField.LevelCount); level++) {
      this.#addChain(this.#at(levels + level * LevelField.Length * 4).get(LevelField.First));
    }
    const reboots = Array.from({ length: REBOOT_TIMES }, (_, i) => control.long(SoakField.RebootTimes + 2 * i));
    const recent = reboots.filter((us) => us > 0 && this.#nowUs - us <= BOOT_LOOP_WINDOW_US);
    for (const us of recent.sort((a, b) => a - b)) this.#addLong(this.#nowUs - us);
    this.#words.push(recent.length);
  }

  /** Pending timers by time; all of one time lie in one slot of the wheel, in their order. */
  #addTimers(): void {
    const timers: { us: number; kind: number; subject: number }[] = [];
    const slots = this.#control.get(SoakField.Wheel) + WheelField.Slots * 4;
    for (let slot = 0; slot < WHEEL_LEVELS * WHEEL_SLOTS_PER_LEVEL; slot++) {
      let node = this.#at(slots + slot * WheelSlotField.Length * 4).get(WheelSlotField.Head);
      for (; node !== 0; node = this.#at(node).get(TimerField.Next)) {
        const timer = this.#at(node);
        const kind = timer.get(TimerField.Kind);
        if (kind === TimerKind.Sample) continue;
        timers.push({ us: timer.long(TimerField.TimeLow) - this.#nowUs, kind, subject: this.#subjectOf(kind, node) });
      }
    }
    timers.sort((a, b) => a.us - b.us); // stable: the order within a slot stays
    for (const { us, kind, subject } of timers) {
      this.#addLong(us);
      this.#words.push(kind, subject);
    }
    this.#words.push(timers.length);
  }

  /** What a timer is about, by its number. */
  #subjectOf(kind: number, node: number): number {
    const index = (records: SoakField, words: number) => Math.floor((node - this.#control.get(records)) / (words * 4));
    if (kind === TimerKind.Expiry) return this.#blocks.get(node) ?? 0;
    if (kind === TimerKind.ModeEnd) return index(SoakField.Modes, ModeField.Length);
    if (kind === TimerKind.BootEnd) return 0;
    return index(SoakField.Contexts, ContextField.Length);
  }

  #addContext(index: number, compiled: CompiledContext): void {
    const record = this.#at(this.#control.get(SoakField.Contexts) + index * ContextField.Length * 4);
    for (let field = 0; field < ContextField.Length; field++) {
      if (!LEFT_OUT_OF_CONTEXTS.has(field)) this.#add(record, field);
    }
    const isPeriodic = record.get(ContextField.ActivationKind) === ActivationKind.Periodic;
    this.#addLong(isPeriodic ? record.long(ContextField.Grid) - this.#nowUs : 0);
    this.#addBlock(record.get(ContextField.ControlBlock));
    this.#addBlock(record.get(ContextField.StackBlock));
    this.#addWords(record.get(ContextField.Numbers), compiled.samples.length * 2);
    this.#addWords(record.get(ContextField.Locals), compiled.localCount);
    this.#addNamesAndFrames(record);
    this.#addStack(record.get(ContextField.Stack));
  }

  /** Order of entry matters, the running count does not: each entry is written as its rank. */
  #addNamesAndFrames(context: EngineRecord): void {
    const names = this.#several(context.get(ContextField.Names), context.get(ContextField.NameCount), NameField.Length);
    const frames = this.#several(
      context.get(ContextField.Frames),
      context.get(ContextField.FrameCount),
      FrameField.Length,
    );
    const held = names.filter((name) => name.get(NameField.Block) !== 0).map((name) => name.get(NameField.Entry));
    const open = frames.map((frame) => frame.get(FrameField.EntryCount));
    const ranks = new Map(
      [...new Set([...held, ...open])].sort((a, b) => a - b).map((entry, rank) => [entry, rank + 1]),
    );
    for (const name of names) {
      const block = name.get(NameField.Block);
      this.#addBlock(block);
      this.#words.push(block === 0 ? 0 : (ranks.get(name.get(NameField.Entry)) ?? 0));
    }
    for (const frame of frames) {
      this.#add(frame, FrameField.Instruction, FrameField.Levels);
      this.#words.push(ranks.get(frame.get(FrameField.EntryCount)) ?? 0);
    }
  }

  /** Queues and caches from their oldest block on, and who waits. */
  #addRings(): void {
    const { queues, caches } = this.#compiled;
    for (const queue of this.#several(this.#control.get(SoakField.Queues), queues.length, QueueField.Length)) {
      const ring = { items: queue.get(QueueField.Items), capacity: queue.get(QueueField.Capacity) };
      this.#addRing({ ...ring, head: queue.get(QueueField.Head), count: queue.get(QueueField.Count) });
      this.#addChain(queue.get(QueueField.Receivers));
      this.#addChain(queue.get(QueueField.Senders));
    }
    for (const cache of this.#several(this.#control.get(SoakField.Caches), caches.length, CacheField.Length)) {
      const ring = { items: cache.get(CacheField.Items), capacity: cache.get(CacheField.Slots) + 1 };
      this.#addRing({ ...ring, head: cache.get(CacheField.Head), count: cache.get(CacheField.Count) });
    }
  }

  #addRing(ring: { items: number; capacity: number; head: number; count: number }): void {
    for (let i = 0; i < ring.count; i++) {
      this.#addBlock(this.#engine.word(ring.items + ((ring.head + i) % ring.capacity) * 4));
    }
    this.#words.push(ring.count);
  }

  #addStack(address: number): void {
    if (address === 0) return;
    const stack = this.#at(address);
    for (let field = 0; field < StackField.Length; field++) {
      if (!LEFT_OUT_OF_STACKS.has(field)) this.#add(stack, field);
    }
    this.#addBlock(stack.get(StackField.Stacklet));
    this.#addWords(stack.get(StackField.Exceptions), stack.get(StackField.ExceptionCount));
  }

  /** Contexts linked by `Next`, by their numbers. */
  #addChain(first: number): void {
    for (let at = first; at !== 0; at = this.#at(at).get(ContextField.Next)) {
      this.#words.push(1 + this.#at(at).get(ContextField.Index));
    }
    this.#words.push(0);
  }

  #addBlock(record: number): void {
    this.#words.push(this.#blocks.get(record) ?? 0);
  }

  #addLong(us: number): void {
    this.#words.push(us >>> 0, Math.floor(us / 2 ** 32) >>> 0);
  }

  #add(record: EngineRecord, ...fields: number[]): void {
    for (const field of fields) this.#words.push(record.get(field));
  }

  #addWords(address: number, count: number): void {
    for (let i = 0; i < count; i++) this.#words.push(this.#engine.word(address + i * 4));
  }

  #several(address: number, count: number, words: number): EngineRecord[] {
    return Array.from({ length: count }, (_, i) => this.#at(address + i * words * 4));
  }

  #at(address: number): EngineRecord {
    return new EngineRecord(this.#engine, address);
  }
}

/** Whole numbers from `low` up to but not `high`. */
function range(low: number, high: number): number[] {
  return Array.from({ length: high - low }, (_, i) => low + i);
}
