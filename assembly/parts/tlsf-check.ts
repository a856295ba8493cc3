/** Verifies the invariants of the two TLSF without trusting a word: neither faults nor loops whatever the arena holds. */

import { broken, Finding, Heap } from "../allocators/heap";
import { Inconsistency } from "../memory-map";
import { checkList, checkMembership, FreeLists } from "./list-check";
import {
  BYTES_MASK,
  FREE,
  HEADER_BYTES,
  LEAST_PAYLOAD_BYTES,
  LOWER_FREE,
  RECORD_BYTES,
  TlsfBlock,
  TlsfControl,
  TlsfLists,
} from "./tlsf-blocks";

/** The lists of control structure `P`, which has been found intact. */
@final
@unmanaged
class TlsfFreeLists<P extends TlsfControl> extends FreeLists {
  count(): u32 {
    return changetype<P>(this).lists(changetype<Heap>(this).arena);
  }

  headAt(index: u32): u32 {
    const heap = changetype<Heap>(this);
    return changetype<P>(this).headAt(heap.arena, heap.arenaBytes, index);
  }

  end(): u32 {
    return changetype<Heap>(this).arena;
  }

  mayHold(address: u32): bool {
    const arena = changetype<Heap>(this).arena,
      end = endMarkerOf(changetype<Heap>(this));
    return (address & 3) == 0 && address - arena < end - arena && end - address >= RECORD_BYTES;
  }

  isFree(block: u32): bool {
    return (changetype<TlsfBlock>(block).word & FREE) != 0;
  }

  listOf(block: u32): u32 {
    return TlsfLists.indexOf(
      changetype<TlsfBlock>(block).bytes,
      changetype<P>(this).secondLog2(changetype<Heap>(this).arena),
    );
  }

  nextAt(block: u32): u32 {
    return block + offsetof<TlsfBlock>("next");
  }

  previousAt(block: u32): u32 {
    return block + offsetof<TlsfBlock>("previous");
  }

  /** The walk reports headers, links lead to the word in front. */
  linkTo(address: u32): u32 {
    return address - HEADER_BYTES;
  }
}

/**
 * Blocks first: they tile the pool, their tags agree with both neighbours and no two free ones touch. Then each
 * list, and the bitmaps over them. Last, blocks and lists agree on what is free.
 */
export function tlsfCheck<H extends Heap, P extends TlsfControl>(heap: H, finding: Finding, controlBytes: u32): bool {
  return (
    checkBlocks(heap, finding, controlBytes) &&
    checkLevels<P>(heap, finding) &&
    checkMembership<H, TlsfFreeLists<P>>(heap, finding)
  );
}

/** Where the end marker's header lies. */
function endMarkerOf(heap: Heap): u32 {
  return heap.arena + (heap.arenaBytes & ~3) - HEADER_BYTES;
}

function checkBlocks(heap: Heap, finding: Finding, controlBytes: u32): bool {
  const end = endMarkerOf(heap);
  let lower: u32 = 0; // the lower neighbour's address while that is free
  for (let at = heap.arena + controlBytes; at != end; ) {
    const word = load<u32>(at);
    const bytes = word & BYTES_MASK;
    if (!checkTags(finding, at, lower)) return false;
    if (bytes < LEAST_PAYLOAD_BYTES)
      return broken(finding, Inconsistency.BlockTooSmall, at, LEAST_PAYLOAD_BYTES, bytes);
    if (bytes > end - at - HEADER_BYTES)
      return broken(finding, Inconsistency.BlockBeyondArena, at, end - at - HEADER_BYTES, bytes);
    if ((word & FREE) != 0 && lower != 0) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
    lower = word & FREE ? at - HEADER_BYTES : 0;
    at += HEADER_BYTES + bytes;
  }
  const marker = load<u32>(end);
  if (marker & ~LOWER_FREE) return broken(finding, Inconsistency.SentinelOverwritten, end, marker & LOWER_FREE, marker);
  return checkTags(finding, end, lower);
}

/** What the header at `at` and the word in front of it say of the lower neighbour. */
function checkTags(finding: Finding, at: u32, lower: u32): bool {
  const tag = load<u32>(at) & LOWER_FREE;
  const expected: u32 = lower ? LOWER_FREE : 0;
  if (tag != expected) return broken(finding, Inconsistency.NeighbourSizeMismatch, at, expected, tag);
  const link = load<u32>(at - HEADER_BYTES);
  return (
    lower == 0 || link == lower || broken(finding, Inconsistency.NeighbourSizeMismatch, at - HEADER_BYTES, lower, link)
  );
}

function checkLevels<P extends TlsfControl>(heap: Heap, finding: Finding): bool {
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const log2 = control.secondLog2(arena);
  const levelCount = control.lists(arena) >> log2;
  const levelsAt = control.levelsAt(arena);
  let levels: u32 = 0;
  for (let level: u32 = 0; level < levelCount; level++) {
    if (!checkRow<P>(heap, finding, level)) return false;
    if (load<u32>(control.rowAt(arena, span, level))) levels |= 1 << level;
  }
  return (
    load<u32>(levelsAt) == levels || broken(finding, Inconsistency.IndexMismatch, levelsAt, levels, load<u32>(levelsAt))
  );
}

function checkRow<P extends TlsfControl>(heap: Heap, finding: Finding, level: u32): bool {
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const log2 = control.secondLog2(arena);
  const rowAt = control.rowAt(arena, span, level);
  let row: u32 = 0;
  for (let second: u32 = 0; second < <u32>(1 << log2); second++) {
    const index = (level << log2) + second;
    if (!checkList<TlsfFreeLists<P>>(heap, finding, index)) return false;
    if (load<u32>(control.headAt(arena, span, index)) != arena) row |= 1 << second;
  }
  return load<u32>(rowAt) == row || broken(finding, Inconsistency.IndexMismatch, rowAt, row, load<u32>(rowAt));
}
