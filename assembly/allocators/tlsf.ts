/**
 * tlsf: two-level segregated fit, good fit in constant time. Lists by size, each first level (a power of two)
 * cut into second levels; the newest block of the first list whose blocks all suffice is taken and cut to the
 * request. Unlike tlsf-esp its index has a fixed size and a block may be smaller than its list's boundary.
 *
 * Source: mattconte/tlsf 3.1 (BSD-3-Clause), deff9ab, with 4-byte pointers. Left out: further pools.
 *
 *                  31                              0
 *                 ├─────────────────────────────────┤
 *   arena  +0     │ (unused)                        │ ┐ the null block: where
 *          +4     │ (unused)                        │ │ every list ends; its links
 *          +8     │ next          (written, never   │ │ take what the removal of
 *          +12    │ previous       read)            │ ┘ a list's head stores
 *                 ├─────────────────────────────────┤
 *          +16    │ bitmap of first levels          │
 *          +20    │ bitmaps of second levels        │  levels × 4
 *                 │ list heads                      │  levels × 2^log2 × 4
 *                 ├─────────────────────────────────┤
 *                 │ blocks (parts/tlsf-blocks.ts)   │
 *                 │ end marker                      │  header of a live block of 0 bytes
 *                 └─────────────────────────────────┘
 *
 * Invariants: parts/tlsf-check.ts. Cost: all verbs O(1) but for the copy of a reallocation that moves.
 * A live block that is reallocated to 1 GiB or more (2^first-level maximum) is cut to 0 bytes, as in the original.
 */

import { Guest } from "../guest";
import { HeapField, TlsfOption } from "../memory-map";
import { HEADER_BYTES, TlsfControl } from "../parts/tlsf-blocks";
import { tlsfCheck } from "../parts/tlsf-check";
import { tlsfLargestRequest, tlsfNextBlock, tlsfStatistics, tlsfUsableBytes } from "../parts/tlsf-inspect";
import { tlsfHolds, tlsfOpen } from "../parts/tlsf-open";
import { LEVELS_OFFSET, ROWS_OFFSET, TlsfUsual, USUAL_FIRST_MAX, USUAL_SECOND_LOG2 } from "../parts/tlsf-usual";
import { tlsfAllocate, tlsfAllocateAligned, tlsfReallocate, tlsfRelease } from "../parts/tlsf-verbs";
import { Block, Finding, Heap } from "./heap";

const USUAL_INDEX: u64 = ((<u64>USUAL_FIRST_MAX) << (TlsfOption.FirstLevelMax * 32)) | USUAL_SECOND_LOG2;

/** The layout above for any index. */
class Layout {
  @inline static levels(secondLog2: u32, firstMax: u32): u32 {
    return firstMax - (secondLog2 + 2) + 1;
  }

  @inline static headsOffset(secondLog2: u32, firstMax: u32): u32 {
    return ROWS_OFFSET + (Layout.levels(secondLog2, firstMax) << 2);
  }

  @inline static lists(secondLog2: u32, firstMax: u32): u32 {
    return Layout.levels(secondLog2, firstMax) << secondLog2;
  }
}

/** An index of any size, from the heap's options. */
@final
@unmanaged
class ChosenIndex extends TlsfControl {
  @inline secondLog2(arena: u32): u32 {
    return load<u32>(changetype<u32>(this), (HeapField.Options + TlsfOption.SecondLevelLog2) << 2);
  }
  @inline lists(arena: u32): u32 {
    return Layout.lists(this.secondLog2(arena), this.firstMax());
  }
  @inline limitLog2(arena: u32): u32 {
    return this.firstMax();
  }
  @inline levelsAt(arena: u32): u32 {
    return arena + LEVELS_OFFSET;
  }
  @inline rowAt(arena: u32, span: u32, level: u32): u32 {
    return Guest.word(arena + ROWS_OFFSET + (level << 2), arena, span);
  }
  @inline headAt(arena: u32, span: u32, index: u32): u32 {
    return Guest.word(arena + Layout.headsOffset(this.secondLog2(arena), this.firstMax()) + (index << 2), arena, span);
  }
  @inline cutsToBoundary(): bool {
    return false;
  }
  @inline refusesOversize(): bool {
    return false;
  }
  @inline firstMax(): u32 {
    return load<u32>(changetype<u32>(this), (HeapField.Options + TlsfOption.FirstLevelMax) << 2);
  }
}

@final
@unmanaged
export class Tlsf extends Heap {
  plan(): void {
    this.stateBytes = 0;
    this.granuleShift = 2;
  }

  initialize(): bool {
    if (!fits(this)) return false;
    tlsfOpen<ChosenIndex>(this, controlBytesOf(this));
    return true;
  }

  adopt(): bool {
    return fits(this);
  }

  @inline allocate(requestBytes: u32): u32 {
    return isUsual(this)
      ? TlsfUsual.allocate<ChosenIndex>(this, requestBytes)
      : tlsfAllocate<ChosenIndex>(this, requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return tlsfAllocateAligned<ChosenIndex>(this, alignment, requestBytes);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return tlsfReallocate<ChosenIndex>(this, payload, requestBytes);
  }

  @inline release(payload: u32, requestBytes: u32): void {
    if (isUsual(this)) TlsfUsual.release<ChosenIndex>(this, payload);
    else tlsfRelease<ChosenIndex>(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return tlsfUsableBytes(this, payload);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return tlsfUsableBytes(this, payload) + HEADER_BYTES;
  }

  largestRequest(): u32 {
    return tlsfLargestRequest<ChosenIndex>(this);
  }

  nextBlock(block: Block): bool {
    return tlsfNextBlock(this, block, controlBytesOf(this));
  }

  check(finding: Finding): bool {
    return tlsfCheck<Tlsf, ChosenIndex>(this, finding, controlBytesOf(this));
  }

  /** free, largest, blocks */
  statistics(out: u32): u32 {
    return tlsfStatistics(this, controlBytesOf(this), out);
  }
}

/** Whether the fast build has verbs for this index: both options at once. */
function isUsual(heap: Heap): bool {
  return !EXACT_ACCESS && load<u64>(changetype<u32>(heap), HeapField.Options << 2) == USUAL_INDEX;
}

function controlBytesOf(heap: Heap): u32 {
  const index = changetype<ChosenIndex>(heap);
  return Layout.headsOffset(index.secondLog2(0), index.firstMax()) + (index.lists(0) << 2);
}

function fits(heap: Heap): bool {
  const index = changetype<ChosenIndex>(heap);
  if (index.firstMax() < index.secondLog2(0) + 2) return false;
  return tlsfHolds(heap, controlBytesOf(heap), 1 << index.firstMax());
}
