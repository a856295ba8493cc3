import { HeapField, OperationField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../allocators/entry.ts";
import type { Device } from "../device/device.ts";
import type { Heap } from "../device/heap.ts";
import type { Snapshot } from "../wasm/engine.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { HeapRecord } from "../wasm/heap-record.ts";
import type { CoreExports } from "../wasm/module.ts";
import type { KeptOperations } from "../wasm/operations.ts";
import type { TraceBatch } from "./format.ts";
import { OperationQueue, type Positions } from "./operation-queue.ts";
import { type AtEnd, PassWatch } from "./replay-passes.ts";
import {
  heapState,
  type LeakedBlock,
  type ReplayFault,
  type ReplayResult,
  type TracePosition,
  unlessFault,
  type WorstMoment,
} from "./replay-result.ts";
import { step, stepToFault } from "./stepping.ts";
import { CHUNK_OPERATIONS, type Stretch, WorstMomentWatch } from "./worst-moment.ts";

/** Ids listed of the blocks that leaked. */
const LEAKS_SHOWN = 8;

/** How a replayer treats its passes. */
export interface PassOptions {
  /** Several passes are to come: whether the heap repeats itself is looked for. */
  readonly isRepeated?: boolean;
  /** What becomes of blocks that are live at the end of a pass; they stay by default. */
  readonly atEnd?: AtEnd;
}

/** The device at the start of a run of operations, and which instance runs them. */
interface Start {
  readonly snapshot: Snapshot;
  readonly slots: Uint32Array;
  readonly core: CoreExports;
}

/** The run in which the worst moment so far lies: enough to repeat it. */
interface KeptRun extends KeptOperations {
  readonly start: Start;
  readonly stretch: Stretch;
  readonly positions: Positions;
}

/**
 * Replays batches of a trace on one heap of a device. Operations run in the fast instance of the core; when
 * metadata leads out of the heap, the run is repeated from its start in the exact instance, which answers as
 * the board would, and the replay goes on there.
 *
 * ```ts
 * const replayer = new Replayer(device, heap);
 * for await (const batch of trace.batches()) replayer.push(batch);
 * replayer.endPass();
 * const result = replayer.finish();
 * ```
 */
export class Replayer {
  readonly #device: Device;
  readonly #heap: Heap;
  readonly #record: HeapRecord;
  readonly #queue: OperationQueue;
  readonly #watch: WorstMomentWatch;
  #core: CoreExports;
  readonly #atEnd: AtEnd;
  readonly #passWatch: PassWatch;
  #operations = 0;
  #passes = 0;
  #inPass = false;
  #spare: Snapshot | undefined;
  #worst: KeptRun | undefined;
  #leftHeap: ReplayFault | undefined;
  #fault: ReplayFault | undefined;

  /** `heap` is one of the device's, as it stands. */
  constructor(device: Device, heap: Heap, { isRepeated = false, atEnd = "keep" }: PassOptions = {}) {
    this.#device = device;
    this.#heap = heap;
    this.#record = device.recordOf(heap);
    this.#queue = new OperationQueue(device.engine, () => this.#run());
    this.#watch = new WorstMomentWatch(this.#record);
    this.#atEnd = atEnd;
    this.#passWatch = new PassWatch(device, heap, isRepeated);
    this.#core = this.#record.batchCore;
  }

  /** Whether a fault has ended the replay: further batches are ignored. */
  get stopped(): boolean {
    return this.#fault !== undefined;
  }

  /**
   * Runs a batch. At a boot of the recorded board the heap starts anew: what was live is gone, the counters go on. At
   * a gap the replay goes on with what it knows. Throws `bad-trace` when more blocks are live than can be followed.
   */
  push(batch: TraceBatch): void {
    if (!this.#inPass && this.#passes > 0 && this.#atEnd === "reboot") this.#reboot();
    this.#inPass = true;
    let from = 0;
    for (const { kind, after } of batch.breaks) {
      if (kind !== "boot") continue;
      this.#add(batch, from, after);
      from = after;
      this.#reboot();
    }
    this.#add(batch, from, batch.count);
    this.#queue.flush();
  }

  #add(batch: TraceBatch, from: number, end: number): void {
    for (let index = from; index < end && !this.stopped; index++) this.#queue.add(batch, index, ++this.#operations);
  }

  #reboot(): void {
    this.#queue.flush();
    if (!this.stopped) this.#queue.reboot(() => void this.#record.restart());
  }

  /** Ends a pass through the trace: its ids mean nothing any more. */
  endPass(): void {
    if (this.#atEnd === "release" && !this.stopped) this.#queue.releaseAll(this.#operations);
    this.#queue.flush();
    if (this.stopped) return;
    const heldSlots = this.#queue.slots.forget();
    this.#passes++;
    this.#inPass = false;
    this.#passWatch.end(this.#passes, heldSlots);
  }

  /** What was found. The device is left as it was at the end of the replay. */
  finish(options: OptionValues = {}): Omit<ReplayResult, "passUs" | "recording"> {
    const end = {
      counters: this.#record.counters(),
      end: heapState(this.#record),
      leaks: this.#leaks(),
      inconsistency: this.#record.check(),
    };
    const passes = this.#passes + (this.#inPass ? 1 : 0);
    return {
      allocator: this.#heap.allocator.name,
      options,
      device: this.#device.description.id,
      regions: this.#heap.regions,
      stateAddress: this.#heap.stateAddress,
      passes,
      history: this.#passWatch.finish(this.#atEnd, passes),
      operations: this.#operations,
      unknownIds: this.#queue.unknownIds,
      reusedIds: this.#queue.reusedIds,
      minimumLargestFreeBytes: this.#watch.minimumLargestFreeBytes,
      ...end,
      worst: this.#worst && this.#worstMoment(this.#worst),
      leftHeap: this.#leftHeap,
      fault: this.#fault,
    };
  }

  /** Runs what is in the queue. */
  #run(): void {
    if (this.stopped) return;
    const start = this.#start();
    const progress = this.#watch.begin();
    const end = this.#runFrom(start, () => this.#watch.rewind(progress));
    this.#keepWorst(start, end);
  }

  #start(): Start {
    const snapshot = this.#device.snapshot(this.#spare);
    this.#spare = snapshot;
    return { snapshot, slots: this.#queue.buffer.keep(0, this.#queue.slots.high).slots, core: this.#core };
  }

  #goBackTo(start: Start): void {
    this.#device.restore(start.snapshot);
    this.#queue.buffer.putBack({ slots: start.slots });
  }

  /** Runs all operations of the buffer; returns how many ran before the device stopped. */
  #runFrom(start: Start, rewindWatch: () => void): number {
    try {
      this.#runChunks(this.#queue.count);
      return this.#queue.count;
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
    }
    this.#goBackTo(start);
    const { index, fault } = stepToFault(this.#core, this.#record, this.#queue.count);
    this.#goBackTo(start);
    rewindWatch();
    if (fault.record.kind === "left-heap" && this.#core === this.#device.engine.fast) {
      this.#leftHeap = this.#report(index, fault);
      this.#core = this.#device.engine.exact;
      this.#passWatch.stopComparing();
      return this.#runFrom(start, rewindWatch);
    }
    this.#fault = this.#report(index, fault);
    this.#operations = this.#fault.operation;
    this.#runChunks(index);
    unlessFault(() => step(this.#core, this.#record, index));
    return index;
  }

  #runChunks(end: number): void {
    for (let first = 0; first < end; first += CHUNK_OPERATIONS) {
      const chunkEnd = Math.min(first + CHUNK_OPERATIONS, end);
      this.#core.heapReplay(this.#record.address, first, chunkEnd);
      this.#watch.look(first, chunkEnd);
    }
  }

  #report(index: number, fault: GuestFault): ReplayFault {
    return {
      ...this.#position(this.#queue.positions, index),
      ...fault.record,
      message: fault.message,
      ...this.#device.describeFault(fault),
    };
  }

  #position({ numbers, lines }: Positions, index: number): TracePosition {
    return { operation: numbers[index] ?? 0, line: lines[index] ?? 0 };
  }

  /** Keeps the run of `end` operations when the worst moment lies in it. */
  #keepWorst(start: Start, end: number): void {
    const stretch = this.#watch.found;
    if (!stretch) return;
    const { operations } = this.#queue.buffer.keep(end, 0);
    const { numbers, lines, ids } = this.#queue.positions;
    const positions = { numbers: numbers.slice(0, end), lines: lines.slice(0, end), ids: ids.slice(0, end) };
    this.#spare = this.#worst?.start.snapshot;
    this.#worst = { start: { ...start, core: this.#core }, stretch, positions, operations, slots: start.slots };
  }

  /** Goes back to the worst moment, describes it, and returns to the present. */
  #worstMoment(kept: KeptRun): WorstMoment {
    const present = this.#device.snapshot();
    this.#goBackTo(kept.start);
    this.#queue.buffer.putBack(kept);
    this.#core = kept.start.core;
    const { kind } = kept.stretch;
    const index = kind === "least-free" ? this.#runTo(kept.stretch.end) : this.#runToRefusal(kept.stretch, kind);
    const requestBytes = kind === "least-free" ? 0 : this.#queue.buffer.get(index, OperationField.RequestBytes);
    const moment = { kind, ...this.#position(kept.positions, index), requestBytes, state: heapState(this.#record) };
    this.#device.restore(present);
    return moment;
  }

  /** Runs operations [0, end) and returns the last one's index. */
  #runTo(end: number): number {
    this.#core.heapReplay(this.#record.address, 0, end);
    return end - 1;
  }

  /** Runs up to the operation of the stretch that was refused, and returns its index. */
  #runToRefusal({ first, end }: Stretch, kind: "failed" | "fragmentation"): number {
    const counter = kind === "failed" ? HeapField.FailedRequests : HeapField.FragmentationFailures;
    this.#core.heapReplay(this.#record.address, 0, first);
    const before = this.#record.get(counter);
    for (let index = first; index < end; index++) {
      step(this.#core, this.#record, index);
      if (this.#record.get(counter) > before) return index;
    }
    return end - 1;
  }

  #leaks(): ReplayResult["leaks"] {
    const { liveBlocks, requestedBytes } = this.#record.counters();
    // Behind a fault some slots belong to operations that never ran.
    const held = liveBlocks > 0 && !this.stopped ? [...this.#queue.slots.unfreed()] : [];
    const first = held.sort((a, b) => a.id - b.id || a.slot - b.slot).slice(0, LEAKS_SHOWN);
    return { blocks: liveBlocks, requestBytes: requestedBytes, first: first.map((one) => this.#leak(one)) };
  }

  #leak({ id, slot }: { id: number; slot: number }): LeakedBlock {
    const { buffer } = this.#queue;
    return { id, address: buffer.slotAddress(slot), requestBytes: buffer.slotRequestBytes(slot) };
  }
}
