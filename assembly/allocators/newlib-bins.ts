/**
 * newlib's chunks and the bins its free chunks are filed in: layout, filing and taking out. newlib.ts decides
 * which chunk to take, newlib-top.ts what sbrk gives, newlib-inspection.ts looks at the result.
 *
 *   bin      0    1      2..63           64..94    95..111    112..119   …   126
 *            top  last   one size each,  bands of  512        4096           the rest
 *                 rest   8 bytes apart   64 bytes  bytes      bytes
 *
 * A bin is a ring of chunks, linked both ways; the table's words are placed so that a bin's head is a chunk as far as
 * the links are concerned. Bins of one size are queues: filed in front, taken at the back. The others
 * are sorted, the smallest at the back. Bin 0 has no ring: its words hold the top chunk and the marks.
 *
 *         av_ + 8 × bin
 *    +0   │ (the bin before: backward)      │   bin 0: not used
 *    +4   │                                 │   bin 0: marks, a bit for 4 bins, set while one may hold a chunk
 *    +8   │ forward: the front              │   bin 0: the top chunk
 *   +12   │ backward: the back              │   bin 0: not used
 */

import { Guest } from "../guest";
import { Access, HeapField, NewlibOption } from "../memory-map";
import { EndlessList } from "../parts/endless-list";
import { Heap } from "./heap";

export const ALIGNMENT: u32 = 8;
export const SIZE_BYTES: u32 = 4;
/** From a chunk's address to its payload: the word before the size belongs to the chunk in front while that is live. */
export const PAYLOAD_OFFSET: u32 = 2 * SIZE_BYTES;
/** A free chunk's size, links and the size repeated at its end. */
export const LEAST_CHUNK_BYTES: u32 = 16;
export const PREVIOUS_LIVE: u32 = 1;
/** The size's low bits that are not size; the second marks chunks of mmap, which there is none of here. */
export const FLAGS: u32 = 3;

export const BINS: u32 = 128;
export const LAST_REMAINDER: u32 = 1;
export const BINS_A_MARK: u32 = 4;
/** Chunks below it lie in bins of one size. */
export const SORTED_FROM_BYTES: u32 = 512;
const BIN_BYTES: u32 = 8;
const TABLE_BYTES: u32 = (2 * BINS + 2) * 4;
const MARKS_OFFSET: u32 = 4;
const TOP_OFFSET: u32 = 8;

/** Static variables: sbrk's own, then the original's beside its table of bins. */
@final
@unmanaged
export class State {
  breakAddress: u32;
  /** The first address that sbrk gave, -1 before. */
  sbrkBase: u32;
  topPad: u32;
  trimThreshold: u32;
  maxSbrkedBytes: u32;
  maxTotalBytes: u32;
  /** current_mallinfo: its first word counts what sbrk has given. */
  sbrkedBytes: u32;
  mallinfo1: u32;
  mallinfo2: u32;
  mallinfo3: u32;
  mallinfo4: u32;
  mallinfo5: u32;
  mallinfo6: u32;
  mallinfo7: u32;
  mallinfo8: u32;
  mallinfo9: u32;
}
export const STATE_BYTES: u32 = offsetof<State>() + TABLE_BYTES;

/** A chunk, or a bin's head. Which words may be read is the check's promise. */
@final
@unmanaged
export class Chunk {
  previousBytes: u32;
  size: u32;
  forward: u32;
  backward: u32;

  /** The first two words. `span` is the heap's less 4. */
  @inline static head(address: u32, low: u32, span: u32, access: u32 = Access.Load): Chunk {
    return changetype<Chunk>(Guest.word(address, low, span, access));
  }

  /** All four words. `span` as in `head`. */
  @inline static whole(address: u32, low: u32, span: u32, access: u32 = Access.Load): Chunk {
    return changetype<Chunk>(Guest.word(address, low, span - 8, access));
  }

  /** Takes a chunk, whole, out of its ring. */
  @inline unfile(low: u32, span: u32): void {
    const before = this.backward,
      behind = this.forward;
    Chunk.whole(behind, low, span, Access.Store).backward = before;
    Chunk.whole(before, low, span, Access.Store).forward = behind;
  }

  /** Tells the chunk behind the one of `bytes` at `at` that this is live. */
  @inline static setLive(at: u32, bytes: u32, low: u32, span: u32): void {
    Chunk.head(at + bytes, low, span, Access.Store).size |= PREVIOUS_LIVE;
  }

  /** Whether the chunk of `bytes` at `at` is live: the one behind it knows. */
  @inline static isLive(at: u32, bytes: u32, low: u32, span: u32): bool {
    return (Chunk.head(at + bytes, low, span).size & PREVIOUS_LIVE) != 0;
  }
}

/** The table of bins of one heap. */
export class Bins {
  @inline static at(heap: Heap, bin: u32): u32 {
    return heap.state + offsetof<State>() + bin * BIN_BYTES;
  }

  @inline static top(heap: Heap): u32 {
    return load<u32>(heap.state + offsetof<State>(), TOP_OFFSET);
  }

  @inline static setTop(heap: Heap, chunk: u32): void {
    store<u32>(heap.state + offsetof<State>(), chunk, TOP_OFFSET);
  }

  @inline static marks(heap: Heap): u32 {
    return load<u32>(heap.state + offsetof<State>(), MARKS_OFFSET);
  }

  @inline static setMarks(heap: Heap, marks: u32): void {
    store<u32>(heap.state + offsetof<State>(), marks, MARKS_OFFSET);
  }

  @inline static front(bin: u32): u32 {
    return load<u32>(bin, offsetof<Chunk>("forward"));
  }
  @inline static back(bin: u32): u32 {
    return load<u32>(bin, offsetof<Chunk>("backward"));
  }

  /** The first chunk from the back of the ring at `bin` with `bytes` or more, or 0. */
  @inline static search(heap: Heap, bin: u32, bytes: u32, low: u32, span: u32): u32 {
    const most = heap.checkSpan;
    let left = most;
    let at = Bins.back(bin);
    while (at != bin) {
      const chunk = Chunk.whole(at, low, span);
      if (--left == 0) EndlessList.at(at);
      if (<i32>((chunk.size & ~FLAGS) - bytes) >= 0) break;
      at = chunk.backward;
    }
    heap.visits += most - left + 1;
    return at != bin ? at : 0;
  }
}

/** An empty table: every ring its own head, the top chunk the head of bin 0, whose size 0 forces sbrk to be asked. */
export function emptyBins(heap: Heap): void {
  memory.fill(Bins.at(heap, 0), 0, TABLE_BYTES);
  for (let bin: u32 = 0; bin < BINS; bin++) ring(Bins.at(heap, bin));
}

function ring(bin: u32): void {
  changetype<Chunk>(bin).forward = bin;
  changetype<Chunk>(bin).backward = bin;
}

/** The bin for chunks of `bytes`. */
export function binOf(bytes: u32): u32 {
  const band = bytes >> 9;
  if (band == 0) return bytes >> 3;
  if (band <= 4) return 56 + (bytes >> 6);
  if (band <= 20) return 91 + (bytes >> 9);
  if (band <= 84) return 110 + (bytes >> 12);
  if (band <= 340) return 119 + (bytes >> 15);
  return band <= 1364 ? 124 + (bytes >> 18) : 126;
}

export function markOf(bin: u32): u32 {
  return 1 << (bin / BINS_A_MARK);
}

/** Files a free chunk of `bytes` in its bin: in front of those of its size. */
export function file(heap: Heap, at: u32, bytes: u32, low: u32, span: u32): void {
  const bin = binOf(bytes);
  const head = Bins.at(heap, bin);
  let behind = Bins.front(head),
    before = head;
  if (bytes < SORTED_FROM_BYTES || behind == head) Bins.setMarks(heap, Bins.marks(heap) | markOf(bin));
  else {
    behind = placeInOrder(heap, head, behind, bytes, low, span);
    before = Chunk.whole(behind, low, span).backward;
  }
  heap.visits++;
  const chunk = Chunk.whole(at, low, span, Access.Store);
  chunk.backward = before;
  chunk.forward = behind;
  Chunk.whole(behind, low, span, Access.Store).backward = at;
  Chunk.whole(before, low, span, Access.Store).forward = at;
}

/** The first chunk from the front that is not larger than `bytes`, or the ring's head. */
function placeInOrder(heap: Heap, head: u32, front: u32, bytes: u32, low: u32, span: u32): u32 {
  const most = heap.checkSpan;
  let left = most;
  let at = front;
  while (at != head) {
    const chunk = Chunk.whole(at, low, span);
    if (bytes >= (chunk.size & ~FLAGS)) break;
    if (--left == 0) EndlessList.at(at);
    at = chunk.forward;
  }
  heap.visits += most - left;
  return at;
}

/** Makes the chunk the only one of the last remainder's ring. */
export function keepAsRemainder(heap: Heap, at: u32, low: u32, span: u32): void {
  const head = Bins.at(heap, LAST_REMAINDER);
  const chunk = Chunk.whole(at, low, span, Access.Store);
  changetype<Chunk>(head).forward = at;
  changetype<Chunk>(head).backward = at;
  chunk.forward = head;
  chunk.backward = head;
}

export function clearRemainder(heap: Heap): void {
  ring(Bins.at(heap, LAST_REMAINDER));
}

/** Bytes of a page, as malloc_getpagesize. */
export function pageBytesOf(heap: Heap): u32 {
  return load<u32>(changetype<u32>(heap) + (NewlibOption.PageBytes << 2), HeapField.Options << 2);
}
