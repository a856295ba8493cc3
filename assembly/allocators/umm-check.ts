/** Verifies umm's invariants (see umm.ts) without trusting a unit. */
import { Inconsistency } from "../memory-map";
import { broken, Finding, Heap } from "./heap";
import { FREE, INDEX, UmmState, UNIT_SHIFT, unitOf } from "./umm-unit";

export function checkUmm(heap: Heap, finding: Finding): bool {
  const state = changetype<UmmState>(heap.state);
  const units = heap.arenaBytes >> UNIT_SHIFT;
  if (state.base != heap.arena)
    return broken(finding, Inconsistency.StateOverwritten, heap.state, heap.arena, state.base);
  if (state.units != units)
    return broken(
      finding,
      Inconsistency.StateOverwritten,
      heap.state + offsetof<UmmState>("units"),
      units,
      state.units,
    );
  if (state.bytes != units << UNIT_SHIFT) {
    return broken(
      finding,
      Inconsistency.StateOverwritten,
      heap.state + offsetof<UmmState>("bytes"),
      units << UNIT_SHIFT,
      state.bytes,
    );
  }
  return checkChain(heap, finding, units - 1) && checkFreeLinks(heap, finding, units - 1);
}

function checkChain(heap: Heap, finding: Finding, last: u32): bool {
  let previous: u32 = 0,
    index: u32 = 0;
  let previousFree = false;
  if (unitOf(heap, 0).next != 1)
    return broken(finding, Inconsistency.SentinelOverwritten, heap.arena, 1, unitOf(heap, 0).next);
  while (true) {
    const unit = unitOf(heap, index);
    const at = changetype<u32>(unit);
    if (unit.previous != previous)
      return broken(finding, Inconsistency.NeighbourSizeMismatch, at + 2, previous, unit.previous);
    if (index == last) {
      return unit.next == 0 || broken(finding, Inconsistency.SentinelOverwritten, at, 0, unit.next);
    }
    const next = unit.next & INDEX;
    const isFree = (unit.next & FREE) != 0;
    if (next <= index) return broken(finding, Inconsistency.BlockTooSmall, at, index + 1, next);
    if (next > last) return broken(finding, Inconsistency.BlockBeyondArena, at, last, next);
    if (isFree && previousFree) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, unit.next);
    previousFree = isFree;
    previous = index;
    index = next;
  }
}

/** Every free block must be linked both ways, and the ring through unit 0 must hold as many as the chain. */
function checkFreeLinks(heap: Heap, finding: Finding, last: u32): bool {
  let freeBlocks: u32 = 0;
  for (let index: u32 = 0; index != last; index = unitOf(heap, index).next & INDEX) {
    const unit = unitOf(heap, index);
    if (index != 0 && (unit.next & FREE) == 0) continue;
    freeBlocks++;
    const at = changetype<u32>(unit);
    if (unit.nextFree >= last)
      return broken(finding, Inconsistency.ListPointerOutsideArena, at + 4, last - 1, unit.nextFree);
    if (unit.previousFree >= last)
      return broken(finding, Inconsistency.ListPointerOutsideArena, at + 6, last - 1, unit.previousFree);
    const behind = unitOf(heap, unit.nextFree);
    if (unit.nextFree != 0 && (behind.next & FREE) == 0)
      return broken(finding, Inconsistency.ListedBlockNotFree, at + 4, index, unit.nextFree);
    if (behind.previousFree != index)
      return broken(finding, Inconsistency.FreeBlockNotListed, at + 4, index, behind.previousFree);
    const before = unitOf(heap, unit.previousFree);
    if (before.nextFree != index)
      return broken(finding, Inconsistency.FreeBlockNotListed, at + 6, index, before.nextFree);
  }
  let listed: u32 = 1;
  for (
    let at: u32 = unitOf(heap, 0).nextFree;
    at != 0 && at < last && listed <= freeBlocks;
    at = unitOf(heap, at).nextFree
  )
    listed++;
  return (
    listed == freeBlocks ||
    broken(finding, Inconsistency.FreeBlockNotListed, heap.arena + 4, freeBlocks - 1, listed - 1)
  );
}
