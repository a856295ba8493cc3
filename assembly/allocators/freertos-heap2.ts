/**
 * freertos-heap2: best fit over a free list in ascending order of size; free neighbours are never merged.
 * Unlike freertos-heap4 it fragments for good: a block once cut is never larger again.
 *
 * Source: FreeRTOS-Kernel portable/MemMang/heap_2.c (MIT), main at 4269c69a1; portBYTE_ALIGNMENT 8.
 * Left out: configHEAP_CLEAR_MEMORY_ON_FREE (does not change placement).
 *
 *          31 30                           0
 *         ├──────────────────────────────────┤
 *    +0   │ next free block, not smaller;    │
 *         │ 0 while live                     │
 *         ├──┬───────────────────────────────┤
 *    +4   │ L│ block bytes, header included  │  L: live
 *         ╞══╧═══════════════════════════════╡
 *    +8   │ payload, 8-aligned               │
 *         └──────────────────────────────────┘
 *
 *   arena, rounded up to 8 ├ block ┼ block ┼ … ┼ block ┤ slack; padding and slack are 8 bytes together
 *
 * The list's end is a header among the static variables, as large as the arena, so every search stops there.
 * Invariants: the list ascends by size, among equals the newest first, and holds exactly the free blocks; the
 * sum of their sizes is the free-bytes counter. Block sizes are multiples of 8, but for the arena's last block.
 * Cost: allocate and release O(free blocks). The arena is taken into use by the first allocation.
 */

import { endless } from "../fault";
import { Visits } from "../inspect/visits";
import { Access, Inconsistency } from "../memory-map";
import { FREERTOS_ALIGNMENT, FREERTOS_LEAST_BLOCK_BYTES, FreertosBlock } from "../parts/freertos-first-fit";
import { BlockLayout, checkLinkedBlocks, HEADER_BYTES, Header, LIVE, nextLinkedBlock } from "../parts/linked-blocks";
import { reallocateByMoving } from "../parts/moving";
import { overwritten } from "../parts/statics";
import { assertionFailed, Block, broken, Finding, Heap, refused } from "./heap";

/** Taken off the arena whatever its alignment. */
const SLACK_BYTES: u32 = FREERTOS_ALIGNMENT;

/** The original's static variables, in its order: two headers, a counter, a flag. */
@final
@unmanaged
class State {
  startNext: u32;
  startSize: u32;
  endNext: u32;
  endSize: u32;
  freeBytes: u32;
  opened: u32;
}
const END_OFFSET: u32 = offsetof<State>("endNext");

@final
@unmanaged
class Layout extends BlockLayout {
  first(low: u32, bytes: u32): u32 {
    return (low + FREERTOS_ALIGNMENT - 1) & ~(FREERTOS_ALIGNMENT - 1);
  }

  end(low: u32, bytes: u32): u32 {
    return this.first(low, bytes) + bytes - SLACK_BYTES;
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
    return false;
  }
}

@final
@unmanaged
export class FreertosHeap2 extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 3;
  }

  /** Start-up code sets the static variables; the arena is untouched until the first allocation. */
  initialize(): bool {
    memory.fill(this.state, 0, offsetof<State>());
    changetype<State>(this.state).freeBytes = this.arenaBytes - SLACK_BYTES;
    return firstBlockOf(this) != 0 && this.arenaBytes >= SLACK_BYTES + FREERTOS_LEAST_BLOCK_BYTES;
  }

  /**
   * The list begins at the free block that no other leads to. It ends at the board's own end header, whose
   * address is kept in the link of ours (which is 0 in a heap that was started here).
   */
  adopt(): bool {
    const state = changetype<State>(this.state);
    state.startSize = 0;
    state.endSize = this.arenaBytes - SLACK_BYTES;
    state.opened = 1;
    state.freeBytes = recoverList(this, state);
    return true;
  }

  allocate(requestBytes: u32): u32 {
    const state = changetype<State>(this.state);
    if (state.opened == 0) openArena(this, state);
    const blockBytes = FreertosBlock.bytesFor(requestBytes);
    this.visits = 0;
    if (FreertosBlock.isRefused(requestBytes) || blockBytes > state.freeBytes) return 0;

    const low = this.checkLow,
      span = Header.spanOf(this),
      most = Header.mostOf(this);
    let left = most;
    let previous = changetype<Header>(this.state);
    let block = Header.at(previous.next, low, span);
    while (block.size < blockBytes && block.next != 0) {
      previous = block;
      block = Header.at(block.next, low, span);
      if (--left == 0) endless(changetype<u32>(block));
    }
    this.visits = most - left + 1;
    if (changetype<u32>(block) == this.state + END_OFFSET) return 0;
    return take(this, previous, block, blockBytes, low, span);
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= FREERTOS_ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  /** The original has none: allocate, copy, free. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<FreertosHeap2>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    const low = this.checkLow,
      span = Header.spanOf(this);
    let block = Header.at(payload - HEADER_BYTES, low, span);
    this.visits = 0;
    if ((block.size & LIVE) == 0 || block.next != 0) {
      assertionFailed(this, payload);
      return;
    }
    block = Header.written(block, low, span);
    block.size &= ~LIVE;
    insert(this, block, low, span);
    changetype<State>(this.state).freeBytes += block.size;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Header.at(payload - HEADER_BYTES, this.checkLow, Header.spanOf(this)).size & ~LIVE;
  }

  /** The list's last block is the largest; a size that is no multiple of 8 cannot be used to its end. */
  largestRequest(): u32 {
    const state = changetype<State>(this.state);
    const largest = state.opened ? lastListedBytes(this, state) : this.arenaBytes - SLACK_BYTES;
    return largest ? (largest & ~(FREERTOS_ALIGNMENT - 1)) - HEADER_BYTES : 0;
  }

  nextBlock(block: Block): bool {
    return nextLinkedBlock<Layout>(this, block, changetype<State>(this.state).opened != 0);
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    if (state.opened > 1) return overwritten(this, finding, offsetof<State>("opened"), 1);
    if (state.opened == 0) {
      if (state.startNext != 0) return overwritten(this, finding, offsetof<State>("opened"), 1);
      return (
        state.freeBytes == this.arenaBytes - SLACK_BYTES ||
        overwritten(this, finding, offsetof<State>("freeBytes"), this.arenaBytes - SLACK_BYTES)
      );
    }
    if (state.startSize != 0) return overwritten(this, finding, offsetof<State>("startSize"), 0);
    if (state.endSize != this.arenaBytes - SLACK_BYTES)
      return overwritten(this, finding, offsetof<State>("endSize"), this.arenaBytes - SLACK_BYTES);
    return checkLinkedBlocks<Layout>(this, finding) && checkList(this, finding, state);
  }

  /** free */
  statistics(out: u32): u32 {
    store<u32>(out, changetype<State>(this.state).freeBytes);
    return 1;
  }
}

function firstBlockOf(heap: Heap): u32 {
  return changetype<Layout>(0).first(heap.arena, heap.arenaBytes);
}

function endOfBlocks(heap: Heap): u32 {
  return changetype<Layout>(0).end(heap.arena, heap.arenaBytes);
}

/** The link that ends the list: to our end header, or in an adopted heap to the board's. */
function endLinkOf(heap: Heap): u32 {
  const adopted = changetype<State>(heap.state).endNext;
  return adopted ? adopted : heap.state + END_OFFSET;
}

/** [            arena            ] => [ one free block ] */
function openArena(heap: Heap, state: State): void {
  const block = changetype<Header>(firstBlockOf(heap));
  block.size = heap.arenaBytes - SLACK_BYTES;
  block.next = heap.state + END_OFFSET;
  state.startNext = changetype<u32>(block);
  state.startSize = 0;
  state.endNext = 0;
  state.endSize = heap.arenaBytes - SLACK_BYTES;
  state.opened = 1;
}

/** Unlinks `block`; a surplus becomes a block of its own, by size: [    free    ] => [payload][ free ] */
function take(heap: FreertosHeap2, previous: Header, block: Header, blockBytes: u32, low: u32, span: u32): u32 {
  const surplus = block.size - blockBytes;
  block = Header.written(block, low, span);
  Header.written(previous, low, span).next = block.next;
  if (surplus > FREERTOS_LEAST_BLOCK_BYTES) {
    const rest = Header.at(changetype<u32>(block) + blockBytes, low, span, Access.Store);
    rest.size = surplus;
    block.size = blockBytes;
    insert(heap, rest, low, span);
    Visits.noteSplit(heap);
  }
  changetype<State>(heap.state).freeBytes -= block.size;
  block.size |= LIVE;
  block.next = 0;
  return changetype<u32>(block) + HEADER_BYTES;
}

/** Puts `block` in front of the first element that is not smaller. */
function insert(heap: Heap, block: Header, low: u32, span: u32): void {
  const bytes = block.size,
    most = Header.mostOf(heap);
  let left = most;
  let previous = changetype<Header>(heap.state);
  let next = Header.at(previous.next, low, span);
  while (next.size < bytes) {
    previous = next;
    next = Header.at(next.next, low, span);
    if (--left == 0) endless(changetype<u32>(next));
  }
  heap.visits += most - left + 1;
  block.next = changetype<u32>(next);
  Header.written(previous, low, span).next = changetype<u32>(block);
}

function lastListedBytes(heap: Heap, state: State): u32 {
  const low = heap.checkLow,
    span = Header.spanOf(heap),
    end = endLinkOf(heap);
  let left = Header.mostOf(heap);
  let largest: u32 = 0;
  for (let next = state.startNext; next != end; ) {
    const block = Header.at(next, low, span);
    largest = block.size;
    if (--left == 0) endless(next);
    next = block.next;
  }
  return largest;
}

/** The block that begins at `address`, when a walk over the blocks meets it and it is free. */
function isFreeBlock(heap: Heap, address: u32): bool {
  const end = endOfBlocks(heap);
  for (let at = firstBlockOf(heap); at <= address && at < end; at += changetype<Header>(at).size & ~LIVE) {
    if (at == address) return (changetype<Header>(at).size & LIVE) == 0;
  }
  return false;
}

/** The list has as many elements as there are free blocks, each is one of them, and none comes twice. */
function checkList(heap: Heap, finding: Finding, state: State): bool {
  const end = endOfBlocks(heap),
    endLink = endLinkOf(heap);
  let freeBlocks: u32 = 0,
    freeBytes: u32 = 0;
  for (let at = firstBlockOf(heap); at < end; ) {
    const size = changetype<Header>(at).size;
    if ((size & LIVE) == 0) {
      freeBlocks++;
      freeBytes += size;
    }
    at += size & ~LIVE;
  }
  let link = heap.state;
  let bytesBefore: u32 = 0;
  for (; load<u32>(link) != endLink; freeBlocks--) {
    const found = load<u32>(link);
    if (found - heap.arena >= heap.arenaBytes)
      return broken(finding, Inconsistency.ListPointerOutsideArena, link, endLink, found);
    if (!isFreeBlock(heap, found)) return broken(finding, Inconsistency.ListedBlockNotFree, link, endLink, found);
    const bytes = changetype<Header>(found).size;
    if (bytes < bytesBefore) return broken(finding, Inconsistency.ListOutOfOrder, link, bytesBefore, bytes);
    if (freeBlocks == 0) return broken(finding, Inconsistency.ListLoop, link, endLink, found);
    bytesBefore = bytes;
    link = found;
  }
  if (freeBlocks != 0) return broken(finding, Inconsistency.FreeBlockNotListed, link, freeBlocks, 0);
  if (freeBytes == state.freeBytes) return true;
  return broken(
    finding,
    Inconsistency.FreeBytesMismatch,
    heap.state + offsetof<State>("freeBytes"),
    freeBytes,
    state.freeBytes,
  );
}

/** Finds both ends of the list in the arena, following blocks as far as their sizes make sense. Returns the free bytes. */
function recoverList(heap: Heap, state: State): u32 {
  const end = endOfBlocks(heap);
  let freeBytes: u32 = 0;
  state.startNext = heap.state + END_OFFSET;
  state.endNext = 0;
  for (let at = firstBlockOf(heap); isBlock(at, end); ) {
    const header = changetype<Header>(at);
    if ((header.size & LIVE) == 0) {
      if (!isLinked(heap, at, end)) state.startNext = at;
      if (header.next - heap.arena >= heap.arenaBytes) state.endNext = header.next;
      freeBytes += header.size;
    }
    at += header.size & ~LIVE;
  }
  return freeBytes;
}

function isBlock(at: u32, end: u32): bool {
  if (at >= end) return false;
  const bytes = changetype<Header>(at).size & ~LIVE;
  return bytes >= FREERTOS_LEAST_BLOCK_BYTES && bytes <= end - at && ((bytes & 3) == 0 || bytes == end - at);
}

/** Whether a free block leads to `address`. */
function isLinked(heap: Heap, address: u32, end: u32): bool {
  for (let at = firstBlockOf(heap); isBlock(at, end); at += changetype<Header>(at).size & ~LIVE) {
    if ((changetype<Header>(at).size & LIVE) == 0 && changetype<Header>(at).next == address) return true;
  }
  return false;
}
