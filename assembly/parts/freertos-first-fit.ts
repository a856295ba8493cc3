/**
 * What heap_4.c and heap_5.c of FreeRTOS have in common: the same static variables and, once the regions are
 * open, the same first fit over an address-ordered list that merges neighbours on release.
 *
 * Generic functions, so that each allocator gets a copy of its own that is inlined into its verb.
 */

import { assertionFailed, Finding, Heap } from "../allocators/heap";
import { endless } from "../fault";
import { Visits } from "../inspect/visits";
import { Access } from "../memory-map";
import { AscendingList, HEADER_BYTES, Header, LIVE } from "./linked-blocks";
import { checkMarkedList, lastMarkerOf, MarkedLayout, Recovered, recoverList } from "./marked-regions";
import { overwritten } from "./statics";

export const FREERTOS_ALIGNMENT: u32 = 8;
export const FREERTOS_LEAST_BLOCK_BYTES: u32 = 2 * HEADER_BYTES;

/** The original's static variables, in its order; the list's head is a header of its own. */
@final
@unmanaged
export class FirstFitState {
  startNext: u32;
  startSize: u32;
  /** The marker that ends the list; 0 before the heap is opened. */
  end: u32;
  freeBytes: u32;
  minimumFreeBytes: u32;
  allocations: u32;
  frees: u32;
}

/** What firstFitAllocate asks of its heap, so that it is one function with the allocator's verb. */
@unmanaged
export abstract class FirstFitHeap extends Heap {
  /** An allocation finds the regions not opened. */
  abstract whenNotOpen(): void;
}

/** Blocks from the first multiple of 8 in a region to the marker, which begins at the last one with 8 bytes behind it. */
@final
@unmanaged
export class FreertosRegion extends MarkedLayout {
  first(low: u32, bytes: u32): u32 {
    return (low + FREERTOS_ALIGNMENT - 1) & ~(FREERTOS_ALIGNMENT - 1);
  }

  /** A region without room for one block counts as unused: the original would go wrong in it. */
  end(low: u32, bytes: u32): u32 {
    if (bytes < FREERTOS_LEAST_BLOCK_BYTES + HEADER_BYTES) return 0;
    const marker = (low + bytes - HEADER_BYTES) & ~(FREERTOS_ALIGNMENT - 1);
    return marker - this.first(low, bytes) < FREERTOS_LEAST_BLOCK_BYTES ? 0 : marker;
  }

  alignment(): u32 {
    return FREERTOS_ALIGNMENT;
  }

  leastBlockBytes(): u32 {
    return FREERTOS_LEAST_BLOCK_BYTES;
  }

  liveLink(): u32 {
    return 0;
  }

  merges(): bool {
    return true;
  }

  losesMarkers(): bool {
    return true;
  }
}

/** The size of blocks; a class because asc inlines its members only. */
export class FreertosBlock {
  /** Whether the original refuses the size itself: 0, or a block whose size would set the live bit or wrap. */
  @inline static isRefused(requestBytes: u32): bool {
    return requestBytes - 1 >= LIVE - HEADER_BYTES - FREERTOS_ALIGNMENT;
  }

  /** Header added, rounded up to 8. */
  @inline static bytesFor(requestBytes: u32): u32 {
    return (requestBytes + HEADER_BYTES + FREERTOS_ALIGNMENT - 1) & ~(FREERTOS_ALIGNMENT - 1);
  }
}

/**
 * Takes the first listed block that is large enough. In the loop few values are alive, so that all stay in
 * registers (the rest is loaded again behind it), and calls do not return, so that the engine may unroll it.
 */
export function firstFitAllocate<H extends FirstFitHeap>(heap: H, requestBytes: u32): u32 {
  const blockBytes = FreertosBlock.bytesFor(requestBytes);
  if (changetype<FirstFitState>(heap.state).end == 0) heap.whenNotOpen();
  heap.visits = 0;
  if (FreertosBlock.isRefused(requestBytes)) return 0;
  if (blockBytes > changetype<FirstFitState>(heap.state).freeBytes) return 0;

  const low = heap.checkLow,
    words = Header.spanOf(heap) >> 2;
  let left = Header.mostOf(heap);
  let previous = heap.state;
  let at = load<u32>(previous);
  for (;;) {
    if (Header.isOutside(at, low, words)) {
      at = changetype<u32>(Header.at(at, low, words << 2));
      if (!EXACT_ACCESS) unreachable();
    }
    if (changetype<Header>(at).size >= blockBytes) break;
    const next = changetype<Header>(at).next;
    if (next == 0) break;
    previous = at;
    at = next;
    if (--left == 0) {
      endless(at);
      unreachable();
    }
  }
  heap.visits = Header.mostOf(heap) - left + 1;
  if (at == changetype<FirstFitState>(heap.state).end) return 0;
  if (changetype<Header>(at).size < blockBytes) assertionFailed(heap, at);
  return take<H>(heap, changetype<Header>(previous), changetype<Header>(at), blockBytes);
}

/** Unlinks `block` and gives the surplus back in its place: [      free      ] => [payload][ free ] */
function take<H extends Heap>(heap: H, previous: Header, block: Header, blockBytes: u32): u32 {
  const low = heap.checkLow,
    span = Header.spanOf(heap);
  const state = changetype<FirstFitState>(heap.state);
  previous = Header.written(previous, low, span);
  block = Header.written(block, low, span);
  const surplus = block.size - blockBytes;
  let next = block.next;
  if (surplus > FREERTOS_LEAST_BLOCK_BYTES) {
    const rest = Header.at(changetype<u32>(block) + blockBytes, low, span, Access.Store);
    rest.size = surplus;
    rest.next = next;
    next = changetype<u32>(rest);
    Visits.noteSplit(heap);
  } else blockBytes += surplus;
  previous.next = next;
  block.next = 0;
  block.size = blockBytes | LIVE;
  const freeBytes = state.freeBytes - blockBytes;
  state.freeBytes = freeBytes;
  if (freeBytes < state.minimumFreeBytes) state.minimumFreeBytes = freeBytes;
  state.allocations++;
  const payload = changetype<u32>(block) + HEADER_BYTES;
  if (payload & (FREERTOS_ALIGNMENT - 1)) assertionFailed(heap, payload);
  return payload;
}

export function firstFitRelease<H extends Heap>(heap: H, payload: u32): void {
  const low = heap.checkLow,
    span = Header.spanOf(heap);
  const state = changetype<FirstFitState>(heap.state);
  let block = Header.at(payload - HEADER_BYTES, low, span);
  const size = block.size;
  heap.visits = 0;
  if (<i32>size >= 0 || block.next != 0) {
    assertionFailed(heap, payload);
    return;
  }
  block = Header.written(block, low, span);
  state.freeBytes += size & ~LIVE;
  insert<H>(heap, block, size & ~LIVE);
  state.frees++;
}

/**
 * Puts `block` into the list by address and merges: [free][block][free] => [     free      ]. Only the last
 * marker stays out of a merge; an earlier one that is the follower adds its 0 bytes and is out of the list.
 */
function insert<H extends Heap>(heap: H, block: Header, bytes: u32): void {
  const address = changetype<u32>(block);
  const low = heap.checkLow,
    span = Header.spanOf(heap);
  const previous = Header.written(AscendingList.before(heap, heap.state, address, false), low, span);
  let next = previous.next;
  let merged = block;
  block.size = bytes; // stays behind where the block is no more
  if (changetype<u32>(previous) + previous.size == address) {
    merged = previous;
    bytes += previous.size;
  } else previous.next = address;
  if (changetype<u32>(merged) + bytes == next && next != changetype<FirstFitState>(heap.state).end) {
    const follower = Header.at(next, low, span);
    bytes += follower.size;
    next = follower.next;
  }
  merged.size = bytes;
  merged.next = next;
}

/** free, min_free, largest, smallest, blocks, allocs, frees: vPortGetHeapStats. */
export function firstFitStatistics<H extends Heap>(heap: H, out: u32): u32 {
  const state = changetype<FirstFitState>(heap.state);
  const low = heap.checkLow,
    span = Header.spanOf(heap),
    most = Header.mostOf(heap);
  let largest: u32 = 0,
    smallest: u32 = u32.MAX_VALUE,
    blocks: u32 = 0;
  for (let next = state.startNext; next != 0 && next != state.end; blocks++) {
    const block = Header.at(next, low, span);
    if (blocks == most) endless(next);
    largest = max(largest, block.size);
    if (block.size) smallest = min(smallest, block.size);
    next = block.next;
  }
  store<u32>(out, state.freeBytes, 0);
  store<u32>(out, state.minimumFreeBytes, 4);
  store<u32>(out, largest, 8);
  store<u32>(out, smallest, 12);
  store<u32>(out, blocks, 16);
  store<u32>(out, state.allocations, 20);
  store<u32>(out, state.frees, 24);
  return 7;
}

/** Rebuilds the static variables of an open heap; counts of calls are lost, the minimum is what is free now. */
export function firstFitAdopt<L extends MarkedLayout>(heap: Heap): bool {
  const state = changetype<FirstFitState>(heap.state);
  const recovered = changetype<Recovered>(memory.data(8));
  recoverList<L>(heap, recovered);
  state.startNext = recovered.head;
  state.startSize = 0;
  state.end = lastMarkerOf<L>(heap);
  state.freeBytes = recovered.freeBytes;
  state.minimumFreeBytes = recovered.freeBytes;
  return state.end != 0;
}

/** The static variables of an open heap, and the list against the blocks; after checkLinkedBlocks. */
export function checkFirstFit<L extends MarkedLayout>(heap: Heap, finding: Finding): bool {
  const state = changetype<FirstFitState>(heap.state);
  const end = lastMarkerOf<L>(heap);
  if (state.end != end) return overwritten(heap, finding, offsetof<FirstFitState>("end"), end);
  if (state.startSize != 0) return overwritten(heap, finding, offsetof<FirstFitState>("startSize"), 0);
  if (!checkMarkedList<L>(heap, finding, heap.state, heap.state + offsetof<FirstFitState>("freeBytes"))) return false;
  if (state.minimumFreeBytes > state.freeBytes)
    return overwritten(heap, finding, offsetof<FirstFitState>("minimumFreeBytes"), state.freeBytes);
  return true;
}
