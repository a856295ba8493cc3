/**
 * Which chunk newlib takes for a request, and where a released one goes.
 *
 * A request takes, in this order: a chunk of its size; the last remainder, what the last split left over; the smallest
 * larger chunk; the top. A released chunk merges with its neighbours first.
 */
import { Visits } from "../inspect/visits";
import { Access } from "../memory-map";
import { Heap } from "./heap";
import {
  ALIGNMENT,
  BINS_A_MARK,
  Bins,
  binOf,
  Chunk,
  clearRemainder,
  FLAGS,
  file,
  keepAsRemainder,
  LAST_REMAINDER,
  LEAST_CHUNK_BYTES,
  markOf,
  PAYLOAD_OFFSET,
  PREVIOUS_LIVE,
  SIZE_BYTES,
  SORTED_FROM_BYTES,
  State,
} from "./newlib-bins";
import { extendTop, trimTop } from "./newlib-top";

/** INT_MAX: no chunk is asked to be larger. */
export const MOST_CHUNK_BYTES: u32 = 0x7fffffff;

/** Size word and payload, rounded up to 8; a request near 2^32 wraps to less than it asked. */
export function chunkBytesFor(requestBytes: u32): u32 {
  const padded = requestBytes + SIZE_BYTES + ALIGNMENT - 1;
  return padded < LEAST_CHUNK_BYTES + ALIGNMENT - 1 ? LEAST_CHUNK_BYTES : padded & ~(ALIGNMENT - 1);
}

/** An exact chunk, else the last remainder, else the next larger size, else the top: the payload, or 0. */
export function take(heap: Heap, requestBytes: u32): u32 {
  const bytes = chunkBytesFor(requestBytes);
  if (bytes > MOST_CHUNK_BYTES || bytes < requestBytes) return 0;
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  let bin: u32, chunk: u32;
  if (bytes < SORTED_FROM_BYTES - ALIGNMENT) {
    bin = binOf(bytes);
    chunk = takeEqual(heap, bin, low, span);
    bin += 2;
  } else {
    bin = binOf(bytes);
    chunk = Bins.search(heap, Bins.at(heap, bin), bytes, low, span);
    if (chunk == 0) bin++;
    else if ((Chunk.head(chunk, low, span).size & ~FLAGS) - bytes < LEAST_CHUNK_BYTES)
      takeFiled(heap, chunk, bytes, low, span);
    else chunk = 0; // too large: the last remainder goes first
  }
  if (chunk == 0) chunk = takeRemainder(heap, bytes, low, span);
  if (chunk == 0) chunk = takeLarger(heap, bin, bytes, low, span);
  if (chunk == 0) chunk = takeTop(heap, bytes, low, span);
  return chunk ? chunk + PAYLOAD_OFFSET : 0;
}

/** The oldest chunk of a bin of one size, or of the next bin, whose 8 bytes more are not worth a chunk. Or 0. */
function takeEqual(heap: Heap, bin: u32, low: u32, span: u32): u32 {
  let head = Bins.at(heap, bin);
  let chunk = Bins.back(head);
  heap.visits++;
  if (chunk == head) {
    head = Bins.at(heap, bin + 1);
    chunk = Bins.back(head);
    heap.visits++;
    if (chunk == head) return 0;
  }
  const taken = Chunk.whole(chunk, low, span);
  taken.unfile(low, span);
  Chunk.setLive(chunk, taken.size & ~FLAGS, low, span);
  return chunk;
}

/** Takes a filed chunk of at least `bytes`: whole, or its lower part, and then the rest is the last remainder. */
function takeFiled(heap: Heap, chunk: u32, bytes: u32, low: u32, span: u32): void {
  const taken = Chunk.whole(chunk, low, span);
  const chunkBytes = taken.size & ~FLAGS;
  taken.unfile(low, span);
  if (chunkBytes - bytes < LEAST_CHUNK_BYTES) Chunk.setLive(chunk, chunkBytes, low, span);
  else splitLower(heap, chunk, chunkBytes, bytes, low, span);
}

/** [          free          ] => [ chunk ][ last remainder ] */
function splitLower(heap: Heap, chunk: u32, chunkBytes: u32, bytes: u32, low: u32, span: u32): void {
  const rest = chunk + bytes,
    restBytes = chunkBytes - bytes;
  Chunk.head(chunk, low, span, Access.Store).size = bytes | PREVIOUS_LIVE;
  keepAsRemainder(heap, rest, low, span);
  Chunk.head(rest, low, span, Access.Store).size = restBytes | PREVIOUS_LIVE;
  Chunk.head(rest + restBytes, low, span, Access.Store).previousBytes = restBytes;
  Visits.noteSplit(heap);
}

/** Uses up the last remainder, or files it where it is too small and returns 0. */
function takeRemainder(heap: Heap, bytes: u32, low: u32, span: u32): u32 {
  const head = Bins.at(heap, LAST_REMAINDER);
  const chunk = Bins.front(head);
  if (chunk == head) return 0;
  heap.visits++;
  const chunkBytes = Chunk.whole(chunk, low, span).size & ~FLAGS;
  const surplus = <i32>(chunkBytes - bytes);
  if (surplus >= <i32>LEAST_CHUNK_BYTES) {
    splitLower(heap, chunk, chunkBytes, bytes, low, span);
    return chunk;
  }
  clearRemainder(heap);
  if (surplus >= 0) {
    Chunk.setLive(chunk, chunkBytes, low, span);
    return chunk;
  }
  file(heap, chunk, chunkBytes, low, span);
  return 0;
}

/** The smallest chunk in the bins from `bin` on that fits, or 0. Clears the marks of four bins that all turn out empty. */
function takeLarger(heap: Heap, bin: u32, bytes: u32, low: u32, span: u32): u32 {
  let mark = markOf(bin);
  let marks = Bins.marks(heap);
  while (mark != 0 && mark <= marks) {
    if ((mark & marks) == 0) {
      bin = (bin & ~(BINS_A_MARK - 1)) + BINS_A_MARK;
      mark <<= 1;
      continue;
    }
    const first = bin;
    do {
      const chunk = Bins.search(heap, Bins.at(heap, bin), bytes, low, span);
      if (chunk) {
        takeFiled(heap, chunk, bytes, low, span);
        return chunk;
      }
    } while ((++bin & (BINS_A_MARK - 1)) != 0);
    if (areEmptyBelow(heap, first)) {
      marks &= ~mark;
      Bins.setMarks(heap, marks);
    }
    mark <<= 1;
  }
  return 0;
}

/** Whether the bins before `bin` that share its mark are empty. */
function areEmptyBelow(heap: Heap, bin: u32): bool {
  while ((bin & (BINS_A_MARK - 1)) != 0) {
    const head = Bins.at(heap, --bin);
    if (Bins.front(head) != head) return false;
  }
  return true;
}

/** The lower part of the top chunk, lengthened by sbrk where it is too short, or 0. A rest must always stay. */
function takeTop(heap: Heap, bytes: u32, low: u32, span: u32): u32 {
  heap.visits++;
  if (!topGrants(heap, bytes, low, span)) {
    const orphan = extendTop(heap, bytes);
    if (orphan) give(heap, orphan + PAYLOAD_OFFSET);
    if (!topGrants(heap, bytes, low, span)) return 0;
  }
  const top = Bins.top(heap);
  const topBytes = Chunk.head(top, low, span).size & ~FLAGS;
  Chunk.head(top, low, span, Access.Store).size = bytes | PREVIOUS_LIVE;
  Bins.setTop(heap, top + bytes);
  Chunk.head(top + bytes, low, span, Access.Store).size = (topBytes - bytes) | PREVIOUS_LIVE;
  Visits.noteSplit(heap);
  return top;
}

function topGrants(heap: Heap, bytes: u32, low: u32, span: u32): bool {
  const topBytes = Chunk.head(Bins.top(heap), low, span).size & ~FLAGS;
  return topBytes >= bytes && <i32>(topBytes - bytes) >= <i32>LEAST_CHUNK_BYTES;
}

/** Merges the payload's chunk with its neighbours and files it; next to the top it becomes part of that. */
export function give(heap: Heap, payload: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - 4;
  let at = payload - PAYLOAD_OFFSET;
  const chunk = Chunk.head(at, low, span);
  const before: u32 = chunk.size & PREVIOUS_LIVE ? 0 : at - chunk.previousBytes;
  let bytes = chunk.size & ~PREVIOUS_LIVE;
  const next = at + bytes;
  const behind = Chunk.head(next, low, span);
  const nextBytes = behind.size & ~FLAGS;
  if (before) bytes += chunk.previousBytes;
  heap.visits++;
  if (next == Bins.top(heap)) {
    if (before) Chunk.whole(before, low, span).unfile(low, span);
    giveToTop(heap, before ? before : at, bytes + nextBytes);
    return;
  }
  behind.size = nextBytes; // no longer live in front of it
  const remainder = Bins.at(heap, LAST_REMAINDER);
  let remains = false; // a neighbour that is the last remainder stays it, with the rest merged in
  if (before) {
    at = before;
    const ahead = Chunk.whole(at, low, span);
    if (ahead.forward == remainder) remains = true;
    else ahead.unfile(low, span);
  }
  if (!Chunk.isLive(next, nextBytes, low, span)) {
    const free = Chunk.whole(next, low, span);
    bytes += nextBytes;
    if (!remains && free.forward == remainder) {
      remains = true;
      keepAsRemainder(heap, at, low, span);
    } else free.unfile(low, span);
  }
  Chunk.head(at, low, span, Access.Store).size = bytes | PREVIOUS_LIVE;
  Chunk.head(at + bytes, low, span, Access.Store).previousBytes = bytes;
  if (!remains) file(heap, at, bytes, low, span);
}

/** [ … chunk ][ top ] => [     top     ] */
function giveToTop(heap: Heap, at: u32, bytes: u32): void {
  const state = changetype<State>(heap.state);
  Chunk.head(at, heap.checkLow, heap.checkSpan - 4, Access.Store).size = bytes | PREVIOUS_LIVE;
  Bins.setTop(heap, at);
  if (bytes >= state.trimThreshold) trimTop(heap, state.topPad);
}
