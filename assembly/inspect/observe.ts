/**
 * The verbs as the firmware calls them, watched: every operation is accounted in the heap's record and in the
 * shadow, and misuse is noticed before the allocator sees it. What the allocator then does is its own affair.
 */

import { Block, Heap } from "../allocators/heap";
import { BlockState, HeapField } from "../memory-map";
import { isLive, requestOf, shadowAllocate, shadowRelease, wasReleased } from "./shadow";
import { Visits, visitsClass } from "./visits";

@unmanaged
class Counters {
  requests: u32;
  zeroSizeRequests: u32;
  failedRequests: u32;
  fragmentationFailures: u32;
  frees: u32;
  doubleFrees: u32;
  wildFrees: u32;
  overlappingBlocks: u32;
  liveBlocks: u32;
  liveBytes: u32;
  requestedBytes: u32;
  peakLiveBytes: u32;
  peakRequestedBytes: u32;
  peakLiveBlocks: u32;
  largestRequestSeen: u32;
  visitsMost: u32;

  @inline static of(heap: Heap): Counters {
    return changetype<Counters>(changetype<u32>(heap) + (HeapField.Requests << 2));
  }
}

/** Allocates `requestBytes`, at a multiple of `alignment` unless that is 0. The payload, or 0. */
export function observedAllocate<H extends Heap>(heap: H, alignment: u32, requestBytes: u32): u32 {
  const payload = alignment ? heap.allocateAligned(alignment, requestBytes) : heap.allocate(requestBytes);
  noteVisits(heap);
  if (payload) {
    noteRequest(heap, requestBytes);
    noteBlock<H>(heap, payload, requestBytes);
  } else noteRefusal<H>(heap, requestBytes);
  return payload;
}

/** Reallocates a block that is not NULL. The payload, or 0. */
export function observedReallocate<H extends Heap>(heap: H, payload: u32, requestBytes: u32): u32 {
  const known = isLive(heap, payload);
  if (!known) noteMisuse(heap, payload);
  const oldRequestBytes = requestOf(heap, payload);
  const oldBlockBytes = known ? heap.blockBytes(payload, oldRequestBytes) : 0;
  const moved = heap.reallocate(payload, oldRequestBytes, requestBytes);
  noteVisits(heap);
  if (known && (moved != 0 || requestBytes == 0)) forgetBlock(heap, payload, oldRequestBytes, oldBlockBytes);
  if (moved) {
    noteRequest(heap, requestBytes);
    noteBlock<H>(heap, moved, requestBytes);
  } else if (requestBytes == 0) Counters.of(heap).frees++;
  else noteRefusal<H>(heap, requestBytes);
  return moved;
}

/** Releases a payload that is not NULL. */
export function observedRelease<H extends Heap>(heap: H, payload: u32): void {
  const known = isLive(heap, payload);
  if (!known) noteMisuse(heap, payload);
  const requestBytes = requestOf(heap, payload);
  const blockBytes = known ? heap.blockBytes(payload, requestBytes) : 0;
  heap.release(payload, requestBytes);
  noteVisits(heap);
  if (!known) return;
  forgetBlock(heap, payload, requestBytes, blockBytes);
  Counters.of(heap).frees++;
}

/** Accounts for a block that a collector gave back instead of the firmware. */
export function noteReclaimed(heap: Heap, payload: u32, blockBytes: u32): void {
  if (!isLive(heap, payload)) return;
  forgetBlock(heap, payload, requestOf(heap, payload), blockBytes);
  Counters.of(heap).frees++;
}

/** Bytes free in all holes and in the untouched rest, headers included. */
export function freeBytesOf<H extends Heap>(heap: H): u32 {
  let total: u32 = 0;
  const block = changetype<Block>(memory.data(32));
  block.address = 0;
  while (heap.nextBlock(block)) if (isFree(block)) total += block.bytes;
  return total;
}

/** Free blocks and the untouched rest: what a request could still be served from. */
export function isFree(block: Block): bool {
  return block.state == BlockState.Free || block.state == BlockState.Untouched;
}

function noteVisits(heap: Heap): void {
  const visits = Visits.visitsOf(heap);
  const counters = Counters.of(heap);
  if (visits > counters.visitsMost) counters.visitsMost = visits;
  const counter = heap.visitsHistogram + (visitsClass(visits) << 2);
  store<u32>(counter, load<u32>(counter) + 1);
}

function noteRequest(heap: Heap, requestBytes: u32): void {
  const counters = Counters.of(heap);
  counters.requests++;
  if (requestBytes > counters.largestRequestSeen) counters.largestRequestSeen = requestBytes;
}

function noteBlock<H extends Heap>(heap: H, payload: u32, requestBytes: u32): void {
  const counters = Counters.of(heap);
  const blockBytes = heap.blockBytes(payload, requestBytes);
  const grantedBytes = min(requestBytes, blockBytes); // less only where the original let a huge size wrap
  if (!shadowAllocate(heap, payload, grantedBytes)) counters.overlappingBlocks++;
  counters.liveBlocks++;
  counters.liveBytes += blockBytes;
  counters.requestedBytes += grantedBytes;
  counters.peakLiveBlocks = max(counters.peakLiveBlocks, counters.liveBlocks);
  counters.peakLiveBytes = max(counters.peakLiveBytes, counters.liveBytes);
  counters.peakRequestedBytes = max(counters.peakRequestedBytes, counters.requestedBytes);
}

function forgetBlock(heap: Heap, payload: u32, requestBytes: u32, blockBytes: u32): void {
  const counters = Counters.of(heap);
  shadowRelease(heap, payload);
  counters.liveBlocks--;
  counters.liveBytes -= blockBytes;
  counters.requestedBytes -= requestBytes;
}

function noteRefusal<H extends Heap>(heap: H, requestBytes: u32): void {
  const counters = Counters.of(heap);
  if (requestBytes == 0) {
    counters.zeroSizeRequests++;
    return;
  }
  noteRequest(heap, requestBytes);
  counters.failedRequests++;
  if (freeBytesOf<H>(heap) >= requestBytes) counters.fragmentationFailures++;
}

function noteMisuse(heap: Heap, payload: u32): void {
  const counters = Counters.of(heap);
  if (wasReleased(heap, payload)) counters.doubleFrees++;
  else counters.wildFrees++;
}
