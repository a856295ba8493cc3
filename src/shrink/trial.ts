/** Tries sequences on a fresh heap, which is put back for each: does it fail, and how? */
import { HeapField, OPERATIONS_MOST, Opcode, OperationField, SLOTS_MOST } from "../../assembly/memory-map.ts";
import type { Device } from "../device/device.ts";
import type { Heap } from "../device/heap.ts";
import { HeapsoakError } from "../errors.ts";
import { unlessFault } from "../trace/replay-result.ts";
import { step } from "../trace/stepping.ts";
import type { Snapshot } from "../wasm/engine.ts";
import { type FaultKind, GuestFault } from "../wasm/guest-fault.ts";
import type { HeapRecord } from "../wasm/heap-record.ts";
import type { CoreExports } from "../wasm/module.ts";
import { OperationBuffer, REFUSED_RESULT } from "../wasm/operations.ts";
import { lengthOf, prefix, type Sequence } from "./sequence.ts";

/**
 * `fragmentation`: a request was refused with enough bytes free in total; `exhaustion`: with too few; `fault`: the
 * device stopped inside the allocator; `overlap`: a payload was handed out where a live block began; `corruption`: an
 * invariant of the allocator's metadata does not hold.
 */
export type ShrinkKind = "fragmentation" | "exhaustion" | "fault" | "overlap" | "corruption";

/** How a sequence fails. */
export interface TrialFailure {
  readonly kind: ShrinkKind;
  /** Index of the operation. */
  readonly index: number;
  /** What was asked there; 0 for `corruption`. */
  readonly requestBytes: number;
  /** Which fault, or which invariant is broken; empty for refusals. */
  readonly detail: FaultKind | string;
  /**
   * Of fragmentation: the free bytes lie in several holes, and in one hole would have served the request. Otherwise
   * only a header, or what the allocator rounds up, was missing.
   */
  readonly isSpread: boolean;
}

/** Whether `found` is the failure looked for: kind, request and detail are the same, and it is no lesser one. */
export function isSameFailure(found: TrialFailure, target: TrialFailure): boolean {
  const { kind, requestBytes, detail, isSpread } = target;
  if (isSpread && !found.isSpread) return false;
  return found.kind === kind && found.requestBytes === requestBytes && found.detail === detail;
}

/** A heap to try sequences on. */
export class Trial {
  readonly device: Device;
  readonly heap: Heap;
  readonly record: HeapRecord;
  readonly buffer: OperationBuffer;
  /** Sequences that were run. */
  replays = 0;
  /** Operations of all of them. */
  operations = 0;
  readonly #fresh: Snapshot;
  #slots = new Uint32Array(0);
  #core: CoreExports;
  /** What a heap in one piece cannot hand out of its free bytes. */
  readonly #overheadBytes: number;

  /** `heap` is one of the device's, which nobody has used yet. */
  constructor(device: Device, heap: Heap) {
    this.device = device;
    this.heap = heap;
    this.record = device.recordOf(heap);
    this.buffer = new OperationBuffer(device.engine);
    this.#fresh = device.snapshot();
    this.#core = this.record.batchCore;
    const { freeBytes, largestFreeBytes } = heap.summary();
    this.#overheadBytes = freeBytes - largestFreeBytes;
  }

  /**
   * The first failure of the sequence, run from a fresh heap, or undefined. Whether the metadata is intact is looked
   * at only with `checked`, at the end of a sequence that does not fail otherwise. Throws `bad-trace` where too many
   * blocks are live.
   */
  run(sequence: Sequence, { checked = false }: { checked?: boolean } = {}): TrialFailure | undefined {
    this.replays++;
    this.operations += lengthOf(sequence);
    this.#placeSlots(sequence);
    this.#core = this.record.batchCore;
    try {
      return this.#runBatches(sequence) ?? (checked ? this.#corruption(sequence) : undefined);
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      // What leaves the heap is for the exact core to answer, as the board would.
      if (fault.record.kind === "left-heap") this.#core = this.device.engine.exact;
      return this.#runStepwise(sequence);
    }
  }

  /**
   * Runs the first `count` operations one at a time and calls `look` behind each. The heap stays as the last one left
   * it. Throws `GuestFault`.
   */
  watch(sequence: Sequence, count: number, look: (index: number) => void): void {
    this.#placeSlots(sequence);
    this.device.restore(this.#fresh);
    this.#core = this.device.engine.exact;
    for (let index = 0; index < count; index++) {
      this.#put(sequence, index, 0);
      step(this.#core, this.record, 0);
      look(index);
    }
  }

  /** Address of what the operation's block holds, or 0. For `watch`. */
  addressOf(index: number): number {
    return this.buffer.slotAddress(this.#slots[index] ?? 0);
  }

  /** Offset that the operation last watched returned, or undefined where it was refused. */
  resultOffset(): number | undefined {
    const result = this.buffer.get(0, OperationField.Result);
    return result === REFUSED_RESULT ? undefined : result;
  }

  #runBatches(sequence: Sequence): TrialFailure | undefined {
    const length = lengthOf(sequence);
    this.device.restore(this.#fresh);
    for (let first = 0; first < length; first += OPERATIONS_MOST) {
      const count = Math.min(OPERATIONS_MOST, length - first);
      for (let at = 0; at < count; at++) this.#put(sequence, first + at, at);
      this.#core.heapReplay(this.record.address, 0, count);
      if (this.record.get(HeapField.OverlappingBlocks) > 0) return this.#runStepwise(sequence);
      if (this.record.get(HeapField.FailedRequests) > 0) return this.#refusal(sequence, first, count);
    }
    return undefined;
  }

  /** The first refusal among the `count` operations of the buffer. */
  #refusal(sequence: Sequence, first: number, count: number): TrialFailure | undefined {
    for (let at = 0; at < count; at++) {
      const requestBytes = this.buffer.get(at, OperationField.RequestBytes);
      if (requestBytes === 0 || this.buffer.get(at, OperationField.Opcode) === Opcode.Release) continue;
      if (this.buffer.get(at, OperationField.Result) !== REFUSED_RESULT) continue;
      const index = first + at;
      // The heap is to be looked at as the refusal left it.
      if (index + 1 < lengthOf(sequence)) return this.run(prefix(sequence, index + 1));
      return this.#refused(index, requestBytes);
    }
    return undefined;
  }

  #refused(index: number, requestBytes: number): TrialFailure {
    const isFragmentation = this.record.get(HeapField.FragmentationFailures) > 0;
    const isSpread = isFragmentation && this.#isSpread(requestBytes);
    return { kind: isFragmentation ? "fragmentation" : "exhaustion", index, requestBytes, detail: "", isSpread };
  }

  #isSpread(requestBytes: number): boolean {
    const summary = unlessFault(() => this.record.summary());
    return summary !== undefined && summary.holes > 1 && summary.freeBytes - this.#overheadBytes >= requestBytes;
  }

  /** As `#runBatches`, one operation at a time: the first failure is told from those behind it. */
  #runStepwise(sequence: Sequence): TrialFailure | undefined {
    this.device.restore(this.#fresh);
    for (let index = 0; index < lengthOf(sequence); index++) {
      const failure = this.#step(sequence, index);
      if (failure) return failure;
    }
    return undefined;
  }

  #step(sequence: Sequence, index: number): TrialFailure | undefined {
    const requestBytes = sequence.requestBytes[index] ?? 0;
    this.#put(sequence, index, 0);
    try {
      step(this.#core, this.record, 0);
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      return { kind: "fault", index, requestBytes, detail: fault.record.kind, isSpread: false };
    }
    if (this.record.get(HeapField.OverlappingBlocks) > 0)
      return { kind: "overlap", index, requestBytes, detail: "", isSpread: false };
    return this.record.get(HeapField.FailedRequests) > 0 ? this.#refused(index, requestBytes) : undefined;
  }

  #corruption(sequence: Sequence): TrialFailure | undefined {
    const finding = this.record.check();
    if (!finding) return undefined;
    return {
      kind: "corruption",
      index: lengthOf(sequence) - 1,
      requestBytes: 0,
      detail: finding.inconsistency,
      isSpread: false,
    };
  }

  #put(sequence: Sequence, index: number, at: number): void {
    this.buffer.put(
      at,
      sequence.opcodes[index] ?? 0,
      this.#slots[index] ?? 0,
      sequence.requestBytes[index] ?? 0,
      sequence.alignments[index] ?? 0,
      0,
    );
  }

  /** Gives each operation its block's slot; a slot serves another block once its last operation has run. */
  #placeSlots({ blocks, blockCount }: Sequence): void {
    if (blockCount <= SLOTS_MOST) {
      this.#slots = blocks as Uint32Array<ArrayBuffer>;
      return;
    }
    const length = blocks.length;
    const lasts = new Uint32Array(blockCount);
    for (let index = 0; index < length; index++) lasts[blocks[index] ?? 0] = index;
    const slotOf = new Int32Array(blockCount).fill(-1);
    const free: number[] = [];
    const slots = new Uint32Array(length);
    let high = 0;
    for (let index = 0; index < length; index++) {
      const block = blocks[index] ?? 0;
      if ((slotOf[block] ?? 0) < 0) slotOf[block] = free.pop() ?? high++;
      slots[index] = slotOf[block] ?? 0;
      if (lasts[block] === index) free.push(slots[index] ?? 0);
    }
    if (high > SLOTS_MOST) {
      throw new HeapsoakError("bad-trace", `More than ${SLOTS_MOST} blocks of the trace are live at once.`, {
        hint: "Are the frees missing from the recording?",
      });
    }
    this.#slots = slots;
  }
}
