/**
 * threadx-byte: a ThreadX byte pool. Blocks are chained by address in a ring; a roving search takes the first
 * that fits and merges free neighbours only while it passes blocks that are too small.
 * Unlike the FreeRTOS heaps a release never merges, so what a request finds depends on where the search stands.
 *
 * Source: eclipse-threadx/threadx common/src/tx_byte_*.c (MIT), 7ad78c40; ALIGN_TYPE of 4 bytes, TX_NO_WAIT.
 * Left out: suspended threads, performance counters, and the other pools of the created list.
 *
 *         31                              0
 *        ├─────────────────────────────────┤
 *   +0   │ next block, by address          │  the last one's is the pool's start
 *        ├─────────────────────────────────┤
 *   +4   │ 0xFFFFEEEE: free; else the pool │
 *        ╞═════════════════════════════════╡
 *   +8   │ payload, 4-aligned              │
 *        └─────────────────────────────────┘
 *
 *  pool  ├ block ┼ block ┼ … ┼ end block: 8 bytes, never free, back to the first ┤
 *
 * Invariants: the ring ascends and closes; `fragments` is its length, `available` the bytes of its free blocks
 * with headers; the search pointer is one of its blocks.
 * Cost: allocate O(blocks), release O(1).
 */

import { endless } from "../fault";
import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { Access, BlockState, Inconsistency, ThreadxByteOption } from "../memory-map";
import { reallocateByMoving } from "../parts/moving";
import { Block, broken, Finding, Heap, optionOf, refused } from "./heap";

const ALIGNMENT: u32 = 4;
const HEADER_BYTES: u32 = 8;
/** A rest smaller than this stays with the block it would be split from. */
const LEAST_REST_BYTES: u32 = 20;
/** What the error-checking entry asks of a pool. */
const LEAST_CHECKED_POOL_BYTES: u32 = 100;
const FREE: u32 = 0xffffeeee;
const POOL_ID: u32 = 0x42595445;

@final
@unmanaged
class Header {
  next: u32;
  owner: u32;

  @inline static at(address: u32, low: u32, span: u32, access: u32 = Access.Load): Header {
    return changetype<Header>(Guest.word(address, low, span, access));
  }
}

/** The pool's control block, in the original's order; on the created list it is alone. */
@final
@unmanaged
class Pool {
  id: u32;
  name: u32;
  available: u32;
  fragments: u32;
  list: u32;
  search: u32;
  start: u32;
  size: u32;
  owner: u32;
  suspensionList: u32;
  suspendedCount: u32;
  createdNext: u32;
  createdPrevious: u32;
}

@final
@unmanaged
export class ThreadxByte extends Heap {
  plan(): void {
    this.stateBytes = offsetof<Pool>();
    this.granuleShift = 2;
  }

  /** [ arena ] => [ one free block ][end] */
  initialize(): bool {
    const leastBytes = optionOf(this, ThreadxByteOption.ErrorChecked) ? LEAST_CHECKED_POOL_BYTES : 2 * HEADER_BYTES;
    if (this.arenaBytes < leastBytes || (this.arena & (ALIGNMENT - 1)) != 0) return false;
    const pool = changetype<Pool>(this.state);
    memory.fill(this.state, 0, offsetof<Pool>());
    describe(this, pool, this.state);
    pool.available = pool.size - HEADER_BYTES;
    pool.fragments = 2;
    pool.search = this.arena;
    const end = changetype<Header>(endOf(this));
    end.next = this.arena;
    end.owner = this.state;
    const first = changetype<Header>(this.arena);
    first.next = changetype<u32>(end);
    first.owner = FREE;
    return true;
  }

  /** The end block tells where the board's pool lies, the blocks tell the sums; only the search pointer is lost. */
  adopt(): bool {
    const pool = changetype<Pool>(this.state);
    const end = endOf(this);
    let available: u32 = 0,
      fragments: u32 = 1;
    for (let at = this.arena; at < end; fragments++) {
      const block = changetype<Header>(at);
      if (block.next <= at || block.next > end || (block.next & (ALIGNMENT - 1)) != 0) break;
      if (block.owner == FREE) available += block.next - at;
      at = block.next;
    }
    describe(this, pool, changetype<Header>(end).owner);
    if (pool.available == 0) pool.available = available;
    if (pool.fragments == 0) pool.fragments = fragments;
    if (pool.search == 0) pool.search = this.arena;
    return true;
  }

  allocate(requestBytes: u32): u32 {
    const pool = changetype<Pool>(this.state);
    this.visits = 0;
    if (optionOf(this, ThreadxByteOption.ErrorChecked) != 0 && (requestBytes == 0 || requestBytes > pool.size))
      return 0;
    const payloadBytes = (requestBytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (payloadBytes >= pool.available + (pool.fragments - 2) * HEADER_BYTES) return 0;
    const found = search(this, pool, payloadBytes);
    return found ? take(this, pool, found, payloadBytes) : 0;
  }

  /** The original has none; firmware that wants one allocates the slack and keeps the pointer. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= ALIGNMENT ? this.allocate(requestBytes) : refused(this);
  }

  /** The original has none: allocate, copy, free. */
  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return reallocateByMoving<ThreadxByte>(this, payload, oldRequestBytes, requestBytes);
  }

  /** A free block, or one whose owner is no pool, is refused with an error code that firmware tends to ignore. */
  release(payload: u32, requestBytes: u32): void {
    const low = this.checkLow,
      span = this.checkSpan - HEADER_BYTES + 4;
    const address = payload - HEADER_BYTES;
    const block = Header.at(address, low, span);
    this.visits = 1;
    if (block.owner == FREE || block.owner == 0) return;
    const pool = changetype<Pool>(Guest.bytes(block.owner, offsetof<Pool>(), low, this.checkSpan));
    if (pool.id != POOL_ID) return;
    block.owner = FREE;
    pool.available += block.next - address;
    if (address < pool.search) pool.search = address;
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes) - HEADER_BYTES;
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const address = payload - HEADER_BYTES;
    return Header.at(address, this.checkLow, this.checkSpan - HEADER_BYTES + 4).next - address;
  }

  largestRequest(): u32 {
    const pool = changetype<Pool>(this.state);
    const limit = pool.available + (pool.fragments - 2) * HEADER_BYTES;
    const largest = largestSeen(this, pool);
    return largest < limit ? largest : 0;
  }

  /** The walk ends where the ring does not ascend. */
  nextBlock(block: Block): bool {
    const at = block.address ? block.address + block.bytes : this.arena;
    const end = endOf(this),
      high = this.arena + this.arenaBytes;
    if (at >= high) return false;
    block.address = at;
    block.payload = 0;
    block.bytes = high - at;
    block.state = BlockState.Bookkeeping;
    if (at >= end) return true;
    const header = Header.at(at, this.checkLow, this.checkSpan - HEADER_BYTES + 4);
    block.payload = at + HEADER_BYTES;
    block.bytes = header.next - at;
    block.state = header.owner == FREE ? BlockState.Free : BlockState.Live;
    return header.next > at && header.next <= end;
  }

  check(finding: Finding): bool {
    const pool = changetype<Pool>(this.state);
    if (pool.id != POOL_ID) return stateBroken(this, finding, offsetof<Pool>("id"), POOL_ID, pool.id);
    if (pool.list != this.arena) return stateBroken(this, finding, offsetof<Pool>("list"), this.arena, pool.list);
    if (pool.start != this.arena) return stateBroken(this, finding, offsetof<Pool>("start"), this.arena, pool.start);
    if (pool.size != poolBytesOf(this))
      return stateBroken(this, finding, offsetof<Pool>("size"), poolBytesOf(this), pool.size);
    return checkEnd(this, finding, pool) && checkBlocks(this, finding, pool);
  }

  /** free, blocks */
  statistics(out: u32): u32 {
    const pool = changetype<Pool>(this.state);
    store<u32>(out, pool.available, 0);
    store<u32>(out, pool.fragments, 4);
    return 2;
  }
}

function poolBytesOf(heap: Heap): u32 {
  return heap.arenaBytes & ~(ALIGNMENT - 1);
}

function endOf(heap: Heap): u32 {
  return heap.arena + poolBytesOf(heap) - HEADER_BYTES;
}

/** The fields that never change. `self` is where the pool's blocks believe it lies: on a board, not at our state. */
function describe(heap: Heap, pool: Pool, self: u32): void {
  pool.id = POOL_ID;
  pool.list = heap.arena;
  pool.start = heap.arena;
  pool.size = poolBytesOf(heap);
  pool.createdNext = self;
  pool.createdPrevious = self;
}

/** Blocks a search may look at. A counter that was overwritten must not keep us busy for hours. */
function examineMost(heap: Heap, pool: Pool): u32 {
  return min(pool.fragments + 1, (heap.arenaBytes >> 2) + 2);
}

/** The first block from the search pointer on with at least `payloadBytes`, or 0; merges what it passes. */
function search(heap: ThreadxByte, pool: Pool, payloadBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - HEADER_BYTES + 4;
  const most = examineMost(heap, pool);
  const overwritten = most != pool.fragments + 1;
  let current = pool.search,
    remaining = most,
    visits: u32 = 0;
  let firstFreeSeen = false;
  while (remaining != 0) {
    const block = Header.at(current, low, span);
    visits++;
    remaining--;
    if (block.owner != FREE) {
      current = block.next;
      continue;
    }
    if (!firstFreeSeen) pool.search = current;
    firstFreeSeen = true;
    const next = block.next;
    const ownBytes = next - current - HEADER_BYTES;
    if (ownBytes >= payloadBytes) {
      heap.visits = visits;
      return ownBytes ? current : 0; // a request of 0 bytes does not get a block of 0 bytes
    }
    const follower = Header.at(next, low, span);
    visits++;
    if (follower.owner == FREE) {
      // [too small][free] => [    looked at again    ]
      block.next = follower.next;
      pool.fragments--;
      if (pool.search == next) pool.search = current;
    } else {
      current = follower.next;
      if (remaining != 0) remaining--;
    }
  }
  heap.visits = visits;
  if (overwritten) endless(current);
  return 0;
}

/** [          free          ] => [payload][   free   ], unless the rest would be small. */
function take(heap: ThreadxByte, pool: Pool, address: u32, payloadBytes: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - HEADER_BYTES + 4;
  const block = Header.at(address, low, span, Access.Store);
  let takenBytes = block.next - address - HEADER_BYTES;
  if (takenBytes - payloadBytes >= LEAST_REST_BYTES) {
    const restAddress = address + HEADER_BYTES + payloadBytes;
    const rest = Header.at(restAddress, low, span, Access.Store);
    rest.next = block.next;
    rest.owner = FREE;
    pool.fragments++;
    block.next = restAddress;
    takenBytes = payloadBytes;
    Visits.noteSplit(heap);
  }
  block.owner = heap.state;
  pool.available -= takenBytes + HEADER_BYTES;
  if (pool.search == address) pool.search = block.next;
  return address + HEADER_BYTES;
}

/**
 * The largest payload that a search would look at if nothing fitted, merging in mind what it would merge in
 * memory. A smaller request sees the same payloads up to the first that fits, so this is the largest granted.
 */
function largestSeen(heap: ThreadxByte, pool: Pool): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan - HEADER_BYTES + 4;
  const start = pool.search;
  let current = start,
    remaining = examineMost(heap, pool),
    largest: u32 = 0;
  let merged: u32 = 0; // where the free run that begins at `current` ends, once it has merged
  let startMerged: u32 = 0; // the same for the run at `start`, which the search may come back to
  while (remaining != 0) {
    const block = Header.at(current, low, span);
    remaining--;
    if (block.owner != FREE) {
      current = block.next;
      continue;
    }
    const next = merged ? merged : current == start && startMerged ? startMerged : block.next;
    largest = max(largest, next - current - HEADER_BYTES);
    const follower = Header.at(next, low, span);
    if (follower.owner == FREE) {
      merged = next == start && startMerged ? startMerged : follower.next;
      if (current == start) startMerged = merged;
    } else {
      current = follower.next;
      merged = 0;
      if (remaining != 0) remaining--;
    }
  }
  return largest;
}

function stateBroken(heap: Heap, finding: Finding, offset: usize, expected: u32, found: u32): bool {
  return broken(finding, Inconsistency.StateOverwritten, heap.state + <u32>offset, expected, found);
}

function checkEnd(heap: Heap, finding: Finding, pool: Pool): bool {
  const end = changetype<Header>(endOf(heap));
  if (end.next != heap.arena)
    return broken(finding, Inconsistency.SentinelOverwritten, changetype<u32>(end), heap.arena, end.next);
  if (end.owner == heap.state || end.owner == pool.createdNext) return true;
  return broken(finding, Inconsistency.SentinelOverwritten, changetype<u32>(end) + 4, heap.state, end.owner);
}

function checkBlocks(heap: Heap, finding: Finding, pool: Pool): bool {
  const end = endOf(heap);
  const owner = changetype<Header>(end).owner;
  let fragments: u32 = 1,
    available: u32 = 0;
  let searchSeen = pool.search == end;
  for (let at = heap.arena; at != end; fragments++) {
    const block = changetype<Header>(at);
    const next = block.next;
    if (next <= at || next - at < HEADER_BYTES)
      return broken(finding, Inconsistency.BlockTooSmall, at, at + HEADER_BYTES, next);
    if (next > end) return broken(finding, Inconsistency.BlockBeyondArena, at, end, next);
    if (next & (ALIGNMENT - 1))
      return broken(finding, Inconsistency.BlockMisaligned, at, next & ~(ALIGNMENT - 1), next);
    if (block.owner == FREE) available += next - at;
    else if (block.owner != owner)
      return broken(finding, Inconsistency.SentinelOverwritten, at + 4, owner, block.owner);
    if (pool.search == at) searchSeen = true;
    at = next;
  }
  if (!searchSeen) return stateBroken(heap, finding, offsetof<Pool>("search"), heap.arena, pool.search);
  if (fragments != pool.fragments)
    return stateBroken(heap, finding, offsetof<Pool>("fragments"), fragments, pool.fragments);
  if (available == pool.available) return true;
  return broken(
    finding,
    Inconsistency.FreeBytesMismatch,
    heap.state + <u32>offsetof<Pool>("available"),
    available,
    pool.available,
  );
}
