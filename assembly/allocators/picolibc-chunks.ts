/**
 * picolibc's chunks and their list: layout, taking a chunk from the list or from sbrk, and giving one back.
 * picolibc.ts says what the allocator is and makes the verbs of these.
 */

import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access } from "../memory-map";
import { EndlessList } from "../parts/endless-list";
import { ChunkFormat } from "../parts/ordered-chunks";
import { SBRK_FAILED, sbrk, untouchedBytes } from "../parts/sbrk";
import { Heap } from "./heap";

export const ALIGNMENT: u32 = 8;
export const HEADER_BYTES: u32 = 4;
export const LEAST_CHUNK_BYTES: u32 = 8;
export const MOST_REQUEST_BYTES: u32 = 0xffffffff - HEADER_BYTES - 2 * ALIGNMENT;

@final
@unmanaged
export class Chunk {
  size: u32;
  next: u32;

  /** `span` is the heap's less the second word. */
  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Chunk {
    return changetype<Chunk>(Guest.word(address, low, span, access));
  }
}

@final
@unmanaged
export class State {
  /** sbrk's own. */
  breakAddress: u32;
  freeList: u32;
  /** First chunk, 0 before there is one. */
  sbrkStart: u32;
  /** Where the last successful sbrk ended. */
  sbrkTop: u32;
}

@final
@unmanaged
export class Format extends ChunkFormat {
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
    return LEAST_CHUNK_BYTES;
  }
  leastFreeBytes(): u32 {
    return LEAST_CHUNK_BYTES;
  }
  sizeAlignment(): u32 {
    return ALIGNMENT;
  }
}

export function roundUp(bytes: u32): u32 {
  return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/** The first address from `address` on where a chunk may lie: its payload is then aligned. */
export function chunkAtOrAfter(address: u32): u32 {
  return roundUp(address + HEADER_BYTES) - HEADER_BYTES;
}

/** Header, payload and the bytes that lead to the next header. */
export function chunkBytesFor(requestBytes: u32): u32 {
  return roundUp(requestBytes) + ALIGNMENT;
}

/** The first chunk that fits, else the last one grown, else a new one: the zeroed payload, or 0. */
export function take(heap: Heap, requestBytes: u32): u32 {
  if (requestBytes > MOST_REQUEST_BYTES) return 0;
  const chunkBytes = chunkBytesFor(requestBytes);
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const most = heap.checkSpan;
  let left = most; // a list of more nodes than the heap has bytes never ends
  let linkAt = heap.state + offsetof<State>("freeList");
  let at = load<u32>(linkAt);
  while (at != 0) {
    const chunk = Chunk.at(at, low, span);
    if (--left == 0) EndlessList.at(at);
    if (chunk.size >= chunkBytes) {
      takeLower(heap, chunk, at, linkAt, chunkBytes, low, span);
      break;
    }
    if (chunk.next == 0 && extend(heap, chunk, at, chunkBytes)) {
      store<u32>(linkAt, chunk.next);
      break;
    }
    linkAt = changetype<u32>(chunk) + offsetof<Chunk>("next");
    at = chunk.next;
  }
  heap.visits += most - left;
  if (at == 0) {
    at = freshChunk(heap, chunkBytes);
    if (at == SBRK_FAILED) return 0;
    Chunk.at(at, low, span, Access.Store).size = chunkBytes;
  }
  Guest.fill(at + HEADER_BYTES, 0, chunkBytes - HEADER_BYTES, low, heap.checkSpan);
  return at + HEADER_BYTES;
}

/** [         free         ] => [ chunk ][ free ]; without a rest worth a chunk the whole leaves the list. */
function takeLower(heap: Heap, chunk: Chunk, at: u32, linkAt: u32, chunkBytes: u32, low: u32, span: u32): void {
  const restBytes = chunk.size - chunkBytes;
  if (restBytes < LEAST_CHUNK_BYTES) {
    store<u32>(linkAt, chunk.next);
    return;
  }
  const rest = Chunk.at(at + chunkBytes, low, span, Access.Store);
  rest.size = restBytes;
  rest.next = chunk.next;
  store<u32>(linkAt, at + chunkBytes);
  chunk.size = chunkBytes;
  Visits.noteSplit(heap);
}

/** `bytes` more from sbrk, placed so that a payload is aligned, or SBRK_FAILED; then what a first call gave is lost. */
function freshChunk(heap: Heap, bytes: u32): u32 {
  const state = changetype<State>(heap.state);
  if (<i32>bytes < 0) return SBRK_FAILED;
  const given = sbrk(heap, heap.state, bytes);
  if (given == SBRK_FAILED) return SBRK_FAILED;
  state.sbrkTop = given + bytes;
  const chunk = chunkAtOrAfter(given);
  if (chunk != given) {
    const extra = sbrk(heap, heap.state, chunk - given);
    if (extra != given + bytes) return SBRK_FAILED;
    state.sbrkTop = extra + (chunk - given);
  }
  if (state.sbrkStart == 0) state.sbrkStart = chunk;
  if (untouchedBytes(heap, heap.state) != 0) Visits.noteSplit(heap);
  return chunk;
}

/** Lengthens a chunk that ends where sbrk ended; true when it now has `chunkBytes`. */
export function extend(heap: Heap, chunk: Chunk, at: u32, chunkBytes: u32): bool {
  const end = at + chunk.size;
  if (end != changetype<State>(heap.state).sbrkTop) return false;
  const missingBytes = max(LEAST_CHUNK_BYTES, chunkBytes - chunk.size);
  const given = freshChunk(heap, missingBytes);
  if (given == end) {
    chunk.size += missingBytes;
    return true;
  }
  if (given != SBRK_FAILED) giveChunk(heap, given, missingBytes); // somebody else moved the break
  return false;
}

export function giveChunk(heap: Heap, at: u32, chunkBytes: u32): void {
  Chunk.at(at, heap.checkLow, heap.checkSpan - 4, Access.Store).size = chunkBytes;
  give(heap, at + HEADER_BYTES);
}

/**
 * Puts the payload's chunk into the list by address and merges: [free][chunk][free] => [     free      ].
 * A chunk that is on the list already is left there, but its link has been cleared: what followed is lost.
 */
export function give(heap: Heap, payload: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const most = heap.checkSpan;
  let left = most;
  let at = payload - HEADER_BYTES;
  let freed = Chunk.at(at, low, span, Access.Store);
  freed.next = 0;
  let linkAt = heap.state + offsetof<State>("freeList");
  let next = load<u32>(linkAt);
  let merged = false;
  while (next != 0 && at >= next) {
    const below = Chunk.at(next, low, span);
    if (--left == 0) EndlessList.at(next);
    if (next + below.size == at) {
      below.size += freed.size;
      at = next;
      freed = below;
      next = below.next;
      merged = true;
      break;
    }
    if (at == next) return;
    linkAt = changetype<u32>(below) + offsetof<Chunk>("next");
    next = below.next;
  }
  heap.visits += most - left;
  if (!merged) {
    freed.next = next;
    store<u32>(linkAt, at);
  }
  if (next == 0 || at + freed.size != next) return;
  const above = Chunk.at(next, low, span);
  freed.size += above.size;
  freed.next = above.next;
}
