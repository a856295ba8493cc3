/**
 * newlib's dealings with sbrk: the top chunk, the one that ends at the break and is split last, is lengthened
 * in pages and shortened when it has become very large.
 *
 *   base       first page end                        break = page end
 *   ├ chunks ──┼──────────── … ──────┬── top chunk ──┤
 */
import { Access } from "../memory-map";
import { SBRK_FAILED, sbrk, untouchedBytes } from "../parts/sbrk";
import { Heap } from "./heap";
import {
  ALIGNMENT,
  Bins,
  Chunk,
  FLAGS,
  LEAST_CHUNK_BYTES,
  PAYLOAD_OFFSET,
  PREVIOUS_LIVE,
  pageBytesOf,
  SIZE_BYTES,
  State,
} from "./newlib-bins";

/** sbrkBase before the first call. */
export const NO_BASE: u32 = 0xffffffff;

/** Where a new top chunk begins and how long it gets when sbrk gives memory that does not continue the old one. */
@final
@unmanaged
class Fresh {
  top: u32;
  topBytes: u32;
  /** What the second call to sbrk asks for, so that the break ends a page. */
  correctionBytes: u32;
  corrected: bool;
}

/**
 * Asks sbrk for room for a chunk of `chunkBytes` and a rest. Returns a chunk that must still be released (the old
 * top, where the new one does not continue it), or 0.
 */
export function extendTop(heap: Heap, chunkBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const state = changetype<State>(heap.state);
  const top = Bins.top(heap);
  const topBytes = Chunk.head(top, low, span).size & ~FLAGS;
  const end = top + topBytes;
  const stepBytes = stepFor(heap, chunkBytes);
  const given = sbrk(heap, heap.state, stepBytes);
  if (given == SBRK_FAILED || (given < end && top != Bins.at(heap, 0))) return 0;

  state.sbrkedBytes += stepBytes;
  let orphan: u32 = 0;
  if (given == end && (end & (pageBytesOf(heap) - 1)) == 0) {
    Chunk.head(top, low, span, Access.Store).size = (stepBytes + topBytes) | PREVIOUS_LIVE;
  } else orphan = startTop(heap, given, stepBytes, top, topBytes);
  state.maxSbrkedBytes = max(state.maxSbrkedBytes, state.sbrkedBytes);
  state.maxTotalBytes = max(state.maxTotalBytes, state.sbrkedBytes);
  return orphan;
}

/** What sbrk is asked for: whole pages, but for the first call, which the correction rounds. */
function stepFor(heap: Heap, chunkBytes: u32): u32 {
  const state = changetype<State>(heap.state);
  const leastBytes = chunkBytes + state.topPad + LEAST_CHUNK_BYTES;
  const pageBytes = pageBytesOf(heap);
  return state.sbrkBase == NO_BASE ? leastBytes : (leastBytes + pageBytes - 1) & ~(pageBytes - 1);
}

/** The new top in `stepBytes` at `given`. When the correction fails, the top ends where the step does, inside a page. */
function planTop(heap: Heap, given: u32, stepBytes: u32, untouched: u32): Fresh {
  const pageBytes = pageBytesOf(heap);
  const fresh = changetype<Fresh>(memory.data(16));
  const misaligned = (given + PAYLOAD_OFFSET) & (ALIGNMENT - 1);
  const skipped: u32 = misaligned ? ALIGNMENT - misaligned : 0;
  const top = given + skipped;
  const correction = (skipped + pageBytes - ((top + stepBytes) & (pageBytes - 1))) & (pageBytes - 1);
  fresh.top = top;
  fresh.corrected = correction <= untouched;
  fresh.correctionBytes = correction;
  fresh.topBytes = stepBytes - skipped + (fresh.corrected ? correction : 0);
  return fresh;
}

/** Takes the step that sbrk gave as a new top. The old one is fenced off and returned, if there is one worth a chunk. */
function startTop(heap: Heap, given: u32, stepBytes: u32, oldTop: u32, oldTopBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const state = changetype<State>(heap.state);
  if (state.sbrkBase == NO_BASE) state.sbrkBase = given;
  else state.sbrkedBytes += given - (oldTop + oldTopBytes);
  const fresh = planTop(heap, given, stepBytes, untouchedBytes(heap, heap.state));
  if (fresh.corrected) {
    sbrk(heap, heap.state, fresh.correctionBytes);
    state.sbrkedBytes += fresh.correctionBytes;
  }
  const top = fresh.top;
  Bins.setTop(heap, top);
  Chunk.head(top, low, span, Access.Store).size = fresh.topBytes | PREVIOUS_LIVE;
  return oldTop == Bins.at(heap, 0) ? 0 : fence(top, oldTop, oldTopBytes, low, span);
}

/** [     old top     ][ top ] => [ chunk ][fence][fence][ top ]: two chunks of 4 bytes that nothing merges with. */
function fence(top: u32, oldTop: u32, oldTopBytes: u32, low: u32, span: u32): u32 {
  if (oldTopBytes < LEAST_CHUNK_BYTES) {
    Chunk.head(top, low, span, Access.Store).size = PREVIOUS_LIVE; // no room: refuse everything
    return 0;
  }
  const bytes = (oldTopBytes - 3 * SIZE_BYTES) & ~(ALIGNMENT - 1);
  const chunk = Chunk.head(oldTop, low, span, Access.Store);
  chunk.size = (chunk.size & PREVIOUS_LIVE) | bytes;
  Chunk.head(oldTop + bytes, low, span, Access.Store).size = SIZE_BYTES | PREVIOUS_LIVE;
  Chunk.head(oldTop + bytes + SIZE_BYTES, low, span, Access.Store).size = SIZE_BYTES | PREVIOUS_LIVE;
  return bytes >= LEAST_CHUNK_BYTES ? oldTop : 0;
}

/** Gives whole pages of the top chunk back to sbrk, all but the last. */
export function trimTop(heap: Heap, padBytes: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  const state = changetype<State>(heap.state);
  const pageBytes = pageBytesOf(heap);
  const top = Bins.top(heap);
  const chunk = Chunk.head(top, low, span, Access.Store);
  const topBytes = chunk.size & ~FLAGS;
  const extraBytes = ((topBytes - padBytes - LEAST_CHUNK_BYTES + (pageBytes - 1)) / pageBytes - 1) * pageBytes;
  if (<i32>extraBytes < <i32>pageBytes || state.breakAddress != top + topBytes) return;
  if (sbrk(heap, heap.state, -extraBytes) != SBRK_FAILED) {
    chunk.size = (topBytes - extraBytes) | PREVIOUS_LIVE;
    state.sbrkedBytes -= extraBytes;
    return;
  }
  const leftBytes = state.breakAddress - top;
  if (<i32>leftBytes < <i32>LEAST_CHUNK_BYTES) return;
  state.sbrkedBytes = state.breakAddress - state.sbrkBase;
  chunk.size = leftBytes | PREVIOUS_LIVE;
}

/** The largest chunk that a longer top would grant now, or less than a chunk. Changes nothing. */
export function largestFromSbrk(heap: Heap): u32 {
  const state = changetype<State>(heap.state);
  const untouched = untouchedBytes(heap, heap.state);
  const given = state.breakAddress;
  const spare = LEAST_CHUNK_BYTES + state.topPad;
  if (state.sbrkBase == NO_BASE) return largestFirst(heap, given, untouched, spare);

  const stepBytes = untouched & ~(pageBytesOf(heap) - 1);
  const top = Bins.top(heap);
  const topBytes = Chunk.head(top, heap.checkLow, heap.checkSpan - 4).size & ~FLAGS;
  const continues = given == top + topBytes && (given & (pageBytesOf(heap) - 1)) == 0;
  if (stepBytes < spare || (!continues && topBytes < LEAST_CHUNK_BYTES)) return 0;
  const grantedBytes = continues
    ? stepBytes + topBytes
    : planTop(heap, given, stepBytes, untouched - stepBytes).topBytes;
  if (grantedBytes < LEAST_CHUNK_BYTES) return 0;
  return min(stepBytes - spare, grantedBytes - LEAST_CHUNK_BYTES) & ~(ALIGNMENT - 1);
}

/** The first call: where bytes are skipped to align, only a corrected top leaves the rest that a chunk must leave. */
function largestFirst(heap: Heap, given: u32, untouched: u32, spare: u32): u32 {
  const pageBytes = pageBytesOf(heap);
  const misaligned = (given + PAYLOAD_OFFSET) & (ALIGNMENT - 1);
  const first = misaligned ? given + ALIGNMENT - misaligned : given;
  const end = misaligned ? (given + untouched) & ~(pageBytes - 1) : given + untouched;
  return end >= first + spare ? (end - first - spare) & ~(ALIGNMENT - 1) : 0;
}
