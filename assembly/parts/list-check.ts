/**
 * Verifies free lists that are segregated by size and linked both ways, without trusting a word: neither faults
 * nor loops whatever the arena holds. An allocator says in a `FreeLists` what its lists look like.
 *
 *   head(index) → a ⇄ b ⇄ c → end      the first one's previous link holds `end` as well
 */

import { Block, broken, Finding, Heap } from "../allocators/heap";
import { BlockState, Inconsistency } from "../memory-map";

/** An overlay of the heap's record. Addresses are those that links hold. */
@unmanaged
export abstract class FreeLists {
  abstract count(): u32;
  /** Address of the word that holds the first block of list `index`. */
  abstract headAt(index: u32): u32;
  /** What the last block's link holds. */
  abstract end(): u32;
  /** Whether a free block could lie at `address`: aligned, and its record inside the arena. */
  abstract mayHold(address: u32): bool;
  abstract isFree(block: u32): bool;
  /** The list that a block of this one's size belongs to. */
  abstract listOf(block: u32): u32;
  abstract nextAt(block: u32): u32;
  abstract previousAt(block: u32): u32;
  /** What links hold for the block that the walk reports at `address`. */
  abstract linkTo(address: u32): u32;
}

/** Every block that list `index` holds is free, of its size and linked both ways. */
export function checkList<L extends FreeLists>(heap: Heap, finding: Finding, index: u32): bool {
  const lists = changetype<L>(heap),
    end = lists.end();
  let link = lists.headAt(index),
    previous = end;
  // Ends: a block entered a second time would have to link back to two others.
  for (let at = load<u32>(link); at != end; at = load<u32>(link)) {
    if (!lists.mayHold(at)) return broken(finding, Inconsistency.ListPointerOutsideArena, link, end, at);
    if (!lists.isFree(at)) return broken(finding, Inconsistency.ListedBlockNotFree, link, end, at);
    const back = load<u32>(lists.previousAt(at));
    if (back != previous)
      return broken(finding, Inconsistency.NeighbourSizeMismatch, lists.previousAt(at), previous, back);
    if (lists.listOf(at) != index) return broken(finding, Inconsistency.IndexMismatch, at, lists.listOf(at), index);
    previous = at;
    link = lists.nextAt(at);
  }
  return true;
}

/**
 * The lists hold the free blocks of the walk and nothing else. All blocks and lists must have been checked before:
 * that makes the walk complete and the lists finite.
 */
export function checkMembership<H extends Heap, L extends FreeLists>(heap: H, finding: Finding): bool {
  const lists = changetype<L>(heap),
    end = lists.end();
  const block = changetype<Block>(memory.data(32));
  let free: u32 = 0;
  block.address = 0;
  while (heap.nextBlock(block)) {
    if (block.state != BlockState.Free) continue;
    free++;
    const own = lists.linkTo(block.address);
    const previous = load<u32>(lists.previousAt(own));
    if (lists.listOf(own) >= lists.count())
      return broken(finding, Inconsistency.BlockBeyondArena, block.address, 0, block.bytes);
    const link = previous == end ? lists.headAt(lists.listOf(own)) : lists.nextAt(previous);
    const linked = previous == end || lists.mayHold(previous) ? load<u32>(link) : 0;
    if (linked != own) return broken(finding, Inconsistency.FreeBlockNotListed, block.address, own, linked);
  }
  for (let index: u32 = 0; index < lists.count(); index++) {
    for (let at = load<u32>(lists.headAt(index)); at != end; at = load<u32>(lists.nextAt(at))) {
      if (free-- == 0) return broken(finding, Inconsistency.ListedBlockNotFree, at, 0, at);
    }
  }
  return free == 0 || broken(finding, Inconsistency.FreeBlockNotListed, heap.arena, 0, free);
}
