/**
 * avr-libc: best fit over an address-ordered free list, on a core whose pointers and sizes have 16 bits. Unlike the
 * C libraries of 32-bit cores it aligns nothing, uses no sbrk, and takes memory at the top back into the untouched rest.
 *
 * Source: avr-libc 2.0.0 libc/stdlib/malloc.c and realloc.c (BSD). __malloc_heap_end is set, to the arena's end;
 * left out is the other choice, an end that follows the stack pointer.
 *
 *         15                0
 *         ├──────────────────┤
 *    +0   │ payload bytes    │  at least 2 when allocated
 *         ╞══════════════════╡
 *    +2   │ payload          │  free: next free chunk, 0 at the end
 *         └──────────────────┘
 *
 * Invariants: the free list ascends by address; no two free chunks touch, and none touches the break; chunks tile
 * from the arena's base to the break.
 * Cost: allocate and release O(free chunks), release twice over.
 * Defect, reproduced: reallocating to 0 or 1 bytes makes a chunk too small for a link; releasing it overwrites
 * the low byte, or both bytes, of the size of the chunk behind it.
 */

import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, BlockState, Inconsistency } from "../memory-map";
import { EndlessList } from "../parts/endless-list";
import { ChunkFormat, checkOrderedChunks, freeFigures, nextOrderedBlock, tiledEnd } from "../parts/ordered-chunks";
import { Block, broken, Finding, Heap, refused } from "./heap";

const SIZE_BYTES: u32 = 2;
const LINK_BYTES: u32 = 2;
const LEAST_FREE_BYTES: u32 = SIZE_BYTES + LINK_BYTES;
const SIXTEEN_BITS: u32 = 0xffff;
/** __malloc_margin's initial value: distance kept from the stack when no end is set. */
const MARGIN_BYTES: u32 = 32;

@final
@unmanaged
class Chunk {
  size: u16;
  next: u16;

  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Chunk {
    return changetype<Chunk>(Guest.bytes(address, 4, low, span, access));
  }
}

@final
@unmanaged
class State {
  brkval: u16;
  freeList: u16;
  heapStart: u16;
  heapEnd: u16;
  margin: u16;
}

@final
@unmanaged
class Format extends ChunkFormat {
  checked(heap: Heap, chunk: u32): u32 {
    return changetype<u32>(Chunk.at(chunk, heap.checkLow, heap.checkSpan));
  }
  bytes(chunk: u32): u32 {
    return <u32>changetype<Chunk>(chunk).size + SIZE_BYTES;
  }
  next(chunk: u32): u32 {
    return changetype<Chunk>(chunk).next;
  }
  leastLiveBytes(): u32 {
    return SIZE_BYTES;
  }
  leastFreeBytes(): u32 {
    return LEAST_FREE_BYTES;
  }
  sizeAlignment(): u32 {
    return 1;
  }
}

@final
@unmanaged
export class AvrLibc extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 0;
  }

  /** False where 16-bit pointers do not reach. */
  initialize(): bool {
    const end = this.arena + this.arenaBytes;
    const state = changetype<State>(this.state);
    state.brkval = 0;
    state.freeList = 0;
    state.heapStart = <u16>this.arena;
    state.heapEnd = <u16>end;
    state.margin = <u16>MARGIN_BYTES;
    return this.arena != 0 && end >= this.arena && end <= SIXTEEN_BITS;
  }

  /** The break follows from the chunks' sizes; the list's head is known only to the board. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    const told = state.brkval != 0 || state.freeList != 0;
    if (state.brkval == 0) state.brkval = <u16>tiledEnd<Format>(this, this.arena);
    if (state.heapStart == 0) state.heapStart = <u16>this.arena;
    if (state.heapEnd == 0) state.heapEnd = <u16>(this.arena + this.arenaBytes);
    if (state.margin == 0) state.margin = <u16>MARGIN_BYTES;
    return told || state.brkval == this.arena;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    return take(this, requestBytes & SIXTEEN_BITS);
  }

  /** The original has none, and aligns to 1. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= 1 ? this.allocate(requestBytes) : refused(this);
  }

  /** 0 bytes do not free: the payload stays. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 0;
    const bytes = requestBytes & SIXTEEN_BITS;
    const low = this.checkLow,
      span = this.checkSpan;
    if (((payload + bytes) & SIXTEEN_BITS) < payload - SIZE_BYTES) return 0; // wrapped around the top of memory
    const chunk = Chunk.at(payload - SIZE_BYTES, low, span);
    const oldBytes: u32 = chunk.size;
    if (bytes <= oldBytes) {
      if (oldBytes > LEAST_FREE_BYTES && bytes <= oldBytes - LEAST_FREE_BYTES) cutTail(this, chunk, payload, bytes);
      return payload;
    }
    const listedMost = growIntoHole(this, chunk, payload, bytes);
    if (listedMost == GROWN) return payload;
    const state = changetype<State>(this.state);
    const end = (payload + oldBytes) & SIXTEEN_BITS;
    if (state.brkval == end && bytes > listedMost) return growIntoRest(this, chunk, payload, bytes);
    const moved = take(this, bytes);
    if (moved == 0) return 0;
    Guest.copy(moved, payload, oldBytes, low, span);
    give(this, payload);
    return moved;
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    give(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return load<u16>(Guest.bytes(payload - SIZE_BYTES, SIZE_BYTES, this.checkLow, this.checkSpan));
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return this.usableBytes(payload, requestBytes) + SIZE_BYTES;
  }

  /** Above it only a size that is a multiple of 65536 too large would be granted: the core does not see the rest. */
  largestRequest(): u32 {
    const state = changetype<State>(this.state);
    const top: u32 = state.brkval ? state.brkval : state.heapStart;
    const rest: u32 = state.heapEnd > top ? state.heapEnd - top : 0;
    const blockBytes = max(freeFigures<Format>(this, state.freeList).largestBytes, rest);
    return blockBytes < LEAST_FREE_BYTES ? 0 : blockBytes - SIZE_BYTES;
  }

  nextBlock(block: Block): bool {
    const state = changetype<State>(this.state);
    const top: u32 = state.brkval ? state.brkval : this.arena;
    if (!nextOrderedBlock<Format>(this, block, this.arena, top, state.freeList)) return false;
    if (block.state == BlockState.Live) block.payload = block.address + SIZE_BYTES;
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    const end = this.arena + this.arenaBytes;
    if (state.heapStart != this.arena) {
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state + offsetof<State>("heapStart"),
        this.arena,
        state.heapStart,
      );
    }
    if (state.heapEnd != end) {
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state + offsetof<State>("heapEnd"),
        end,
        state.heapEnd,
      );
    }
    const top: u32 = state.brkval ? state.brkval : this.arena;
    if (top - this.arena > this.arenaBytes)
      return broken(finding, Inconsistency.StateOverwritten, this.state, end, top);
    const listAt = this.state + offsetof<State>("freeList");
    return (
      checkOrderedChunks<Format>(finding, this.arena, top, listAt, state.freeList) && checkTop(finding, state, top)
    );
  }

  /** free, used, arena: of the bytes between the arena's base and the break */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    const freeBytes = freeFigures<Format>(this, state.freeList).bytes;
    const givenBytes: u32 = state.brkval ? state.brkval - this.arena : 0;
    store<u32>(out, freeBytes, 0);
    store<u32>(out, givenBytes - freeBytes, 4);
    store<u32>(out, givenBytes, 8);
    return 3;
  }
}

/** The smallest chunk that fits, an exact one at once, else one from the untouched rest: the payload, or 0. */
function take(heap: AvrLibc, requestBytes: u32): u32 {
  const bytes = max(requestBytes, LINK_BYTES);
  const low = heap.checkLow,
    span = heap.checkSpan;
  const most = heap.checkSpan;
  let left = most; // a list of more nodes than the heap has bytes never ends
  let linkAt = heap.state + offsetof<State>("freeList");
  let best: u32 = 0,
    bestLinkAt: u32 = 0,
    bestBytes: u32 = u32.MAX_VALUE;
  for (let at: u32 = load<u16>(linkAt); at != 0; at = load<u16>(linkAt)) {
    const chunk = Chunk.at(at, low, span);
    if (--left == 0) EndlessList.at(at);
    const chunkBytes: u32 = chunk.size;
    if (chunkBytes >= bytes && chunkBytes < bestBytes) {
      best = at;
      bestLinkAt = linkAt;
      bestBytes = chunkBytes;
      if (chunkBytes == bytes) break;
    }
    linkAt = changetype<u32>(chunk) + offsetof<Chunk>("next");
  }
  heap.visits += most - left;
  return best ? takeUpper(heap, best, bestLinkAt, bytes, low, span) : takeFresh(heap, bytes);
}

/** [       free       ] => [ free ][ chunk ]; without a rest worth a chunk the whole leaves the list. */
function takeUpper(heap: Heap, at: u32, linkAt: u32, bytes: u32, low: u32, span: u32): u32 {
  const chunk = Chunk.at(at, low, span);
  const surplusBytes = chunk.size - bytes;
  if (surplusBytes < LEAST_FREE_BYTES) {
    store<u16>(linkAt, chunk.next);
    return at + SIZE_BYTES;
  }
  const upper = (at + surplusBytes) & SIXTEEN_BITS;
  Chunk.at(upper, low, span, Access.Store).size = <u16>bytes;
  chunk.size = <u16>(surplusBytes - SIZE_BYTES);
  Visits.noteSplit(heap);
  return upper + SIZE_BYTES;
}

/** A chunk at the break, or 0. */
function takeFresh(heap: Heap, bytes: u32): u32 {
  const state = changetype<State>(heap.state);
  if (state.brkval == 0) state.brkval = state.heapStart;
  const at: u32 = state.brkval,
    end: u32 = state.heapEnd;
  const chunkBytes = bytes + SIZE_BYTES;
  if (end <= at || end - at < chunkBytes) return 0;
  Chunk.at(at, heap.checkLow, heap.checkSpan, Access.Store).size = <u16>bytes;
  state.brkval = <u16>(at + chunkBytes);
  if (at + chunkBytes != end) Visits.noteSplit(heap);
  return at + SIZE_BYTES;
}

/** [      chunk      ] => [chunk][ free ] */
function cutTail(heap: AvrLibc, chunk: Chunk, payload: u32, bytes: u32): void {
  const rest = (payload + bytes) & SIXTEEN_BITS;
  Chunk.at(rest, heap.checkLow, heap.checkSpan, Access.Store).size = <u16>(chunk.size - bytes - SIZE_BYTES);
  chunk.size = <u16>bytes;
  give(heap, (rest + SIZE_BYTES) & SIXTEEN_BITS);
}

/** What `growIntoHole` returns when it has done it; no chunk is as large. */
const GROWN: u32 = 0xffffffff;

/** [chunk][   free   ] => [  chunk  ][free], or GROWN's opposite: the largest size on the list. */
function growIntoHole(heap: Heap, chunk: Chunk, payload: u32, bytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan;
  const most = heap.checkSpan;
  const end = (payload + chunk.size) & SIXTEEN_BITS;
  const wantedBytes = bytes - chunk.size;
  let left = most;
  let listedMost: u32 = 0;
  let linkAt = heap.state + offsetof<State>("freeList");
  for (let at: u32 = load<u16>(linkAt); at != 0; at = load<u16>(linkAt)) {
    const free = Chunk.at(at, low, span);
    if (--left == 0) EndlessList.at(at);
    const freeBytes: u32 = free.size;
    if (at == end && freeBytes + SIZE_BYTES >= wantedBytes) {
      absorb(heap, chunk, free, linkAt, payload, bytes);
      listedMost = GROWN;
      break;
    }
    listedMost = max(listedMost, freeBytes);
    linkAt = changetype<u32>(free) + offsetof<Chunk>("next");
  }
  heap.visits += most - left;
  return listedMost;
}

/** Lengthens `chunk` by as much of the hole behind it as `bytes` ask for, or by all of it where 4 bytes or fewer would stay. */
function absorb(heap: Heap, chunk: Chunk, free: Chunk, linkAt: u32, payload: u32, bytes: u32): void {
  const wantedBytes = bytes - chunk.size;
  const freeBytes: u32 = free.size,
    next = free.next;
  if (freeBytes + SIZE_BYTES - wantedBytes <= LEAST_FREE_BYTES) {
    chunk.size = <u16>(chunk.size + freeBytes + SIZE_BYTES);
    store<u16>(linkAt, next);
    return;
  }
  const rest = (payload + bytes) & SIXTEEN_BITS;
  const hole = Chunk.at(rest, heap.checkLow, heap.checkSpan, Access.Store);
  hole.next = next;
  hole.size = <u16>(freeBytes - wantedBytes);
  chunk.size = <u16>bytes;
  store<u16>(linkAt, <u16>rest);
  Visits.noteSplit(heap);
}

/** Moves the break for the topmost chunk, which must stay below the end by a byte; there is no second attempt. */
function growIntoRest(heap: Heap, chunk: Chunk, payload: u32, bytes: u32): u32 {
  const state = changetype<State>(heap.state);
  const end = (payload + bytes) & SIXTEEN_BITS;
  if (end >= state.heapEnd) return 0;
  state.brkval = <u16>end;
  chunk.size = <u16>bytes;
  Visits.noteSplit(heap);
  return payload;
}

/** Puts the payload's chunk into the list by address and merges; a chunk that then ends at the break lowers it. */
function give(heap: AvrLibc, payload: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan;
  const most = heap.checkSpan;
  const state = changetype<State>(heap.state);
  const at = payload - SIZE_BYTES;
  const freed = Chunk.at(at, low, span, Access.Store);
  freed.next = 0;
  if (state.freeList == 0) {
    if (((payload + freed.size) & SIXTEEN_BITS) == state.brkval) state.brkval = <u16>at;
    else state.freeList = <u16>at;
    return;
  }
  let left = most;
  let previous: u32 = 0;
  let next: u32 = state.freeList;
  while (next != 0 && next < at) {
    previous = next;
    next = Chunk.at(next, low, span).next;
    if (--left == 0) EndlessList.at(previous);
  }
  heap.visits += most - left;
  if (next != 0) linkUp(freed, payload, next, low, span);
  if (previous == 0) {
    state.freeList = <u16>at;
    return;
  }
  const below = Chunk.at(previous, low, span);
  below.next = <u16>at;
  if (((previous + SIZE_BYTES + below.size) & SIXTEEN_BITS) == at) {
    below.size = <u16>(below.size + freed.size + SIZE_BYTES);
    below.next = freed.next;
  }
  lowerBreak(heap, state);
}

/** [chunk][ free ] => [   free   ], or [chunk] -> [free] where they do not touch */
function linkUp(freed: Chunk, payload: u32, next: u32, low: u32, span: u32): void {
  freed.next = <u16>next;
  if (((payload + freed.size) & SIXTEEN_BITS) != next) return;
  const above = Chunk.at(next, low, span);
  freed.size = <u16>(freed.size + above.size + SIZE_BYTES);
  freed.next = above.next;
}

/** [ … live ][ free ]break => [ … live ]break */
function lowerBreak(heap: Heap, state: State): void {
  const low = heap.checkLow,
    span = heap.checkSpan;
  const most = heap.checkSpan;
  let left = most;
  let linkAt = heap.state + offsetof<State>("freeList");
  let last: u32 = state.freeList;
  let chunk = Chunk.at(last, low, span);
  while (chunk.next != 0) {
    linkAt = changetype<u32>(chunk) + offsetof<Chunk>("next");
    last = chunk.next;
    chunk = Chunk.at(last, low, span);
    if (--left == 0) EndlessList.at(last);
  }
  heap.visits += most - left + 1;
  if (((last + SIZE_BYTES + chunk.size) & SIXTEEN_BITS) != state.brkval) return;
  store<u16>(linkAt, 0);
  state.brkval = <u16>last;
}

/** The last free chunk must not end at the break. The list is known to be sound. */
function checkTop(finding: Finding, state: State, top: u32): bool {
  for (let at: u32 = state.freeList; at != 0; at = changetype<Chunk>(at).next) {
    const end = at + SIZE_BYTES + changetype<Chunk>(at).size;
    if (end == top) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, end);
  }
  return true;
}
