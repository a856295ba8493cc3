/**
 * zephyr-sys-heap: chunks of 8-byte units in rings by power of two; a bounded look into the ring for the size,
 * then the next larger one. Unlike TLSF it keeps one ring an octave and may pass over a chunk that fits.
 *
 * Source: zephyr lib/heap/heap.c and heap.h (Apache-2.0), heap.h at 00cdac66; hardening and canaries off.
 * Left out: listeners, alignment with a rewind bit, `sys_heap_aligned_realloc`.
 *
 *        small: 31         17 16 15               0     big: each field a word
 *             ├──────────────┬──┬─────────────────┤
 *        +0   │ own units    │ U│ left's units    │     U: used
 *             ╞══════════════╧══╪═════════════════╡
 *        +4   │ next in ring    │ previous in ring│     while free; else the payload
 *             └─────────────────┴─────────────────┘
 *
 *  arena ├ chunk 0: control, statistics, buckets ┼ chunk ┼ … ┼ end marker: a header, size 0, used ┤
 *
 * Small headers serve up to 32767 units. In a big heap a single unit has no room for links: it is free, but in
 * no ring until it merges. The arena is rounded to units at both ends.
 * Invariants: sizes chain right and left; no two free chunks touch; each ring holds its octave, and its bit says
 * whether it holds any. Cost: allocate and release O(1).
 */

import { Guest } from "../guest";
import { isLive } from "../inspect/shadow";
import { Visits } from "../inspect/visits";
import { BlockState, ZephyrSysHeapOption } from "../memory-map";
import { assertionFailed, Block, Finding, Heap, optionOf } from "./heap";
import { checkZephyr } from "./zephyr-check";
import {
  BigChunk,
  bucketAt,
  bucketOf,
  Chunk,
  Control,
  chunkAt,
  controlBytes,
  freeChunkAt,
  headerBytes,
  keepsStatistics,
  leastUnits,
  payloadBytesOf,
  SMALL_UNITS_MOST,
  SmallChunk,
  UNIT_BYTES,
  UNIT_SHIFT,
  unitsFor,
  ZephyrState,
} from "./zephyr-chunk";
import { freeChunk, listChunk, mergeChunks, splitChunk, takeChunk, unlistChunk } from "./zephyr-free-list";

@final
@unmanaged
export class ZephyrSysHeap extends Heap {
  plan(): void {
    this.stateBytes = offsetof<ZephyrState>();
    this.granuleShift = 2;
  }

  initialize(): bool {
    const endUnit = endUnitOf(this);
    if (endUnit == 0) return false;
    this.adopt();
    const control = changetype<Control>(controlOf(this));
    control.endUnit = endUnit;
    control.availableBuckets = 0;
    if (keepsStatistics(this)) {
      control.freeBytes = 0;
      control.liveBytes = 0;
      control.mostLiveBytes = 0;
    }
    return isBig(this, endUnit) ? openArena<BigChunk>(this, endUnit) : openArena<SmallChunk>(this, endUnit);
  }

  adopt(): bool {
    const state = changetype<ZephyrState>(this.state);
    state.control = controlOf(this);
    state.initialAddress = this.arena;
    state.initialBytes = this.arenaBytes;
    return true;
  }

  allocate(requestBytes: u32): u32 {
    const control = openControl(this);
    this.visits = 0;
    if (requestBytes == 0) return 0;
    return isBig(this, control.endUnit)
      ? allocateChunk<BigChunk>(this, control, requestBytes)
      : allocateChunk<SmallChunk>(this, control, requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    const control = openControl(this);
    this.visits = 0;
    if (requestBytes == 0) return 0;
    return isBig(this, control.endUnit)
      ? allocateAlignedChunk<BigChunk>(this, control, alignment, requestBytes)
      : allocateAlignedChunk<SmallChunk>(this, control, alignment, requestBytes);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    if (requestBytes == 0) {
      this.release(payload, oldRequestBytes);
      return 0;
    }
    const control = openControl(this);
    this.visits = 2;
    const stays = isBig(this, control.endUnit)
      ? resize<BigChunk>(this, control, payload, requestBytes)
      : resize<SmallChunk>(this, control, payload, requestBytes);
    if (stays) return payload;
    const moved = this.allocate(requestBytes);
    if (moved == 0) return 0;
    const visits = this.visits;
    const bytes = min(this.usableBytes(payload, oldRequestBytes), requestBytes);
    Guest.copy(moved, payload, bytes, this.checkLow, this.checkSpan);
    this.release(payload, oldRequestBytes);
    this.visits += visits;
    return moved;
  }

  release(payload: u32, requestBytes: u32): void {
    const control = openControl(this);
    this.visits = 0;
    if (isBig(this, control.endUnit)) releaseChunk<BigChunk>(this, control, payload);
    else releaseChunk<SmallChunk>(this, control, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    const control = openControl(this);
    if (isBig(this, control.endUnit)) return usableBytesOf<BigChunk>(this, control, payload);
    return usableBytesOf<SmallChunk>(this, control, payload);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const control = openControl(this);
    const units = isBig(this, control.endUnit)
      ? chunkOf<BigChunk>(this, control, payload).units()
      : chunkOf<SmallChunk>(this, control, payload).units();
    return units << UNIT_SHIFT;
  }

  largestRequest(): u32 {
    const control = openControl(this);
    return isBig(this, control.endUnit) ? largestOf<BigChunk>(this, control) : largestOf<SmallChunk>(this, control);
  }

  nextBlock(block: Block): bool {
    return isBig(this, endUnitOf(this)) ? nextChunk<BigChunk>(this, block) : nextChunk<SmallChunk>(this, block);
  }

  check(finding: Finding): bool {
    const endUnit = endUnitOf(this);
    const control = controlOf(this);
    return isBig(this, endUnit)
      ? checkZephyr<BigChunk>(this, finding, control, endUnit)
      : checkZephyr<SmallChunk>(this, finding, control, endUnit);
  }

  /** free, used, max_used: the original's counters, or zeros where it keeps none. */
  statistics(out: u32): u32 {
    const control = openControl(this);
    const kept = keepsStatistics(this);
    store<u32>(out, kept ? control.freeBytes : 0, 0);
    store<u32>(out, kept ? control.liveBytes : 0, 4);
    store<u32>(out, kept ? control.mostLiveBytes : 0, 8);
    return 3;
  }
}

function isBig(heap: Heap, endUnit: u32): bool {
  return endUnit > SMALL_UNITS_MOST || optionOf(heap, ZephyrSysHeapOption.BigHeap) != 0;
}

/** Where the control structure and chunk 0 begin: the arena's base rounded up to a unit. */
function controlOf(heap: Heap): u32 {
  return (heap.arena + UNIT_BYTES - 1) & ~(UNIT_BYTES - 1);
}

/** The control structure by the pointer in device RAM. */
function openControl(heap: Heap): Control {
  return Control.at(changetype<ZephyrState>(heap.state).control, heap.checkLow, heap.checkSpan);
}

/** The unit of the end marker: what is left of the arena below its header, rounded down; 0 when nothing is. */
function endUnitOf(heap: Heap): u32 {
  const footerBytes: u32 = isBig(heap, heap.arenaBytes >> UNIT_SHIFT) ? 8 : 4;
  const low = controlOf(heap);
  const end = (heap.arena + heap.arenaBytes - footerBytes) & ~(UNIT_BYTES - 1);
  return heap.arenaBytes > footerBytes && end > low ? (end - low) >> UNIT_SHIFT : 0;
}

/** [ arena ] => [chunk 0][            one free chunk            ][end] */
function openArena<C extends Chunk>(heap: Heap, endUnit: u32): bool {
  const control = controlOf(heap);
  if (endUnit < leastUnits<C>()) return false;
  const buckets = bucketOf<C>(endUnit) + 1;
  const firstUnit = (controlBytes(heap) + (buckets << 2) + UNIT_BYTES - 1) >> UNIT_SHIFT;
  if (firstUnit + leastUnits<C>() > endUnit) return false;
  memory.fill(control + controlBytes(heap), 0, buckets << 2);
  const zero = chunkAt<C>(heap, control, 0);
  zero.setUnits(firstUnit);
  zero.setLeftUnits(0);
  zero.setUsed(true);
  const first = chunkAt<C>(heap, control, firstUnit);
  first.setUnits(endUnit - firstUnit);
  first.setLeftUnits(firstUnit);
  const end = chunkAt<C>(heap, control, endUnit);
  end.setUnits(0);
  end.setLeftUnits(endUnit - firstUnit);
  end.setUsed(true);
  listChunk<C>(heap, control, firstUnit);
  return true;
}

/** The unit of the chunk that a payload lies in: one behind its header, or 4 bytes later where it was aligned. */
function unitOf<C extends Chunk>(control: Control, payload: u32): u32 {
  return (payload - headerBytes<C>() - changetype<u32>(control)) >> UNIT_SHIFT;
}

function chunkOf<C extends Chunk>(heap: Heap, control: Control, payload: u32): C {
  return chunkAt<C>(heap, changetype<u32>(control), unitOf<C>(control, payload));
}

/** Bytes between the header and an aligned payload: 0 or 4. */
function gapOf<C extends Chunk>(payload: u32): u32 {
  return headerBytes<C>() == UNIT_BYTES ? 0 : (payload - headerBytes<C>()) & (UNIT_BYTES - 1);
}

function usableBytesOf<C extends Chunk>(heap: Heap, control: Control, payload: u32): u32 {
  return payloadBytesOf<C>(chunkOf<C>(heap, control, payload).units()) - gapOf<C>(payload);
}

function allocateChunk<C extends Chunk>(heap: Heap, control: Control, requestBytes: u32): u32 {
  const base = changetype<u32>(control);
  const units = unitsFor<C>(control.endUnit, requestBytes, 0);
  const unit = takeChunk<C>(heap, base, units, optionOf(heap, ZephyrSysHeapOption.AllocLoops));
  if (unit == 0) return 0;
  trim<C>(heap, base, unit, unit + units);
  noteLive<C>(heap, control, unit);
  return base + (unit << UNIT_SHIFT) + headerBytes<C>();
}

/** [       free       ] => [free][chunk with the aligned payload][free] */
function allocateAlignedChunk<C extends Chunk>(heap: Heap, control: Control, alignment: u32, requestBytes: u32): u32 {
  const header = headerBytes<C>();
  if (alignment <= header) return allocateChunk<C>(heap, control, requestBytes);
  const base = changetype<u32>(control);
  const units = unitsFor<C>(control.endUnit, requestBytes, alignment - header);
  const found = takeChunk<C>(heap, base, units, optionOf(heap, ZephyrSysHeapOption.AllocLoops));
  if (found == 0) return 0;
  const payload = (base + (found << UNIT_SHIFT) + header + alignment - 1) & ~(alignment - 1);
  const unit = unitOf<C>(control, payload);
  const endUnit = (payload + requestBytes + UNIT_BYTES - 1 - base) >> UNIT_SHIFT;
  if (unit > found) {
    splitChunk<C>(heap, base, found, unit);
    listChunk<C>(heap, base, found);
    Visits.noteSplit(heap);
  }
  trim<C>(heap, base, unit, endUnit);
  noteLive<C>(heap, control, unit);
  return payload;
}

/** Splits off and lists what the chunk, no longer listed, has behind `endUnit`: the rest of a hole. */
function trim<C extends Chunk>(heap: Heap, base: u32, unit: u32, endUnit: u32): void {
  if (unit + chunkAt<C>(heap, base, unit).units() <= endUnit) return;
  splitChunk<C>(heap, base, unit, endUnit);
  listChunk<C>(heap, base, endUnit);
  Visits.noteSplit(heap);
}

function noteLive<C extends Chunk>(heap: Heap, control: Control, unit: u32): void {
  const chunk = chunkAt<C>(heap, changetype<u32>(control), unit);
  chunk.setUsed(true);
  addLiveBytes(heap, control, payloadBytesOf<C>(chunk.units()));
}

function addLiveBytes(heap: Heap, control: Control, bytes: u32): void {
  if (!keepsStatistics(heap)) return;
  control.liveBytes += bytes;
  control.mostLiveBytes = max(control.mostLiveBytes, control.liveBytes);
}

function releaseChunk<C extends Chunk>(heap: Heap, control: Control, payload: u32): void {
  const base = changetype<u32>(control);
  const unit = unitOf<C>(control, payload);
  const chunk = chunkAt<C>(heap, base, unit);
  if (!chunk.isUsed()) assertionFailed(heap, payload); // freed twice?
  if (chunkAt<C>(heap, base, unit + chunk.units()).leftUnits() != chunk.units()) assertionFailed(heap, payload); // overrun?
  chunk.setUsed(false);
  if (keepsStatistics(heap)) control.liveBytes -= payloadBytesOf<C>(chunk.units());
  freeChunk<C>(heap, base, unit);
}

/** Fits the chunk to the request in place, with a free right neighbour if need be; false: it must move. */
function resize<C extends Chunk>(heap: Heap, control: Control, payload: u32, requestBytes: u32): bool {
  const base = changetype<u32>(control);
  const unit = unitOf<C>(control, payload);
  const chunk = chunkAt<C>(heap, base, unit);
  const units = unitsFor<C>(control.endUnit, requestBytes, gapOf<C>(payload));
  const ownUnits = chunk.units();
  if (ownUnits == units) return true;
  if (ownUnits > units) {
    // [     chunk     ] => [chunk][free, merged to the right]
    if (keepsStatistics(heap)) control.liveBytes -= (ownUnits - units) << UNIT_SHIFT;
    splitChunk<C>(heap, base, unit, unit + units);
    chunk.setUsed(true);
    freeChunk<C>(heap, base, unit + units);
    return true;
  }
  return growRight<C>(heap, control, unit, ownUnits, units);
}

/** [chunk][   free   ] => [   chunk   ][free] */
function growRight<C extends Chunk>(heap: Heap, control: Control, unit: u32, ownUnits: u32, units: u32): bool {
  const base = changetype<u32>(control);
  const right = unit + ownUnits;
  const rightChunk = chunkAt<C>(heap, base, right);
  if (rightChunk.isUsed() || ownUnits + rightChunk.units() < units) return false;
  addLiveBytes(heap, control, (units - ownUnits) << UNIT_SHIFT);
  unlistChunk<C>(heap, base, right);
  trim<C>(heap, base, right, unit + units);
  mergeChunks<C>(heap, base, unit, right);
  chunkAt<C>(heap, base, unit).setUsed(true);
  return true;
}

/** Above the topmost ring nothing is left, and of that ring a search sees no more than the first few chunks. */
function largestOf<C extends Chunk>(heap: Heap, control: Control): u32 {
  const base = changetype<u32>(control);
  if (control.availableBuckets == 0) return 0;
  const first = load<u32>(bucketAt(heap, base, 31 - clz<u32>(control.availableBuckets)));
  let loops = optionOf(heap, ZephyrSysHeapOption.AllocLoops),
    largest: u32 = 0,
    unit = first;
  do {
    const chunk = freeChunkAt<C>(heap, base, unit);
    largest = max(largest, chunk.units());
    unit = chunk.next();
  } while (--loops != 0 && unit != first);
  return payloadBytesOf<C>(largest);
}

/** The walk ends where a chunk has no size or reaches beyond the end marker. */
function nextChunk<C extends Chunk>(heap: Heap, block: Block): bool {
  const control = controlOf(heap),
    high = heap.arena + heap.arenaBytes;
  const at = block.address ? block.address + block.bytes : heap.arena;
  if (at >= high) return false;
  const end = control + (endUnitOf(heap) << UNIT_SHIFT);
  block.address = at;
  block.payload = 0;
  block.state = BlockState.Bookkeeping;
  if (at < control || at >= end) {
    block.bytes = at < control ? control - at : high - at;
    return true;
  }
  const chunk = chunkAt<C>(heap, control, (at - control) >> UNIT_SHIFT);
  const units = chunk.units();
  block.bytes = units << UNIT_SHIFT;
  if (at != control) {
    block.state = chunk.isUsed() ? BlockState.Live : BlockState.Free;
    block.payload = at + headerBytes<C>();
    const aligned = at + UNIT_BYTES;
    if (headerBytes<C>() < UNIT_BYTES && chunk.isUsed() && !isLive(heap, block.payload) && isLive(heap, aligned))
      block.payload = aligned;
  }
  return units != 0 && units <= (end - at) >> UNIT_SHIFT;
}
