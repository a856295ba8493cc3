/**
 * The verbs of the two TLSF over the control structure `P` (see tlsf-blocks.ts). Each is O(1): no loops.
 * The record of heap `heap` is also the overlay `P`.
 */

import { assertionFailed, Heap } from "../allocators/heap";
import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { VISITS_SPLIT } from "../memory-map";
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

/** The payload, or 0. */
export function tlsfAllocate<P extends TlsfControl>(heap: Heap, requestBytes: u32): u32 {
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const rounded = Tlsf.rounded(requestBytes, ALIGNMENT);
  if (requestBytes == 0 || rounded > TlsfLists.mostBytes<P>(control, arena)) return Tlsf.refused(heap);
  const payloadBytes = max<u32>(rounded, LEAST_PAYLOAD_BYTES);
  const mask = TlsfLists.listMask(payloadBytes, control.secondLog2(arena));
  const boundary = payloadBytes + mask; // rounded up to a list, but for the bits in the mask
  const index = TlsfLists.firstFor<P>(control, boundary, arena, span);
  if (index == -1) return Tlsf.refused(heap);
  const served = control.cutsToBoundary() ? boundary & ~mask : payloadBytes;
  const block = Tlsf.removeFirst<P>(heap, index, served, arena, span);
  return Tlsf.handOut<P>(heap, block, served, arena, span);
}

/** The payload at a multiple of `alignment`, or 0. */
export function tlsfAllocateAligned<P extends TlsfControl>(heap: Heap, alignment: u32, requestBytes: u32): u32 {
  if (alignment <= ALIGNMENT) return tlsfAllocate<P>(heap, requestBytes);
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const payloadBytes = Tlsf.payloadBytes<P>(control, requestBytes, ALIGNMENT, arena);
  const withGap = Tlsf.payloadBytes<P>(control, payloadBytes + alignment + RECORD_BYTES, alignment, arena);
  if (payloadBytes == 0 || withGap == 0 || withGap > TlsfLists.mostBytes<P>(control, arena)) return Tlsf.refused(heap);
  const boundary = withGap + TlsfLists.listMask(withGap, control.secondLog2(arena));
  const index = TlsfLists.firstFor<P>(control, boundary, arena, span);
  if (index == -1) return Tlsf.refused(heap);
  const found = Tlsf.removeFirst<P>(heap, index, withGap, arena, span);
  const gap = leadingGap(changetype<u32>(found) + PAYLOAD_OFFSET, alignment);
  const block = gap ? cutLeading<P>(heap, found, gap, arena, span) : found;
  const payload = Tlsf.handOut<P>(heap, block, payloadBytes, arena, span);
  if (block != found) Visits.noteSplit(heap);
  return payload;
}

/** Frees the block, merges it with free neighbours and lists the result. */
export function tlsfRelease<P extends TlsfControl>(heap: Heap, payload: u32): void {
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  let block = TlsfBlock.at(payload - PAYLOAD_OFFSET, arena, span);
  let word = block.word;
  if (rotr<u32>(word, 1) - (ALIGNMENT >> 1) >= (FREE << 31) - (ALIGNMENT >> 1)) assertionFailed(heap, payload); // free, or of 0 bytes
  let bytes = word & BYTES_MASK;
  let upper = TlsfBlock.above(block, bytes, arena, span);
  let upperWord = upper.word | LOWER_FREE;
  upper.lower = changetype<u32>(block);
  upper.word = upperWord;
  block.word = word | FREE;
  let visits: u32 = 2;

  if (word & LOWER_FREE) {
    // [lower free][block] => [    lower    ]
    const lower = TlsfBlock.at(block.lower, arena, span);
    word = lower.word;
    if ((word & FREE) == 0) assertionFailed(heap, changetype<u32>(lower) + PAYLOAD_OFFSET);
    TlsfLists.remove<P>(control, lower, TlsfLists.listOf<P>(control, lower.bytes, arena, span), arena, span);
    word += bytes + HEADER_BYTES;
    lower.word = word;
    block = lower;
    bytes = word & BYTES_MASK;
    upper = TlsfBlock.above(block, bytes, arena, span);
    upper.lower = changetype<u32>(block);
    upperWord = upper.word;
    visits = 3;
  }
  if (upperWord & FREE) bytes = Tlsf.absorb<P>(control, block, bytes, upper, arena, span);
  TlsfLists.insert<P>(control, block, bytes, arena, span);
  heap.visits = visits;
}

/** Shrinks and grows in place, into a free upper neighbour only; otherwise allocates, copies and frees. */
export function tlsfReallocate<P extends TlsfControl>(heap: Heap, payload: u32, requestBytes: u32): u32 {
  if (requestBytes == 0) {
    tlsfRelease<P>(heap, payload);
    return 0;
  }
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const block = TlsfBlock.at(payload - PAYLOAD_OFFSET, arena, span);
  const bytes = block.bytes;
  const upper = TlsfBlock.above(block, bytes, arena, span);
  const wanted = Tlsf.payloadBytes<P>(control, requestBytes, ALIGNMENT, arena);
  heap.visits = 2;
  if (wanted == 0 && control.refusesOversize()) return 0;
  if (block.word & FREE) assertionFailed(heap, payload);
  const grows = wanted > bytes;
  if (grows) {
    if ((upper.word & FREE) == 0 || wanted > bytes + upper.bytes + HEADER_BYTES)
      return move<P>(heap, payload, bytes, requestBytes);
    const merged = Tlsf.absorb<P>(control, block, bytes, upper, arena, span);
    TlsfBlock.above(block, merged, arena, span).word &= ~LOWER_FREE;
    block.word &= ~FREE;
  }
  if (cutTail<P>(control, block, wanted, arena, span) && grows) Visits.noteSplit(heap);
  return payload;
}

/** Steps with several callers: static methods because asc inlines decorated members only. */
class Tlsf {
  /** Up to a multiple of `alignment`. It may wrap to 0, which the originals then serve as the least payload. */
  @inline static rounded(bytes: u32, alignment: u32): u32 {
    return (bytes + alignment - 1) & ~(alignment - 1);
  }

  /** The payload that serves `requestBytes`, a multiple of `alignment` or the least; 0 when no block can be so large. */
  @inline static payloadBytes<P extends TlsfControl>(control: P, requestBytes: u32, alignment: u32, arena: u32): u32 {
    const rounded = Tlsf.rounded(requestBytes, alignment);
    return requestBytes == 0 || rounded >= <u32>(1 << control.limitLog2(arena))
      ? 0
      : max<u32>(rounded, LEAST_PAYLOAD_BYTES);
  }

  @inline static refused(heap: Heap): u32 {
    heap.visits = 0;
    return 0;
  }

  /**
   * Unlists the newest block of a list that is not empty. The original's assertion on its size comes first; the
   * fast build makes it where it costs nothing, in handOut: it stops a little later, and the exact build repeats.
   */
  @inline static removeFirst<P extends TlsfControl>(
    heap: Heap,
    index: u32,
    neededBytes: u32,
    arena: u32,
    span: u32,
  ): TlsfBlock {
    const control = changetype<P>(heap);
    const block = TlsfBlock.at(load<u32>(control.headAt(arena, span, index)), arena, span);
    if (EXACT_ACCESS && block.word < neededBytes) assertionFailed(heap, changetype<u32>(block) + PAYLOAD_OFFSET);
    TlsfLists.remove<P>(control, block, index, arena, span);
    return block;
  }

  /** Marks an unlisted free block live, cut to `wanted` bytes where the rest can be a block: [   free   ] => [payload][free] */
  @inline static handOut<P extends TlsfControl>(heap: Heap, block: TlsfBlock, wanted: u32, arena: u32, span: u32): u32 {
    const word = block.word;
    const bytes = word & BYTES_MASK;
    const upper = TlsfBlock.above(block, bytes, arena, span);
    if (bytes >= wanted + RECORD_BYTES) {
      const rest = TlsfBlock.within(block, HEADER_BYTES + wanted);
      const restBytes = bytes - wanted - HEADER_BYTES;
      rest.word = restBytes | FREE;
      block.word = wanted | (word & LOWER_FREE);
      upper.lower = changetype<u32>(rest);
      upper.word |= LOWER_FREE;
      rest.lower = changetype<u32>(block);
      TlsfLists.insert<P>(changetype<P>(heap), rest, restBytes, arena, span);
      heap.visits = 1 | <u32>VISITS_SPLIT;
    } else {
      if (!EXACT_ACCESS && bytes < wanted) assertionFailed(heap, changetype<u32>(block) + PAYLOAD_OFFSET);
      upper.word &= ~LOWER_FREE;
      block.word = word & ~FREE;
      heap.visits = 1;
    }
    return changetype<u32>(block) + PAYLOAD_OFFSET;
  }

  /** [block][upper free] => [      block      ]; flags stay. The new payload bytes. */
  @inline static absorb<P extends TlsfControl>(
    control: P,
    block: TlsfBlock,
    bytes: u32,
    upper: TlsfBlock,
    arena: u32,
    span: u32,
  ): u32 {
    const free = TlsfBlock.at(changetype<u32>(upper), arena, span);
    const upperBytes = free.bytes;
    const above = TlsfBlock.above(free, upperBytes, arena, span);
    TlsfLists.remove<P>(control, free, TlsfLists.indexOf(upperBytes, control.secondLog2(arena)), arena, span);
    block.word += upperBytes + HEADER_BYTES;
    above.lower = changetype<u32>(block);
    return bytes + upperBytes + HEADER_BYTES;
  }
}

/** From `payload` to where an aligned payload may lie: 0, or room for a block of its own. */
function leadingGap(payload: u32, alignment: u32): u32 {
  const aligned = (payload + alignment - 1) & ~(alignment - 1);
  const gap = aligned - payload;
  if (gap == 0 || gap >= RECORD_BYTES) return gap;
  const next = aligned + max<u32>(RECORD_BYTES - gap, alignment);
  return ((next + alignment - 1) & ~(alignment - 1)) - payload;
}

/** Lists the first `gap` bytes of an unlisted free block as a block; returns the other: [  free  ] => [free][free] */
function cutLeading<P extends TlsfControl>(heap: Heap, block: TlsfBlock, gap: u32, arena: u32, span: u32): TlsfBlock {
  const bytes = block.bytes;
  if (bytes < gap + RECORD_BYTES) return block;
  const upper = TlsfBlock.above(block, bytes, arena, span);
  const rest = TlsfBlock.within(block, gap);
  rest.word = (bytes - gap) | FREE | LOWER_FREE;
  block.word = (gap - HEADER_BYTES) | (block.word & ~BYTES_MASK);
  upper.lower = changetype<u32>(rest);
  upper.word |= LOWER_FREE;
  rest.lower = changetype<u32>(block);
  TlsfLists.insert<P>(changetype<P>(heap), block, gap - HEADER_BYTES, arena, span);
  return rest;
}

/** Gives back what a live block has beyond `wanted`: [   live   ][free] => [live][   free   ]. Whether it was enough for a block. */
function cutTail<P extends TlsfControl>(control: P, block: TlsfBlock, wanted: u32, arena: u32, span: u32): bool {
  const bytes = block.bytes;
  if (bytes < wanted + RECORD_BYTES) return false;
  const upper = TlsfBlock.above(block, bytes, arena, span);
  const rest = TlsfBlock.within(block, HEADER_BYTES + wanted);
  let restBytes = bytes - wanted - HEADER_BYTES;
  rest.word = restBytes | FREE;
  block.word = wanted | (block.word & ~BYTES_MASK);
  upper.lower = changetype<u32>(rest);
  upper.word |= LOWER_FREE;
  if (upper.word & FREE) restBytes = Tlsf.absorb<P>(control, rest, restBytes, upper, arena, span);
  TlsfLists.insert<P>(control, rest, restBytes, arena, span);
  return true;
}

function move<P extends TlsfControl>(heap: Heap, payload: u32, oldBytes: u32, requestBytes: u32): u32 {
  const moved = tlsfAllocate<P>(heap, requestBytes);
  const visits = heap.visits + 2;
  if (moved) {
    Guest.copy(moved, payload, min(oldBytes, requestBytes), heap.arena, heap.arenaBytes);
    tlsfRelease<P>(heap, payload);
    heap.visits += visits;
  } else heap.visits = visits;
  return moved;
}
