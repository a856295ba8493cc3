/**
 * lwmem: first fit over an address-ordered free list with a reallocation that grows into both neighbours.
 * Unlike freertos-heap5 it aligns to 4, keeps free blocks without payload, and never refuses by the total alone.
 *
 * Source: MaJerle/lwmem lwmem.c v2.2.4 (MIT), at 42b6734; LWMEM_CFG_FULL, LWMEM_CFG_ALIGN_NUM 4, statistics on.
 * Left out: allocation from a chosen region (lwmem_malloc_ex with a region), LWMEM_CFG_CLEAN_MEMORY.
 *
 *          31 30                           0
 *         ├──────────────────────────────────┤
 *    +0   │ next free block; DEADBEEF: live  │
 *         ├──┬───────────────────────────────┤
 *    +4   │ L│ block bytes, header included  │  L: live
 *         ╞══╧═══════════════════════════════╡
 *    +8   │ payload, 4-aligned               │
 *         └──────────────────────────────────┘
 *
 *   region 0 ├ block ┼ … ┼ end block, size 0 ┤ ──► region 1 ├ block ┼ … ┼ end block ┤
 *
 * Invariants: the list ascends and holds exactly the free blocks and the end blocks; no two free blocks touch;
 * the sum of the listed sizes is the counter of available bytes.
 * Cost: allocate, release and reallocate O(free blocks + regions).
 */

import { endless } from "../fault";
import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access } from "../memory-map";
import { AscendingList, checkLinkedBlocks, HEADER_BYTES, Header, LIVE, nextLinkedBlock } from "../parts/linked-blocks";
import {
  checkMarkedList,
  endOf,
  firstOf,
  isUsed,
  largestListed,
  lastMarkerOf,
  MarkedLayout,
  openRegions,
  Recovered,
  recoverList,
  regionsAscend,
} from "../parts/marked-regions";
import { overwritten } from "../parts/statics";
import { Block, Finding, Heap, refused } from "./heap";

const ALIGNMENT: u32 = 4;
/** A free block may have no payload at all. */
const LEAST_BLOCK_BYTES: u32 = HEADER_BYTES;
const LIVE_LINK: u32 = 0xdeadbeef;

/** The original's object, in its order, without a mutex. */
@final
@unmanaged
class State {
  availableBytes: u32;
  /** The list's head is a header of size 0. */
  startNext: u32;
  startSize: u32;
  end: u32;
  regions: u32;
  totalBytes: u32;
  /** Filled in when the original is asked for statistics only. */
  reportedBytes: u32;
  minimumBytes: u32;
  allocations: u32;
  frees: u32;
}
const START_OFFSET: u32 = offsetof<State>("startNext");

@final
@unmanaged
class Layout extends MarkedLayout {
  first(low: u32, bytes: u32): u32 {
    return (low + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  }

  /** The original passes over a region without room for two headers. */
  end(low: u32, bytes: u32): u32 {
    if (bytes < 2 * HEADER_BYTES) return 0;
    const marker = (low + bytes - HEADER_BYTES) & ~(ALIGNMENT - 1);
    return marker - this.first(low, bytes) < LEAST_BLOCK_BYTES ? 0 : marker;
  }

  alignment(): u32 {
    return ALIGNMENT;
  }

  leastBlockBytes(): u32 {
    return LEAST_BLOCK_BYTES;
  }

  liveLink(): u32 {
    return LIVE_LINK;
  }

  merges(): bool {
    return true;
  }

  losesMarkers(): bool {
    return false;
  }
}

@final
@unmanaged
export class Lwmem extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 2;
  }

  /** False where the original takes no region at all: none is large enough, or they do not ascend. */
  initialize(): bool {
    const state = changetype<State>(this.state);
    memory.fill(this.state, 0, offsetof<State>());
    if (!regionsAscend(this)) return false;
    state.availableBytes = openRegions<Layout>(this, this.state + START_OFFSET);
    describeRegions(this, state);
    return state.regions != 0;
  }

  adopt(): bool {
    const state = changetype<State>(this.state);
    const recovered = changetype<Recovered>(memory.data(8));
    recoverList<Layout>(this, recovered);
    state.startNext = recovered.head;
    state.startSize = 0;
    state.availableBytes = recovered.freeBytes;
    describeRegions(this, state);
    state.minimumBytes = recovered.freeBytes;
    return state.regions != 0;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    const blockBytes = blockBytesFor(requestBytes);
    if (blockBytes == HEADER_BYTES || (blockBytes & LIVE) != 0) return 0;

    const low = this.checkLow,
      span = Header.spanOf(this),
      most = Header.mostOf(this);
    const end = changetype<State>(this.state).end;
    let left = most;
    let previous = changetype<Header>(this.state + START_OFFSET);
    if (end == 0 || previous.next == 0) return 0;
    let block = Header.at(previous.next, low, span);
    while (block.size < blockBytes) {
      if (block.next == 0 || changetype<u32>(block) == end) break;
      previous = block;
      block = Header.at(block.next, low, span);
      if (--left == 0) endless(changetype<u32>(block));
    }
    this.visits = most - left + 1;
    return block.size < blockBytes ? 0 : take(this, previous, block, blockBytes, low, span);
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes == 0) {
      this.release(payload, oldRequestBytes);
      return 0;
    }
    const blockBytes = blockBytesFor(requestBytes);
    if (((requestBytes | blockBytes) & LIVE) != 0) return 0;
    const low = this.checkLow,
      span = Header.spanOf(this);
    const block = Header.at(payload - HEADER_BYTES, low, span);
    if (!isLiveBlock(block)) return 0;
    const ownBytes = block.size & ~LIVE;
    if (blockBytes == ownBytes) return payload;
    if (blockBytes > ownBytes) return grow(this, block, ownBytes, blockBytes, requestBytes);
    shrink(this, Header.written(block, low, span), ownBytes, blockBytes, low, span);
    return payload;
  }

  /** What is not marked live, a block released before for one, is ignored. */
  release(payload: u32, requestBytes: u32): void {
    const low = this.checkLow,
      span = Header.spanOf(this);
    const state = changetype<State>(this.state);
    let block = Header.at(payload - HEADER_BYTES, low, span);
    this.visits = 0;
    if (!isLiveBlock(block)) return;
    block = Header.written(block, low, span);
    block.size &= ~LIVE;
    state.availableBytes += block.size;
    insert(this, block, low, span);
    state.frees++;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Header.at(payload - HEADER_BYTES, this.checkLow, Header.spanOf(this)).size & ~LIVE;
  }

  largestRequest(): u32 {
    const largest = largestListed(this, changetype<State>(this.state).startNext);
    return largest ? largest - HEADER_BYTES : 0;
  }

  nextBlock(block: Block): bool {
    return nextLinkedBlock<Layout>(this, block, true);
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    const end = lastMarkerOf<Layout>(this);
    if (state.end != end) return overwritten(this, finding, offsetof<State>("end"), end);
    if (state.startSize != 0) return overwritten(this, finding, offsetof<State>("startSize"), 0);
    if (!checkLinkedBlocks<Layout>(this, finding)) return false;
    if (!checkMarkedList<Layout>(this, finding, this.state + START_OFFSET, this.state)) return false;
    if (state.minimumBytes > state.availableBytes)
      return overwritten(this, finding, offsetof<State>("minimumBytes"), state.availableBytes);
    return true;
  }

  /** free, min_free, allocs, frees, total */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    store<u32>(out, state.availableBytes, 0);
    store<u32>(out, state.minimumBytes, 4);
    store<u32>(out, state.allocations, 8);
    store<u32>(out, state.frees, 12);
    store<u32>(out, state.totalBytes, 16);
    return 5;
  }
}

/** Block bytes for a request. From 0xfffffff5 to 0xfffffffc they wrap to 0 or 4, which breaks the original's heap too. */
function blockBytesFor(requestBytes: u32): u32 {
  return ((requestBytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + HEADER_BYTES;
}

function isLiveBlock(block: Header): bool {
  return (block.size & LIVE) != 0 && block.next == LIVE_LINK;
}

function markLive(block: Header): void {
  block.size |= LIVE;
  block.next = LIVE_LINK;
}

/** The variables that the regions alone determine. */
function describeRegions(heap: Heap, state: State): void {
  state.end = lastMarkerOf<Layout>(heap);
  state.regions = 0;
  state.totalBytes = 0;
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    if (!isUsed<Layout>(heap, i)) continue;
    state.regions++;
    state.totalBytes += endOf<Layout>(heap, i) - firstOf<Layout>(heap, i);
  }
  state.minimumBytes = state.totalBytes;
}

function noteMinimum(state: State): void {
  state.minimumBytes = min(state.minimumBytes, state.availableBytes);
}

/** Unlinks `block`; what is too much goes back: [      free      ] => [payload][ free ] */
function take(heap: Heap, previous: Header, block: Header, blockBytes: u32, low: u32, span: u32): u32 {
  const state = changetype<State>(heap.state);
  block = Header.written(block, low, span);
  Header.written(previous, low, span).next = block.next;
  state.availableBytes -= block.size;
  if (cut(heap, block, blockBytes, low, span)) Visits.noteSplit(heap);
  markLive(block);
  noteMinimum(state);
  state.allocations++;
  return changetype<u32>(block) + HEADER_BYTES;
}

/** Releases what `block` has beyond `blockBytes`, if that is enough for a header: [block] => [block][ free ]. Whether it was. */
function cut(heap: Heap, block: Header, blockBytes: u32, low: u32, span: u32): bool {
  const ownBytes = block.size & ~LIVE;
  if (ownBytes - blockBytes < LEAST_BLOCK_BYTES) return false;
  const rest = Header.at(changetype<u32>(block) + blockBytes, low, span, Access.Store);
  rest.size = ownBytes - blockBytes;
  block.size = blockBytes;
  changetype<State>(heap.state).availableBytes += rest.size;
  insert(heap, rest, low, span);
  return true;
}

/** Puts `block` into the list by address and merges: [free][block][free] => [     free      ]. End blocks stay. */
function insert(heap: Heap, block: Header, low: u32, span: u32): void {
  const address = changetype<u32>(block);
  const previous = Header.written(AscendingList.before(heap, heap.state + START_OFFSET, address, true), low, span);
  const next = previous.next;
  const joined = changetype<u32>(previous) + previous.size == address;
  if (joined) {
    previous.size += block.size;
    block = previous;
  }
  const follower =
    next && changetype<u32>(block) + block.size == next ? Header.at(next, low, span) : changetype<Header>(0);
  if (changetype<u32>(follower) != 0 && follower.size > 0 && next != changetype<State>(heap.state).end) {
    block.size += follower.size;
    block.next = follower.next;
  } else block.next = next;
  if (!joined) previous.next = address;
}

/** Less than a header's worth is given back only where the next block is free: its start moves down. */
function shrink(heap: Heap, block: Header, ownBytes: u32, blockBytes: u32, low: u32, span: u32): void {
  const surplus = ownBytes - blockBytes;
  if (surplus >= LEAST_BLOCK_BYTES) cut(heap, block, blockBytes, low, span);
  else {
    const previous = AscendingList.before(heap, heap.state + START_OFFSET, changetype<u32>(block), true);
    const next = previous.next;
    if (changetype<u32>(block) + ownBytes == next && Header.at(next, low, span).size > 0) {
      moveDown(Header.written(previous, low, span), Header.at(next, low, span), surplus, low, span);
      changetype<State>(heap.state).availableBytes += surplus;
      block.size = blockBytes;
    }
  }
  markLive(block);
}

/** [block][  free  ] => [block[   free   ], the header `surplus` bytes lower */
function moveDown(previous: Header, free: Header, surplus: u32, low: u32, span: u32): void {
  const size = free.size,
    next = free.next;
  const moved = Header.at(changetype<u32>(free) - surplus, low, span, Access.Store);
  previous.next = changetype<u32>(moved);
  moved.size = size + surplus;
  moved.next = next;
}

/** Grows a live block, in this order: into the next one, into the one before, into both, elsewhere. */
function grow(heap: Lwmem, block: Header, ownBytes: u32, blockBytes: u32, requestBytes: u32): u32 {
  const low = heap.checkLow,
    span = Header.spanOf(heap);
  const address = changetype<u32>(block);
  const previous = AscendingList.before(heap, heap.state + START_OFFSET, address, true);
  const next = previous.next;
  const follower = address + ownBytes == next ? Header.at(next, low, span) : changetype<Header>(0);
  const nextBytes = changetype<u32>(follower) ? follower.size : 0;
  if (changetype<u32>(follower) != 0 && ownBytes + nextBytes >= blockBytes) {
    block = Header.written(block, low, span);
    Header.written(previous, low, span).next = follower.next;
    block.size = ownBytes + nextBytes;
    return settle(heap, block, nextBytes, blockBytes, low, span);
  }
  if (changetype<u32>(previous) + previous.size == address) {
    const bytes = previous.size + ownBytes;
    if (bytes >= blockBytes) return slide(heap, previous, block, next, 0, blockBytes);
    if (changetype<u32>(follower) != 0 && bytes + nextBytes >= blockBytes) {
      return slide(heap, previous, block, follower.next, nextBytes, blockBytes);
    }
  }
  return moveElsewhere(heap, block, requestBytes);
}

/** The block has grown over `taken` free bytes: gives back what is too much and marks it. */
function settle(heap: Heap, block: Header, taken: u32, blockBytes: u32, low: u32, span: u32): u32 {
  const state = changetype<State>(heap.state);
  state.availableBytes -= taken;
  if (cut(heap, block, blockBytes, low, span)) Visits.noteSplit(heap);
  markLive(block);
  noteMinimum(state);
  return changetype<u32>(block) + HEADER_BYTES;
}

/**
 * Moves a block down over the free one before it, and `nextBytes` of a free one behind it come along. The
 * original copies a header's worth too much: [free][block]··· => [      block      ]
 */
function slide(heap: Heap, previous: Header, block: Header, next: u32, nextBytes: u32, blockBytes: u32): u32 {
  const low = heap.checkLow,
    span = Header.spanOf(heap);
  const ownBytes = block.size & ~LIVE;
  const taken = previous.size + nextBytes;
  const visits = heap.visits;
  const before = AscendingList.before(heap, heap.state + START_OFFSET, changetype<u32>(previous), true);
  heap.visits = visits; // the original remembers it from the search that found `previous`
  Guest.copy(
    changetype<u32>(previous) + HEADER_BYTES,
    changetype<u32>(block) + HEADER_BYTES,
    ownBytes,
    heap.checkLow,
    heap.checkSpan,
  );
  previous = Header.written(previous, low, span);
  previous.size = taken + ownBytes;
  Header.written(before, low, span).next = next;
  return settle(heap, previous, taken, blockBytes, low, span);
}

function moveElsewhere(heap: Lwmem, block: Header, requestBytes: u32): u32 {
  const visits = heap.visits;
  const moved = heap.allocate(requestBytes);
  heap.visits += visits;
  if (moved == 0) return 0;
  const payload = changetype<u32>(block) + HEADER_BYTES;
  const payloadBytes = (block.size & ~LIVE) - HEADER_BYTES;
  Guest.copy(moved, payload, min(payloadBytes, requestBytes), heap.checkLow, heap.checkSpan);
  const visitsSoFar = heap.visits;
  heap.release(payload, 0);
  heap.visits += visitsSoFar;
  return moved;
}
