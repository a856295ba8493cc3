/**
 * The two verbs that are called most, over the index as tlsf is released, for the fast build: what they do to a
 * sound heap. Sizes that no list has, what the original asserts and metadata that disagrees are left to the verbs for
 * any index (tlsf-verbs.ts) before a word of the arena is written. Only what leaves the heap is a fault here.
 *
 *   arena  +0     │ the null block                  │
 *          +16    │ bitmap of first levels          │
 *          +20    │ bitmaps of second levels        │  24 × 4
 *          +116   │ list heads                      │  24 × 32 × 4
 *
 * No word is read again that has just been written, and every pointer read from guest memory is checked once.
 * An address computed from a checked one needs a check of its upper end only.
 */

import { Heap } from "../allocators/heap";
import { fault } from "../fault";
import { Guest } from "../guest";
import { Access, FaultCode, VISITS_SPLIT } from "../memory-map";
import {
  ALIGNMENT,
  BYTES_MASK,
  FREE,
  HEADER_BYTES,
  LEAST_PAYLOAD_BYTES,
  LOWER_FREE,
  PAYLOAD_OFFSET,
  RECORD_BYTES,
  TlsfBlock,
  TlsfControl,
  TlsfLists,
} from "./tlsf-blocks";
import { tlsfAllocate, tlsfRelease } from "./tlsf-verbs";

export const USUAL_SECOND_LOG2: u32 = 5;
export const USUAL_FIRST_MAX: u32 = 30;

const LEVELS: u32 = USUAL_FIRST_MAX - USUAL_SECOND_LOG2 - 1;
export const LEVELS_OFFSET: u32 = RECORD_BYTES;
export const ROWS_OFFSET: u32 = LEVELS_OFFSET + 4;
const HEADS_OFFSET: u32 = ROWS_OFFSET + (LEVELS << 2);
/** The least payload of the last list: see TlsfLists.mostBytes. */
const MOST_BYTES: u32 = (1 << USUAL_FIRST_MAX) - (1 << (USUAL_FIRST_MAX - 1 - USUAL_SECOND_LOG2));

/** `G` is the control structure for an index of any size. */
export class TlsfUsual {
  /** As tlsfAllocate. */
  @inline static allocate<G extends TlsfControl>(heap: Heap, requestBytes: u32): u32 {
    if (requestBytes - 1 >= MOST_BYTES) return tlsfAllocate<G>(heap, requestBytes);
    const arena = heap.arena;
    const room = heap.arenaBytes - (RECORD_BYTES - 4);
    const wanted = max<u32>((requestBytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1), LEAST_PAYLOAD_BYTES);
    // A branch spares most requests both searches for the top bit; blocks of all sizes are listed without one.
    const index =
      wanted < ALIGNMENT << USUAL_SECOND_LOG2
        ? wanted >> 2
        : TlsfLists.indexOf(wanted + TlsfLists.listMask(wanted, USUAL_SECOND_LOG2), USUAL_SECOND_LOG2);
    let level = index >> USUAL_SECOND_LOG2;
    let row = load<u32>(arena + (level << 2), ROWS_OFFSET);
    let fitting = row & (-1 << index);
    if (fitting == 0) {
      const levels = load<u32>(arena, LEVELS_OFFSET) & (-2 << level);
      if (levels == 0) {
        heap.visits = 0;
        return 0;
      }
      level = ctz<u32>(levels);
      if (level >= LEVELS) return tlsfAllocate<G>(heap, requestBytes);
      row = load<u32>(arena + (level << 2), ROWS_OFFSET);
      fitting = row;
      if (row == 0) return tlsfAllocate<G>(heap, requestBytes);
    }
    const head = arena + (((level << USUAL_SECOND_LOG2) + ctz<u32>(fitting)) << 2);
    const block = load<u32>(head, HEADS_OFFSET);
    TlsfUsual.inside(block, arena, room);
    const free = changetype<TlsfBlock>(block);
    const next = free.next;
    TlsfUsual.inside(next, arena, room);
    if (free.previous != arena) return tlsfAllocate<G>(heap, requestBytes);
    const word = free.word;
    const bytes = word & BYTES_MASK;
    if (bytes < wanted) return tlsfAllocate<G>(heap, requestBytes);
    if (bytes > arena + room - block) TlsfUsual.leave(block);

    changetype<TlsfBlock>(next).previous = arena;
    changetype<TlsfBlock>(arena).next = next;
    store<u32>(head, next, HEADS_OFFSET);
    if (next == arena) TlsfUsual.markEmpty(arena, level, row & ~(fitting & (0 - fitting)));

    const upper = changetype<TlsfBlock>(block + HEADER_BYTES + bytes);
    if (bytes >= wanted + RECORD_BYTES) {
      const rest = changetype<TlsfBlock>(block + HEADER_BYTES + wanted);
      const restBytes = bytes - wanted - HEADER_BYTES;
      free.word = wanted | (word & LOWER_FREE);
      rest.lower = block;
      rest.word = restBytes | FREE;
      upper.lower = changetype<u32>(rest);
      upper.word |= LOWER_FREE;
      heap.visits = 1 | <u32>VISITS_SPLIT;
      TlsfUsual.insert(rest, restBytes, arena, room);
    } else {
      heap.visits = 1;
      upper.word &= ~LOWER_FREE;
      free.word = word & ~FREE;
    }
    return block + PAYLOAD_OFFSET;
  }

  /** As tlsfRelease. */
  @inline static release<G extends TlsfControl>(heap: Heap, payload: u32): void {
    const arena = heap.arena;
    const room = heap.arenaBytes - (RECORD_BYTES - 4);
    let block = changetype<TlsfBlock>(payload - PAYLOAD_OFFSET);
    TlsfUsual.inside(changetype<u32>(block), arena, room);
    const word = block.word;
    let bytes = word & BYTES_MASK;
    if ((word & FREE) != 0 || bytes == 0) {
      tlsfRelease<G>(heap, payload);
      return;
    }
    if (bytes > arena + room - changetype<u32>(block)) TlsfUsual.leave(changetype<u32>(block));
    heap.visits = 2 + ((word & LOWER_FREE) >> 1);
    const upper = changetype<TlsfBlock>(changetype<u32>(block) + HEADER_BYTES + bytes);
    let header = word | FREE;
    if (word & LOWER_FREE) {
      const lower = changetype<TlsfBlock>(block.lower);
      TlsfUsual.inside(changetype<u32>(lower), arena, room);
      const lowerWord = lower.word;
      // Free, and as long as the distance: so it has a list.
      if ((lowerWord & ~LOWER_FREE) != changetype<u32>(block) - changetype<u32>(lower) - HEADER_BYTES + FREE) {
        tlsfRelease<G>(heap, payload);
        return;
      }
      block.word = header;
      TlsfUsual.remove(lower, lowerWord & BYTES_MASK, arena, room);
      header = lowerWord + bytes + HEADER_BYTES;
      block = lower;
      bytes = header & BYTES_MASK;
    }
    const upperWord = upper.word;
    upper.lower = changetype<u32>(block);
    upper.word = upperWord | LOWER_FREE;
    if (upperWord & FREE) {
      const upperBytes = upperWord & BYTES_MASK;
      if (changetype<u32>(upper) > arena + room - 4) TlsfUsual.leave(changetype<u32>(upper));
      if (upperBytes > arena + room - changetype<u32>(upper)) TlsfUsual.leave(changetype<u32>(upper));
      TlsfUsual.remove(upper, upperBytes, arena, room);
      changetype<TlsfBlock>(changetype<u32>(upper) + HEADER_BYTES + upperBytes).lower = changetype<u32>(block);
      header += upperBytes + HEADER_BYTES;
      bytes += upperBytes + HEADER_BYTES;
    }
    block.word = header;
    TlsfUsual.insert(block, bytes, arena, room);
  }

  /** [head] → a → …  =>  [head] → block → a → … */
  @inline static insert(block: TlsfBlock, bytes: u32, arena: u32, room: u32): void {
    const index = TlsfLists.indexOf(bytes, USUAL_SECOND_LOG2);
    const level = index >> USUAL_SECOND_LOG2;
    const head = arena + (index << 2);
    const first = load<u32>(head, HEADS_OFFSET);
    TlsfUsual.inside(first, arena, room);
    block.next = first;
    block.previous = arena;
    changetype<TlsfBlock>(first).previous = changetype<u32>(block);
    store<u32>(head, changetype<u32>(block), HEADS_OFFSET);
    store<u32>(arena, load<u32>(arena, LEVELS_OFFSET) | (1 << level), LEVELS_OFFSET);
    const row = arena + (level << 2);
    store<u32>(row, load<u32>(row, ROWS_OFFSET) | (1 << index), ROWS_OFFSET);
  }

  /** … → a → block → b → …  =>  … → a → b → … */
  @inline static remove(block: TlsfBlock, bytes: u32, arena: u32, room: u32): void {
    const index = TlsfLists.indexOf(bytes, USUAL_SECOND_LOG2);
    const next = block.next;
    const previous = block.previous;
    TlsfUsual.inside(next, arena, room);
    TlsfUsual.inside(previous, arena, room);
    changetype<TlsfBlock>(next).previous = previous;
    changetype<TlsfBlock>(previous).next = next;
    const head = arena + (index << 2);
    if (load<u32>(head, HEADS_OFFSET) != changetype<u32>(block)) return;
    store<u32>(head, next, HEADS_OFFSET);
    if (next != arena) return;
    const level = index >> USUAL_SECOND_LOG2;
    TlsfUsual.markEmpty(arena, level, load<u32>(arena + (level << 2), ROWS_OFFSET) & ~(1 << index));
  }

  /** A list of `level` has become empty: `row` is what its bitmap becomes. */
  @inline static markEmpty(arena: u32, level: u32, row: u32): void {
    store<u32>(arena + (level << 2), row, ROWS_OFFSET);
    if (row == 0) store<u32>(arena, load<u32>(arena, LEVELS_OFFSET) & ~(1 << level), LEVELS_OFFSET);
  }

  /** Checks an address that guest memory supplied: a block's record starts in the `room` from the arena's start. */
  @inline static inside(address: u32, arena: u32, room: u32): void {
    Guest.word(address, arena, room, Access.Store);
  }

  /** Leaves the call to the exact build. */
  @inline static leave(address: u32): void {
    fault(FaultCode.LeftHeap, address, Access.Store, 4);
    unreachable();
  }
}
