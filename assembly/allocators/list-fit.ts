/**
 * list-fit: the textbook's list of holes in address order, with first, next, best or worst fit, a chosen header,
 * alignment, merging and splitting. Unlike freertos-heap4 it wastes nothing on an end marker and has no quick
 * refusal; with a header of 0 bytes the arena holds payloads only.
 *
 * Source: by definition (Knuth, The Art of Computer Programming 1, section 2.5, algorithms A and B).
 *
 * Two classes, chosen by the header option (registry.ts), because what the allocator knows lies in different places:
 *   4 bytes or more   ListFit, here: sizes and links in the arena, in front of the payloads
 *   0 bytes           MapFit, list-fit-map.ts: two bitmaps in the state, nothing in the arena
 *
 * Rules common to both. A request of 0 is refused. The block is the low end of the hole; a surplus of at least the
 * split threshold stays behind as a hole in the same place, a smaller one stays in the block. A release that names
 * no live block is an assertion, and ignored where assertions are compiled out.
 * Next fit begins at the first hole that starts at or behind the end of the last block handed out.
 * Cost: allocate O(holes), release O(holes) with a header, O(1) without.
 * The drawing of its blocks and the invariants are in list-fit-blocks.ts.
 */

import { endless } from "../fault";
import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, BlockState, FitPolicy } from "../memory-map";
import { FitRules, planRules } from "../parts/fit-rules";
import { reallocateByMoving } from "../parts/moving";
import { assertionFailed, Block, Finding, Heap, refused } from "./heap";
import { checkListFit, endOf, firstBlockOf, Header, LIVE, State } from "./list-fit-blocks";

/** Words of a header that are read behind its first one, in bytes: what the check's span is shortened by. */
const BEHIND_BYTES: u32 = 4;
/** More than any heap has holes that the engine has room to watch: a list this long goes round in a circle. */
const VISITS_MOST: u32 = 1 << 24;
/** A span that holds no address, so that the access check goes its slow way without being made a second time. */
const NOWHERE: u32 = 0;

/**
 * The hot paths, inlined down to the caller's loop: between two calls V8 reloads its memory's base and the heap's
 * fields, which costs more than a hole. Calls that come back inside a loop would spill what the loop holds in
 * registers, hence `unreachable` behind those that do not.
 */
class Holes {
  /** The hole that a search looks at as its `visits`-th. */
  @inline static at(link: u32, visits: u32, low: u32, span: u32): Header {
    if (visits > VISITS_MOST) {
      endless(link);
      unreachable();
    }
    return Header.at(link, low, span);
  }

  /**
   * Takes the first hole behind `from` (a hole or the state) that holds `blockBytes`. The payload, or 0.
   * Sets the visits.
   */
  @inline static allocateBehind(heap: Heap, from: u32, policy: u32, blockBytes: u32, low: u32, span: u32): u32 {
    const words = span >> 2;
    let left = VISITS_MOST;
    let previous =
      policy == FitPolicy.First // which begins at the state
        ? changetype<Header>(from)
        : Header.at(from, low, span);
    let link = previous.next;
    for (;;) {
      if (rotr<u32>(link - low, 2) >= words) {
        // Guest.word's check, which the end of the list fails as well
        if (link == 0) break;
        link = Guest.word(link, low, NOWHERE); // metadata leads out of the heap
      }
      const hole = changetype<Header>(link);
      const bytes = hole.size;
      if (bytes >= blockBytes) {
        heap.visits = VISITS_MOST - left + 1;
        return Holes.take(heap, policy, previous, hole, bytes, blockBytes, low, span);
      }
      previous = hole;
      link = hole.next;
      if (--left == 0) {
        endless(link);
        unreachable();
      }
    }
    heap.visits = VISITS_MOST - left;
    return 0;
  }

  /** Takes the hole behind `previous`: [      hole      ] => [block][ hole ], or all of it when the surplus is too small. */
  @inline static take(
    heap: Heap,
    policy: u32,
    previous: Header,
    hole: Header,
    bytes: u32,
    blockBytes: u32,
    low: u32,
    span: u32,
  ): u32 {
    const address = changetype<u32>(hole);
    const surplus = bytes - blockBytes;
    let taken = bytes;
    if (surplus >= FitRules.of(heap).leastSurplusBytes) {
      const rest = Header.at(address + blockBytes, low, span, Access.Store);
      rest.size = surplus;
      rest.next = hole.next;
      previous.next = address + blockBytes;
      taken = blockBytes;
      Visits.noteSplit(heap);
    } else previous.next = hole.next;
    hole.size = taken | LIVE;
    if (policy == FitPolicy.Next) {
      const state = changetype<State>(heap.state);
      state.rover = changetype<u32>(previous);
      state.resume = address + taken;
    }
    return address + FitRules.of(heap).headerBytes;
  }

  /** Puts `block` of `bytes` bytes into the list by address and merges: [hole][block][hole] => [     hole      ] */
  @inline static insert(heap: Heap, block: Header, bytes: u32, low: u32, span: u32): void {
    const address = changetype<u32>(block);
    const words = (address - low) >> 2;
    let left = VISITS_MOST;
    let previous = changetype<Header>(heap.state);
    let next = previous.next;
    for (;;) {
      if (rotr<u32>(next - low, 2) >= words) {
        // below the block is inside the heap: one check for both
        if (next - 1 >= address - 1) break; // at or above the block, or the 0 at the end
        next = Guest.word(next, low, NOWHERE); // metadata leads out of the heap
      }
      previous = changetype<Header>(next);
      next = previous.next;
      if (--left == 0) {
        endless(next);
        unreachable();
      }
    }
    heap.visits = VISITS_MOST - left + 1;
    Holes.merge(heap, previous, block, bytes, next, low, span);
  }

  /** [previous][block][next] => [previous + block + next], as far as they touch. */
  @inline static merge(heap: Heap, previous: Header, block: Header, bytes: u32, next: u32, low: u32, span: u32): void {
    const address = changetype<u32>(block);
    const merging = FitRules.of(heap).coalesce != 0;
    let behind = next,
      swallowed: u32 = 0,
      hole = address;
    if (merging && address + bytes == next) {
      const follower = Header.at(next, low, span);
      bytes += follower.size;
      behind = follower.next;
      swallowed = next;
    }
    const previousBytes = previous.size;
    block.size = bytes; // also where it joins its predecessor: a second release must not find it live
    if (merging && changetype<u32>(previous) + previousBytes == address) {
      previous.size = previousBytes + bytes;
      previous.next = behind;
      hole = changetype<u32>(previous);
    } else {
      block.next = behind;
      previous.next = address;
    }
    if (FitRules.of(heap).policy == FitPolicy.Next) keepRover(heap, changetype<u32>(previous), hole, swallowed);
  }
}

@final
@unmanaged
export class ListFit extends Heap {
  plan(): void {
    planRules(this);
    this.stateBytes = offsetof<State>();
  }

  initialize(): bool {
    const first = firstBlockOf(this);
    const bytes = endOf(this) - first;
    if (<i32>bytes < <i32>FitRules.of(this).leastBlockBytes) return false;
    const hole = changetype<Header>(first);
    hole.size = bytes;
    hole.next = 0;
    const state = changetype<State>(this.state);
    state.size = 0;
    state.next = first;
    state.rover = this.state;
    state.resume = 0;
    return true;
  }

  /** The list begins at the lowest free block; where next fit went on is not told, so it begins at the head. */
  adopt(): bool {
    const state = changetype<State>(this.state);
    const end = endOf(this),
      least = FitRules.of(this).leastBlockBytes;
    for (let at = firstBlockOf(this); state.next == 0 && at < end; ) {
      const size = changetype<Header>(at).size;
      const bytes = size & ~LIVE;
      if (bytes < least || bytes > end - at || (bytes & 3) != 0) break; // check names it
      if ((size & LIVE) == 0) state.next = at;
      at += bytes;
    }
    if (state.rover == 0) state.rover = this.state;
    return firstBlockOf(this) < end;
  }

  @inline allocate(requestBytes: u32): u32 {
    this.visits = 0;
    if (requestBytes - 1 >= this.arenaBytes) return 0; // 0 is refused as well
    const blockBytes = blockBytesFor(this, requestBytes);
    if (blockBytes > this.arenaBytes) return 0;
    const low = this.checkLow,
      span = this.checkSpan - BEHIND_BYTES;
    const policy = FitRules.of(this).policy;
    if (policy == FitPolicy.First)
      return Holes.allocateBehind(this, this.state, FitPolicy.First, blockBytes, low, span);
    if (policy == FitPolicy.Next) return allocateNext(this, blockBytes, low, span);
    return allocateExtreme(this, policy, blockBytes, low, span);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= FitRules.of(this).granule ? this.allocate(requestBytes) : refused(this);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<ListFit>(this, payload, oldRequestBytes, requestBytes);
  }

  @inline release(payload: u32, requestBytes: u32): void {
    const low = this.checkLow,
      span = this.checkSpan - BEHIND_BYTES;
    const block = Header.at(payload - FitRules.of(this).headerBytes, low, span);
    const size = block.size;
    if ((size & LIVE) == 0) {
      this.visits = 0;
      assertionFailed(this, payload);
      return;
    }
    Holes.insert(this, block, size & ~LIVE, low, span);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - FitRules.of(this).headerBytes;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const address = payload - FitRules.of(this).headerBytes;
    return Header.at(address, this.checkLow, this.checkSpan - BEHIND_BYTES).size & ~LIVE;
  }

  largestRequest(): u32 {
    const largest = largestHoleBytes(this),
      headerBytes = FitRules.of(this).headerBytes;
    return largest > headerBytes ? largest - headerBytes : 0;
  }

  nextBlock(block: Block): bool {
    const first = firstBlockOf(this),
      end = endOf(this),
      arenaEnd = this.arena + this.arenaBytes;
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= arenaEnd) return false;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    if (at < first || at >= end) {
      block.bytes = (at < first ? first : arenaEnd) - at;
      return true;
    }
    const header = Header.at(at, this.checkLow, this.checkSpan - BEHIND_BYTES);
    block.bytes = header.size & ~LIVE;
    block.payload = at + FitRules.of(this).headerBytes;
    block.state = header.size & LIVE ? BlockState.Live : BlockState.Free;
    return block.bytes - 1 < end - at; // a size of 0 or beyond the arena ends the walk
  }

  check(finding: Finding): bool {
    return checkListFit(this, finding);
  }

  /** free, largest, blocks (all of the holes, headers included) */
  statistics(out: u32): u32 {
    const low = this.checkLow,
      span = this.checkSpan - BEHIND_BYTES;
    let free: u32 = 0,
      holes: u32 = 0;
    for (let link = changetype<State>(this.state).next; link != 0; ) {
      const hole = Holes.at(link, ++holes, low, span);
      free += hole.size;
      link = hole.next;
    }
    store<u32>(out, free, 0);
    store<u32>(out, largestHoleBytes(this), 4);
    store<u32>(out, holes, 8);
    return 3;
  }
}

function largestHoleBytes(heap: Heap): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - BEHIND_BYTES;
  let largest: u32 = 0,
    visits: u32 = 0;
  for (let link = changetype<State>(heap.state).next; link != 0; ) {
    const hole = Holes.at(link, ++visits, low, span);
    largest = max(largest, hole.size);
    link = hole.next;
  }
  return largest;
}

function blockBytesFor(heap: Heap, requestBytes: u32): u32 {
  const mask = FitRules.of(heap).granule - 1;
  const rounded = (requestBytes + FitRules.of(heap).headerBytes + mask) & ~mask;
  return max(rounded, FitRules.of(heap).leastBlockBytes);
}

/** Next fit: from the rover to the end of the list, then from its head. */
function allocateNext(heap: Heap, blockBytes: u32, low: u32, span: u32): u32 {
  const ahead = Holes.allocateBehind(heap, changetype<State>(heap.state).rover, FitPolicy.Next, blockBytes, low, span);
  if (ahead) return ahead;
  const visits = heap.visits;
  const wrapped = Holes.allocateBehind(heap, heap.state, FitPolicy.Next, blockBytes, low, span);
  if (wrapped) heap.visits += visits; // otherwise it has looked at every hole, and none counts twice
  return wrapped;
}

/** Best and worst fit: the smallest or largest hole that fits. Best fit stops at an exact fit. */
function allocateExtreme(heap: Heap, policy: u32, blockBytes: u32, low: u32, span: u32): u32 {
  let visits: u32 = 0,
    chosen = changetype<Header>(0),
    chosenBytes: u32 = 0;
  let previous = changetype<Header>(heap.state);
  for (let link = previous.next; link != 0; ) {
    const hole = Holes.at(link, ++visits, low, span);
    const bytes = hole.size;
    if (
      bytes >= blockBytes &&
      (chosenBytes == 0 || (policy == FitPolicy.Best ? bytes < chosenBytes : bytes > chosenBytes))
    ) {
      chosen = previous;
      chosenBytes = bytes;
      if (policy == FitPolicy.Best && bytes == blockBytes) break;
    }
    previous = hole;
    link = hole.next;
  }
  heap.visits = visits;
  if (chosenBytes == 0) return 0;
  return Holes.take(heap, policy, chosen, Header.at(chosen.next, low, span), chosenBytes, blockBytes, low, span);
}

/** The list has got `hole` behind `previous` and lost `swallowed`: the rover stays the last one that starts below `resume`. */
function keepRover(heap: Heap, previous: u32, hole: u32, swallowed: u32): void {
  const state = changetype<State>(heap.state);
  if (hole < state.resume && (state.rover == previous || state.rover == swallowed)) state.rover = hole;
}
