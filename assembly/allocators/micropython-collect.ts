/**
 * The collector of micropython-gc: marks what the given roots reach, conservatively, and sweeps the rest.
 *
 * Any word of a root list or of a reached block that is the address of a chain's first byte keeps that chain:
 * pointers into a chain do not, and neither do pointers that are not aligned to a block.
 *
 *   root ──▶ [head tail] ──▶ [head] ──▶ [head tail tail]     reached: marked, then heads again
 *                            [head tail]                     not reached: free, its finaliser bit cleared
 *
 * Marking keeps up to 64 chains to look at on a stack in device RAM, as the original does. What does not fit
 * there is marked but not looked at; then the whole table is scanned for marked chains again, until all fits.
 * Cost: O(words of the reached blocks + table), times the scans that overflows ask for.
 * Visits: words looked at as possible pointers, and blocks swept.
 */
import { Guest } from "../guest";
import { noteReclaimed } from "../inspect/observe";
import { assertionFailed, Heap } from "./heap";
import { MicropythonGc } from "./micropython-gc";
import {
  Area,
  areaOf,
  BLOCKS_PER_BYTE,
  BlockKind,
  blockShiftOf,
  chainLength,
  clearFinaliser,
  MARK_STACK,
  MARK_STACK_LENGTH,
  Table,
} from "./micropython-table";

const NO_BLOCK: u32 = u32.MAX_VALUE;

/** Collects with `count` root words at `roots`, an address of the engine's own memory; returns the bytes freed. */
export function collect(heap: MicropythonGc, roots: u32, count: u32): u32 {
  const area = areaOf(heap);
  heap.visits = 0;
  area.stackOverflow = 0;
  for (let i: u32 = 0; i < count; i++) {
    const block = reach(heap, area, load<u32>(roots + (i << 2)));
    if (block != NO_BLOCK) markFrom(heap, area, block);
  }
  while (area.stackOverflow != 0) {
    area.stackOverflow = 0;
    markAgain(heap, area);
  }
  const freedBytes = sweep(heap, area);
  area.firstFreeByte = 0;
  return freedBytes;
}

/** If `word` is the address of a chain not reached before, marks it and returns its head. */
function reach(heap: Heap, area: Area, word: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan,
    shift = blockShiftOf(heap);
  heap.visits++;
  if ((word & ((1 << shift) - 1)) != 0 || word < area.pool || word >= area.poolEnd) return NO_BLOCK;
  const block = (word - area.pool) >> shift;
  if (Table.kind(area, block, low, span) != BlockKind.Head) return NO_BLOCK;
  Table.raise(area, block, BlockKind.Mark, low, span);
  return block;
}

/** Marks all that the chain at `block`, already marked, leads to, as far as the stack allows. */
function markFrom(heap: Heap, area: Area, block: u32): void {
  const stack = heap.state + MARK_STACK,
    shift = blockShiftOf(heap);
  let depth: u32 = 0;
  while (true) {
    const bytes = chainLength(heap, area, block) << shift;
    const address = area.pool + (block << shift);
    if (address + bytes > area.poolEnd) assertionFailed(heap, address);
    const words = Guest.bytes(address, bytes, heap.checkLow, heap.checkSpan);
    for (let offset: u32 = 0; offset < bytes; offset += 4) {
      const child = reach(heap, area, load<u32>(words + offset));
      if (child == NO_BLOCK) continue;
      if (depth < MARK_STACK_LENGTH) store<u32>(stack + (depth++ << 2), child);
      else area.stackOverflow = 1;
    }
    if (depth == 0) return;
    block = load<u32>(stack + (--depth << 2));
  }
}

function markAgain(heap: Heap, area: Area): void {
  const low = heap.checkLow,
    span = heap.checkSpan;
  for (let block: u32 = 0; block < area.tableBytes * BLOCKS_PER_BYTE; block++) {
    if (Table.kind(area, block, low, span) == BlockKind.Mark) markFrom(heap, area, block);
  }
}

/** [head tail][mark tail][head] => [free free][head tail][free]; tails without a head go with what lies before. */
function sweep(heap: MicropythonGc, area: Area): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan,
    shift = blockShiftOf(heap);
  const last = area.lastUsedBlock;
  let freedBlocks: u32 = 0,
    lastUsed: u32 = 0;
  let dropping = false;
  for (let block: u32 = 0; block <= last; block++) {
    const kind = Table.kind(area, block, low, span);
    heap.visits++;
    if (kind == BlockKind.Free) continue;
    if (kind == BlockKind.Head) {
      dropping = true;
      clearFinaliser(heap, area, block);
      noteReclaimed(heap, area.pool + (block << shift), chainLength(heap, area, block) << shift);
    } else if (kind == BlockKind.Mark) {
      dropping = false;
      Table.lower(area, block, BlockKind.Tail, low, span);
    }
    if (dropping) {
      Table.lower(area, block, BlockKind.Mark, low, span);
      freedBlocks++;
    } else lastUsed = block;
  }
  area.lastUsedBlock = lastUsed;
  return freedBlocks << shift;
}
