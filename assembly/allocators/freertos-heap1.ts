/**
 * freertos-heap1: hands out ascending addresses and never takes one back.
 * Unlike bump it rounds every request up to 8 and never gives out its last slot.
 *
 * Source: FreeRTOS-Kernel portable/MemMang/heap_1.c (MIT), main at 4269c69a1; portBYTE_ALIGNMENT 8.
 *
 *   arena                                                        arena + arenaBytes
 *   ├ padding ┼ payloads, 8-aligned ┼──── untouched ────┼ slack ┤
 *          aligned           aligned + next     aligned + arenaBytes - 8
 *
 * Padding and slack are 8 bytes together: what aligning the arena may cost is always taken off.
 * Invariant: next is a multiple of 8 and 0, or less than arenaBytes - 8. Cost: allocate O(1), release nothing.
 */

import { nextLivePayload, requestOf } from "../inspect/shadow";
import { Visits } from "../inspect/visits";
import { BlockState, FreertosHeap1Option } from "../memory-map";
import { FREERTOS_ALIGNMENT } from "../parts/freertos-first-fit";
import { reallocateByMoving } from "../parts/moving";
import { overwritten } from "../parts/statics";
import { assertionFailed, Block, Finding, Heap, optionOf, refused } from "./heap";

/** Taken off the arena whatever its alignment. */
const SLACK_BYTES: u32 = FREERTOS_ALIGNMENT;

/** The original's static variables. */
@final
@unmanaged
class State {
  /** Bytes handed out. */
  next: u32;
  /** The arena rounded up to 8; 0 before the first allocation. */
  aligned: u32;
}

@final
@unmanaged
export class FreertosHeap1 extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = 3;
  }

  initialize(): bool {
    memory.fill(this.state, 0, offsetof<State>());
    return this.arenaBytes > SLACK_BYTES + FREERTOS_ALIGNMENT;
  }

  /** Nothing in the arena tells how far it has been handed out. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    state.aligned = alignedArenaOf(this);
    return state.next != 0;
  }

  allocate(requestBytes: u32): u32 {
    const state = changetype<State>(this.state);
    if (state.aligned == 0) state.aligned = alignedArenaOf(this);
    this.visits = 1;
    const bytes = (requestBytes + FREERTOS_ALIGNMENT - 1) & ~(FREERTOS_ALIGNMENT - 1); // 0 when it wraps
    const next = state.next + bytes;
    if (bytes == 0 || next < bytes || next >= this.arenaBytes - SLACK_BYTES) return 0;
    const payload = state.aligned + state.next;
    Visits.noteSplit(this); // the last slot stays
    state.next = next; // [used][   untouched   ] => [used][payload][untouched]
    return payload;
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= FREERTOS_ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  /** The original has none: allocate, copy, and a free that does nothing. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<FreertosHeap1>(this, payload, oldRequestBytes, requestBytes);
  }

  /** The original asserts that nobody calls it; without assertions it does nothing. */
  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    if (optionOf(this, FreertosHeap1Option.ReleaseAsserts)) assertionFailed(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return (requestBytes + FREERTOS_ALIGNMENT - 1) & ~(FREERTOS_ALIGNMENT - 1);
  }

  largestRequest(): u32 {
    const usable = this.arenaBytes - SLACK_BYTES;
    const next = changetype<State>(this.state).next;
    return next < usable ? (usable - next - 1) & ~(FREERTOS_ALIGNMENT - 1) : 0;
  }

  /** What has been handed out is live blocks and, between them, blocks that the firmware has given up. */
  nextBlock(block: Block): bool {
    const high = this.arena + this.arenaBytes;
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= high) return false;
    const aligned = alignedArenaOf(this);
    const next = aligned + min(changetype<State>(this.state).next, this.arenaBytes - SLACK_BYTES);
    const usableHigh = aligned + this.arenaBytes - SLACK_BYTES;
    block.address = at;
    block.payload = 0;
    if (at >= aligned && at < next) return this.describeUsed(block, next);
    block.state = at >= next && at < usableHigh ? BlockState.Untouched : BlockState.Bookkeeping;
    block.bytes = (at < aligned ? aligned : at < usableHigh ? usableHigh : high) - at;
    return true;
  }

  private describeUsed(block: Block, next: u32): bool {
    const live = nextLivePayload(this, block.address);
    block.state = live == block.address ? BlockState.Live : BlockState.Bookkeeping;
    block.payload = live == block.address ? live : 0;
    const bytes =
      live == block.address
        ? max<u32>(this.blockBytes(live, requestOf(this, live)), FREERTOS_ALIGNMENT)
        : live - block.address;
    block.bytes = min(bytes, next - block.address); // `live` is 0 behind the last one: then up to `next`
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    const aligned = alignedArenaOf(this);
    if (state.aligned != aligned && (state.aligned != 0 || state.next != 0)) {
      return overwritten(this, finding, offsetof<State>("aligned"), aligned);
    }
    const usable = this.arenaBytes - SLACK_BYTES;
    if (state.next & (FREERTOS_ALIGNMENT - 1) || (state.next != 0 && state.next >= usable)) {
      return overwritten(this, finding, offsetof<State>("next"), min(state.next & ~(FREERTOS_ALIGNMENT - 1), usable));
    }
    return true;
  }

  /** free */
  statistics(out: u32): u32 {
    store<u32>(out, this.arenaBytes - SLACK_BYTES - changetype<State>(this.state).next);
    return 1;
  }
}

function alignedArenaOf(heap: Heap): u32 {
  return (heap.arena + FREERTOS_ALIGNMENT - 1) & ~(FREERTOS_ALIGNMENT - 1);
}
