/**
 * newlib: best fit by size class, neighbours merged at once, in the line of Doug Lea's malloc 2.6. Unlike newlib-nano
 * it searches bins instead of one list and takes memory from sbrk in whole pages.
 *
 * Source: newlib 3.3.0 libc/stdlib/mallocr.c (BSD), on a 32-bit ARM core: alignment 8, no mmap, pages of 4096
 * bytes (option). Left out: calloc and the page-aligned calls, which place as `allocate` and `allocateAligned` do.
 *
 *         31                         2 1 0
 *         ├───────────────────────────────┤  live: payload of the chunk in front
 *    +0   │ bytes of the chunk in front   │  while that is free
 *         ├─────────────────────────┬─┬─┬─┤
 *    +4   │ chunk bytes             │0│0│P│  P: the chunk in front is live
 *         ╞═════════════════════════╧═╧═╧═╡
 *    +8   │ payload, 8-aligned            │  free: next and previous in the bin
 *         └───────────────────────────────┘
 *
 * Invariants: chunks tile from sbrk's first address, rounded up to 8, to the top chunk, and that to the break; no
 * two free ones touch, none touches the top; every free one is in the bin of its size, or is the last remainder.
 * Cost: allocate O(bins + chunks of one bin), release O(1), or O(chunks of one bin) from 512 bytes on.
 */

import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, HeapField, NEWLIB_BINS_OFFSET, NewlibOption } from "../memory-map";
import { Block, Finding, Heap } from "./heap";
import {
  ALIGNMENT,
  Bins,
  Chunk,
  emptyBins,
  FLAGS,
  LEAST_CHUNK_BYTES,
  PAYLOAD_OFFSET,
  PREVIOUS_LIVE,
  SIZE_BYTES,
  STATE_BYTES,
  State,
} from "./newlib-bins";
import { adoptNewlib, checkNewlib, freeOfNewlib, nextNewlibBlock } from "./newlib-inspection";
import { chunkBytesFor, give, MOST_CHUNK_BYTES, take } from "./newlib-place";
import { largestFromSbrk, NO_BASE } from "./newlib-top";

const TRIM_THRESHOLD_BYTES: u32 = 128 * 1024;

@final
@unmanaged
export class Newlib extends Heap {
  plan(): void {
    if (offsetof<State>() != NEWLIB_BINS_OFFSET) ERROR("newlib's bins are not where NEWLIB_BINS_OFFSET says");
    this.stateBytes = STATE_BYTES;
    this.granuleShift = 3;
  }

  initialize(): bool {
    const state = changetype<State>(this.state);
    memory.fill(this.state, 0, offsetof<State>());
    state.breakAddress = this.arena;
    state.sbrkBase = NO_BASE;
    state.trimThreshold = TRIM_THRESHOLD_BYTES;
    emptyBins(this);
    store<u32>(changetype<u32>(this) + (NewlibOption.BoardBins << 2), 0, HeapField.Options << 2);
    return true;
  }

  adopt(): bool {
    const breakAddress = changetype<State>(this.state).breakAddress;
    this.initialize();
    return adoptNewlib(this, breakAddress);
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    return take(this, requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    this.visits = 0;
    if (alignment <= ALIGNMENT) return take(this, requestBytes);
    const aligned = max(alignment, LEAST_CHUNK_BYTES);
    const chunkBytes = chunkBytesFor(requestBytes);
    if (chunkBytes > MOST_CHUNK_BYTES || chunkBytes < requestBytes) return 0;
    const payload = take(this, chunkBytes + aligned + LEAST_CHUNK_BYTES);
    return payload ? trimAround(this, payload, aligned, chunkBytes) : 0;
  }

  /**
   * 0 bytes do not free: the smallest chunk stays. Defect, reproduced: in front of the top, a size whose chunk with the
   * rest behind it passes 2^31 counts as negative, so it is granted and the top moves out of the arena.
   */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 0;
    const chunkBytes = chunkBytesFor(requestBytes);
    if (chunkBytes > MOST_CHUNK_BYTES || chunkBytes < requestBytes) return 0;
    const low = this.checkLow,
      span = this.checkSpan - 4;
    const at = payload - PAYLOAD_OFFSET;
    const bytes = Chunk.head(at, low, span).size & ~FLAGS;
    if (<i32>bytes >= <i32>chunkBytes) return cutTail(this, at, bytes, chunkBytes);
    const grown = growInPlace(this, at, bytes, chunkBytes);
    return grown ? grown : move(this, at, bytes, chunkBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    give(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    const bytes = this.blockBytes(payload, requestBytes);
    const live = Chunk.isLive(payload - PAYLOAD_OFFSET, bytes & ~PREVIOUS_LIVE, this.checkLow, this.checkSpan - 4);
    return live ? bytes - SIZE_BYTES : 0;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Chunk.head(payload - PAYLOAD_OFFSET, this.checkLow, this.checkSpan - 4).size & ~FLAGS;
  }

  largestRequest(): u32 {
    const free = freeOfNewlib(this);
    const fromTop = free.topBytes < 2 * LEAST_CHUNK_BYTES ? 0 : (free.topBytes - LEAST_CHUNK_BYTES) & ~(ALIGNMENT - 1);
    const chunkBytes = max(max(free.largestBytes, fromTop), largestFromSbrk(this));
    return chunkBytes < LEAST_CHUNK_BYTES ? 0 : chunkBytes - SIZE_BYTES;
  }

  nextBlock(block: Block): bool {
    return nextNewlibBlock(this, block);
  }

  check(finding: Finding): bool {
    return checkNewlib(this, finding, TRIM_THRESHOLD_BYTES);
  }

  /** free, used, arena, free_blocks, top */
  statistics(out: u32): u32 {
    const free = freeOfNewlib(this);
    const sbrkedBytes = changetype<State>(this.state).sbrkedBytes;
    const topCounts: u32 = free.topBytes >= LEAST_CHUNK_BYTES ? 1 : 0;
    store<u32>(out, free.bytes + free.topBytes, 0);
    store<u32>(out, sbrkedBytes - free.bytes - free.topBytes, 4);
    store<u32>(out, sbrkedBytes, 8);
    store<u32>(out, free.chunks + topCounts, 12);
    store<u32>(out, free.topBytes, 16);
    return 5;
  }
}

/** As cutTail, for a chunk that has grown over free memory: what it gives back is the rest of a hole. */
function cutGrown(heap: Newlib, at: u32, bytes: u32, chunkBytes: u32): u32 {
  const payload = cutTail(heap, at, bytes, chunkBytes);
  if (<i32>(bytes - chunkBytes) >= <i32>LEAST_CHUNK_BYTES) Visits.noteSplit(heap);
  return payload;
}

/** The chunk's payload after giving back what it has over `chunkBytes`: [     chunk     ] => [chunk][ free ] */
function cutTail(heap: Newlib, at: u32, bytes: u32, chunkBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const chunk = Chunk.head(at, low, span, Access.Store);
  const restBytes = bytes - chunkBytes;
  if (<i32>restBytes < <i32>LEAST_CHUNK_BYTES) {
    chunk.size = (chunk.size & PREVIOUS_LIVE) | bytes;
    Chunk.setLive(at, bytes, low, span);
    return at + PAYLOAD_OFFSET;
  }
  const rest = at + chunkBytes;
  chunk.size = (chunk.size & PREVIOUS_LIVE) | chunkBytes;
  Chunk.head(rest, low, span, Access.Store).size = restBytes | PREVIOUS_LIVE;
  Chunk.setLive(rest, restBytes, low, span);
  give(heap, rest + PAYLOAD_OFFSET);
  return at + PAYLOAD_OFFSET;
}

/**
 * Lengthens a live chunk by the free memory around it, without a new one: behind it, else in front and behind, else in
 * front alone (the data then moves down). The payload, or 0.
 */
function growInPlace(heap: Newlib, at: u32, bytes: u32, chunkBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const top = Bins.top(heap);
  const next = at + bytes;
  const nextBytes = Chunk.head(next, low, span).size & ~FLAGS;
  const nextFree = next != top && !Chunk.isLive(next, nextBytes, low, span);
  const aheadBytes = next == top || nextFree ? nextBytes : 0;
  const neededBytes = next == top ? chunkBytes + LEAST_CHUNK_BYTES : chunkBytes;
  if (aheadBytes && <i32>(aheadBytes + bytes) >= <i32>neededBytes) {
    if (nextFree) Chunk.whole(next, low, span).unfile(low, span);
    return settle(heap, at, bytes + aheadBytes, chunkBytes, next == top);
  }
  const chunk = Chunk.head(at, low, span);
  if (chunk.size & PREVIOUS_LIVE) return 0;
  const before = at - chunk.previousBytes;
  const bothBytes = bytes + (Chunk.head(before, low, span).size & ~FLAGS);
  const all = aheadBytes != 0 && <i32>(aheadBytes + bothBytes) >= <i32>neededBytes;
  if (!all && <i32>bothBytes < <i32>chunkBytes) return 0;
  if (all && nextFree) Chunk.whole(next, low, span).unfile(low, span);
  Chunk.whole(before, low, span).unfile(low, span);
  Guest.copy(before + PAYLOAD_OFFSET, at + PAYLOAD_OFFSET, bytes - SIZE_BYTES, low, heap.checkSpan);
  return settle(heap, before, all ? bothBytes + aheadBytes : bothBytes, chunkBytes, all && next == top);
}

/** Gives a grown chunk its size; what is over goes back, to the top where it came from there. */
function settle(heap: Newlib, at: u32, bytes: u32, chunkBytes: u32, fromTop: bool): u32 {
  if (!fromTop) return cutGrown(heap, at, bytes, chunkBytes);
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const chunk = Chunk.head(at, low, span, Access.Store);
  Bins.setTop(heap, at + chunkBytes);
  Chunk.head(at + chunkBytes, low, span, Access.Store).size = (bytes - chunkBytes) | PREVIOUS_LIVE;
  Visits.noteSplit(heap);
  chunk.size = (chunk.size & PREVIOUS_LIVE) | chunkBytes;
  return at + PAYLOAD_OFFSET;
}

/** A new chunk, the data copied, the old one released; a new one right behind the old is joined to it instead. */
function move(heap: Newlib, at: u32, bytes: u32, chunkBytes: u32, requestBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan;
  const payload = at + PAYLOAD_OFFSET;
  const moved = take(heap, requestBytes);
  if (moved == 0) return 0;
  const chunk = moved - PAYLOAD_OFFSET;
  if (chunk == at + (Chunk.head(at, low, span - 4).size & ~PREVIOUS_LIVE)) {
    return cutGrown(heap, at, bytes + (Chunk.head(chunk, low, span - 4).size & ~FLAGS), chunkBytes);
  }
  Guest.copy(moved, payload, bytes - SIZE_BYTES, low, span);
  give(heap, payload);
  return moved;
}

/** [     chunk with slack     ] => [ free ][ aligned payload ][ free ], the free parts of at least 16 bytes */
function trimAround(heap: Newlib, payload: u32, alignment: u32, chunkBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  let at = payload - PAYLOAD_OFFSET;
  let bytes = Chunk.head(at, low, span).size & ~FLAGS;
  if (payload & (alignment - 1)) {
    let aligned = ((payload + alignment - 1) & ~(alignment - 1)) - PAYLOAD_OFFSET;
    if (<i32>(aligned - at) < <i32>LEAST_CHUNK_BYTES) aligned += alignment;
    const lead = Chunk.head(at, low, span, Access.Store);
    const leadBytes = aligned - at;
    bytes -= leadBytes;
    Chunk.head(aligned, low, span, Access.Store).size = bytes | PREVIOUS_LIVE;
    Chunk.setLive(aligned, bytes, low, span);
    lead.size = (lead.size & PREVIOUS_LIVE) | leadBytes;
    give(heap, at + PAYLOAD_OFFSET);
    Visits.noteSplit(heap);
    at = aligned;
  }
  const restBytes = bytes - chunkBytes;
  if (<i32>restBytes >= <i32>LEAST_CHUNK_BYTES) {
    const chunk = Chunk.head(at, low, span, Access.Store);
    const rest = at + chunkBytes;
    Chunk.head(rest, low, span, Access.Store).size = restBytes | PREVIOUS_LIVE;
    chunk.size = (chunk.size & PREVIOUS_LIVE) | chunkBytes;
    give(heap, rest + PAYLOAD_OFFSET);
    Visits.noteSplit(heap);
  }
  return at + PAYLOAD_OFFSET;
}
