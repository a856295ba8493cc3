/**
 * The blocks and the state of list-fit with a header, and the check of both.
 *
 *           31                            1  0
 *          ├───────────────────────────────┬──┤
 *    +0    │ block bytes, header included  │ L│  L: live
 *          ├───────────────────────────────┴──┤
 *    +4    │ next hole, 0 behind the last     │  only in a hole; a header of 4 bytes has its payload here
 *          ╞══════════════════════════════════╡
 *  +header │ payload                          │
 *          └──────────────────────────────────┘
 *
 *   arena ├ lead ┼ block ┼ block ┼ … ┼ block ┼ tail ┤   lead and tail: what alignment leaves over
 *
 *   state ├ 0 ┼ first hole ┼ rover ┼ resume ┤           its first two words read as a hole of no bytes
 *
 * Invariants: the list is exactly the holes, ascending; with merging no two holes touch; every block is a multiple
 * of the granule and at least the least block. Next fit: `resume` is the end of the last block handed out, `rover`
 * the last hole (or the state) that starts below it.
 */
import { Guest } from "../guest";
import { Access, FitPolicy, Inconsistency } from "../memory-map";
import { FitRules } from "../parts/fit-rules";
import { broken, Finding, Heap } from "./heap";

export const LIVE: u32 = 1;

@final
@unmanaged
export class Header {
  size: u32;
  next: u32;

  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Header {
    return changetype<Header>(Guest.word(address, low, span, access));
  }
}

@final
@unmanaged
export class State {
  /** Always 0, so that no released block is merged with the state. */
  size: u32;
  next: u32;
  rover: u32;
  resume: u32;
}

/** The lowest block whose payload is aligned. */
export function firstBlockOf(heap: Heap): u32 {
  const granule = FitRules.of(heap).granule,
    headerBytes = FitRules.of(heap).headerBytes;
  return ((heap.arena + headerBytes + granule - 1) & ~(granule - 1)) - headerBytes;
}

export function endOf(heap: Heap): u32 {
  const first = firstBlockOf(heap),
    arenaEnd = heap.arena + heap.arenaBytes;
  return first < arenaEnd ? first + ((arenaEnd - first) & ~(FitRules.of(heap).granule - 1)) : first;
}

/** Verifies blocks, list and rover without trusting a word of them. */
export function checkListFit(heap: Heap, finding: Finding): bool {
  const state = changetype<State>(heap.state);
  if (state.size != 0) return broken(finding, Inconsistency.StateOverwritten, heap.state, 0, state.size);
  return checkBlocks(heap, finding) && checkList(heap, finding, state) && checkRover(heap, finding, state);
}

function checkBlocks(heap: Heap, finding: Finding): bool {
  const end = endOf(heap),
    granule = FitRules.of(heap).granule;
  const least = FitRules.of(heap).leastBlockBytes,
    merging = FitRules.of(heap).coalesce != 0;
  let previousFree = false;
  for (let at = firstBlockOf(heap); at != end; ) {
    const size = changetype<Header>(at).size;
    const bytes = size & ~LIVE;
    if (bytes < least) return broken(finding, Inconsistency.BlockTooSmall, at, least, bytes);
    if (bytes & (granule - 1)) return broken(finding, Inconsistency.BlockMisaligned, at, bytes & ~(granule - 1), bytes);
    if (bytes > end - at) return broken(finding, Inconsistency.BlockBeyondArena, at, end - at, bytes);
    const free = (size & LIVE) == 0;
    if (merging && free && previousFree) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
    previousFree = free;
    at += bytes;
  }
  return true;
}

/** The list must be exactly the free blocks, in order: both are walked together. */
function checkList(heap: Heap, finding: Finding, state: State): bool {
  const end = endOf(heap);
  let listed = state.next;
  for (let at = firstBlockOf(heap); at != end; ) {
    const header = changetype<Header>(at);
    if ((header.size & LIVE) == 0) {
      if (listed != at) return broken(finding, Inconsistency.FreeBlockNotListed, at, at, listed);
      listed = header.next;
    }
    at += header.size & ~LIVE;
  }
  return listed == 0 || broken(finding, Inconsistency.ListPointerOutsideArena, heap.state, 0, listed);
}

function checkRover(heap: Heap, finding: Finding, state: State): bool {
  if (FitRules.of(heap).policy != FitPolicy.Next) return true;
  let last = heap.state;
  for (let link = state.next; link != 0 && link < state.resume; link = changetype<Header>(link).next) last = link;
  return (
    state.rover == last ||
    broken(finding, Inconsistency.StateOverwritten, heap.state + offsetof<State>("rover"), last, state.rover)
  );
}
