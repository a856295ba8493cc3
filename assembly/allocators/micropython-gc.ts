/**
 * micropython-gc: blocks of 16 bytes under a table of two bits each; first fit by lowest address over free runs.
 * No headers and no free list: releasing clears bits, so neighbours are merged by being free. The collector that
 * usually does the releasing is in micropython-collect.ts; here collection is never started by itself.
 *
 * Source: micropython/micropython py/gc.c (MIT), 1c3c201149; MICROPY_GC_CONSERVATIVE_CLEAR, one area.
 * Left out: split heaps, weak references, the allocation threshold, running the finalisers' code.
 *
 *  arena ├ table: 2 bits a block ┼ gap: 1 byte, 0 ┼ finaliser bits (option) ┼ unused ┼ pool of blocks ┼ < 16 ┤
 *
 *         7   6 5   4 3   2 1   0
 *        ├─────┼─────┼─────┼─────┤
 *        │ n+3 │ n+2 │ n+1 │  n  │  00 free, 01 head of a chain, 10 tail, 11 head marked by a collection
 *        └─────┴─────┴─────┴─────┘
 *
 * Invariants: a tail follows a head or a tail; no block is free before `firstFreeByte` nor used behind
 * `lastUsedBlock`; finaliser bits belong to heads.
 * Cost: allocate O(table), release O(blocks of the chain). Visits count bytes of the table and links of chains.
 */

import { Guest } from "../guest";
import { Visits } from "../inspect/visits";
import { BlockState, MicropythonGcOption } from "../memory-map";
import { assertionFailed, Block, Finding, Heap, optionOf, refused } from "./heap";
import { checkMicropython } from "./micropython-check";
import {
  AREA_BYTES,
  Area,
  areaOf,
  BLOCKS_PER_BYTE,
  BlockKind,
  bitTableBytes,
  blockShiftOf,
  chainLength,
  clearFinaliser,
  GAP_BYTES,
  hasFinaliser,
  hasFinalisers,
  layOut,
  setFinaliser,
  Table,
} from "./micropython-table";

const NOT_FOUND: u32 = u32.MAX_VALUE;
/** Ones in the low bit of each block's pair. */
const LOW_BITS: u32 = 0x55;

@final
@unmanaged
export class MicropythonGc extends Heap {
  plan(): void {
    this.stateBytes = AREA_BYTES;
    this.granuleShift = 2;
  }

  initialize(): bool {
    const area = areaOf(this);
    memory.fill(this.state, 0, AREA_BYTES);
    if (!layOut(this, area)) return false;
    memory.fill(area.table, 0, area.tableBytes + GAP_BYTES + (hasFinalisers(this) ? bitTableBytes(area) : 0));
    return true;
  }

  /** The search may start anywhere before the first free block, so at the front; the last used block is looked up. */
  adopt(): bool {
    const area = areaOf(this);
    if (!layOut(this, area)) return false;
    if (area.lastUsedBlock != 0) return true;
    for (let byte: u32 = 0; byte < area.tableBytes; byte++) {
      const kinds: u32 = load<u8>(area.table + byte);
      if (kinds) area.lastUsedBlock = byte * BLOCKS_PER_BYTE + ((31 - clz<u32>(kinds)) >> 1);
    }
    return true;
  }

  allocate(requestBytes: u32): u32 {
    this.visits = 0;
    return allocateBlocks(this, blocksFor(this, requestBytes), false);
  }

  /** The original has none; every payload is aligned to a block. */
  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return alignment <= optionOf(this, MicropythonGcOption.BlockBytes) ? this.allocate(requestBytes) : refused(this);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    if (requestBytes != 0) return resize(this, payload, blocksFor(this, requestBytes));
    this.release(payload, oldRequestBytes);
    return 0;
  }

  release(payload: u32, requestBytes: u32): void {
    const area = areaOf(this),
      low = this.checkLow,
      span = this.checkSpan;
    let block = (payload - area.pool) >> blockShiftOf(this);
    this.visits = 0;
    if (!isHead(this, area, payload)) assertionFailed(this, payload);
    clearFinaliser(this, area, block);
    area.firstFreeByte = min(area.firstFreeByte, block >> 2);
    do {
      Table.lower(area, block, BlockKind.Mark, low, span);
      block++;
      this.visits++;
    } while (Table.kind(area, block, low, span) == BlockKind.Tail);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return this.blockBytes(payload, requestBytes);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    const area = areaOf(this),
      shift = blockShiftOf(this);
    return chainLength(this, area, (payload - area.pool) >> shift) << shift;
  }

  largestRequest(): u32 {
    const area = areaOf(this);
    const first = area.firstFreeByte,
      bytes = area.tableBytes;
    if (first >= bytes) return 0;
    const table = Guest.bytes(area.table + first, bytes - first, this.checkLow, this.checkSpan) - first;
    let largest: u32 = 0,
      run: u32 = 0;
    for (let block = first * BLOCKS_PER_BYTE; block < bytes * BLOCKS_PER_BYTE; block++) {
      run = (load<u8>(table + (block >> 2)) >> ((block & 3) << 1)) & 3 ? 0 : run + 1;
      largest = max(largest, run);
    }
    return largest << blockShiftOf(this);
  }

  /** A tail without a head is reported as bookkeeping: nobody holds it and nobody can have it. */
  nextBlock(block: Block): bool {
    const area = areaOf(this),
      low = this.checkLow,
      span = this.checkSpan,
      shift = blockShiftOf(this);
    const at = block.address ? block.address + block.bytes : this.arena;
    const high = this.arena + this.arenaBytes;
    if (at >= high) return false;
    block.address = at;
    block.payload = 0;
    block.state = BlockState.Bookkeeping;
    if (at < area.pool || at >= area.poolEnd) {
      block.bytes = (at < area.pool ? area.pool : high) - at;
      return block.bytes <= high - at;
    }
    const first = (at - area.pool) >> shift,
      last = (area.poolEnd - area.pool) >> shift;
    const kind = Table.kind(area, first, low, span);
    const follows: u32 = kind == BlockKind.Free ? BlockKind.Free : BlockKind.Tail;
    let behind = first + 1;
    while (behind < last && Table.kind(area, behind, low, span) == follows) behind++;
    block.bytes = (behind - first) << shift;
    if (kind == BlockKind.Free) block.state = BlockState.Free;
    else if (kind != BlockKind.Tail) {
      block.state = BlockState.Live;
      block.payload = at;
    }
    return true;
  }

  check(finding: Finding): bool {
    return checkMicropython(this, finding);
  }

  /** free, max_free_blocks, used, one_block, two_block, max_block */
  statistics(out: u32): u32 {
    const block = changetype<Block>(memory.data(24));
    const shift = blockShiftOf(this);
    let freeBytes: u32 = 0,
      longestFree: u32 = 0,
      usedBytes: u32 = 0,
      ones: u32 = 0,
      twos: u32 = 0,
      longest: u32 = 0;
    block.address = 0;
    while (this.nextBlock(block)) {
      const length = block.bytes >> shift;
      if (block.state == BlockState.Free) {
        freeBytes += block.bytes;
        longestFree = max(longestFree, length);
      } else if (block.state == BlockState.Live) {
        usedBytes += block.bytes;
        if (length == 1) ones++;
        else if (length == 2) twos++;
        longest = max(longest, length);
      }
    }
    store<u32>(out, freeBytes, 0);
    store<u32>(out, longestFree, 4);
    store<u32>(out, usedBytes, 8);
    store<u32>(out, ones, 12);
    store<u32>(out, twos, 16);
    store<u32>(out, longest, 20);
    return 6;
  }
}

/**
 * Notes that the object at `payload` has a finaliser, as allocating it so would have. False: no object begins
 * there, or the heap has no finaliser table.
 */
export function addFinaliser(heap: MicropythonGc, payload: u32): bool {
  const area = areaOf(heap);
  if (!hasFinalisers(heap) || !isHead(heap, area, payload)) return false;
  setFinaliser(heap, area, (payload - area.pool) >> blockShiftOf(heap));
  return true;
}

/** Blocks for a payload; a size whose rounding wraps is none, as in the original. */
function blocksFor(heap: Heap, requestBytes: u32): u32 {
  return (requestBytes + optionOf(heap, MicropythonGcOption.BlockBytes) - 1) >> blockShiftOf(heap);
}

/** Whether a chain begins at `payload`. Reads the table only for addresses that lie in the pool. */
function isHead(heap: Heap, area: Area, payload: u32): bool {
  const shift = blockShiftOf(heap);
  if ((payload & ((1 << shift) - 1)) != 0 || payload < area.pool || payload >= area.poolEnd) return false;
  return Table.kind(area, (payload - area.pool) >> shift, heap.checkLow, heap.checkSpan) == BlockKind.Head;
}

/** [  free run  ] => [head tail tail][free], zeroed */
function allocateBlocks(heap: Heap, blocks: u32, withFinaliser: bool): u32 {
  if (blocks == 0) return 0;
  const area = areaOf(heap),
    low = heap.checkLow,
    span = heap.checkSpan,
    shift = blockShiftOf(heap);
  const last = findRun(heap, area, blocks);
  if (last == NOT_FOUND) return 0;
  const first = last - blocks + 1;
  if (blocks == 1) area.firstFreeByte = (last + 1) >> 2;
  area.lastUsedBlock = max(area.lastUsedBlock, last);
  Table.raise(area, first, BlockKind.Head, low, span);
  raiseTails(heap, area, first + 1, last + 1);
  noteRest(heap, area, last + 1);
  const payload = area.pool + (first << shift);
  Guest.fill(payload, 0, blocks << shift, low, span);
  if (withFinaliser) setFinaliser(heap, area, first);
  return payload;
}

/** The last block of the lowest run of `blocks` free ones, or NOT_FOUND. */
function findRun(heap: Heap, area: Area, blocks: u32): u32 {
  const first = area.firstFreeByte,
    bytes = area.tableBytes;
  if (first >= bytes) return NOT_FOUND;
  const table = Guest.bytes(area.table + first, bytes - first, heap.checkLow, heap.checkSpan) - first;
  let run: u32 = 0;
  for (let byte = first; byte < bytes; byte++) {
    const kinds: u32 = load<u8>(table + byte);
    const used = (kinds | (kinds >> 1)) & LOW_BITS;
    if (used == LOW_BITS) {
      run = 0;
      continue;
    }
    if (used == 0 && run + BLOCKS_PER_BYTE < blocks) {
      run += BLOCKS_PER_BYTE;
      continue;
    }
    for (let i: u32 = 0; i < BLOCKS_PER_BYTE; i++) {
      run = (used >> (i << 1)) & 1 ? 0 : run + 1;
      if (run < blocks) continue;
      heap.visits += byte - first + 1;
      return byte * BLOCKS_PER_BYTE + i;
    }
  }
  heap.visits += bytes - first;
  return NOT_FOUND;
}

function raiseTails(heap: Heap, area: Area, from: u32, end: u32): void {
  const low = heap.checkLow,
    span = heap.checkSpan;
  for (let block = from; block < end; block++) Table.raise(area, block, BlockKind.Tail, low, span);
}

/** A chain taken from a free run ends before block `end`: a free one there is the rest of the run. */
function noteRest(heap: Heap, area: Area, end: u32): void {
  if (end >= area.tableBytes * BLOCKS_PER_BYTE) return;
  if (Table.kind(area, end, heap.checkLow, heap.checkSpan) == BlockKind.Free) Visits.noteSplit(heap);
}

/** Stays, gives tails back, takes the free blocks behind, or moves, in that order. */
function resize(heap: MicropythonGc, payload: u32, blocks: u32): u32 {
  const area = areaOf(heap),
    low = heap.checkLow,
    span = heap.checkSpan,
    shift = blockShiftOf(heap);
  const first = (payload - area.pool) >> shift;
  if (!isHead(heap, area, payload)) assertionFailed(heap, payload);
  const end = area.tableBytes * BLOCKS_PER_BYTE;
  let ownBlocks: u32 = 1,
    freeBlocks: u32 = 0;
  for (let block = first + 1; block < end; block++) {
    const kind = Table.kind(area, block, low, span);
    if (kind == BlockKind.Tail) ownBlocks++;
    else if (kind != BlockKind.Free || ownBlocks + ++freeBlocks >= blocks) break;
  }
  heap.visits = ownBlocks + freeBlocks;
  if (blocks == ownBlocks) return payload;
  if (blocks < ownBlocks) {
    // [head tail tail tail] => [head tail][free]
    for (let block = first + blocks; block < first + ownBlocks; block++)
      Table.lower(area, block, BlockKind.Mark, low, span);
    area.firstFreeByte = min(area.firstFreeByte, (first + blocks) >> 2);
    return payload;
  }
  if (blocks > ownBlocks + freeBlocks) return move(heap, area, payload, first, ownBlocks, blocks);
  raiseTails(heap, area, first + ownBlocks, first + blocks); // [head tail][free] => [head tail tail tail]
  noteRest(heap, area, first + blocks);
  area.lastUsedBlock = max(area.lastUsedBlock, first + blocks);
  Guest.fill(payload + (ownBlocks << shift), 0, (blocks - ownBlocks) << shift, low, span);
  return payload;
}

/** The new place is chosen while the old one is still held; the finaliser goes along. */
function move(heap: MicropythonGc, area: Area, payload: u32, first: u32, ownBlocks: u32, blocks: u32): u32 {
  const moved = allocateBlocks(heap, blocks, hasFinaliser(heap, area, first));
  if (moved == 0) return 0;
  const visits = heap.visits;
  Guest.copy(moved, payload, ownBlocks << blockShiftOf(heap), heap.checkLow, heap.checkSpan);
  heap.release(payload, 0);
  heap.visits += visits;
  return moved;
}
