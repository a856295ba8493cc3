/**
 * freertos-heap4: first fit over an address-ordered free list, neighbours merged on release.
 * Unlike freertos-heap2 it coalesces; unlike freertos-heap5 it has one region.
 *
 * Source: FreeRTOS-Kernel portable/MemMang/heap_4.c (MIT), main at 4269c69a1; portBYTE_ALIGNMENT 8.
 * Left out: configENABLE_HEAP_PROTECTOR and configHEAP_CLEAR_MEMORY_ON_FREE (neither changes placement).
 *
 *          31 30                           0
 *         ├──────────────────────────────────┤
 *    +0   │ next free block; 0 while live    │
 *         ├──┬───────────────────────────────┤
 *    +4   │ L│ block bytes, header included  │  L: live
 *         ╞══╧═══════════════════════════════╡
 *    +8   │ payload, 8-aligned               │
 *         └──────────────────────────────────┘
 *
 *   arena, rounded up to 8 ├ block ┼ block ┼ … ┼ end marker: 8 bytes, size 0 ┤
 *
 * Invariants: the free list ascends by address and ends at the end marker; no two free blocks touch; the sum
 * of the listed sizes is the free-bytes counter.
 * Cost: allocate and release O(free blocks). The arena is taken into use by the first allocation.
 */
import { Access, BlockState, Inconsistency } from "../memory-map";
import { Guest } from "../guest";
import { reallocateByMoving } from "../parts/moving";
import { assertionFailed, Block, broken, Finding, Heap } from "./heap";

const ALIGNMENT: u32 = 8;
const HEADER_BYTES: u32 = 8;
const LEAST_BLOCK_BYTES: u32 = 2 * HEADER_BYTES;
const LIVE: u32 = 0x80000000;

@final @unmanaged
class Header {
  next: u32;
  size: u32;

  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Header {
    return changetype<Header>(Guest.word(address, low, span, access));
  }
}

/** The original's static variables, in its order; the list's head is a header of its own. */
@final @unmanaged
class State {
  startNext: u32;
  startSize: u32;
  end: u32;
  freeBytes: u32;
  minimumFreeBytes: u32;
  allocations: u32;
  frees: u32;
}

@final @unmanaged
export class FreertosHeap4 extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 3;
  }

  initialize(): bool {
    memory.fill(this.state, 0, offsetof<State>());
    return this.arenaBytes >= 3 * HEADER_BYTES + ALIGNMENT;
  }

  /** Follows the blocks by their sizes; the list's head is the first free one. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    const end = endMarkerOf(this);
    state.end = end;
    state.startNext = end;
    state.freeBytes = 0;
    for (let at = firstBlockOf(this); end - at <= this.arenaBytes && at != end; ) {
      const size = changetype<Header>(at).size;
      const bytes = size & ~LIVE;
      if (bytes < HEADER_BYTES || bytes > end - at || (bytes & 3) != 0) break;
      if ((size & LIVE) == 0) {
        if (state.startNext == end) state.startNext = at;
        state.freeBytes += bytes;
      }
      at += bytes;
    }
    state.minimumFreeBytes = state.freeBytes;
    return true;
  }

  allocate(requestBytes: u32): u32 {
    const state = changetype<State>(this.state);
    if (state.end == 0) openArena(this, state);
    this.visits = 0;
    const blockBytes = (requestBytes + HEADER_BYTES + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (requestBytes == 0 || blockBytes <= requestBytes || <i32>blockBytes < 0 || blockBytes > state.freeBytes) return 0;

    const low = this.checkLow, span = this.checkSpan - HEADER_BYTES + 4;
    let visits: u32 = 1;
    let previous = changetype<Header>(this.state);
    let block = Header.at(previous.next, low, span);
    while (block.size < blockBytes && block.next != 0) {
      previous = block;
      block = Header.at(block.next, low, span);
      visits++;
    }
    this.visits = visits;
    if (changetype<u32>(block) == state.end) return 0;
    return take(state, previous, block, blockBytes);
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= ALIGNMENT ? this.allocate(requestBytes) : 0;
  }

  /** The original has none: allocate, copy, free. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<FreertosHeap4>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    const low = this.checkLow, span = this.checkSpan - HEADER_BYTES + 4;
    const state = changetype<State>(this.state);
    const block = Header.at(payload - HEADER_BYTES, low, span);
    this.visits = 0;
    if ((block.size & LIVE) == 0) {
      assertionFailed(this, payload);
      return;
    }
    if (block.next != 0) {
      assertionFailed(this, payload);
      return;
    }
    block.size &= ~LIVE;
    state.freeBytes += block.size;
    this.visits = insert(state, block, low, span);
    state.frees++;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Header.at(payload - HEADER_BYTES, this.checkLow, this.checkSpan - HEADER_BYTES + 4).size & ~LIVE;
  }

  largestRequest(): u32 {
    const state = changetype<State>(this.state);
    if (state.end == 0) return endMarkerOf(this) - firstBlockOf(this) - HEADER_BYTES;
    const low = this.checkLow, span = this.checkSpan - HEADER_BYTES + 4;
    let largest: u32 = 0;
    for (let block = Header.at(state.startNext, low, span); block.next != 0; block = Header.at(block.next, low, span)) {
      largest = max(largest, block.size);
    }
    return largest ? largest - HEADER_BYTES : 0;
  }

  nextBlock(block: Block): bool {
    const end = endMarkerOf(this);
    const at = block.address ? block.address + block.bytes : firstBlockOf(this);
    block.address = at;
    block.payload = at + HEADER_BYTES;
    if (changetype<State>(this.state).end == 0) { // not in use yet: one hole
      block.bytes = end - at;
      block.state = BlockState.Free;
      return at < end;
    }
    if (at >= end) return false;
    const header = Header.at(at, this.checkLow, this.checkSpan - HEADER_BYTES + 4);
    block.bytes = header.size & ~LIVE;
    block.state = header.size & LIVE ? BlockState.Live : BlockState.Free;
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    if (state.end == 0) return true;
    if (state.end != endMarkerOf(this)) {
      return broken(finding, Inconsistency.StateOverwritten, this.state + offsetof<State>("end"), endMarkerOf(this), state.end);
    }
    return checkBlocks(this, finding, state.end) && checkFreeList(this, finding, state);
  }

  /** free, min_free, largest, smallest, blocks, allocs, frees */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    let largest: u32 = 0, smallest: u32 = u32.MAX_VALUE, blocks: u32 = 0;
    if (state.end != 0) {
      const low = this.checkLow, span = this.checkSpan - HEADER_BYTES + 4;
      for (let block = Header.at(state.startNext, low, span); block.next != 0; block = Header.at(block.next, low, span)) {
        blocks++;
        largest = max(largest, block.size);
        smallest = min(smallest, block.size);
      }
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
}

function firstBlockOf(heap: Heap): u32 {
  return (heap.arena + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

function endMarkerOf(heap: Heap): u32 {
  return (heap.arena + heap.arenaBytes - HEADER_BYTES) & ~(ALIGNMENT - 1);
}

/** [              arena              ] => [ one free block          ][end] */
function openArena(heap: Heap, state: State): void {
  const first = firstBlockOf(heap);
  const end = endMarkerOf(heap);
  state.startNext = first;
  state.startSize = 0;
  state.end = end;
  const marker = changetype<Header>(end);
  marker.size = 0;
  marker.next = 0;
  const block = changetype<Header>(first);
  block.size = end - first;
  block.next = end;
  state.freeBytes = block.size;
  state.minimumFreeBytes = block.size;
}

/** Unlinks `block` and gives the surplus back in its place: [      free      ] => [payload][ free ] */
function take(state: State, previous: Header, block: Header, blockBytes: u32): u32 {
  const surplus = block.size - blockBytes;
  if (surplus > LEAST_BLOCK_BYTES) {
    const rest = changetype<Header>(changetype<u32>(block) + blockBytes);
    rest.size = surplus;
    rest.next = block.next;
    previous.next = changetype<u32>(rest);
    block.size = blockBytes;
  } else {
    previous.next = block.next;
  }
  state.freeBytes -= block.size;
  state.minimumFreeBytes = min(state.minimumFreeBytes, state.freeBytes);
  block.size |= LIVE;
  block.next = 0;
  state.allocations++;
  return changetype<u32>(block) + HEADER_BYTES;
}

/** Puts `block` into the list by address and merges: [free][block][free] => [     free      ]. Returns the visits. */
function insert(state: State, block: Header, low: u32, span: u32): u32 {
  const address = changetype<u32>(block);
  let visits: u32 = 1;
  let previous = changetype<Header>(changetype<u32>(state));
  while (previous.next < address) {
    previous = Header.at(previous.next, low, span);
    visits++;
  }
  const next = previous.next;
  if (address + block.size == next && next != state.end) {
    const follower = Header.at(next, low, span);
    block.size += follower.size;
    block.next = follower.next;
  } else block.next = next;
  if (changetype<u32>(previous) + previous.size == address) {
    previous.size += block.size;
    previous.next = block.next;
  } else previous.next = address;
  return visits;
}

function checkBlocks(heap: Heap, finding: Finding, end: u32): bool {
  let previousFree = false;
  for (let at = firstBlockOf(heap); at != end; ) {
    const size = changetype<Header>(at).size;
    const bytes = size & ~LIVE;
    if (bytes < LEAST_BLOCK_BYTES) return broken(finding, Inconsistency.BlockTooSmall, at, LEAST_BLOCK_BYTES, bytes);
    if (bytes & (ALIGNMENT - 1)) return broken(finding, Inconsistency.BlockMisaligned, at, bytes & ~(ALIGNMENT - 1), bytes);
    if (bytes > end - at) return broken(finding, Inconsistency.BlockBeyondArena, at, end - at, bytes);
    const free = (size & LIVE) == 0;
    if (free && previousFree) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
    previousFree = free;
    at += bytes;
  }
  return true;
}

/** The list must be exactly the free blocks, in order: both are walked together. */
function checkFreeList(heap: Heap, finding: Finding, state: State): bool {
  let listed = state.startNext;
  let freeBytes: u32 = 0;
  for (let at = firstBlockOf(heap); at != state.end; ) {
    const header = changetype<Header>(at);
    const bytes = header.size & ~LIVE;
    if ((header.size & LIVE) == 0) {
      if (listed != at) return broken(finding, Inconsistency.FreeBlockNotListed, at, at, listed);
      listed = header.next;
      freeBytes += bytes;
    }
    at += bytes;
  }
  if (listed != state.end) return broken(finding, Inconsistency.ListPointerOutsideArena, heap.state, state.end, listed);
  if (freeBytes != state.freeBytes) {
    return broken(finding, Inconsistency.FreeBytesMismatch, heap.state + offsetof<State>("freeBytes"), freeBytes, state.freeBytes);
  }
  return true;
}
