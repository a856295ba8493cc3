/** Walk, statistics and largest request of the two TLSF (see tlsf-blocks.ts). Blocks are reported from their header on. */

import { Block, Heap } from "../allocators/heap";
import { BlockState } from "../memory-map";
import { BYTES_MASK, FREE, HEADER_BYTES, PAYLOAD_OFFSET, TlsfBlock, TlsfControl, TlsfLists } from "./tlsf-blocks";

/** Payload bytes of the block; its header must be inside the arena. */
export function tlsfUsableBytes(heap: Heap, payload: u32): u32 {
  return TlsfBlock.at(payload - PAYLOAD_OFFSET, heap.arena, heap.arenaBytes).bytes;
}

/**
 *   ├ control structure ┼ block ┼ block ┼ … ┼ end marker: header of a live block of 0 bytes ┤
 *
 * A block that would reach beyond the arena ends the walk like the end marker.
 */
export function tlsfNextBlock(heap: Heap, block: Block, controlBytes: u32): bool {
  const end = heap.arena + heap.arenaBytes;
  const at = block.address ? block.address + block.bytes : heap.arena;
  if (at >= end) return false;
  block.address = at;
  block.payload = 0;
  block.state = BlockState.Bookkeeping;
  block.bytes = end - at;
  if (at == heap.arena) {
    block.bytes = controlBytes;
    return true;
  }
  const word = end - at > HEADER_BYTES ? load<u32>(at) : 0;
  const bytes = word & BYTES_MASK;
  if (bytes == 0 || bytes > end - at - HEADER_BYTES) return true;
  block.bytes = HEADER_BYTES + bytes;
  block.payload = at + HEADER_BYTES;
  block.state = word & FREE ? BlockState.Free : BlockState.Live;
  return true;
}

/** free (sum), largest, blocks (count) of free payloads. */
export function tlsfStatistics(heap: Heap, controlBytes: u32, out: u32): u32 {
  const end = heap.arena + heap.arenaBytes;
  let free: u32 = 0,
    largest: u32 = 0,
    blocks: u32 = 0;
  for (let at = heap.arena + controlBytes; end - at > HEADER_BYTES; ) {
    const word = load<u32>(at);
    const bytes = word & BYTES_MASK;
    if (bytes == 0 || bytes > end - at - HEADER_BYTES) break;
    if (word & FREE) {
      free += bytes;
      largest = max(largest, bytes);
      blocks++;
    }
    at += HEADER_BYTES + bytes;
  }
  store<u32>(out, free, 0);
  store<u32>(out, largest, 4);
  store<u32>(out, blocks, 8);
  return 3;
}

/** The lower end of the highest list that is not empty: the search rounds every larger request beyond it. */
export function tlsfLargestRequest<P extends TlsfControl>(heap: Heap): u32 {
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const levels = load<u32>(control.levelsAt(arena));
  if (levels == 0) return 0;
  const level = 31 - clz<u32>(levels);
  const row = load<u32>(control.rowAt(arena, span, level));
  if (row == 0) return 0;
  const log2 = control.secondLog2(arena);
  return TlsfLists.leastBytes((level << log2) + 31 - clz<u32>(row), log2);
}
