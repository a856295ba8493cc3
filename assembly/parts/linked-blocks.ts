/**
 * Blocks with a header of two words, laid end to end through each region of a heap; free ones form a list.
 * What FreeRTOS's heaps and lwmem have in common: the header, the walk, the search by address, the check.
 *
 *          31 30                           0
 *         ├──────────────────────────────────┤
 *    +0   │ next free block; a mark while live│
 *         ├──┬───────────────────────────────┤
 *    +4   │ L│ block bytes, header included  │  L: live
 *         ╞══╧═══════════════════════════════╡
 *    +8   │ payload                          │
 *         └──────────────────────────────────┘
 *
 *   region  ├ padding ┼ block ┼ block ┼ … ┼ what lies behind the last block ┤
 *           low       first                end                            high
 */

import { Block, broken, Finding, Heap, regionOf } from "../allocators/heap";
import { endless } from "../fault";
import { Guest } from "../guest";
import { Access, BlockState, Inconsistency, RegionField } from "../memory-map";

export const HEADER_BYTES: u32 = 8;
/** The top bit of a live block's size word. */
export const LIVE: u32 = 0x80000000;

@final
@unmanaged
export class Header {
  next: u32;
  size: u32;

  /** The header at `address`, checked against [low, low + span); `span` comes from `spanOf`. */
  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Header {
    return changetype<Header>(Guest.word(address, low, span, access));
  }

  /** A header that has been read and is now written: only the exact build knows memory where that differs. */
  @inline static written(header: Header, low: u32, span: u32): Header {
    return EXACT_ACCESS ? Header.at(changetype<u32>(header), low, span, Access.Store) : header;
  }

  /** Where headers may start: so that their second word is inside the heap as well. */
  @inline static spanOf(heap: Heap): u32 {
    return heap.checkSpan - (HEADER_BYTES - 4);
  }

  /** The check of `at` for hot loops: `words` is span >> 2, computed once. Where it is true, `at` tells what happens. */
  @inline static isOutside(address: u32, low: u32, words: u32): bool {
    return rotr<u32>(address - low, 2) >= words;
  }

  /** More list nodes than the heap can hold: a list that goes on has a loop. */
  @inline static mostOf(heap: Heap): u32 {
    return heap.checkSpan >> 3;
  }
}

/** Where an allocator's blocks lie in a region, and what it promises of them. Leaves are reached as `changetype<L>(0)`. */
@unmanaged
export abstract class BlockLayout {
  /** Address of a region's first block. */
  abstract first(low: u32, bytes: u32): u32;
  /** One past a region's last block; not above `first` when the region holds none. */
  abstract end(low: u32, bytes: u32): u32;
  /** What block addresses and sizes are multiples of. */
  abstract alignment(): u32;
  abstract leastBlockBytes(): u32;
  /** What a live block has in its link. */
  abstract liveLink(): u32;
  /** Whether two free blocks never touch. */
  abstract merges(): bool;
}

/** The search for an address in a list that ascends, as a class because asc inlines its members only. */
export class AscendingList {
  /**
   * The last element below `address`, starting at `start`; counts its steps into `heap.visits`. `endsAtNull`:
   * the original looks for a null link, others run through it into address 0. In the loop few values are alive,
   * so that all stay in registers, and calls do not return, so that the engine may unroll it.
   */
  @inline static before(heap: Heap, start: u32, address: u32, endsAtNull: bool): Header {
    const low = heap.checkLow,
      words = Header.spanOf(heap) >> 2;
    let left = Header.mostOf(heap);
    let previous = start;
    for (let next = load<u32>(start); next < address; next = load<u32>(next)) {
      if (endsAtNull && next == 0) break;
      if (Header.isOutside(next, low, words)) {
        next = changetype<u32>(Header.at(next, low, words << 2));
        if (!EXACT_ACCESS) unreachable();
      }
      previous = next;
      if (--left == 0) {
        endless(next);
        unreachable();
      }
    }
    heap.visits += Header.mostOf(heap) - left + 1;
    return changetype<Header>(previous);
  }
}

/** Follows the blocks through the heap's regions. `opened` false: nothing is written yet, each region is one hole. */
export function nextLinkedBlock<L extends BlockLayout>(heap: Heap, block: Block, opened: bool): bool {
  let index = block.address ? block.cursor : 0;
  let at = block.address ? block.address + block.bytes : load<u32>(regionOf(heap, 0), RegionField.Low << 2);
  const region = regionOf(heap, index);
  if (at == load<u32>(region, RegionField.Low << 2) + load<u32>(region, RegionField.Bytes << 2)) {
    if (++index >= heap.regionCount) return false;
    at = load<u32>(regionOf(heap, index), RegionField.Low << 2);
  }
  block.cursor = index;
  block.address = at;
  return describeBlock<L>(heap, block, opened);
}

/** Fills in what begins at `block.address`; false where a size of 0 ends the walk. */
function describeBlock<L extends BlockLayout>(heap: Heap, block: Block, opened: bool): bool {
  const region = regionOf(heap, block.cursor);
  const low = load<u32>(region, RegionField.Low << 2),
    bytes = load<u32>(region, RegionField.Bytes << 2);
  const first = changetype<L>(0).first(low, bytes),
    end = changetype<L>(0).end(low, bytes);
  const at = block.address;
  block.payload = 0;
  block.state = BlockState.Bookkeeping;
  if (at >= end || at < first) {
    block.bytes = (at < first && first < end ? first : low + bytes) - at;
    return true;
  }
  const size = opened ? Header.at(at, heap.checkLow, Header.spanOf(heap)).size : end - at;
  block.bytes = min(size & ~LIVE, end - at); // a size that leads beyond the region is the check's affair
  block.payload = at + HEADER_BYTES;
  block.state = size & LIVE ? BlockState.Live : BlockState.Free;
  return block.bytes != 0;
}

/** Every block of every region by itself: sizes, alignment, bounds, links of live blocks, merged neighbours. */
export function checkLinkedBlocks<L extends BlockLayout>(heap: Heap, finding: Finding): bool {
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    const region = regionOf(heap, i);
    const low = load<u32>(region, RegionField.Low << 2),
      bytes = load<u32>(region, RegionField.Bytes << 2);
    if (!checkRun<L>(finding, changetype<L>(0).first(low, bytes), changetype<L>(0).end(low, bytes))) return false;
  }
  return true;
}

function checkRun<L extends BlockLayout>(finding: Finding, first: u32, end: u32): bool {
  const layout = changetype<L>(0);
  let previousFree = false;
  for (let at = first; at < end; ) {
    const header = changetype<Header>(at);
    const bytes = header.size & ~LIVE;
    if (bytes < layout.leastBlockBytes())
      return broken(finding, Inconsistency.BlockTooSmall, at, layout.leastBlockBytes(), bytes);
    if (bytes > end - at) return broken(finding, Inconsistency.BlockBeyondArena, at, end - at, bytes);
    const odd = bytes & (layout.alignment() - 1);
    if (odd != 0 && bytes != end - at) return broken(finding, Inconsistency.BlockMisaligned, at, bytes - odd, bytes);
    const free = (header.size & LIVE) == 0;
    if (!free && header.next != layout.liveLink()) {
      return broken(finding, Inconsistency.SentinelOverwritten, at, layout.liveLink(), header.next);
    }
    if (free && previousFree && layout.merges())
      return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
    previousFree = free;
    at += bytes;
  }
  return true;
}
