/**
 * fixed-pool: equal blocks; whatever is asked for, up to the block's size, takes one.
 * Unlike every other allocator here it cannot fragment: while a block is free, every request succeeds.
 *
 * Source: by definition; the layout is the one that RTOS memory slabs and partitions use.
 *
 *   arena, rounded up to the alignment ├ block ┼ block ┼ … ┼ block ┤ tail ┤
 *
 *         ┌──────────────────────────────────┐
 *    +0   │ next free block, 0 in the last   │  only while free; no header
 *         │ payload                          │
 *         └──────────────────────────────────┘
 *
 *   state ├ first free block ┼ live blocks ┼ most live blocks ┤
 *
 * Invariants: the list holds each free block once; listed and live blocks together are all blocks. At start-up
 * the list ascends by address; afterwards the block released last is handed out first.
 * A double free is not noticed: the block is then listed twice, and two owners get it.
 * Cost: allocate and release O(1).
 */
import { endless } from "../fault";
import { Guest } from "../guest";
import { isLive } from "../inspect/shadow";
import { Access, BlockState, FixedPoolOption, HeapField, Inconsistency } from "../memory-map";
import { Block, broken, Finding, Heap, optionOf, refused } from "./heap";

const LINK_BYTES: u32 = 4;
const GRANULE_SHIFT_MOST: u32 = 4;

@final
@unmanaged
class State {
  free: u32;
  live: u32;
  mostLive: u32;
}

@final
@unmanaged
export class FixedPool extends Heap {
  plan(): void {
    this.stateBytes = offsetof<State>();
    this.granuleShift = min<u32>(31 - clz(optionOf(this, FixedPoolOption.Alignment)), GRANULE_SHIFT_MOST);
  }

  initialize(): bool {
    const first = firstBlockOf(this),
      stride = strideOf(this),
      count = countOf(this);
    if (count == 0) return false;
    for (let i: u32 = 0; i < count; i++) {
      store<u32>(first + i * stride, i + 1 < count ? first + (i + 1) * stride : 0);
    }
    const state = changetype<State>(this.state);
    state.free = first;
    state.live = 0;
    state.mostLive = 0;
    return true;
  }

  /** Where the list begins must be supplied; its length tells how many blocks are live. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    const count = countOf(this);
    let listed: u32 = 0;
    for (let link = state.free; listed < count && isBlock(this, link); link = load<u32>(link)) listed++;
    if (state.live == 0) state.live = count - listed;
    if (state.mostLive == 0) state.mostLive = state.live;
    return state.free != 0;
  }

  allocate(requestBytes: u32): u32 {
    const state = changetype<State>(this.state);
    const block = state.free;
    this.visits = 1;
    if (block == 0 || requestBytes - 1 >= optionOf(this, FixedPoolOption.BlockBytes)) return 0; // also refuses 0
    state.free = load<u32>(Guest.word(block, this.checkLow, this.checkSpan));
    state.live++;
    state.mostLive = max(state.mostLive, state.live);
    return block;
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= optionOf(this, FixedPoolOption.Alignment) ? this.allocate(requestBytes) : refused(this);
  }

  /** All blocks are equal, so a block is never left for another: it stays, or the request is refused. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    this.visits = 1;
    if (requestBytes == 0) {
      this.release(payload, oldRequestBytes);
      return 0;
    }
    return requestBytes <= optionOf(this, FixedPoolOption.BlockBytes) ? payload : 0;
  }

  release(payload: u32, requestBytes: u32): void {
    const state = changetype<State>(this.state);
    store<u32>(Guest.word(payload, this.checkLow, this.checkSpan, Access.Store), state.free);
    state.free = payload;
    state.live--;
    this.visits = 1;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return optionOf(this, FixedPoolOption.BlockBytes);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return strideOf(this);
  }

  largestRequest(): u32 {
    return changetype<State>(this.state).free ? optionOf(this, FixedPoolOption.BlockBytes) : 0;
  }

  nextBlock(block: Block): bool {
    const first = firstBlockOf(this),
      stride = strideOf(this),
      end = first + countOf(this) * stride;
    const arenaEnd = this.arena + this.arenaBytes;
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= arenaEnd) return false;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    if (at < first || at >= end) {
      block.bytes = (at < first ? first : arenaEnd) - at;
      return true;
    }
    block.bytes = stride;
    block.payload = at;
    block.state = isHandedOut(this, at) ? BlockState.Live : BlockState.Free;
    return true;
  }

  check(finding: Finding): bool {
    const state = changetype<State>(this.state);
    const first = firstBlockOf(this),
      stride = strideOf(this),
      count = countOf(this);
    if (state.live > count)
      return broken(finding, Inconsistency.StateOverwritten, this.state + offsetof<State>("live"), count, state.live);
    let from = this.state,
      listed: u32 = 0;
    for (let link = state.free; link != 0; link = load<u32>(link)) {
      const offset = link - first;
      if (offset >= count * stride) return broken(finding, Inconsistency.ListPointerOutsideArena, from, 0, link);
      if (offset % stride) return broken(finding, Inconsistency.BlockMisaligned, from, link - (offset % stride), link);
      if (listed == count) return broken(finding, Inconsistency.ListLoop, from, 0, link);
      if (isLive(this, link)) return broken(finding, Inconsistency.ListedBlockNotFree, link, 0, 1);
      from = link;
      listed++;
    }
    if (listed > count - state.live)
      return broken(finding, Inconsistency.ListLoop, this.state, count - state.live, listed);
    return (
      listed == count - state.live ||
      broken(finding, Inconsistency.FreeBlockNotListed, this.state, count - state.live, listed)
    );
  }

  /** free (bytes), free_blocks, most_live_blocks */
  statistics(out: u32): u32 {
    const state = changetype<State>(this.state);
    const free = countOf(this) - state.live;
    store<u32>(out, free * strideOf(this), 0);
    store<u32>(out, free, 4);
    store<u32>(out, state.mostLive, 8);
    return 3;
  }
}

function strideOf(heap: Heap): u32 {
  const mask = optionOf(heap, FixedPoolOption.Alignment) - 1;
  return (max(optionOf(heap, FixedPoolOption.BlockBytes), LINK_BYTES) + mask) & ~mask;
}

function firstBlockOf(heap: Heap): u32 {
  const mask = optionOf(heap, FixedPoolOption.Alignment) - 1;
  return (heap.arena + mask) & ~mask;
}

function countOf(heap: Heap): u32 {
  const lead = firstBlockOf(heap) - heap.arena;
  return lead < heap.arenaBytes ? (heap.arenaBytes - lead) / strideOf(heap) : 0;
}

function isBlock(heap: Heap, address: u32): bool {
  const offset = address - firstBlockOf(heap),
    stride = strideOf(heap);
  return offset < countOf(heap) * stride && offset % stride == 0;
}

/** Blocks carry no mark: the shadow knows them, and where nobody watched (a RAM image) the list does. */
function isHandedOut(heap: Heap, block: u32): bool {
  if (load<u32>(changetype<u32>(heap), HeapField.Requests << 2) != 0) return isLive(heap, block);
  return !isListed(heap, block);
}

function isListed(heap: Heap, block: u32): bool {
  let left = countOf(heap);
  for (let link = changetype<State>(heap.state).free; link != 0; ) {
    if (link == block) return true;
    if (left-- == 0) endless(link);
    link = load<u32>(Guest.word(link, heap.checkLow, heap.checkSpan));
  }
  return false;
}
