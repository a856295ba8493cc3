/**
 * list-fit without a header (its rules are in list-fit.ts): the arena holds payloads only, two bitmaps in the state know the rest.
 *
 *   arena    ├ A A A A A ┼ B ┼ . . . . ┤       one granule a character: A and B live, a hole behind them
 *   starts     1 0 0 0 0   1   1 0 0 0         a block or a hole begins here
 *   holes      0 0 0 0 0   0   1 0 0 0         … and it is a hole
 *
 *   state    ├ resume ┼ starts: a bit a granule ┼ holes: a bit a granule ┤
 *
 * Invariants: granule 0 is a start; a hole is a start; no bit is set behind the last granule; with merging no two
 * holes touch. `resume` is the granule behind the last block handed out (next fit).
 */
import { Visits } from "../inspect/visits";
import { BlockState, FitPolicy, Inconsistency } from "../memory-map";
import { Bitmap, lastBitBelow, nextBit } from "../parts/bitmap";
import { FitRules, planRules } from "../parts/fit-rules";
import { reallocateByMoving } from "../parts/moving";
import { assertionFailed, Block, broken, Finding, Heap, refused } from "./heap";

@final
@unmanaged
class State {
  resume: u32;
}

@final
@unmanaged
export class MapFit extends Heap {
  plan(): void {
    planRules(this);
    this.stateBytes = offsetof<State>() + 2 * Bitmap.bytesFor(this.arenaBytes / FitRules.of(this).granule);
  }

  initialize(): bool {
    const count = granulesOf(this);
    const needed = offsetof<State>() + 2 * Bitmap.bytesFor(count);
    if (count == 0 || needed > this.stateBytes) return false;
    memory.fill(this.state, 0, this.stateBytes);
    Bitmap.set(startsOf(this), 0);
    Bitmap.set(holesOf(this), 0);
    return true;
  }

  /** Payloads tell nothing of their blocks: the bitmaps must have been supplied. */
  adopt(): bool {
    return Bitmap.has(startsOf(this), 0);
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes - 1 >= this.arenaBytes) return 0; // also refuses 0
    const policy = FitRules.of(this).policy;
    const granule = FitRules.of(this).granule;
    const wanted = (requestBytes - 1) / granule + 1;
    const count = granulesOf(this);
    const hole =
      policy == FitPolicy.First || policy == FitPolicy.Next
        ? firstFrom(this, policy, wanted, count)
        : extreme(this, policy, wanted, count);
    if (hole == count) return 0;
    const end = take(this, hole, wanted, count);
    changetype<State>(this.state).resume = end;
    return firstGranuleOf(this) + hole * granule;
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= FitRules.of(this).granule ? this.allocate(requestBytes) : refused(this);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<MapFit>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    this.visits = 0;
    const at = liveAt(this, payload);
    if (at < 0) {
      assertionFailed(this, payload);
      return;
    }
    this.visits = 1;
    Bitmap.set(holesOf(this), at);
    if (FitRules.of(this).coalesce != 0) merge(this, at);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const at = liveAt(this, payload);
    if (at < 0) return 0;
    return (nextBit(startsOf(this), at + 1, granulesOf(this)) - at) * FitRules.of(this).granule;
  }

  largestRequest(): u32 {
    const starts = startsOf(this),
      holes = holesOf(this),
      count = granulesOf(this);
    let largest: u32 = 0;
    for (let at = nextBit(holes, 0, count); at < count; at = nextBit(holes, at + 1, count)) {
      largest = max(largest, nextBit(starts, at + 1, count) - at);
    }
    return largest * FitRules.of(this).granule;
  }

  nextBlock(block: Block): bool {
    const first = firstGranuleOf(this),
      count = granulesOf(this),
      granule = FitRules.of(this).granule;
    const arenaEnd = this.arena + this.arenaBytes;
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= arenaEnd) return false;
    const index = (at - first) / granule;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    if (at < first || index >= count) {
      block.bytes = (at < first ? first : arenaEnd) - at;
      return true;
    }
    block.bytes = (nextBit(startsOf(this), index + 1, count) - index) * granule;
    block.payload = at;
    block.state = Bitmap.has(holesOf(this), index) ? BlockState.Free : BlockState.Live;
    return true;
  }

  check(finding: Finding): bool {
    const starts = startsOf(this),
      holes = holesOf(this),
      count = granulesOf(this);
    const granule = FitRules.of(this).granule,
      first = firstGranuleOf(this);
    const merging = FitRules.of(this).coalesce != 0;
    const resume = changetype<State>(this.state).resume;
    if (resume > count) return broken(finding, Inconsistency.StateOverwritten, this.state, count, resume);
    if (!Bitmap.has(starts, 0)) return broken(finding, Inconsistency.IndexMismatch, starts, 1, load<u32>(starts));
    let previousFree: bool = false;
    for (let at: u32 = 0; at < count; at = nextBit(starts, at + 1, count)) {
      const free = Bitmap.has(holes, at);
      if (merging && free && previousFree)
        return broken(finding, Inconsistency.FreeNeighboursNotMerged, first + at * granule, 0, 1);
      previousFree = free;
    }
    return checkWords(finding, starts, holes, count);
  }

  /** free, largest, blocks (all of the holes) */
  statistics(out: u32): u32 {
    const starts = startsOf(this),
      holes = holesOf(this),
      count = granulesOf(this);
    const granule = FitRules.of(this).granule;
    let free: u32 = 0,
      number: u32 = 0;
    for (let at = nextBit(holes, 0, count); at < count; at = nextBit(holes, at + 1, count)) {
      free += nextBit(starts, at + 1, count) - at;
      number++;
    }
    store<u32>(out, free * granule, 0);
    store<u32>(out, this.largestRequest(), 4);
    store<u32>(out, number, 8);
    return 3;
  }
}

/** Holes are starts, and nothing is set behind the last granule. */
function checkWords(finding: Finding, starts: u32, holes: u32, count: u32): bool {
  for (let index: u32 = 0; index < count; index += 32) {
    const at = index >> 3;
    const within: u32 = count - index >= 32 ? -1 : (1 << (count - index)) - 1;
    const start = load<u32>(starts + at),
      hole = load<u32>(holes + at);
    if (start & ~within) return broken(finding, Inconsistency.IndexMismatch, starts + at, start & within, start);
    if (hole & ~start) return broken(finding, Inconsistency.IndexMismatch, holes + at, hole & start, hole);
  }
  return true;
}

function firstGranuleOf(heap: Heap): u32 {
  const granule = FitRules.of(heap).granule;
  return (heap.arena + granule - 1) & ~(granule - 1);
}

function granulesOf(heap: Heap): u32 {
  const lead = firstGranuleOf(heap) - heap.arena;
  return lead < heap.arenaBytes ? (heap.arenaBytes - lead) / FitRules.of(heap).granule : 0;
}

function startsOf(heap: Heap): u32 {
  return heap.state + offsetof<State>();
}

function holesOf(heap: Heap): u32 {
  return startsOf(heap) + Bitmap.bytesFor(granulesOf(heap));
}

/** The granule of the live block whose payload begins there, or -1. */
function liveAt(heap: Heap, payload: u32): i32 {
  const granule = FitRules.of(heap).granule;
  const offset = payload - firstGranuleOf(heap);
  const index = offset / granule;
  if (offset % granule != 0 || index >= granulesOf(heap)) return -1;
  return Bitmap.has(startsOf(heap), index) && !Bitmap.has(holesOf(heap), index) ? index : -1;
}

/** First and next fit: the first hole of `wanted` granules, or `count`. Next fit begins at `resume` and wraps. */
function firstFrom(heap: Heap, policy: u32, wanted: u32, count: u32): u32 {
  const resume = policy == FitPolicy.Next ? changetype<State>(heap.state).resume : 0;
  const ahead = firstBetween(heap, resume, count, wanted, count);
  if (ahead < count || resume == 0) return ahead;
  return firstBetween(heap, 0, min(resume, count), wanted, count);
}

function firstBetween(heap: Heap, low: u32, high: u32, wanted: u32, count: u32): u32 {
  const starts = startsOf(heap),
    holes = holesOf(heap);
  for (let at = nextBit(holes, low, high); at < high; at = nextBit(holes, at + 1, high)) {
    heap.visits++;
    if (nextBit(starts, at + 1, count) - at >= wanted) return at;
  }
  return count;
}

/** Best and worst fit: the smallest or largest hole of at least `wanted` granules, or `count`. */
function extreme(heap: Heap, policy: u32, wanted: u32, count: u32): u32 {
  const starts = startsOf(heap),
    holes = holesOf(heap);
  let chosen = count,
    chosenLength: u32 = 0;
  for (let at = nextBit(holes, 0, count); at < count; at = nextBit(holes, at + 1, count)) {
    heap.visits++;
    const length = nextBit(starts, at + 1, count) - at;
    if (length < wanted) continue;
    if (chosen == count || (policy == FitPolicy.Best ? length < chosenLength : length > chosenLength)) {
      chosen = at;
      chosenLength = length;
      if (policy == FitPolicy.Best && length == wanted) break;
    }
  }
  return chosen;
}

/** [      hole      ] => [block][ hole ]; returns the granule behind the block. */
function take(heap: Heap, hole: u32, wanted: u32, count: u32): u32 {
  const starts = startsOf(heap),
    holes = holesOf(heap);
  const end = nextBit(starts, hole + 1, count);
  const rest = hole + wanted;
  Bitmap.clear(holes, hole);
  const surplusBytes = (end - rest) * FitRules.of(heap).granule;
  if (surplusBytes == 0 || FitRules.of(heap).leastSurplusBytes > surplusBytes) return end;
  Bitmap.set(starts, rest);
  Bitmap.set(holes, rest);
  Visits.noteSplit(heap);
  return rest;
}

/** [hole][at][hole] => [     hole      ] */
function merge(heap: Heap, at: u32): void {
  const starts = startsOf(heap),
    holes = holesOf(heap),
    count = granulesOf(heap);
  const next = nextBit(starts, at + 1, count);
  if (next < count && Bitmap.has(holes, next)) {
    Bitmap.clear(starts, next);
    Bitmap.clear(holes, next);
  }
  const previous = lastBitBelow(starts, at);
  if (previous >= 0 && Bitmap.has(holes, previous)) {
    Bitmap.clear(starts, at);
    Bitmap.clear(holes, at);
  }
}
