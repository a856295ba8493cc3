/**
 * picolibc: first fit over an address-ordered free list; a hole gives its lower part away, and the last hole grows
 * when it ends where sbrk stands. Unlike newlib-nano it has no padding words and reallocates in place.
 *
 * Source: picolibc 1.8 newlib/libc/stdlib/nano-mallocr.c (BSD), as Debian's 1.8-1 builds it for 32-bit ARM.
 * Left out: calloc, mallopt and the page-aligned calls, which place as `allocate` and `allocateAligned` do.
 *
 *         31                               0
 *         ├─────────────────────────────────┤
 *    +0   │ chunk bytes, a multiple of 8    │  chunks lie at 4 modulo 8
 *         ╞═════════════════════════════════╡
 *    +4   │ payload, 8-aligned; zeroed      │  free: next free chunk, 0 at the end
 *         └─────────────────────────────────┘
 *
 * Invariants: the free list ascends by address; no two free chunks touch; chunks tile from the first address
 * that sbrk really gave to the one it gave last.
 * Cost: allocate, release and a growing reallocate O(free chunks), and allocate writes the whole payload.
 */

import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, BlockState, Inconsistency } from "../memory-map";
import { EndlessList } from "../parts/endless-list";
import { checkOrderedChunks, freeFigures, nextOrderedBlock, tiledEnd } from "../parts/ordered-chunks";
import { untouchedBytes } from "../parts/sbrk";
import { Block, broken, Finding, Heap } from "./heap";
import {
  ALIGNMENT,
  Chunk,
  chunkAtOrAfter,
  chunkBytesFor,
  extend,
  Format,
  give,
  giveChunk,
  HEADER_BYTES,
  LEAST_CHUNK_BYTES,
  MOST_REQUEST_BYTES,
  roundUp,
  State,
  take,
} from "./picolibc-chunks";

@final
@unmanaged
export class Picolibc extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 3;
  }

  initialize(): bool {
    memory.fill(this.state, 0, offsetof<State>());
    changetype<State>(this.state).breakAddress = this.arena;
    return true;
  }

  /** The break follows from the chunks' sizes; the list's head is known only to the board. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    const told = state.breakAddress != 0 || state.freeList != 0 || state.sbrkTop != 0;
    if (state.sbrkStart == 0) state.sbrkStart = chunkAtOrAfter(this.arena);
    if (state.sbrkTop == 0)
      state.sbrkTop = state.breakAddress ? state.breakAddress : tiledEnd<Format>(this, state.sbrkStart);
    if (state.breakAddress == 0) state.breakAddress = state.sbrkTop;
    if (state.sbrkTop > state.sbrkStart) return told;
    state.breakAddress = this.arena;
    state.sbrkStart = 0;
    state.sbrkTop = 0;
    return true;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    return take(this, requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    this.visits = 0;
    const aligned = max(alignment, LEAST_CHUNK_BYTES);
    if (requestBytes > MOST_REQUEST_BYTES - aligned) return 0;
    const payloadBytes = roundUp(max<u32>(requestBytes, 1));
    const payload = take(this, payloadBytes + aligned + LEAST_CHUNK_BYTES);
    return payload ? trimAround(this, payload, aligned, chunkBytesFor(payloadBytes)) : 0;
  }

  /** In place where sbrk or the hole behind it allow; what it took from the hole it keeps even when it must move. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes == 0) {
      give(this, payload);
      return 0;
    }
    if (requestBytes > MOST_REQUEST_BYTES) return 0;
    const low = this.checkLow,
      span = this.checkSpan;
    const chunkBytes = chunkBytesFor(requestBytes);
    const at = payload - HEADER_BYTES;
    const chunk = Chunk.at(at, low, span - 4, Access.Store);
    const grows = chunkBytes > chunk.size;
    if (grows) growInPlace(this, chunk, at, chunkBytes);
    const bytes = chunk.size;
    if (chunkBytes <= bytes) {
      if (cutTail(this, chunk, at, chunkBytes) && grows) Visits.noteSplit(this);
      return payload;
    }
    const moved = take(this, requestBytes);
    if (moved == 0) return 0;
    Guest.copy(moved, payload, bytes - HEADER_BYTES, low, span);
    give(this, payload);
    return moved;
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    give(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Chunk.at(payload - HEADER_BYTES, this.checkLow, this.checkSpan - 4).size;
  }

  largestRequest(): u32 {
    const state = changetype<State>(this.state);
    const rest = untouchedBytes(this, this.state);
    const gap = chunkAtOrAfter(state.breakAddress) - state.breakAddress;
    const fresh: u32 = rest > gap ? (rest - gap) & ~(ALIGNMENT - 1) : 0;
    const listed = freeFigures<Format>(this, state.freeList);
    const last = lastFree(this, state.freeList);
    const grown: u32 = last ? Chunk.at(last, this.checkLow, this.checkSpan - 4).size : 0;
    const growing = last + grown == state.sbrkTop && gap == 0 ? grown + fresh : fresh;
    const chunkBytes = max(listed.largestBytes, growing);
    return chunkBytes < LEAST_CHUNK_BYTES ? 0 : chunkBytes - LEAST_CHUNK_BYTES;
  }

  nextBlock(block: Block): bool {
    const state = changetype<State>(this.state);
    const lost = state.sbrkStart ? state.sbrkStart : state.breakAddress; // a refused start may have cost some bytes
    if (!nextOrderedBlock<Format>(this, block, lost, state.breakAddress, state.freeList)) return false;
    if (block.state == BlockState.Live) block.payload = block.address + HEADER_BYTES;
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    if (state.breakAddress - this.arena > this.arenaBytes) {
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state,
        this.arena + this.arenaBytes,
        state.breakAddress,
      );
    }
    const top: u32 = state.breakAddress == this.arena ? 0 : state.breakAddress;
    if (state.sbrkTop != top) {
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state + offsetof<State>("sbrkTop"),
        top,
        state.sbrkTop,
      );
    }
    const start = state.sbrkStart;
    if (start != 0 && (start < this.arena || start >= top || chunkAtOrAfter(start) != start)) {
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state + offsetof<State>("sbrkStart"),
        chunkAtOrAfter(this.arena),
        start,
      );
    }
    return checkOrderedChunks<Format>(
      finding,
      start ? start : top,
      top,
      this.state + offsetof<State>("freeList"),
      state.freeList,
    );
  }

  /** free, used, arena, free_blocks */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    const listed = freeFigures<Format>(this, state.freeList);
    const givenBytes: u32 = state.sbrkStart ? state.sbrkTop - state.sbrkStart : 0;
    store<u32>(out, listed.bytes, 0);
    store<u32>(out, givenBytes - listed.bytes, 4);
    store<u32>(out, givenBytes, 8);
    store<u32>(out, listed.chunks, 12);
    return 4;
  }
}

/** The last chunk of the list, or 0. */
function lastFree(heap: Heap, firstFree: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  let last: u32 = 0;
  for (let at = firstFree, left = heap.checkSpan; at != 0; at = Chunk.at(at, low, span).next) {
    if (--left == 0) EndlessList.at(at);
    last = at;
  }
  return last;
}

/** Lengthens a live chunk by sbrk or by the hole right behind it; what is gained is zeroed. */
function growInPlace(heap: Picolibc, chunk: Chunk, at: u32, chunkBytes: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan;
  const end = at + chunk.size;
  if (extend(heap, chunk, at, chunkBytes)) {
    Guest.fill(end, 0, at + chunkBytes - end, low, span);
    return;
  }
  const most = heap.checkSpan;
  let left = most;
  let linkAt = heap.state + offsetof<State>("freeList");
  for (let next = load<u32>(linkAt); next != 0; next = load<u32>(linkAt)) {
    const free = Chunk.at(next, low, span - 4);
    if (--left == 0) EndlessList.at(next);
    if (next == end) {
      const freeBytes = free.size; // [chunk][ free ] => [   chunk   ]
      store<u32>(linkAt, free.next);
      Guest.fill(next, 0, freeBytes, low, span);
      chunk.size += freeBytes;
      break;
    }
    if (at < next) break;
    linkAt = changetype<u32>(free) + offsetof<Chunk>("next");
  }
  heap.visits += most - left;
}

/** [     chunk     ] => [chunk][ free ]; false where the rest is too small. */
function cutTail(heap: Picolibc, chunk: Chunk, at: u32, chunkBytes: u32): bool {
  const restBytes = chunk.size - chunkBytes;
  if (restBytes < LEAST_CHUNK_BYTES) return false;
  chunk.size = chunkBytes;
  giveChunk(heap, at + chunkBytes, restBytes);
  return true;
}

/** [     chunk with slack     ] => [ free ][ aligned payload ][ free ] */
function trimAround(heap: Picolibc, payload: u32, alignment: u32, chunkBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const aligned = (payload + alignment - 1) & ~(alignment - 1);
  const leadBytes = aligned - payload;
  let at = payload - HEADER_BYTES;
  if (leadBytes) {
    // a multiple of 8, so always worth a chunk
    Chunk.at(at + leadBytes, low, span, Access.Store).size = Chunk.at(at, low, span).size - leadBytes;
    giveChunk(heap, at, leadBytes);
    at += leadBytes;
  }
  if (cutTail(heap, Chunk.at(at, low, span), at, chunkBytes) || leadBytes != 0) Visits.noteSplit(heap);
  return aligned;
}
