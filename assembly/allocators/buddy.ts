/**
 * buddy: blocks of powers of two; a block splits into two buddies, and two free buddies merge.
 * Unlike the list allocators it finds a neighbour by arithmetic: the buddy of offset o with size s is o xor s.
 *
 * Source: by definition (Knowlton 1965; Knuth, The Art of Computer Programming 1, section 2.5, algorithms R and S).
 *
 *   arena, rounded up to the least block ├ 2^k ┼ 2^j ┼ … ┤ tail ┤   start-up: the largest powers of two that fit,
 *                                                                   each at a multiple of its size from the first
 *   free block ├ next ┼ previous ┼ … ┤      doubly linked per order; 0 ends the list
 *   live block ├ payload ┤                  no header
 *
 *   state      ├ first free block of each order (32 words) ┼ marks: a byte for each least block ┤
 *
 *                7   6   5 4       0
 *              ├───┬───┬───┬────────┤
 *   mark       │ S │ L │ 0 │ order  │   S: a block starts here; L: it is live; 0 inside a block
 *              └───┴───┴───┴────────┘   order 0 is the least block
 *
 * A request takes the smallest block that holds it, from the lowest order that has one; the block freed last is
 * handed out first. Splitting keeps the low half and lists the high one. A release that names no live block is an
 * assertion, and ignored where assertions are compiled out.
 * Invariants: the marks tile the arena; each list holds exactly the free blocks of its order; no two free buddies.
 * Cost: allocate and release O(log(arena / least block)).
 */

import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, BlockState, BuddyOption, Inconsistency } from "../memory-map";
import { reallocateByMoving } from "../parts/moving";
import { assertionFailed, Block, broken, Finding, Heap, optionOf, refused } from "./heap";

const ORDERS: u32 = 32;
const STARTS: u32 = 0x80;
const LIVE: u32 = 0x40;
const ORDER_MASK: u32 = 0x1f;
const GRANULE_SHIFT_MOST: u32 = 4;
/** What a free block's check span is shortened by: its second link. */
const BEHIND_BYTES: u32 = 4;

@final
@unmanaged
class Links {
  next: u32;
  previous: u32;

  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Links {
    return changetype<Links>(Guest.word(address, low, span, access));
  }
}

@final
@unmanaged
export class Buddy extends Heap {
  plan(): void {
    this.stateBytes = (ORDERS << 2) + (((this.arenaBytes >> leastShiftOf(this)) + 3) & ~3);
    this.granuleShift = min(leastShiftOf(this), GRANULE_SHIFT_MOST);
  }

  initialize(): bool {
    const count = countOf(this);
    if (count == 0 || (ORDERS << 2) + count > this.stateBytes) return false;
    memory.fill(this.state, 0, (ORDERS << 2) + count);
    coverArena(this, count);
    return true;
  }

  /** Live and free blocks look alike in the arena: the marks must have been supplied. */
  adopt(): bool {
    return countOf(this) != 0 && (markAt(this, 0) & STARTS) != 0;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes - 1 >= this.arenaBytes) return 0; // also refuses 0
    const wanted = orderFor(this, requestBytes);
    let order = wanted;
    while (order < ORDERS && firstOf(this, order) == 0) order++;
    this.visits = min(order, ORDERS - 1) - wanted + 1;
    if (order == ORDERS) return 0;
    const block = firstOf(this, order);
    unlink(this, block, order);
    if (order > wanted) Visits.noteSplit(this);
    // [      order      ] => [ wanted ][ wanted ][ wanted + 1 ] …
    while (order > wanted) {
      order--;
      link(this, block + ((<u32>1) << (order + leastShiftOf(this))), order);
    }
    setMark(this, block, STARTS | LIVE | wanted);
    return block;
  }

  /** Blocks are aligned to the least block only: larger ones are so within the arena, not on the device. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= optionOf(this, BuddyOption.LeastBlockBytes) ? this.allocate(requestBytes) : refused(this);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<Buddy>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    const mark = liveMark(this, payload);
    if (mark == 0) {
      assertionFailed(this, payload);
      return;
    }
    const first = firstBlockOf(this),
      shift = leastShiftOf(this),
      count = countOf(this);
    let order = mark & ORDER_MASK;
    let index = (payload - first) >> shift;
    let visits: u32 = 1;
    // [free][block] or [block][free] => [   free   ], as long as the buddy is free and whole
    for (; order + shift < 31; order++, visits++) {
      const buddy = index ^ ((<u32>1) << order);
      if (buddy >= count || markAt(this, buddy) != (STARTS | order)) break;
      unlink(this, first + (buddy << shift), order);
      setMark(this, first + ((buddy | index) << shift), 0);
      index &= buddy;
    }
    link(this, first + (index << shift), order);
    this.visits = visits;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const mark = liveMark(this, payload);
    return mark ? (<u32>1) << ((mark & ORDER_MASK) + leastShiftOf(this)) : 0;
  }

  largestRequest(): u32 {
    const shift = leastShiftOf(this);
    for (let order = <i32>(31 - shift); order >= 0; order--) {
      if (firstOf(this, order)) return (<u32>1) << (order + shift);
    }
    return 0;
  }

  nextBlock(block: Block): bool {
    const first = firstBlockOf(this),
      shift = leastShiftOf(this),
      count = countOf(this);
    const arenaEnd = this.arena + this.arenaBytes,
      end = first + (count << shift);
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= arenaEnd) return false;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    if (at < first || at >= end) {
      block.bytes = (at < first ? first : arenaEnd) - at;
      return true;
    }
    const mark = markAt(this, (at - first) >> shift);
    block.bytes = (<u32>1) << ((mark & ORDER_MASK) + shift);
    block.payload = at;
    block.state = mark & LIVE ? BlockState.Live : BlockState.Free;
    return (mark & STARTS) != 0 && block.bytes <= end - at; // a mark that is not a block's ends the walk
  }

  check(finding: Finding): bool {
    return checkMarks(this, finding) && checkLists(this, finding);
  }

  /** free, largest, blocks (free ones) */
  statistics(out: u32): u32 {
    const shift = leastShiftOf(this),
      count = countOf(this);
    let free: u32 = 0,
      blocks: u32 = 0;
    for (let index: u32 = 0; index < count; index++) {
      const mark = markAt(this, index);
      if ((mark & (STARTS | LIVE)) != STARTS) continue;
      free += (<u32>1) << ((mark & ORDER_MASK) + shift);
      blocks++;
    }
    store<u32>(out, free, 0);
    store<u32>(out, this.largestRequest(), 4);
    store<u32>(out, blocks, 8);
    return 3;
  }
}

function leastShiftOf(heap: Heap): u32 {
  return 31 - clz(optionOf(heap, BuddyOption.LeastBlockBytes));
}

function firstBlockOf(heap: Heap): u32 {
  const mask = optionOf(heap, BuddyOption.LeastBlockBytes) - 1;
  return (heap.arena + mask) & ~mask;
}

/** How many least blocks the arena holds. */
function countOf(heap: Heap): u32 {
  const lead = firstBlockOf(heap) - heap.arena;
  return lead < heap.arenaBytes ? (heap.arenaBytes - lead) >> leastShiftOf(heap) : 0;
}

function orderFor(heap: Heap, requestBytes: u32): u32 {
  const bits: u32 = 32 - clz(requestBytes - 1); // of the power of two that holds the request
  const shift = leastShiftOf(heap);
  return bits > shift ? bits - shift : 0;
}

function firstOf(heap: Heap, order: u32): u32 {
  return load<u32>(heap.state + (order << 2));
}

function markAt(heap: Heap, index: u32): u32 {
  return load<u8>(heap.state + index, ORDERS << 2);
}

/** Sets the mark of the least block at `address`, which metadata may have led astray. */
function setMark(heap: Heap, address: u32, mark: u32): void {
  const index = (address - firstBlockOf(heap)) >> leastShiftOf(heap);
  store<u8>(Guest.bytes(heap.state + (ORDERS << 2) + index, 1, heap.checkLow, heap.checkSpan, Access.Store), <u8>mark);
}

/** The mark of the live block whose payload begins there, or 0. */
function liveMark(heap: Heap, payload: u32): u32 {
  const offset = payload - firstBlockOf(heap),
    shift = leastShiftOf(heap);
  if ((offset & (((<u32>1) << shift) - 1)) != 0 || offset >> shift >= countOf(heap)) return 0;
  const mark = markAt(heap, offset >> shift);
  return (mark & (STARTS | LIVE)) == (STARTS | LIVE) ? mark : 0;
}

/** Puts a free block at the head of its order's list. */
function link(heap: Heap, block: u32, order: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - BEHIND_BYTES;
  const links = Links.at(block, low, span, Access.Store);
  const head = heap.state + (order << 2);
  const next = load<u32>(head);
  links.next = next;
  links.previous = 0;
  if (next) Links.at(next, low, span, Access.Store).previous = block;
  store<u32>(head, block);
  setMark(heap, block, STARTS | order);
}

function unlink(heap: Heap, block: u32, order: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - BEHIND_BYTES;
  const links = Links.at(block, low, span);
  const next = links.next,
    previous = links.previous;
  if (next) Links.at(next, low, span, Access.Store).previous = previous;
  if (previous) Links.at(previous, low, span, Access.Store).next = next;
  else store<u32>(heap.state + (order << 2), next);
}

/** Lists the largest aligned powers of two from the first block to the end. */
function coverArena(heap: Heap, count: u32): void {
  const first = firstBlockOf(heap),
    shift = leastShiftOf(heap);
  for (let index: u32 = 0; index < count; ) {
    const order = 31 - clz(count - index); // index is a multiple of every power of two placed before it
    link(heap, first + (index << shift), order);
    index += (<u32>1) << order;
  }
}

function checkMarks(heap: Heap, finding: Finding): bool {
  const count = countOf(heap),
    marks = heap.state + (ORDERS << 2);
  for (let index: u32 = 0; index < count; ) {
    const mark = markAt(heap, index),
      order = mark & ORDER_MASK;
    const length = (<u32>1) << order;
    if ((mark & STARTS) == 0 || (mark & 0x20) != 0)
      return broken(finding, Inconsistency.IndexMismatch, marks + index, STARTS, mark);
    if (index & (length - 1))
      return broken(finding, Inconsistency.BlockMisaligned, marks + index, index & ~(length - 1), index);
    if (length > count - index)
      return broken(finding, Inconsistency.BlockBeyondArena, marks + index, count - index, length);
    for (let inside: u32 = 1; inside < length; inside++) {
      if (markAt(heap, index + inside))
        return broken(finding, Inconsistency.IndexMismatch, marks + index + inside, 0, markAt(heap, index + inside));
    }
    const buddy = index ^ length;
    if (mark == (STARTS | order) && buddy < index && markAt(heap, buddy) == mark) {
      return broken(finding, Inconsistency.FreeNeighboursNotMerged, marks + index, 0, mark);
    }
    index += length;
  }
  return true;
}

/** Every link leads to a free block of the list's order and back, and no free block is left out. */
function checkLists(heap: Heap, finding: Finding): bool {
  const first = firstBlockOf(heap),
    shift = leastShiftOf(heap),
    count = countOf(heap);
  let listed: u32 = 0;
  for (let order: u32 = 0; order < ORDERS; order++) {
    let from: u32 = 0;
    for (let at = firstOf(heap, order); at != 0; at = changetype<Links>(at).next) {
      const offset = at - first,
        origin = from ? from : heap.state + (order << 2);
      if (offset >> shift >= count) return broken(finding, Inconsistency.ListPointerOutsideArena, origin, 0, at);
      if (offset & (((<u32>1) << shift) - 1))
        return broken(finding, Inconsistency.BlockMisaligned, origin, first + ((offset >> shift) << shift), at);
      const mark = markAt(heap, offset >> shift);
      if (mark != (STARTS | order)) return broken(finding, Inconsistency.ListedBlockNotFree, at, STARTS | order, mark);
      if (changetype<Links>(at).previous != from) {
        return broken(finding, Inconsistency.NeighbourSizeMismatch, at + 4, from, changetype<Links>(at).previous);
      }
      if (++listed > count) return broken(finding, Inconsistency.ListLoop, origin, 0, at);
      from = at;
    }
  }
  let free: u32 = 0;
  for (let index: u32 = 0; index < count; index++) if ((markAt(heap, index) & (STARTS | LIVE)) == STARTS) free++;
  return listed == free || broken(finding, Inconsistency.FreeBlockNotListed, heap.state, free, listed);
}
