/** Looks at a whole heap: its blocks as records, and its state in allocator-neutral figures. */

import { Block, Heap } from "../allocators/heap";
import { BlockField, BlockState, OUTPUT, OUTPUT_BYTES, SummaryField } from "../memory-map";
import { isFree } from "./observe";
import { requestOf } from "./shadow";

const BLOCK_BYTES: u32 = BlockField.Length << 2;
const BLOCKS_MOST: u32 = OUTPUT_BYTES / BLOCK_BYTES;

/**
 * Writes block records to OUTPUT, as many as fit, and returns how many. `resume` false starts at the first
 * block, true continues behind the last record of the previous call (which must still be there).
 */
export function walkBlocks<H extends Heap>(heap: H, resume: bool): u32 {
  if (resume) memory.copy(OUTPUT, OUTPUT + (BLOCKS_MOST - 1) * BLOCK_BYTES, BLOCK_BYTES);
  else memory.fill(OUTPUT, 0, BLOCK_BYTES);
  let count: u32 = 0;
  while (count < BLOCKS_MOST) {
    const block = changetype<Block>(OUTPUT + count * BLOCK_BYTES);
    if (count) memory.copy(changetype<u32>(block), changetype<u32>(block) - BLOCK_BYTES, BLOCK_BYTES);
    if (!heap.nextBlock(block)) break;
    block.requestBytes = block.state == BlockState.Live ? requestOf(heap, block.payload) : 0;
    count++;
  }
  return count;
}

/** Writes a SummaryField record to OUTPUT. */
export function summarize<H extends Heap>(heap: H): void {
  const block = changetype<Block>(OUTPUT);
  memory.fill(OUTPUT, 0, BLOCK_BYTES);
  let freeBytes: u32 = 0,
    holes: u32 = 0,
    largestHole: u32 = 0,
    liveBlocks: u32 = 0,
    liveBytes: u32 = 0;
  while (heap.nextBlock(block)) {
    if (isFree(block)) {
      freeBytes += block.bytes;
      holes++;
      largestHole = max(largestHole, block.bytes);
    } else if (block.state == BlockState.Live) {
      liveBlocks++;
      liveBytes += block.bytes;
    }
  }
  const largestFree = heap.largestRequest();
  store<u32>(OUTPUT, freeBytes, SummaryField.FreeBytes << 2);
  store<u32>(OUTPUT, holes, SummaryField.Holes << 2);
  store<u32>(OUTPUT, largestHole, SummaryField.LargestHoleBytes << 2);
  store<u32>(OUTPUT, largestFree, SummaryField.LargestFreeBytes << 2);
  store<u32>(OUTPUT, liveBlocks, SummaryField.LiveBlocks << 2);
  store<u32>(OUTPUT, liveBytes, SummaryField.LiveBytes << 2);
}
