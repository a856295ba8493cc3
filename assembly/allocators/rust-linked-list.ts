/**
 * rust-linked-list-allocator: first fit over holes in address order; live blocks have no header.
 * Unlike freertos-heap4 the firmware gives the size back on release, and a hole too large by 4 bytes is no fit.
 *
 * Source: rust-osdev/linked-list-allocator 0.10.5 and later (Apache-2.0 or MIT), at b5caf32, 32-bit target;
 * reallocation is GlobalAlloc's default. Left out: Heap::extend.
 *
 *          31                              0
 *         ├──────────────────────────────────┤
 *    +0   │ hole bytes                       │  a hole, at least 8 bytes, 4-aligned
 *         ├──────────────────────────────────┤
 *    +4   │ next hole, 0 in the last         │
 *         └──────────────────────────────────┘
 *
 *   arena ├ padding ┼ payload ┼ hole ┼ payload ┼ payload ┼ … ┼ padding ┤
 *                 bottom                                    top
 *
 * Invariants: the holes ascend and do not touch; what they leave of [bottom, top) is the counter of used bytes.
 * Cost: allocate and release O(holes).
 */

import { endless, fault } from "../fault";
import { Guest } from "../guest";
import { nextLivePayload, requestOf } from "../inspect/shadow";
import { Visits } from "../inspect/visits";
import { Access, BlockState, FaultCode, Inconsistency } from "../memory-map";
import { reallocateByMoving } from "../parts/moving";
import { overwritten } from "../parts/statics";
import { Block, broken, Finding, Heap } from "./heap";

const ALIGNMENT: u32 = 4;
const HOLE_BYTES: u32 = 8;
/** A size plus its alignment must not exceed this, or there is no such Layout. */
const LAYOUT_MOST: u32 = 0x80000000;

@final
@unmanaged
class Hole {
  size: u32;
  next: u32;

  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Hole {
    return changetype<Hole>(Guest.word(address, low, span, access));
  }

  /** A hole that has been read and is now written: only the exact build knows memory where that differs. */
  @inline static written(hole: Hole, low: u32, span: u32): Hole {
    return EXACT_ACCESS ? Hole.at(changetype<u32>(hole), low, span, Access.Store) : hole;
  }

  @inline static spanOf(heap: Heap): u32 {
    return heap.checkSpan - (HOLE_BYTES - 4);
  }

  /** More holes than `span` bytes can hold: a list that goes on has a loop. */
  @inline static most(span: u32): u32 {
    return (span >> 3) + 2;
  }
}

/** The original's Heap, in the order in which the compiler lays it out; the list's head is a hole of size 0. */
@final
@unmanaged
class State {
  usedBytes: u32;
  firstSize: u32;
  firstNext: u32;
  bottom: u32;
  top: u32;
  /** Bytes above `top` that are too few for a hole. */
  pendingBytes: u32;
}
const FIRST_OFFSET: u32 = offsetof<State>("firstSize");
const FIRST_LINK_OFFSET: u32 = offsetof<State>("firstNext");

@final
@unmanaged
export class RustLinkedList extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 2;
  }

  /** False where the original panics: no room for one hole. */
  initialize(): bool {
    const bottom = bottomOf(this),
      top = topOf(this);
    if (this.arenaBytes < HOLE_BYTES || top < bottom || top - bottom < HOLE_BYTES) return false;
    describeArena(this);
    const state = changetype<State>(this.state);
    state.usedBytes = 0;
    state.firstNext = bottom;
    changetype<Hole>(bottom).size = top - bottom;
    changetype<Hole>(bottom).next = 0;
    return true;
  }

  /** Live blocks look like anything, so the first hole must be known. The used bytes are what the holes leave. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    if (state.firstNext == 0) return false;
    describeArena(this);
    if (state.usedBytes == 0) state.usedBytes = usedBytesOf(state);
    return true;
  }

  allocate(requestBytes: u32): u32 {
    return this.allocateAligned(ALIGNMENT, requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    this.visits = 0;
    if (alignment > LAYOUT_MOST || requestBytes > LAYOUT_MOST - alignment) return 0;
    const bytes = blockBytesFor(requestBytes);
    if (bytes > LAYOUT_MOST - alignment) return 0;

    const low = this.checkLow,
      span = Hole.spanOf(this),
      most = Hole.most(span);
    let left = most;
    let previous = changetype<Hole>(this.state + FIRST_OFFSET);
    for (let at = previous.next; at != 0; at = previous.next) {
      const hole = Hole.at(at, low, span);
      if (--left == 0) endless(at);
      const payload = Placement.fit(at, hole.size, bytes, alignment);
      if (payload) {
        this.visits = most - left;
        changetype<State>(this.state).usedBytes += bytes;
        if (carve(previous, hole, payload, bytes, low, span)) Visits.noteSplit(this);
        return payload;
      }
      previous = hole;
    }
    this.visits = most - left;
    return 0;
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<RustLinkedList>(this, payload, oldRequestBytes, requestBytes);
  }

  /** Panics, with or without debug assertions, where the block would overlap a hole. */
  release(payload: u32, requestBytes: u32): void {
    const low = this.checkLow,
      span = Hole.spanOf(this);
    const state = changetype<State>(this.state);
    const bytes = blockBytesFor(requestBytes);
    const node = makeHole(payload, bytes, low, span);
    const first = state.firstNext;
    this.visits = 1;
    if (first == 0) {
      const only = mergeBottom(state, node, low, span);
      mergeTop(state, only);
      state.firstNext = changetype<u32>(only);
    } else if (payload < first) {
      if (payload + bytes > first) panic(payload);
      const lowest = mergeBottom(state, node, low, span);
      state.firstNext = changetype<u32>(lowest);
      lowest.next = first;
      mergeFollowers(state, lowest, 1, low, span);
    } else mergeFollowers(state, insert(this, node, bytes, low, span), 2, low, span);
    state.usedBytes -= bytes;
  }

  /** A Layout promises no more than was asked for. */
  usableBytes(payload: u32, requestBytes: u32): u32 {
    return requestBytes;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return blockBytesFor(requestBytes);
  }

  /** The largest hole, taken whole. */
  largestRequest(): u32 {
    const low = this.checkLow,
      span = Hole.spanOf(this);
    let left = Hole.most(span);
    let largest: u32 = 0;
    for (let at = changetype<State>(this.state).firstNext; at != 0; at = Hole.at(at, low, span).next) {
      largest = max(largest, Hole.at(at, low, span).size);
      if (--left == 0) endless(at);
    }
    return largest;
  }

  /** Holes come from the list, live blocks from the shadow. The cursor is the next hole. */
  nextBlock(block: Block): bool {
    const high = this.arena + this.arenaBytes,
      bottom = bottomOf(this),
      top = topOf(this);
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= high) return false;
    if (block.address == 0) block.cursor = changetype<State>(this.state).firstNext;
    block.address = at;
    block.payload = 0;
    if (at >= bottom && at < top)
      return at == block.cursor ? this.describeHole(block, top) : this.describeUsed(block, top);
    block.state = BlockState.Bookkeeping;
    block.bytes = (at < bottom ? bottom : high) - at;
    return true;
  }

  private describeHole(block: Block, top: u32): bool {
    const hole = Hole.at(block.address, this.checkLow, Hole.spanOf(this));
    block.state = BlockState.Free;
    block.bytes = min(hole.size, top - block.address);
    block.cursor = hole.next;
    return block.bytes != 0;
  }

  /** Up to the next hole or live block: bytes that were released with a size too small. */
  private describeUsed(block: Block, top: u32): bool {
    const at = block.address;
    const limit = block.cursor > at && block.cursor < top ? block.cursor : top;
    const live = nextLivePayload(this, at);
    if (live == at) {
      block.payload = at;
      block.state = BlockState.Live;
      block.bytes = min(blockBytesFor(requestOf(this, at)), limit - at);
    } else {
      block.state = BlockState.Bookkeeping;
      block.bytes = (live > at && live < limit ? live : limit) - at;
    }
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    const bottom = bottomOf(this),
      top = topOf(this);
    if (state.firstSize != 0) return overwritten(this, finding, FIRST_OFFSET, 0);
    if (state.bottom != bottom) return overwritten(this, finding, offsetof<State>("bottom"), bottom);
    if (state.top != top) return overwritten(this, finding, offsetof<State>("top"), top);
    if (state.pendingBytes != this.arena + this.arenaBytes - top) {
      return overwritten(this, finding, offsetof<State>("pendingBytes"), this.arena + this.arenaBytes - top);
    }
    return checkHoles(this, finding, state);
  }

  /** free, used */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    store<u32>(out, state.top - state.bottom - state.usedBytes, 0);
    store<u32>(out, state.usedBytes, 4);
    return 2;
  }
}

/** Where in a hole a payload goes; a class because asc inlines its members only. */
class Placement {
  /**
   * The payload's address, or 0 when the hole does not suit: a gap in front and a rest behind must each be
   * nothing or large enough for a hole. [ hole ] => [front hole][payload][back hole]
   */
  @inline static fit(at: u32, holeBytes: u32, bytes: u32, alignment: u32): u32 {
    if (holeBytes < bytes) return 0;
    const payload = at & (alignment - 1) ? (at + HOLE_BYTES + alignment - 1) & ~(alignment - 1) : at;
    const holeEnd = at + holeBytes,
      end = payload + bytes;
    if (end > holeEnd) return 0;
    return end == holeEnd || ((end + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + HOLE_BYTES <= holeEnd ? payload : 0;
  }
}

/** Bytes a block takes: what was asked, at least a hole's worth, rounded up to 4. */
function blockBytesFor(requestBytes: u32): u32 {
  return (max(requestBytes, HOLE_BYTES) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

function bottomOf(heap: Heap): u32 {
  return (heap.arena + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

function topOf(heap: Heap): u32 {
  return (heap.arena + heap.arenaBytes) & ~(ALIGNMENT - 1);
}

/** The variables that the arena alone determines. */
function describeArena(heap: Heap): void {
  const state = changetype<State>(heap.state);
  state.firstSize = 0;
  state.bottom = bottomOf(heap);
  state.top = topOf(heap);
  state.pendingBytes = heap.arena + heap.arenaBytes - state.top;
}

/** What ascending holes leave of [bottom, top), as far as the list makes sense. */
function usedBytesOf(state: State): u32 {
  let used = state.top - state.bottom;
  let floor = state.bottom;
  for (let at = state.firstNext; at >= floor && at < state.top - 4 && (at & 3) == 0; at = changetype<Hole>(at).next) {
    const size = changetype<Hole>(at).size;
    if (size > state.top - at) break;
    used -= size;
    floor = at + max(size, HOLE_BYTES);
  }
  return used;
}

/** The original's assert!, which no build leaves out. Does not return. */
function panic(address: u32): void {
  fault(FaultCode.Assertion, address, Access.Load, 4);
}

/** Puts what is left of `hole` in its place in the list: one hole, two, or none (false). */
function carve(previous: Hole, hole: Hole, payload: u32, bytes: u32, low: u32, span: u32): bool {
  const frontBytes = payload - changetype<u32>(hole);
  const backBytes = hole.size - frontBytes - bytes;
  let next = hole.next;
  previous = Hole.written(previous, low, span);
  hole = Hole.written(hole, low, span);
  hole.next = 0;
  if (backBytes) {
    const back = Hole.at((payload + bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1), low, span, Access.Store);
    back.size = backBytes;
    back.next = next;
    next = changetype<u32>(back);
  }
  if (frontBytes) {
    hole.size = frontBytes;
    hole.next = next;
  } else previous.next = next;
  return (frontBytes | backBytes) != 0;
}

function makeHole(address: u32, bytes: u32, low: u32, span: u32): Hole {
  const hole = Hole.at(address, low, span, Access.Store);
  hole.size = bytes;
  hole.next = 0;
  return hole;
}

/** Puts `node` behind the last hole below it, which is not the head, and returns that hole. */
function insert(heap: Heap, node: Hole, bytes: u32, low: u32, span: u32): Hole {
  const address = changetype<u32>(node),
    most = Hole.most(span);
  let left = most;
  let hole = Hole.at(changetype<State>(heap.state).firstNext, low, span);
  for (let next = hole.next; next != 0; next = hole.next) {
    if (address < next) {
      if (address + bytes > next) panic(address);
      break;
    }
    hole = Hole.at(next, low, span);
    if (--left == 0) endless(next);
  }
  heap.visits += most - left;
  if (changetype<u32>(hole) + hole.size > address) panic(address);
  hole = Hole.written(hole, low, span);
  node.next = hole.next;
  hole.next = address;
  return hole;
}

/** Merges `hole` and up to `times` holes behind it where they touch; the last one reaches for the top. */
function mergeFollowers(state: State, hole: Hole, times: u32, low: u32, span: u32): void {
  for (; times > 0; times--) {
    const next = hole.next;
    if (next == 0) {
      mergeTop(state, hole);
      return;
    }
    const follower = Hole.written(Hole.at(next, low, span), low, span);
    if (changetype<u32>(hole) + hole.size == next) {
      hole.size += follower.size;
      hole.next = follower.next;
      follower.next = 0;
    } else hole = follower;
  }
}

/** Takes in what is left below the top when it is too small for a hole. */
function mergeTop(state: State, hole: Hole): void {
  const end = changetype<u32>(hole) + hole.size;
  if (end < state.top && ((end + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + HOLE_BYTES > state.top)
    hole.size += state.top - end;
}

/** Moves a hole down to the bottom when what lies below it is too small for a hole. */
function mergeBottom(state: State, hole: Hole, low: u32, span: u32): Hole {
  const address = changetype<u32>(hole),
    bottom = state.bottom;
  return bottom + HOLE_BYTES > address ? makeHole(bottom, hole.size + (address - bottom), low, span) : hole;
}

/** The list ascends, so it ends; every hole lies in the arena, touches no other and holds no live block. */
function checkHoles(heap: Heap, finding: Finding, state: State): bool {
  const bottom = state.bottom,
    top = state.top;
  let link = heap.state + FIRST_LINK_OFFSET;
  let floor = bottom,
    freeBytes: u32 = 0;
  for (let at = state.firstNext; at != 0; at = load<u32>(link)) {
    if (at & 3 || at < bottom || at > top - HOLE_BYTES)
      return broken(finding, Inconsistency.ListPointerOutsideArena, link, floor, at);
    if (at < floor)
      return broken(finding, at + 4 == link ? Inconsistency.ListLoop : Inconsistency.ListOutOfOrder, link, floor, at);
    const bytes = changetype<Hole>(at).size;
    if (freeBytes != 0 && at == floor) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
    if (bytes < HOLE_BYTES) return broken(finding, Inconsistency.BlockTooSmall, at, HOLE_BYTES, bytes);
    if (bytes > top - at) return broken(finding, Inconsistency.BlockBeyondArena, at, top - at, bytes);
    if (bytes & 3) return broken(finding, Inconsistency.BlockMisaligned, at, bytes & ~3, bytes);
    const live = nextLivePayload(heap, at);
    if (live != 0 && live - at < bytes) return broken(finding, Inconsistency.ListedBlockNotFree, at, live - at, bytes);
    freeBytes += bytes;
    floor = at + bytes;
    link = at + 4;
  }
  if (state.usedBytes == top - bottom - freeBytes) return true;
  return broken(finding, Inconsistency.FreeBytesMismatch, heap.state, top - bottom - freeBytes, state.usedBytes);
}
