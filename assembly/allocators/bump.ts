/**
 * bump: hands out addresses in ascending order and never takes one back.
 * Unlike freertos-heap1 it needs no static slack and uses the arena to its last byte.
 *
 * Source: by definition.
 *
 *         31                              0
 *         ├────────────────────────────────┤
 *  state  │ address of the first free byte │
 *         └────────────────────────────────┘
 *
 *  arena  ├── payloads, aligned, no headers ──┼── untouched ──┤
 *                                             next
 *
 * Invariant: arena <= next <= arena + arenaBytes. Cost: allocate O(1), release nothing.
 */

import { Guest } from "../guest";
import { nextLivePayload, requestOf } from "../inspect/shadow";
import { Visits } from "../inspect/visits";
import { BlockState, BumpOption, Inconsistency } from "../memory-map";
import { Block, broken, Finding, Heap, optionOf } from "./heap";

@final
@unmanaged
class State {
  next: u32;
}

@final
@unmanaged
export class Bump extends Heap {
  plan(): void {
    this.stateBytes = 4;
    this.granuleShift = 31 - clz(min<u32>(optionOf(this, BumpOption.Alignment), 4));
  }

  initialize(): bool {
    changetype<State>(this.state).next = this.arena;
    return true;
  }

  adopt(): bool {
    return changetype<State>(this.state).next != 0;
  }

  allocate(requestBytes: u32): u32 {
    return this.allocateAligned(optionOf(this, BumpOption.Alignment), requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    const state = changetype<State>(this.state);
    const end = this.arena + this.arenaBytes;
    const payload = (state.next + alignment - 1) & ~(alignment - 1);
    this.visits = 1;
    if (requestBytes == 0 || payload < state.next || payload > end || requestBytes > end - payload) return 0;
    state.next = payload + requestBytes; // [used][ rest ] => [used][payload][rest]
    if (state.next != end) Visits.noteSplit(this);
    return payload;
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes <= oldRequestBytes) return requestBytes ? payload : 0;
    const moved = this.allocate(requestBytes);
    if (moved) Guest.copy(moved, payload, oldRequestBytes, this.checkLow, this.checkSpan);
    return moved;
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return requestBytes;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return requestBytes;
  }

  largestRequest(): u32 {
    const alignment = optionOf(this, BumpOption.Alignment);
    const payload = (changetype<State>(this.state).next + alignment - 1) & ~(alignment - 1);
    const end = this.arena + this.arenaBytes;
    return payload < end ? end - payload : 0;
  }

  /** What lies below `next` is live blocks and, between them, padding and blocks the firmware has given up. */
  nextBlock(block: Block): bool {
    const next = changetype<State>(this.state).next;
    const end = this.arena + this.arenaBytes;
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= end) return false;
    block.address = at;
    block.payload = 0;
    if (at >= next) {
      block.bytes = end - at;
      block.state = BlockState.Untouched;
      return true;
    }
    const granule: u32 = 1 << this.granuleShift;
    const live = nextLivePayload(this, (at + granule - 1) & ~(granule - 1)); // a short payload's own granule would find it again
    if (live == at) {
      block.payload = at;
      block.bytes = max<u32>(requestOf(this, at), 1);
      block.state = BlockState.Live;
    } else {
      block.bytes = (live && live < next ? live : next) - at;
      block.state = BlockState.Bookkeeping;
    }
    return true;
  }

  check(finding: Finding): bool {
    const next = changetype<State>(this.state).next;
    if (next - this.arena > this.arenaBytes) {
      return broken(finding, Inconsistency.StateOverwritten, this.state, this.arena, next);
    }
    return true;
  }

  statistics(out: u32): u32 {
    store<u32>(out, this.arena + this.arenaBytes - changetype<State>(this.state).next);
    return 1;
  }
}
