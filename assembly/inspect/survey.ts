/** Where a heap is full and where it is free, in one walk: the row that telemetry keeps of it. */
import { Block, Heap, regionOf } from "../allocators/heap";
import { BlockField, OUTPUT, RegionField } from "../memory-map";
import { MAP_CELLS, MAP_CELLS_PER_WORD, MAP_FULL, SurveyField } from "../soak/telemetry-map";
import { isFree } from "./observe";

const BLOCK: u32 = OUTPUT + (SurveyField.Length << 2);
const FREE_BYTES: u32 = BLOCK + (BlockField.Length << 2);

/** Writes a SurveyField record to OUTPUT. Trusts the heap's metadata. Cost: a walk. */
export function survey<H extends Heap>(heap: H): void {
  const block = changetype<Block>(BLOCK);
  memory.fill(OUTPUT, 0, FREE_BYTES + MAP_CELLS * 4 - OUTPUT);
  const totalBytes = bytesOf(heap);
  let holes: u32 = 0;
  while (heap.nextBlock(block)) {
    if (!isFree(block)) continue;
    holes++;
    spread(offsetIn(heap, block.address), block.bytes, totalBytes);
  }
  store<u32>(OUTPUT, holes, SurveyField.Holes << 2);
  store<u32>(OUTPUT, heap.largestRequest(), SurveyField.LargestFreeBytes << 2);
  for (let cell: u32 = 0; cell < <u32>MAP_CELLS; cell++) {
    const word = OUTPUT + (SurveyField.AddressMap << 2) + ((cell / MAP_CELLS_PER_WORD) << 2);
    store<u32>(word, load<u32>(word) | (digitOf(cell, totalBytes) << ((cell % MAP_CELLS_PER_WORD) << 2)));
  }
}

/** First byte of a cell. Cells of a heap of fewer bytes than cells begin on the same byte. */
function lowOf(cell: u32, totalBytes: u32): u32 {
  return <u32>((<u64>cell * totalBytes) / MAP_CELLS);
}

/** One past the last byte of a cell, which holds at least one. */
function highOf(cell: u32, totalBytes: u32): u32 {
  return max(lowOf(cell + 1, totalBytes), lowOf(cell, totalBytes) + 1);
}

/** Counts the free bytes [offset, offset + bytes) in the cells they lie in. */
function spread(offset: u32, bytes: u32, totalBytes: u32): void {
  const end = offset + bytes;
  for (let cell = <u32>((<u64>offset * MAP_CELLS) / totalBytes); cell < <u32>MAP_CELLS; cell++) {
    const low = lowOf(cell, totalBytes);
    if (low >= end) return;
    const high = highOf(cell, totalBytes);
    if (high <= offset) continue;
    const counter = FREE_BYTES + (cell << 2);
    store<u32>(counter, load<u32>(counter) + min(end, high) - max(offset, low));
  }
}

function digitOf(cell: u32, totalBytes: u32): u32 {
  const cellBytes = highOf(cell, totalBytes) - lowOf(cell, totalBytes);
  const freeBytes = min(load<u32>(FREE_BYTES + (cell << 2)), cellBytes);
  if (freeBytes == cellBytes) return 0;
  return freeBytes == 0 ? MAP_FULL : 1 + <u32>((<u64>(cellBytes - freeBytes) * (MAP_FULL - 1)) / cellBytes);
}

/** Bytes of all regions. */
function bytesOf(heap: Heap): u32 {
  let total: u32 = 0;
  for (let i: u32 = 0; i < heap.regionCount; i++) total += load<u32>(regionOf(heap, i), RegionField.Bytes << 2);
  return total;
}

/** Where `address` lies when the regions are seen as one. */
function offsetIn(heap: Heap, address: u32): u32 {
  let before: u32 = 0;
  for (let i: u32 = 0; i < heap.regionCount; i++) {
    const region = regionOf(heap, i);
    const bytes = load<u32>(region, RegionField.Bytes << 2);
    const offset = address - load<u32>(region, RegionField.Low << 2);
    if (offset < bytes) return before + offset;
    before += bytes;
  }
  return before;
}
