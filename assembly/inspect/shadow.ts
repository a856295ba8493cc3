/**
 * The shadow: what a sanitizer knows of a heap without changing its placement. One word for each granule of
 * a region, in engine memory, so that nothing the guest does can reach it.
 *
 *    31  30                              0
 *   ├───┬─────────────────────────────────┤
 *   │ R │ request + 1                     │  R: the block that began here has been released
 *   └───┴─────────────────────────────────┘  all zero: no payload begins in this granule
 *
 * Invariant: between the granule of a live payload and the end of its request no other word is set.
 */

import { Heap, regionOf } from "../allocators/heap";
import { AccessVerdict, RegionField } from "../memory-map";

const RELEASED: u32 = 0x80000000;
const REQUEST_MASK: u32 = 0x7fffffff;

/** The record of the region that holds `address` (RegionField), or 0. */
function regionHolding(heap: Heap, address: u32): u32 {
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    const region = regionOf(heap, i);
    if (address - load<u32>(region, RegionField.Low << 2) < load<u32>(region, RegionField.Bytes << 2)) return region;
  }
  return 0;
}

/** Engine address of the word for the granule that holds `address`, or 0 outside the heap's regions. */
export function shadowWord(heap: Heap, address: u32): u32 {
  const region = regionHolding(heap, address);
  if (region == 0) return 0;
  const offset = address - load<u32>(region, RegionField.Low << 2);
  return load<u32>(region, RegionField.Shadow << 2) + ((offset >> heap.granuleShift) << 2);
}

/** Whether a live block begins at `payload`. */
export function isLive(heap: Heap, payload: u32): bool {
  const word = shadowWord(heap, payload);
  return word != 0 && <i32>load<u32>(word) > 0;
}

/** Whether the block that began at `payload` has been released since. */
export function wasReleased(heap: Heap, payload: u32): bool {
  const word = shadowWord(heap, payload);
  return word != 0 && (load<u32>(word) & RELEASED) != 0;
}

/** What the firmware asked for in the block that begins, or last began, at `payload`. */
export function requestOf(heap: Heap, payload: u32): u32 {
  const word = shadowWord(heap, payload);
  const content = word ? load<u32>(word) & REQUEST_MASK : 0;
  return content ? content - 1 : 0;
}

/** Notes a new block. Returns false when a live block already begins there (the allocator handed it out twice). */
export function shadowAllocate(heap: Heap, payload: u32, requestBytes: u32): bool {
  const region = regionHolding(heap, payload);
  if (region == 0) return true;
  const word = shadowWord(heap, payload);
  const wasFree = <i32>load<u32>(word) <= 0;
  const roomBytes = load<u32>(region, RegionField.Low << 2) + load<u32>(region, RegionField.Bytes << 2) - payload;
  memory.fill(word, 0, (min(requestBytes, roomBytes) >> heap.granuleShift) << 2);
  store<u32>(word, (requestBytes & (REQUEST_MASK >> 1)) + 1);
  return wasFree;
}

/** Notes the release of a live block. */
export function shadowRelease(heap: Heap, payload: u32): void {
  const word = shadowWord(heap, payload);
  if (word != 0) store<u32>(word, load<u32>(word) | RELEASED);
}

/** The first live payload at or after `address` in the region that holds it, or 0. */
export function nextLivePayload(heap: Heap, address: u32): u32 {
  const region = regionHolding(heap, address);
  if (region == 0) return 0;
  const low = load<u32>(region, RegionField.Low << 2);
  const bytes = load<u32>(region, RegionField.Bytes << 2);
  const shadow = load<u32>(region, RegionField.Shadow << 2);
  const granule: u32 = 1 << heap.granuleShift;
  for (let at = address; at - low < bytes; at = (at & ~(granule - 1)) + granule) {
    if (<i32>load<u32>(shadow + (((at - low) >> heap.granuleShift) << 2)) > 0) return at;
  }
  return 0;
}

/** Judges the firmware's access to [address, address + bytes). */
export function judgeAccess(heap: Heap, address: u32, bytes: u32): AccessVerdict {
  const region = regionHolding(heap, address);
  if (region == 0) return AccessVerdict.Wild;
  const low = load<u32>(region, RegionField.Low << 2);
  const shadow = load<u32>(region, RegionField.Shadow << 2);
  for (let index = (address - low) >> heap.granuleShift; <i32>index >= 0; index--) {
    const content = load<u32>(shadow + (index << 2));
    if (content == 0) continue;
    if (content & RELEASED) return AccessVerdict.UseAfterFree;
    const payload = low + (index << heap.granuleShift);
    return address + bytes - payload <= content - 1 ? AccessVerdict.Inside : AccessVerdict.Overrun;
  }
  return AccessVerdict.Wild;
}
