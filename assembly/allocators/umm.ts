/**
 * umm: units of 8 bytes under 15-bit indices, with an unsorted doubly linked free list; best or first fit.
 * Unlike the other small heaps its links are indices, so a heap is at most 256 KiB and costs 4 bytes a block.
 *
 * Source: rhempel/umm_malloc src/umm_malloc.c (MIT), ed68d0b; UMM_BLOCK_BODY_SIZE 8, UMM_BEST_FIT or UMM_FIRST_FIT.
 * Left out: poison and integrity checks, inline metrics (none changes placement).
 *
 *        31              16 15 14              0
 *       ├──────────────────┬──┬────────────────┤
 *  +0   │ unit before      │ F│ unit behind    │  F: on the free list
 *       ╞══════════════════╪══╧════════════════╡
 *  +4   │ free unit before │ free unit behind  │  while free; else the payload, 4-aligned
 *       └──────────────────┴───────────────────┘
 *
 *  arena ├ unit 0: head of the free list ┼ block ┼ … ┼ last unit: end marker, unit behind 0 ┤
 *
 * Invariants: the chain of units ascends from 0 to the last one and back; no two free blocks touch; the free
 * list is a ring through unit 0. Cost: allocate O(free blocks), release O(1).
 */

import { endless } from "../fault";
import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { BlockState, UmmFit, UmmOption } from "../memory-map";
import { Block, Finding, Heap, optionOf, refused } from "./heap";
import { checkUmm } from "./umm-check";
import {
  BODY_BYTES,
  FREE,
  HEADER_BYTES,
  INDEX,
  UmmState,
  UNIT_BYTES,
  UNIT_SHIFT,
  UNITS_LEAST,
  UNITS_MOST,
  Unit,
  unitOf,
} from "./umm-unit";

@final
@unmanaged
export class Umm extends Heap {
  plan(): void {
    this.stateBytes = 12;
    this.granuleShift = 2;
  }

  /** [ arena ] => [head][        one free block        ][end] */
  initialize(): bool {
    const units = this.arenaBytes >> UNIT_SHIFT;
    if (units > UNITS_MOST || units < UNITS_LEAST || (this.arena & 3) != 0) return false;
    this.adopt();
    memory.fill(this.arena, 0, units << UNIT_SHIFT);
    const head = unitOf(this, 0);
    head.next = 1;
    head.nextFree = 1;
    head.previousFree = 1;
    unitOf(this, 1).next = <u16>((units - 1) | FREE);
    unitOf(this, units - 1).previous = 1;
    return true;
  }

  adopt(): bool {
    const state = changetype<UmmState>(this.state);
    const units = min(this.arenaBytes >> UNIT_SHIFT, UNITS_MOST);
    state.base = this.arena;
    state.bytes = units << UNIT_SHIFT;
    state.units = <u16>units;
    return true;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    return requestBytes ? allocateUnits(this, unitsFor(requestBytes)) : 0;
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= HEADER_BYTES ? this.allocate(requestBytes) : refused(this);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    if (requestBytes != 0) return resize(this, payload, unitsFor(requestBytes));
    this.release(payload, oldRequestBytes);
    return 0;
  }

  /** Pointers outside the heap are ignored, as the original does. */
  release(payload: u32, requestBytes: u32): void {
    const state = changetype<UmmState>(this.state);
    this.visits = 0;
    if (payload < state.base || payload >= state.base + state.bytes) return;
    free(this, indexOf(payload, state.base));
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const base = changetype<UmmState>(this.state).base;
    const index = indexOf(payload, base);
    const unit = Unit.at(base, index, this.checkLow, this.checkSpan - UNIT_BYTES + 4);
    return ((unit.next & INDEX) - index) << UNIT_SHIFT;
  }

  largestRequest(): u32 {
    const state = changetype<UmmState>(this.state);
    const low = this.checkLow,
      span = this.checkSpan - UNIT_BYTES + 4,
      base = state.base;
    let largest: u32 = 0,
      visits: u32 = 0;
    for (let at: u32 = Unit.at(base, 0, low, span).nextFree; at != 0; ) {
      const unit = Unit.at(base, at, low, span);
      largest = max(largest, unitsFrom(at, unit.next));
      at = unit.nextFree;
      if (++visits > state.units) endless(base + (at << UNIT_SHIFT));
    }
    return largest ? (largest << UNIT_SHIFT) - HEADER_BYTES : 0;
  }

  /** The walk ends where the chain of units does not ascend. */
  nextBlock(block: Block): bool {
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at - this.arena >= this.arenaBytes) return false;
    const index = (at - this.arena) >> UNIT_SHIFT;
    const last = (this.arenaBytes >> UNIT_SHIFT) - 1;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    if (index == 0 || index >= last) {
      block.bytes = index ? this.arena + this.arenaBytes - at : UNIT_BYTES;
      return true;
    }
    const unit = unitOf(this, index);
    const next = unit.next & INDEX;
    block.payload = at + HEADER_BYTES;
    block.bytes = (next - index) << UNIT_SHIFT;
    block.state = unit.next & FREE ? BlockState.Free : BlockState.Live;
    return next > index && next <= last;
  }

  check(finding: Finding): bool {
    return checkUmm(this, finding);
  }

  /** free, largest, blocks, used_entries, used_blocks, frag, usage */
  statistics(out: u32): u32 {
    const block = changetype<Block>(memory.data(24));
    block.address = 0;
    let freeUnits: u32 = 0,
      squares: u32 = 0,
      largest: u32 = 0,
      holes: u32 = 0,
      liveUnits: u32 = 0,
      live: u32 = 0;
    while (this.nextBlock(block)) {
      const units = block.bytes >> UNIT_SHIFT;
      if (block.state == BlockState.Free) {
        holes++;
        freeUnits += units;
        squares += units * units;
        largest = max(largest, units);
      } else if (block.state == BlockState.Live) {
        live++;
        liveUnits += units;
      }
    }
    const root = <u32>sqrt<f32>(<f32>squares);
    store<u32>(out, freeUnits << UNIT_SHIFT, 0);
    store<u32>(out, largest << UNIT_SHIFT, 4);
    store<u32>(out, holes, 8);
    store<u32>(out, live, 12);
    store<u32>(out, liveUnits, 16);
    store<u32>(out, freeUnits ? 100 - (root * 100) / freeUnits : 0, 20);
    store<u32>(out, freeUnits ? (liveUnits * 100) / freeUnits : u32.MAX_VALUE, 24);
    return 7;
  }
}

/** Division and 16-bit index as in the original, whatever `payload` is. */
function indexOf(payload: u32, base: u32): u32 {
  return ((payload - base) >> UNIT_SHIFT) & 0xffff;
}

/** Units from `index` to its link `next`, in the original's 16 bits. */
function unitsFrom(index: u32, next: u32): u32 {
  return ((next & INDEX) - index) & 0xffff;
}

/** Units for a payload: the first one gives 4 bytes, each further one 8. */
function unitsFor(requestBytes: u32): u32 {
  if (requestBytes <= BODY_BYTES) return 1;
  return min(2 + ((requestBytes - BODY_BYTES - 1) >> UNIT_SHIFT), UNITS_MOST);
}

function allocateUnits(heap: Umm, units: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - UNIT_BYTES + 4;
  const base = changetype<UmmState>(heap.state).base;
  const found =
    optionOf(heap, UmmOption.Fit) == UmmFit.First
      ? findFirst(heap, base, units, low, span)
      : findBest(heap, base, units, low, span);
  const index = found & 0xffff;
  const foundUnits = found >>> 16;
  const unit = Unit.at(base, index, low, span);
  if ((unit.next & INDEX) == 0 || foundUnits < units) return 0;
  if (foundUnits == units) unlink(base, index, unit, low, span);
  else {
    takeFront(base, index, unit, units, low, span);
    Visits.noteSplit(heap);
  }
  return base + (index << UNIT_SHIFT) + HEADER_BYTES;
}

/** Index (low half) and units (high half) of the smallest block that fits, the first among equals; else index 0. */
function findBest(heap: Umm, base: u32, units: u32, low: u32, span: u32): u32 {
  const visitsMost: u32 = changetype<UmmState>(heap.state).units;
  let best: u32 = 0,
    bestUnits: u32 = UNITS_MOST,
    lookedUnits: u32 = 0,
    visits: u32 = 0;
  for (let at: u32 = Unit.at(base, 0, low, span).nextFree; at != 0; ) {
    const unit = Unit.at(base, at, low, span);
    lookedUnits = unitsFrom(at, unit.next);
    if (lookedUnits >= units && lookedUnits < bestUnits) {
      best = at;
      bestUnits = lookedUnits;
    }
    at = unit.nextFree;
    if (++visits > visitsMost) endless(base + (at << UNIT_SHIFT));
  }
  heap.visits = visits;
  return bestUnits != UNITS_MOST ? (bestUnits << 16) | best : lookedUnits << 16;
}

/** As findBest, for the first block of the list that fits. */
function findFirst(heap: Umm, base: u32, units: u32, low: u32, span: u32): u32 {
  const visitsMost: u32 = changetype<UmmState>(heap.state).units;
  let lookedUnits: u32 = 0,
    visits: u32 = 0;
  let at: u32 = Unit.at(base, 0, low, span).nextFree;
  while (at != 0) {
    const unit = Unit.at(base, at, low, span);
    lookedUnits = unitsFrom(at, unit.next);
    visits++;
    if (lookedUnits >= units) break;
    at = unit.nextFree;
    if (visits > visitsMost) endless(base + (at << UNIT_SHIFT));
  }
  heap.visits = visits;
  return (lookedUnits << 16) | at;
}

/** Takes a block off the free list. */
function unlink(base: u32, index: u32, unit: Unit, low: u32, span: u32): void {
  Unit.at(base, unit.previousFree, low, span).nextFree = unit.nextFree;
  Unit.at(base, unit.nextFree, low, span).previousFree = unit.previousFree;
  unit.next &= <u16>INDEX;
}

/** [        free        ] => [payload][   free   ], the rest in the same place of the list */
function takeFront(base: u32, index: u32, unit: Unit, units: u32, low: u32, span: u32): void {
  const restIndex = (index + units) & 0xffff;
  split(base, index, unit, units, FREE, low, span);
  const rest = Unit.at(base, restIndex, low, span);
  Unit.at(base, unit.previousFree, low, span).nextFree = <u16>restIndex;
  rest.previousFree = unit.previousFree;
  Unit.at(base, unit.nextFree, low, span).previousFree = <u16>restIndex;
  rest.nextFree = unit.nextFree;
}

/** [     index      ] => [index: units][rest, flagged `flag`]; the free list is not touched. */
function split(base: u32, index: u32, unit: Unit, units: u32, flag: u32, low: u32, span: u32): void {
  const restIndex = (index + units) & 0xffff;
  const behind = unit.next & INDEX;
  const rest = Unit.at(base, restIndex, low, span);
  rest.next = <u16>(behind | flag);
  rest.previous = <u16>index;
  Unit.at(base, behind, low, span).previous = <u16>restIndex;
  unit.next = <u16>restIndex;
}

/** [block][free] => [     block     ]; a follower that is not free stays. */
function absorbNext(base: u32, index: u32, unit: Unit, low: u32, span: u32): void {
  const follower = Unit.at(base, unit.next, low, span);
  if ((follower.next & FREE) == 0) return;
  unlink(base, unit.next, follower, low, span);
  Unit.at(base, follower.next & INDEX, low, span).previous = <u16>index;
  unit.next = follower.next & <u16>INDEX;
}

/** [before][block] => [     before     ], flagged `flag`; returns the index of `before`. */
function joinPrevious(base: u32, unit: Unit, flag: u32, low: u32, span: u32): u32 {
  const before = unit.previous;
  Unit.at(base, before, low, span).next = unit.next | <u16>flag;
  Unit.at(base, unit.next, low, span).previous = before;
  return before;
}

/** Merges the block with free neighbours; one that did not join its predecessor goes to the list's head. */
function free(heap: Umm, index: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan - UNIT_BYTES + 4;
  const base = changetype<UmmState>(heap.state).base;
  const unit = Unit.at(base, index, low, span);
  heap.visits += 3;
  absorbNext(base, index, unit, low, span);
  if (Unit.at(base, unit.previous, low, span).next & FREE) {
    joinPrevious(base, unit, FREE, low, span);
    return;
  }
  const head = Unit.at(base, 0, low, span);
  Unit.at(base, head.nextFree, low, span).previousFree = <u16>index;
  unit.nextFree = head.nextFree;
  unit.previousFree = 0;
  head.nextFree = <u16>index;
  unit.next |= <u16>FREE;
}

/** The original's ladder: stay, take the next block whole, grow up, move down, both, or move away. */
function resize(heap: Umm, payload: u32, units: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - UNIT_BYTES + 4;
  const base = changetype<UmmState>(heap.state).base;
  const index = indexOf(payload, base);
  const unit = Unit.at(base, index, low, span);
  const ownUnits = (unit.next - index) & 0xffff;
  const follower = Unit.at(base, unit.next, low, span);
  const nextUnits = follower.next & FREE ? unitsFrom(unit.next, follower.next) : 0;
  const previousFree = Unit.at(base, unit.previous, low, span).next & FREE;
  const previousUnits = previousFree ? (index - unit.previous) & 0xffff : 0;
  heap.visits = 3;
  if (ownUnits >= units) return trim(heap, base, index, payload, ownUnits, units);
  const upUnits = ownUnits + nextUnits;
  if (upUnits == units || (previousUnits == 0 && upUnits >= units)) {
    absorbNext(base, index, unit, low, span);
    return trimGrown(heap, base, index, payload, upUnits, units);
  }
  if (previousUnits + upUnits < units) return move(heap, payload, ownUnits, units);
  const downUnits = previousUnits + ownUnits;
  if (downUnits < units) absorbNext(base, index, unit, low, span);
  const to = moveDown(heap, base, unit, payload, ownUnits);
  return trimGrown(
    heap,
    base,
    to,
    base + (to << UNIT_SHIFT) + HEADER_BYTES,
    downUnits < units ? previousUnits + upUnits : downUnits,
    units,
  );
}

/** As trim, for a block that has grown over free ones: what is freed is the rest of a hole. */
function trimGrown(heap: Umm, base: u32, index: u32, payload: u32, ownUnits: u32, units: u32): u32 {
  trim(heap, base, index, payload, ownUnits, units);
  if (ownUnits > units) Visits.noteSplit(heap);
  return payload;
}

/** Frees what a block of `ownUnits` has beyond `units`: [   block   ] => [block][free]. Returns `payload`. */
function trim(heap: Umm, base: u32, index: u32, payload: u32, ownUnits: u32, units: u32): u32 {
  if (ownUnits <= units) return payload;
  const low = heap.checkLow,
    span = heap.checkSpan - UNIT_BYTES + 4;
  split(base, index, Unit.at(base, index, low, span), units, 0, low, span);
  free(heap, (index + units) & 0xffff);
  return payload;
}

/** [free][block] => [   block   ] with the payload's bytes at the front; returns the new index. */
function moveDown(heap: Umm, base: u32, unit: Unit, payload: u32, ownUnits: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - UNIT_BYTES + 4;
  unlink(base, unit.previous, Unit.at(base, unit.previous, low, span), low, span);
  const to = joinPrevious(base, unit, 0, low, span);
  const bytes = (ownUnits << UNIT_SHIFT) - HEADER_BYTES;
  Guest.copy(base + (to << UNIT_SHIFT) + HEADER_BYTES, payload, bytes, heap.checkLow, heap.checkSpan);
  return to;
}

function move(heap: Umm, payload: u32, ownUnits: u32, units: u32): u32 {
  const moved = allocateUnits(heap, units);
  if (moved == 0) return 0;
  Guest.copy(moved, payload, (ownUnits << UNIT_SHIFT) - HEADER_BYTES, heap.checkLow, heap.checkSpan);
  free(heap, indexOf(payload, changetype<UmmState>(heap.state).base));
  return moved;
}
