/**
 * o1heap: half fit in constant time. Every request is rounded up to a power of two and served by the newest
 * fragment of the first bin whose fragments all suffice; what is left over is a fragment again. Unlike TLSF one
 * bin covers a whole power of two, so the search never inspects a fragment that is too small.
 *
 * Source: pavel-kirienko/o1heap (MIT), 2.2 at b3a1aa4, with 4-byte pointers and 16-byte alignment.
 *
 *                 31                              0
 *                ├─────────────────────────────────┤
 *   arena  +0    │ bins: newest free fragment, or 0│  32 × 4; bin i holds 32 × 2^i up to 32 × 2^(i+1) − 1 bytes
 *          +128  │ bitmap of bins not empty        │
 *          +136  │ capacity, allocated, peak       │  bytes
 *          +148  │ peak request                    │
 *          +152  │ requests refused                │  8 bytes
 *                ╞═════════════════════════════════╡
 *   fragment +0  │ upper neighbour, or 0           │
 *          +4    │ lower neighbour, or 0           │
 *          +8    │ bytes (× 32), header included   │
 *          +12   │                       │ 1: live │
 *                ├─────────────────────────────────┤
 *          +16   │ next in bin     ┐               │
 *          +20   │ previous in bin ┘ or payload    │
 *                └─────────────────────────────────┘
 *
 * Invariants: fragments tile the arena from +160 for `capacity` bytes, are linked to their neighbours, and no two
 * free ones touch; bins, their bitmap and the bytes allocated agree with them. Cost: allocate and release O(1).
 */

import { fault } from "../fault";
import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, BlockState, FaultCode, Inconsistency } from "../memory-map";
import { checkList, checkMembership, FreeLists } from "../parts/list-check";
import { reallocateByMoving } from "../parts/moving";
import { assertionFailed, Block, broken, Finding, Heap, refused } from "./heap";

const ALIGNMENT: u32 = 16;
const HEADER_BYTES: u32 = ALIGNMENT;
const LEAST_FRAGMENT_LOG2: u32 = 5;
const LEAST_FRAGMENT_BYTES: u32 = 1 << LEAST_FRAGMENT_LOG2;
const MOST_FRAGMENT_BYTES: u32 = 0x80000000;
const BINS: u32 = 32;

/** What follows the bins. */
@final
@unmanaged
class Instance {
  nonEmpty: u32;
  padding: u32;
  capacity: u32;
  allocated: u32;
  peakAllocated: u32;
  peakRequest: u32;
  refused: u64;
}
const INSTANCE_OFFSET: u32 = BINS * 4;
const INSTANCE_BYTES: u32 = INSTANCE_OFFSET + offsetof<Instance>(); // 160, a multiple of the alignment

@final
@unmanaged
class Fragment {
  upper: u32;
  lower: u32;
  bytes: u32;
  live: u8;
  padding1: u8;
  padding2: u16;
  next: u32;
  previous: u32;

  @inline static at(address: u32, arena: u32, span: u32): Fragment {
    return changetype<Fragment>(Guest.word(address, arena, span - (offsetof<Fragment>() - 4), Access.Store));
  }

  /** Makes `lower` and the fragment at `upper`, if that is not 0, neighbours. */
  @inline static link(lower: Fragment, upper: u32, arena: u32, span: u32): void {
    lower.upper = upper;
    if (upper) Fragment.at(upper, arena, span).lower = changetype<u32>(lower);
  }
}

/** The bins. Static methods because asc inlines decorated members only. */
class Bins {
  /** Of fragments with at least `bytes`. Below the least fragment it is −1. */
  @inline static of(bytes: u32): u32 {
    return 31 - clz<u32>(bytes >> LEAST_FRAGMENT_LOG2);
  }

  /** Address of the head of `bin`; that of −1 is the word in front of the arena, as in the original. */
  @inline static headAt(bin: u32, arena: u32, span: u32): u32 {
    const address = arena + (bin << 2);
    if (EXACT_ACCESS) return Guest.word(address, arena, span, Access.Store);
    if (<i32>bin < 0) {
      fault(FaultCode.LeftHeap, address, Access.Load, 4);
      unreachable();
    }
    return address;
  }

  /** [bin] → a → …  =>  [bin] → fragment → a → … */
  @inline static insert(instance: Instance, fragment: Fragment, arena: u32, span: u32): void {
    const bin = Bins.of(fragment.bytes);
    const head = Bins.headAt(bin, arena, span);
    const first = load<u32>(head);
    fragment.next = first;
    fragment.previous = 0;
    if (first) Fragment.at(first, arena, span).previous = changetype<u32>(fragment);
    store<u32>(head, changetype<u32>(fragment));
    instance.nonEmpty |= 1 << bin;
  }

  /** … → a → fragment → b → …  =>  … → a → b → … */
  @inline static remove(instance: Instance, fragment: Fragment, arena: u32, span: u32): void {
    const bin = Bins.of(fragment.bytes);
    const next = fragment.next;
    const previous = fragment.previous;
    if (next) Fragment.at(next, arena, span).previous = previous;
    if (previous) Fragment.at(previous, arena, span).next = next;
    const head = Bins.headAt(bin, arena, span);
    if (load<u32>(head) == changetype<u32>(fragment)) {
      store<u32>(head, next);
      if (next == 0) instance.nonEmpty &= ~(1 << bin);
    }
  }
}

/** The two halves of the verbs; static for the same reason. */
class Fragments {
  /** [      free      ] => [payload][ free ]. The payload, or 0 when no bin has a fragment that surely suffices. */
  @inline static take(heap: Heap, instance: Instance, requestBytes: u32): u32 {
    const arena = heap.arena,
      span = heap.arenaBytes;
    const log2 = 32 - clz<u32>(requestBytes + HEADER_BYTES - 1);
    const suitable = instance.nonEmpty & (-1 << (log2 - LEAST_FRAGMENT_LOG2));
    if (suitable == 0) return 0;
    heap.visits = 1;
    const fragment = Fragment.at(load<u32>(arena + (ctz<u32>(suitable) << 2)), arena, span);
    const bytes: u32 = 1 << log2;
    if (fragment.bytes < bytes || fragment.live != 0) assertionFailed(heap, changetype<u32>(fragment) + HEADER_BYTES);
    Bins.remove(instance, fragment, arena, span);
    const surplus = fragment.bytes - bytes;
    fragment.bytes = bytes;
    if (surplus >= LEAST_FRAGMENT_BYTES) {
      const rest = Fragment.at(changetype<u32>(fragment) + bytes, arena, span);
      rest.bytes = surplus;
      rest.live = 0;
      Fragment.link(rest, fragment.upper, arena, span);
      fragment.upper = changetype<u32>(rest);
      rest.lower = changetype<u32>(fragment);
      Bins.insert(instance, rest, arena, span);
      Visits.noteSplit(heap);
    }
    const allocated = instance.allocated + bytes;
    instance.allocated = allocated;
    if (instance.peakAllocated < allocated) instance.peakAllocated = allocated;
    fragment.live = 1;
    return changetype<u32>(fragment) + HEADER_BYTES;
  }

  /** [lower free][fragment][upper free] => [          lower           ], listed. Dropped headers get 0 bytes. Returns the visits. */
  @inline static merge(instance: Instance, fragment: Fragment, arena: u32, span: u32): u32 {
    let whole = fragment,
      bytes = fragment.bytes,
      above = fragment.upper,
      visits: u32 = 1,
      joins = false;
    if (fragment.lower) {
      const lower = Fragment.at(fragment.lower, arena, span);
      visits = 2;
      if (lower.live == 0) {
        Bins.remove(instance, lower, arena, span);
        bytes += lower.bytes;
        fragment.bytes = 0;
        whole = lower;
        joins = true;
      }
    }
    if (above) {
      const upper = Fragment.at(above, arena, span);
      visits++;
      if (upper.live == 0) {
        Bins.remove(instance, upper, arena, span);
        bytes += upper.bytes;
        above = upper.upper;
        upper.bytes = 0;
        joins = true;
      }
    }
    if (joins) {
      whole.bytes = bytes;
      Fragment.link(whole, above, arena, span);
    }
    Bins.insert(instance, whole, arena, span);
    return visits;
  }
}

@final
@unmanaged
export class O1heap extends Heap {
  plan(): void {
    this.stateBytes = 0;
    this.granuleShift = 4;
  }

  initialize(): bool {
    if (!fits(this)) return false;
    const arena = this.arena;
    const capacity = capacityOf(this);
    memory.fill(arena, 0, INSTANCE_BYTES);
    const instance = instanceOf(this);
    const fragment = changetype<Fragment>(arena + INSTANCE_BYTES);
    instance.capacity = capacity;
    fragment.upper = 0;
    fragment.lower = 0;
    fragment.bytes = capacity;
    fragment.live = 0;
    Bins.insert(instance, fragment, arena, this.arenaBytes);
    return true;
  }

  /** All state lies in the arena. */
  adopt(): bool {
    return fits(this);
  }

  allocate(requestBytes: u32): u32 {
    const instance = instanceOf(this);
    this.visits = 0;
    let payload: u32 = 0;
    if (requestBytes > 0 && requestBytes <= instance.capacity - HEADER_BYTES)
      payload = Fragments.take(this, instance, requestBytes);
    if (instance.peakRequest < requestBytes) instance.peakRequest = requestBytes;
    if (payload == 0 && requestBytes > 0) instance.refused++;
    return payload;
  }

  /** The original has none; its own alignment is 16. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  /** The original has none: allocate, copy, free. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<O1heap>(this, payload, oldRequestBytes, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    const arena = this.arena,
      span = this.arenaBytes;
    const instance = instanceOf(this);
    const fragment = Fragment.at(payload - HEADER_BYTES, arena, span);
    const bytes = fragment.bytes;
    if (fragment.live == 0 || rotr<u32>(bytes, LEAST_FRAGMENT_LOG2) - 1 >= instance.capacity >> LEAST_FRAGMENT_LOG2) {
      assertionFailed(this, payload); // not live, or its bytes are 0, no multiple of 32 or beyond the capacity
    }
    fragment.live = 0;
    instance.allocated -= bytes;
    this.visits = Fragments.merge(instance, fragment, arena, span);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return Fragment.at(payload - HEADER_BYTES, this.arena, this.arenaBytes).bytes;
  }

  /** The highest bin serves requests up to its least fragment. */
  largestRequest(): u32 {
    const nonEmpty = instanceOf(this).nonEmpty;
    return nonEmpty ? (LEAST_FRAGMENT_BYTES << (31 - clz<u32>(nonEmpty))) - HEADER_BYTES : 0;
  }

  /** A fragment that would reach beyond the arena ends the walk; so does the rest below a fragment's multiple. */
  nextBlock(block: Block): bool {
    const end = this.arena + this.arenaBytes;
    const at = block.address ? block.address + block.bytes : this.arena;
    if (at >= end) return false;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    block.bytes = at == this.arena ? INSTANCE_BYTES : end - at;
    if (at == this.arena || end - at < LEAST_FRAGMENT_BYTES) return true;
    const fragment = changetype<Fragment>(at);
    if (fragment.bytes == 0 || fragment.bytes > end - at) return true;
    block.bytes = fragment.bytes;
    block.payload = at + HEADER_BYTES;
    block.state = fragment.live ? BlockState.Live : BlockState.Free;
    return true;
  }

  check(finding: Finding): bool {
    return (
      checkFragments(this, finding) && checkBins(this, finding) && checkMembership<O1heap, BinLists>(this, finding)
    );
  }

  /** capacity, allocated, peak_allocated, peak_request, oom */
  statistics(out: u32): u32 {
    const instance = instanceOf(this);
    store<u32>(out, instance.capacity, 0);
    store<u32>(out, instance.allocated, 4);
    store<u32>(out, instance.peakAllocated, 8);
    store<u32>(out, instance.peakRequest, 12);
    store<u32>(out, <u32>instance.refused, 16);
    return 5;
  }
}

function instanceOf(heap: Heap): Instance {
  return changetype<Instance>(heap.arena + INSTANCE_OFFSET);
}

function fits(heap: Heap): bool {
  return (heap.arena & (ALIGNMENT - 1)) == 0 && heap.arenaBytes >= INSTANCE_BYTES + LEAST_FRAGMENT_BYTES;
}

function capacityOf(heap: Heap): u32 {
  return min<u32>(heap.arenaBytes - INSTANCE_BYTES, MOST_FRAGMENT_BYTES) & ~(LEAST_FRAGMENT_BYTES - 1);
}

@final
@unmanaged
class BinLists extends FreeLists {
  count(): u32 {
    return BINS;
  }

  headAt(index: u32): u32 {
    return changetype<Heap>(this).arena + (index << 2);
  }

  end(): u32 {
    return 0;
  }

  mayHold(address: u32): bool {
    const heap = changetype<Heap>(this);
    const offset = address - heap.arena - INSTANCE_BYTES;
    return (offset & (LEAST_FRAGMENT_BYTES - 1)) == 0 && offset < capacityOf(heap);
  }

  isFree(block: u32): bool {
    return changetype<Fragment>(block).live == 0;
  }

  listOf(block: u32): u32 {
    return Bins.of(changetype<Fragment>(block).bytes);
  }

  nextAt(block: u32): u32 {
    return block + offsetof<Fragment>("next");
  }

  previousAt(block: u32): u32 {
    return block + offsetof<Fragment>("previous");
  }

  linkTo(address: u32): u32 {
    return address;
  }
}

/** Fragments tile the capacity, know their neighbours, and the live ones add up to the bytes allocated. */
function checkFragments(heap: Heap, finding: Finding): bool {
  const instance = instanceOf(heap),
    low = heap.arena + INSTANCE_BYTES,
    end = low + capacityOf(heap);
  const capacityAt = changetype<u32>(instance) + offsetof<Instance>("capacity");
  if (instance.capacity != end - low)
    return broken(finding, Inconsistency.StateOverwritten, capacityAt, end - low, instance.capacity);
  let lower: u32 = 0,
    lowerFree = false,
    allocated: u32 = 0;
  for (let at = low; at != end; ) {
    if (!checkFragment(finding, at, lower, end)) return false;
    const fragment = changetype<Fragment>(at);
    const free = fragment.live == 0;
    if (free && lowerFree) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, fragment.bytes);
    if (!free) allocated += fragment.bytes;
    lower = at;
    lowerFree = free;
    at += fragment.bytes;
  }
  const allocatedAt = changetype<u32>(instance) + offsetof<Instance>("allocated");
  if (instance.allocated != allocated)
    return broken(finding, Inconsistency.FreeBytesMismatch, allocatedAt, allocated, instance.allocated);
  const peak = instance.peakAllocated;
  return (
    (peak >= allocated && peak <= end - low) ||
    broken(finding, Inconsistency.StateOverwritten, allocatedAt + 4, allocated, peak)
  );
}

function checkFragment(finding: Finding, at: u32, lower: u32, end: u32): bool {
  const fragment = changetype<Fragment>(at);
  const bytes = fragment.bytes;
  if (bytes < LEAST_FRAGMENT_BYTES)
    return broken(finding, Inconsistency.BlockTooSmall, at, LEAST_FRAGMENT_BYTES, bytes);
  if (bytes & (LEAST_FRAGMENT_BYTES - 1))
    return broken(finding, Inconsistency.BlockMisaligned, at, bytes & ~(LEAST_FRAGMENT_BYTES - 1), bytes);
  if (bytes > end - at) return broken(finding, Inconsistency.BlockBeyondArena, at, end - at, bytes);
  if (fragment.live > 1)
    return broken(finding, Inconsistency.SentinelOverwritten, at + offsetof<Fragment>("live"), 1, fragment.live);
  if (fragment.lower != lower)
    return broken(
      finding,
      Inconsistency.NeighbourSizeMismatch,
      at + offsetof<Fragment>("lower"),
      lower,
      fragment.lower,
    );
  const upper = at + bytes == end ? 0 : at + bytes;
  return fragment.upper == upper || broken(finding, Inconsistency.NeighbourSizeMismatch, at, upper, fragment.upper);
}

function checkBins(heap: Heap, finding: Finding): bool {
  let nonEmpty: u32 = 0;
  for (let bin: u32 = 0; bin < BINS; bin++) {
    if (!checkList<BinLists>(heap, finding, bin)) return false;
    if (load<u32>(heap.arena + (bin << 2))) nonEmpty |= 1 << bin;
  }
  const found = instanceOf(heap).nonEmpty;
  return (
    found == nonEmpty || broken(finding, Inconsistency.IndexMismatch, heap.arena + INSTANCE_OFFSET, nonEmpty, found)
  );
}
