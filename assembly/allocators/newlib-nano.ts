/**
 * newlib-nano: first fit over an address-ordered free list; a hole gives its upper part away. Unlike newlib it
 * keeps no bins and asks sbrk for exactly what a request needs; unlike picolibc it never grows a chunk.
 *
 * Source: newlib 3.3.0 libc/stdlib/nano-mallocr.c (BSD), as nano.specs links it on a 32-bit ARM core.
 * Left out: calloc, mallopt and the page-aligned calls, which place as `allocate` and `allocateAligned` do.
 *
 *         31                               0
 *         ├─────────────────────────────────┤
 *    +0   │ chunk bytes, signed             │  chunks are 4-aligned
 *         ├─────────────────────────────────┤
 *    +4   │ free: next free chunk, 0 at end │  live: the payload if +4 is a multiple of 8,
 *         ╞═════════════════════════════════╡        else a padding word, here -4
 *    +8   │ payload                         │
 *         └─────────────────────────────────┘
 *
 *   The word below a payload is either the chunk's size or, negative, the way back to it.
 *
 * Invariants: the free list ascends by address; no two free chunks touch; chunks tile the arena from its base,
 * rounded up to 4, to sbrk's break.
 * Cost: allocate and release O(free chunks). Nothing is ever given back to sbrk, and a hole that ends at the
 * break is not extended.
 */

import { Guest, resolve } from "../guest";
import { isLive } from "../inspect/shadow";
import { Visits } from "../inspect/visits";
import { Access, BlockState, Inconsistency } from "../memory-map";
import { EndlessList } from "../parts/endless-list";
import { ChunkFormat, checkOrderedChunks, freeFigures, nextOrderedBlock, tiledEnd } from "../parts/ordered-chunks";
import { SBRK_FAILED, sbrk, untouchedBytes } from "../parts/sbrk";
import { Block, broken, Finding, Heap } from "./heap";

const ALIGNMENT: u32 = 8;
const CHUNK_ALIGNMENT: u32 = 4;
const HEADER_BYTES: u32 = 4;
const PADDING_BYTES: u32 = ALIGNMENT - CHUNK_ALIGNMENT;
const LEAST_PAYLOAD_BYTES: u32 = 4;
const LEAST_CHUNK_BYTES: u32 = HEADER_BYTES + PADDING_BYTES + LEAST_PAYLOAD_BYTES;
/** What an aligned allocation may leave of a chunk, without slack; it can be free, but is too small to be taken again. */
const LEAST_TRIMMED_BYTES: u32 = HEADER_BYTES + LEAST_PAYLOAD_BYTES;
const TOO_MANY_BYTES: u32 = 0x80000000;

@final
@unmanaged
class Chunk {
  size: i32;
  next: u32;

  /** `span` is the heap's less the second word. */
  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Chunk {
    return changetype<Chunk>(Guest.word(address, low, span, access));
  }

  /** Address of the chunk that `payload` lies in. */
  @inline static of(payload: u32, low: u32, span: u32): u32 {
    const below = payload - HEADER_BYTES;
    const word = load<i32>(Guest.word(below, low, span));
    return word < 0 ? below + word : below;
  }
}

@final
@unmanaged
class State {
  /** sbrk's own. */
  breakAddress: u32;
  freeList: u32;
  sbrkStart: u32;
}

@final
@unmanaged
class Format extends ChunkFormat {
  checked(heap: Heap, chunk: u32): u32 {
    return changetype<u32>(Chunk.at(chunk, heap.checkLow, heap.checkSpan - 4));
  }
  bytes(chunk: u32): u32 {
    return changetype<Chunk>(chunk).size;
  }
  next(chunk: u32): u32 {
    return changetype<Chunk>(chunk).next;
  }
  leastLiveBytes(): u32 {
    return LEAST_TRIMMED_BYTES;
  }
  leastFreeBytes(): u32 {
    return LEAST_TRIMMED_BYTES;
  }
  sizeAlignment(): u32 {
    return CHUNK_ALIGNMENT;
  }
}

@final
@unmanaged
export class NewlibNano extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 2;
  }

  initialize(): bool {
    memory.fill(this.state, 0, offsetof<State>());
    changetype<State>(this.state).breakAddress = this.arena;
    return true;
  }

  /** The break follows from the chunks' sizes; the list's head is known only to the board. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    const told = state.breakAddress != 0 || state.freeList != 0;
    if (state.sbrkStart == 0) state.sbrkStart = this.arena;
    if (state.breakAddress == 0) state.breakAddress = tiledEnd<Format>(this, firstChunkOf(this));
    if (state.breakAddress == this.arena) state.sbrkStart = 0;
    return told || state.sbrkStart == 0;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    return take(this, requestBytes);
  }

  /** Sizes whose sum with the slack wraps are not noticed, as in the original: they corrupt the heap. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    this.visits = 0;
    const aligned = max(alignment, ALIGNMENT);
    const payloadBytes = roundUp(max(requestBytes, LEAST_PAYLOAD_BYTES), CHUNK_ALIGNMENT);
    const payload = take(this, payloadBytes + aligned - ALIGNMENT);
    return payload ? trimAround(this, payload, aligned, payloadBytes) : 0;
  }

  /** Stays while the chunk is large enough, however much larger; else moves. Copies the new size, past the old block. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes == 0) {
      give(this, payload);
      return 0;
    }
    if (this.usableBytes(payload, 0) >= requestBytes) return payload;
    const moved = take(this, requestBytes);
    if (moved == 0) return 0;
    copyPast(this, moved, payload, requestBytes);
    give(this, payload);
    return moved;
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    give(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    const low = this.checkLow,
      span = this.checkSpan - 4;
    const chunk = Chunk.of(payload, low, span);
    return Chunk.at(chunk, low, span).size - (payload - chunk);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const low = this.checkLow,
      span = this.checkSpan - 4;
    return Chunk.at(Chunk.of(payload, low, span), low, span).size;
  }

  largestRequest(): u32 {
    const state = changetype<State>(this.state);
    const rest = untouchedBytes(this, this.state);
    const gap = roundUp(state.breakAddress, CHUNK_ALIGNMENT) - state.breakAddress;
    const fresh: u32 = rest > gap ? (rest - gap) & ~(CHUNK_ALIGNMENT - 1) : 0;
    const chunkBytes = max(freeFigures<Format>(this, state.freeList).largestBytes, fresh);
    return chunkBytes < LEAST_CHUNK_BYTES ? 0 : chunkBytes - HEADER_BYTES - PADDING_BYTES;
  }

  nextBlock(block: Block): bool {
    const state = changetype<State>(this.state);
    if (!nextOrderedBlock<Format>(this, block, firstChunkOf(this), state.breakAddress, state.freeList)) return false;
    if (block.state == BlockState.Live) block.payload = payloadOf(this, block.address);
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    const given = state.breakAddress - this.arena;
    const start: u32 = given ? this.arena : 0;
    if (given > this.arenaBytes) {
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state,
        this.arena + this.arenaBytes,
        state.breakAddress,
      );
    }
    if (state.sbrkStart != start && state.sbrkStart != this.arena) {
      // a refused first request sets it as well
      return broken(
        finding,
        Inconsistency.StateOverwritten,
        this.state + offsetof<State>("sbrkStart"),
        start,
        state.sbrkStart,
      );
    }
    const listAt = this.state + offsetof<State>("freeList");
    return (
      checkOrderedChunks<Format>(finding, firstChunkOf(this), state.breakAddress, listAt, state.freeList) &&
      checkPadding(this, finding)
    );
  }

  /** free, used, arena */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    const freeBytes = freeFigures<Format>(this, state.freeList).bytes;
    const givenBytes: u32 = state.sbrkStart ? state.breakAddress - state.sbrkStart : 0;
    store<u32>(out, freeBytes, 0);
    store<u32>(out, givenBytes - freeBytes, 4);
    store<u32>(out, givenBytes, 8);
    return 3;
  }
}

function roundUp(value: u32, alignment: u32): u32 {
  return (value + alignment - 1) & ~(alignment - 1);
}

function firstChunkOf(heap: Heap): u32 {
  return roundUp(heap.arena, CHUNK_ALIGNMENT);
}

/** Where the payload of the live chunk begins: an aligned allocation may have skipped the first place. */
function payloadOf(heap: Heap, chunk: u32): u32 {
  const payload = roundUp(chunk + HEADER_BYTES, ALIGNMENT);
  const skipped = payload + ALIGNMENT;
  return skipped - chunk < HEADER_BYTES + LEAST_CHUNK_BYTES && isLive(heap, skipped) && !isLive(heap, payload)
    ? skipped
    : payload;
}

/** The first chunk that fits, else a new one: the payload, or 0. */
function take(heap: NewlibNano, requestBytes: u32): u32 {
  const chunkBytes = max(roundUp(requestBytes, CHUNK_ALIGNMENT) + PADDING_BYTES + HEADER_BYTES, LEAST_CHUNK_BYTES);
  if (chunkBytes >= TOO_MANY_BYTES || chunkBytes < requestBytes) return 0;
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const most = heap.checkSpan;
  let left = most; // a list of more nodes than the heap has bytes never ends
  let linkAt = heap.state + offsetof<State>("freeList");
  let at = load<u32>(linkAt);
  while (at != 0) {
    const chunk = Chunk.at(at, low, span);
    if (--left == 0) EndlessList.at(at);
    const surplus = chunk.size - <i32>chunkBytes;
    if (surplus >= 0) {
      if (surplus >= <i32>LEAST_CHUNK_BYTES) at = splitUpper(heap, chunk, at, surplus, chunkBytes);
      else store<u32>(linkAt, chunk.next);
      break;
    }
    linkAt = changetype<u32>(chunk) + offsetof<Chunk>("next");
    at = chunk.next;
  }
  heap.visits += most - left;
  if (at == 0) {
    at = extend(heap, chunkBytes);
    if (at == SBRK_FAILED) return 0;
    Chunk.at(at, low, span, Access.Store).size = chunkBytes;
  }
  return padded(at, low, span);
}

/** [         free         ] => [ free ][ chunk ]; the free part keeps its place in the list. Returns the chunk. */
function splitUpper(heap: Heap, chunk: Chunk, at: u32, surplus: i32, chunkBytes: u32): u32 {
  const upper = at + surplus;
  Chunk.at(upper, heap.checkLow, heap.checkSpan - 4, Access.Store).size = chunkBytes;
  chunk.size = surplus;
  Visits.noteSplit(heap);
  return upper;
}

/** A new chunk from sbrk, or SBRK_FAILED. An unaligned break costs a second call; if that fails the first is lost. */
function extend(heap: Heap, chunkBytes: u32): u32 {
  const state = changetype<State>(heap.state);
  if (state.sbrkStart == 0) state.sbrkStart = state.breakAddress;
  const given = sbrk(heap, heap.state, chunkBytes);
  if (given == SBRK_FAILED) return SBRK_FAILED;
  const chunk = roundUp(given, CHUNK_ALIGNMENT);
  if (chunk != given && sbrk(heap, heap.state, chunk - given) == SBRK_FAILED) return SBRK_FAILED;
  if (untouchedBytes(heap, heap.state) != 0) Visits.noteSplit(heap);
  return chunk;
}

/** The chunk's payload; leaves the way back in the padding word where there is one. */
function padded(chunk: u32, low: u32, span: u32): u32 {
  const payload = roundUp(chunk + HEADER_BYTES, ALIGNMENT);
  const paddingBytes = payload - chunk - HEADER_BYTES;
  if (paddingBytes) store<u32>(Guest.word(chunk + paddingBytes, low, span, Access.Store), -paddingBytes);
  return payload;
}

/** [     chunk with slack     ] => [ free ][ aligned payload ][ free ], each free part only if it is worth a chunk. */
function trimAround(heap: NewlibNano, payload: u32, alignment: u32, payloadBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  let at = Chunk.of(payload, low, span);
  const aligned = roundUp(at + HEADER_BYTES, alignment);
  const leadBytes = aligned - (at + HEADER_BYTES);
  if (leadBytes >= LEAST_CHUNK_BYTES) {
    const lead = Chunk.at(at, low, span);
    Chunk.at(at + leadBytes, low, span, Access.Store).size = lead.size - leadBytes;
    lead.size = leadBytes;
    give(heap, at + HEADER_BYTES);
    Visits.noteSplit(heap);
    at += leadBytes;
  } else if (leadBytes) store<u32>(Guest.word(at + leadBytes, low, span, Access.Store), -leadBytes);

  const chunk = Chunk.at(at, low, span);
  const end = at + chunk.size;
  const tail = aligned + payloadBytes;
  if (end > tail + LEAST_CHUNK_BYTES) {
    Chunk.at(tail, low, span, Access.Store).size = end - tail;
    chunk.size = tail - at;
    give(heap, tail + HEADER_BYTES);
    Visits.noteSplit(heap);
  }
  return aligned;
}

/**
 * As the original's memcpy: what it reads behind the old block may lie behind the heap, but must be memory. It copies
 * upwards, also where the new block begins in what is read, so that the first bytes come again further on.
 */
function copyPast(heap: Heap, to: u32, from: u32, bytes: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan;
  const inside = bytes <= span && from - low <= span - bytes;
  const source = inside ? from : resolve(from, bytes, Access.Load);
  const target = Guest.bytes(to, bytes, low, span, Access.Store);
  if (target - source >= bytes) memory.copy(target, source, bytes);
  else for (let offset: u32 = 0; offset < bytes; offset++) store<u8>(target + offset, load<u8>(source + offset));
}

/** Puts the payload's chunk into the list by address and merges: [free][chunk][free] => [     free      ] */
function give(heap: Heap, payload: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const state = changetype<State>(heap.state);
  const at = Chunk.of(payload, low, span);
  const freed = Chunk.at(at, low, span, Access.Store);
  const first = state.freeList;
  if (first == 0 || at < first) {
    link(freed, at, first, low, span);
    state.freeList = at;
    return;
  }
  const most = heap.checkSpan;
  let left = most;
  let previous: u32, below: Chunk;
  let next = first;
  do {
    previous = next;
    below = Chunk.at(previous, low, span);
    next = below.next;
    if (--left == 0) EndlessList.at(previous);
  } while (next != 0 && next <= at);
  heap.visits += most - left;

  const belowEnd = previous + below.size;
  if (belowEnd > at) return; // inside a free chunk: taken for a double free
  if (belowEnd < at) {
    link(freed, at, next, low, span);
    below.next = at;
    return;
  }
  below.size += freed.size;
  link(below, previous, next, low, span);
}

/** Makes `next` the successor of the free `chunk`, or part of it where they touch. */
function link(chunk: Chunk, at: u32, next: u32, low: u32, span: u32): void {
  if (next != 0 && at + chunk.size == next) {
    const follower = Chunk.at(next, low, span);
    chunk.size += follower.size;
    chunk.next = follower.next;
  } else chunk.next = next;
}

/** Every padding word must lead back to its chunk. The chunks are known to tile. */
function checkPadding(heap: Heap, finding: Finding): bool {
  const state = changetype<State>(heap.state);
  let listed = state.freeList;
  for (let at = firstChunkOf(heap); at < state.breakAddress; at += changetype<Chunk>(at).size) {
    if (at == listed) {
      listed = changetype<Chunk>(at).next;
      continue;
    }
    const below = payloadOf(heap, at) - HEADER_BYTES;
    if (below != at && load<u32>(below) != at - below) {
      return broken(finding, Inconsistency.SentinelOverwritten, below, at - below, load<u32>(below));
    }
  }
  return true;
}
