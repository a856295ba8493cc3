/**
 * freertos-heap4: first fit over an address-ordered free list, neighbours merged on release.
 * Unlike freertos-heap2 it coalesces; unlike freertos-heap5 it has one region, taken into use by the first call.
 *
 * Source: FreeRTOS-Kernel portable/MemMang/heap_4.c (MIT), main at 4269c69a1; portBYTE_ALIGNMENT 8.
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
 *   arena, rounded up to 8 ├ block ┼ block ┼ … ┼ end marker: 8 bytes, size 0 ┤
 *
 * Invariants: the free list ascends by address and ends at the end marker; no two free blocks touch; the sum
 * of the listed sizes is the free-bytes counter.
 * Cost: allocate and release O(free blocks).
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
import { endOf, firstOf, isUsed, largestListed, openRegions } from "../parts/marked-regions";
import { reallocateByMoving } from "../parts/moving";
import { overwritten } from "../parts/statics";
import { Block, Finding, refused } from "./heap";

@final
@unmanaged
export class FreertosHeap4 extends FirstFitHeap {
  plan(): void {
    this.stateBytes = offsetof<FirstFitState>();
    this.granuleShift = 3;
  }

  /** Start-up code clears the static variables; the arena is untouched until the first allocation. */
  initialize(): bool {
    memory.fill(this.state, 0, offsetof<FirstFitState>());
    return isUsed<FreertosRegion>(this, 0);
  }

  adopt(): bool {
    return firstFitAdopt<FreertosRegion>(this);
  }

  allocate(requestBytes: u32): u32 {
    return firstFitAllocate<FreertosHeap4>(this, requestBytes);
  }

  /** [              arena              ] => [ one free block          ][end] */
  whenNotOpen(): void {
    const state = changetype<FirstFitState>(this.state);
    state.startSize = 0;
    state.end = endOf<FreertosRegion>(this, 0);
    state.freeBytes = openRegions<FreertosRegion>(this, this.state);
    state.minimumFreeBytes = state.freeBytes;
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= FREERTOS_ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  /** The original has none: allocate, copy, free. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<FreertosHeap4>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    firstFitRelease<FreertosHeap4>(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Header.at(payload - HEADER_BYTES, this.checkLow, Header.spanOf(this)).size & ~LIVE;
  }

  largestRequest(): u32 {
    const state = changetype<FirstFitState>(this.state);
    if (state.end == 0) return endOf<FreertosRegion>(this, 0) - firstOf<FreertosRegion>(this, 0) - HEADER_BYTES;
    const largest = largestListed(this, state.startNext);
    return largest ? largest - HEADER_BYTES : 0;
  }

  nextBlock(block: Block): bool {
    return nextLinkedBlock<FreertosRegion>(this, block, changetype<FirstFitState>(this.state).end != 0);
  }

  check(finding: Finding): bool {
    const state = changetype<FirstFitState>(this.state);
    if (state.end != 0)
      return checkLinkedBlocks<FreertosRegion>(this, finding) && checkFirstFit<FreertosRegion>(this, finding);
    // Not in use yet, unless another variable says otherwise.
    return (
      state.startNext == 0 || overwritten(this, finding, offsetof<FirstFitState>("end"), endOf<FreertosRegion>(this, 0))
    );
  }

  /** free, min_free, largest, smallest, blocks, allocs, frees */
  statistics(out: u32): u32 {
    return firstFitStatistics<FreertosHeap4>(this, out);
  }
}
