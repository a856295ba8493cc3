/**
 * A free list in address order that runs through all regions of a heap; a marker of size 0 ends each region.
 * What freertos-heap4, freertos-heap5 and lwmem have in common beyond their blocks.
 *
 *   region 0 ├ block ┼ … ┼ marker: 8 bytes ┤   region 1 ├ block ┼ … ┼ last marker ┤
 *                            └──── next ────────────────┘  first free one    next = 0
 *
 * Invariants: the list ascends and holds exactly the free blocks and the markers; the last marker ends it. An
 * allocator that merges across a marker may lose it from the list (see freertos-heap5), but not the last.
 */

import { broken, Finding, Heap, regionOf } from "../allocators/heap";
import { endless } from "../fault";
import { Inconsistency, RegionField } from "../memory-map";
import { BlockLayout, HEADER_BYTES, Header, LIVE } from "./linked-blocks";

/** Blocks from the first multiple of the alignment to the marker, the last such multiple with 8 bytes behind it. */
@unmanaged
export abstract class MarkedLayout extends BlockLayout {
  /** Whether a marker leaves the list when the block before it is released. */
  abstract losesMarkers(): bool;
}

/** Whether region `index` holds at least one block; one at address 0 would be taken for a null link. */
export function isUsed<L extends MarkedLayout>(heap: Heap, index: u32): bool {
  const first = firstOf<L>(heap, index);
  return first != 0 && endOf<L>(heap, index) > first;
}

/** Address of region `index`'s first block. */
export function firstOf<L extends MarkedLayout>(heap: Heap, index: u32): u32 {
  const region = regionOf(heap, index);
  return changetype<L>(0).first(load<u32>(region, RegionField.Low << 2), load<u32>(region, RegionField.Bytes << 2));
}

/** Address of region `index`'s marker. */
export function endOf<L extends MarkedLayout>(heap: Heap, index: u32): u32 {
  const region = regionOf(heap, index);
  return changetype<L>(0).end(load<u32>(region, RegionField.Low << 2), load<u32>(region, RegionField.Bytes << 2));
}

/** The marker that ends the list, or 0 when no region holds a block. */
export function lastMarkerOf<L extends MarkedLayout>(heap: Heap): u32 {
  for (let i = heap.regionCount; i > 0; i--) if (isUsed<L>(heap, i - 1)) return endOf<L>(heap, i - 1);
  return 0;
}

/** Whether each region begins behind the one before it. */
export function regionsAscend(heap: Heap): bool {
  let high: u32 = 0;
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    const low = load<u32>(regionOf(heap, i), RegionField.Low << 2);
    if (low < high) return false;
    high = low + load<u32>(regionOf(heap, i), RegionField.Bytes << 2);
  }
  return true;
}

/** Makes each used region one free block and links them, from the word at `head` on. Returns their bytes together. */
export function openRegions<L extends MarkedLayout>(heap: Heap, head: u32): u32 {
  let link = head;
  let freeBytes: u32 = 0;
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    if (!isUsed<L>(heap, i)) continue;
    const first = firstOf<L>(heap, i),
      end = endOf<L>(heap, i);
    store<u32>(link, first); // the head or the marker before; a header's link is its first word
    link = end;
    changetype<Header>(end).next = 0;
    changetype<Header>(end).size = 0;
    changetype<Header>(first).next = end;
    changetype<Header>(first).size = end - first;
    freeBytes += end - first;
  }
  return freeBytes;
}

/** What the regions alone tell of a list whose head is not known. */
@final
@unmanaged
export class Recovered {
  head: u32;
  freeBytes: u32;
}

/**
 * Rebuilds the head of the list into the record at `into`: the first free block or marker, looked for from the
 * last region down, because a marker is in the list just when it leads to the element that follows.
 */
export function recoverList<L extends MarkedLayout>(heap: Heap, into: Recovered): void {
  const last = lastMarkerOf<L>(heap);
  into.head = last;
  into.freeBytes = 0;
  for (let i = heap.regionCount; i > 0; i--) {
    if (!isUsed<L>(heap, i - 1)) continue;
    const marker = endOf<L>(heap, i - 1);
    if (marker != last && changetype<Header>(marker).next == into.head) into.head = marker;
    recoverRegion(firstOf<L>(heap, i - 1), marker, into);
  }
}

/** Follows a region's blocks as far as their sizes make sense; its first free block is the head so far. */
function recoverRegion(first: u32, end: u32, into: Recovered): void {
  let head: u32 = 0;
  for (let at = first; at < end; ) {
    const size = changetype<Header>(at).size;
    const bytes = size & ~LIVE;
    if (bytes < HEADER_BYTES || bytes > end - at || (bytes & 3) != 0) break;
    if ((size & LIVE) == 0) {
      if (head == 0) head = at;
      into.freeBytes += bytes;
    }
    at += bytes;
  }
  if (head) into.head = head;
}

/** Bytes of the largest block in the list that begins at `first`, header included. */
export function largestListed(heap: Heap, first: u32): u32 {
  const low = heap.checkLow,
    span = Header.spanOf(heap);
  let left = Header.mostOf(heap);
  let largest: u32 = 0;
  for (let block = Header.at(first, low, span); block.next != 0; block = Header.at(block.next, low, span)) {
    largest = max(largest, block.size);
    if (--left == 0) endless(changetype<u32>(block));
  }
  return largest;
}

/**
 * The list must be the free blocks and markers in address order: both are walked together, after
 * checkLinkedBlocks. `headLink` is the address of the head's word, `counter` that of the free-bytes counter.
 */
export function checkMarkedList<L extends MarkedLayout>(
  heap: Heap,
  finding: Finding,
  headLink: u32,
  counter: u32,
): bool {
  const last = lastMarkerOf<L>(heap);
  let link = headLink;
  let freeBytes: u32 = 0;
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    const end = endOf<L>(heap, i);
    for (let at = firstOf<L>(heap, i); at < end; ) {
      const bytes = changetype<Header>(at).size & ~LIVE;
      if (changetype<Header>(at).size == bytes) {
        if (load<u32>(link) != at) return wrongLink(heap, finding, link, at);
        link = at;
        freeBytes += bytes;
      }
      at += bytes;
    }
    if (!isUsed<L>(heap, i)) continue;
    if (changetype<Header>(end).size != 0)
      return broken(finding, Inconsistency.SentinelOverwritten, end, 0, changetype<Header>(end).size);
    if (load<u32>(link) == end) link = end;
    else if (end == last || !changetype<L>(0).losesMarkers()) return wrongLink(heap, finding, link, end);
  }
  if (load<u32>(link) != 0) return broken(finding, Inconsistency.SentinelOverwritten, link, 0, load<u32>(link));
  if (load<u32>(counter) != freeBytes)
    return broken(finding, Inconsistency.FreeBytesMismatch, counter, freeBytes, load<u32>(counter));
  return true;
}

/** Names what is wrong with the link at `link`, which should lead to `expected`. */
export function wrongLink(heap: Heap, finding: Finding, link: u32, expected: u32): bool {
  const found = load<u32>(link);
  return broken(finding, linkFault(heap, link, found, expected), link, expected, found);
}

function linkFault(heap: Heap, link: u32, found: u32, expected: u32): u32 {
  if (found & 3 || !inRegions(heap, found)) return Inconsistency.ListPointerOutsideArena;
  if (found == link) return Inconsistency.ListLoop;
  return found < expected ? Inconsistency.ListOutOfOrder : Inconsistency.FreeBlockNotListed;
}

function inRegions(heap: Heap, address: u32): bool {
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    const region = regionOf(heap, i);
    if (address - load<u32>(region, RegionField.Low << 2) < load<u32>(region, RegionField.Bytes << 2)) return true;
  }
  return false;
}
