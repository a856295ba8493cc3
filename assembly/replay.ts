/** Runs parsed operations (OperationField) against one heap. The loops are compiled once per allocator. */

import { Heap } from "./allocators/heap";
import { observedAllocate, observedReallocate, observedRelease } from "./inspect/observe";
import { NO_MEMORY, OPERATIONS, Opcode, OperationField, SLOTS, SlotField } from "./memory-map";

@final
@unmanaged
class Operation {
  opcode: u32;
  slot: u32;
  requestBytes: u32;
  alignment: u32;
  expected: u32;
  result: u32;
}

@final
@unmanaged
class Slot {
  address: u32;
  requestBytes: u32;

  @inline static at(index: u32): Slot {
    return changetype<Slot>(SLOTS + index * (SlotField.Length << 2));
  }
}

const OPERATION_BYTES: u32 = OperationField.Length << 2;

/** Runs operations [first, end) watched (see inspect/observe.ts) and writes each result into its operation. */
export function replay<H extends Heap>(heap: H, first: u32, end: u32): void {
  const arena = heap.arena;
  for (let at = OPERATIONS + first * OPERATION_BYTES; at < OPERATIONS + end * OPERATION_BYTES; at += OPERATION_BYTES) {
    const operation = changetype<Operation>(at);
    const slot = Slot.at(operation.slot);
    if (operation.opcode == Opcode.Release) {
      if (slot.address) observedRelease<H>(heap, slot.address);
      continue;
    }
    const requestBytes = operation.requestBytes;
    let payload: u32;
    if (operation.opcode == Opcode.Reallocate && slot.address != 0) {
      payload = observedReallocate<H>(heap, slot.address, requestBytes);
      if (payload != 0 || requestBytes == 0) slot.address = payload;
    } else {
      payload = observedAllocate<H>(
        heap,
        operation.opcode == Opcode.AllocateAligned ? operation.alignment : 0,
        requestBytes,
      );
      slot.address = payload;
    }
    if (payload) slot.requestBytes = requestBytes;
    operation.result = payload ? payload - arena : NO_MEMORY;
  }
}

/** Runs operations [first, end) unwatched: the allocator and the loop alone, for the benchmarks. */
export function replayBare<H extends Heap>(heap: H, first: u32, end: u32): void {
  for (let at = OPERATIONS + first * OPERATION_BYTES; at < OPERATIONS + end * OPERATION_BYTES; at += OPERATION_BYTES) {
    const operation = changetype<Operation>(at);
    const slot = Slot.at(operation.slot);
    const opcode = operation.opcode;
    if (opcode == Opcode.Release) {
      if (slot.address) heap.release(slot.address, slot.requestBytes);
    } else if (opcode == Opcode.Reallocate && slot.address != 0) {
      const payload = heap.reallocate(slot.address, slot.requestBytes, operation.requestBytes);
      if (payload) slot.address = payload;
      slot.requestBytes = operation.requestBytes;
    } else {
      slot.address = heap.allocate(operation.requestBytes);
      slot.requestBytes = operation.requestBytes;
    }
  }
}

/** The loop of `replayBare` without an allocator: what of a benchmark is not the allocator's. Returns what keeps the loads alive. */
export function replayNull(first: u32, end: u32): u32 {
  let released: u32 = 0;
  for (let at = OPERATIONS + first * OPERATION_BYTES; at < OPERATIONS + end * OPERATION_BYTES; at += OPERATION_BYTES) {
    const operation = changetype<Operation>(at);
    const slot = Slot.at(operation.slot);
    if (operation.opcode == Opcode.Release) {
      if (slot.address) released += slot.address ^ slot.requestBytes;
    } else {
      slot.address = at;
      slot.requestBytes = operation.requestBytes;
    }
  }
  return released;
}

/** The first operation at or after `first` whose result is not the expected one, or `end`. */
export function firstMismatch(first: u32, end: u32): u32 {
  for (let i = first; i < end; i++) {
    const operation = changetype<Operation>(OPERATIONS + i * OPERATION_BYTES);
    if (operation.opcode != Opcode.Release && operation.result != operation.expected) return i;
  }
  return end;
}
