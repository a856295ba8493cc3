/**
 * freertos-heap5: first fit over an address-ordered free list that runs through several regions.
 * Unlike freertos-heap4 its regions are named at start-up (vPortDefineHeapRegions), in ascending order.
 *
 * Source: FreeRTOS-Kernel portable/MemMang/heap_5.c (MIT), main at 4269c69a1; portBYTE_ALIGNMENT 8.
 * Left out: configENABLE_HEAP_PROTECTOR and configHEAP_CLEAR_MEMORY_ON_FREE (neither changes placement).
 *
 *          31 30                           0
 *         ├──────────────────────────────────┤
 *    +0   │ next free block; 0 while live    │
 *         ├──┬───────────────────────────────┤
 *    +4   │ L│ block bytes, header included  │  L: live
 *         ╞══╧═══════════════════════════════╡
 *    +8   │ payload, 8-aligned               │
 *         └──────────────────────────────────┘
 *
 *   region 0 ├ block ┼ … ┼ marker, size 0 ┤ ──► region 1 ├ block ┼ … ┼ last marker ┤
 *
 * A marker that is the list's successor of a block released right in front of it is merged into that block: it
 * adds nothing and is out of the list for good. The last marker never is.
 *
 * Invariants: the list ascends, holds every free block and some markers, and ends at the last one; no two free
 * blocks touch; the sum of the listed sizes is the free-bytes counter.
 * Cost: allocate and release O(free blocks + regions).
 */
import {
  checkFirstFit,
  FirstFitHeap,
  FirstFitState,
  FREERTOS_ALIGNMENT,
  FreertosRegion,
  firstFitAdopt,
  firstFitAllocate,
  firstFitRelease,
  firstFitStatistics,
} from "../parts/freertos-first-fit";
import { checkLinkedBlocks, HEADER_BYTES, Header, LIVE, nextLinkedBlock } from "../parts/linked-blocks";
import { isUsed, largestListed, lastMarkerOf, openRegions, regionsAscend } from "../parts/marked-regions";
import { reallocateByMoving } from "../parts/moving";
import { assertionFailed, Block, Finding, refused } from "./heap";

@final
@unmanaged
export class FreertosHeap5 extends FirstFitHeap {
  plan(): void {
    this.stateBytes = offsetof<FirstFitState>();
    this.granuleShift = 3;
  }

  /** False where the original asserts or breaks: regions not in ascending order, or too small for one block. */
  initialize(): bool {
    memory.fill(this.state, 0, offsetof<FirstFitState>());
    if (!regionsAscend(this)) return false;
    for (let i: u32 = 0; i < this.regionCount; i++) if (!isUsed<FreertosRegion>(this, i)) return false;
    const state = changetype<FirstFitState>(this.state);
    state.end = lastMarkerOf<FreertosRegion>(this);
    state.freeBytes = openRegions<FreertosRegion>(this, this.state);
    state.minimumFreeBytes = state.freeBytes;
    return true;
  }

  adopt(): bool {
    return firstFitAdopt<FreertosRegion>(this);
  }

  allocate(requestBytes: u32): u32 {
    return firstFitAllocate<FreertosHeap5>(this, requestBytes);
  }

  /** The regions are opened at start-up, so the variable has been overwritten: the original asserts. */
  whenNotOpen(): void {
    assertionFailed(this, this.state);
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= FREERTOS_ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  /** The original has none: allocate, copy, free. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<FreertosHeap5>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    firstFitRelease<FreertosHeap5>(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Header.at(payload - HEADER_BYTES, this.checkLow, Header.spanOf(this)).size & ~LIVE;
  }

  largestRequest(): u32 {
    const largest = largestListed(this, changetype<FirstFitState>(this.state).startNext);
    return largest ? largest - HEADER_BYTES : 0;
  }

  nextBlock(block: Block): bool {
    return nextLinkedBlock<FreertosRegion>(this, block, true);
  }

  check(finding: Finding): bool {
    return checkLinkedBlocks<FreertosRegion>(this, finding) && checkFirstFit<FreertosRegion>(this, finding);
  }

  /** free, min_free, largest, smallest, blocks, allocs, frees */
  statistics(out: u32): u32 {
    return firstFitStatistics<FreertosHeap5>(this, out);
  }
}
