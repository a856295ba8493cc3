/** Start-up of the two TLSF (see tlsf-blocks.ts). */
import { Heap } from "../allocators/heap";
import {
  ALIGNMENT,
  FREE,
  HEADER_BYTES,
  LEAST_PAYLOAD_BYTES,
  LOWER_FREE,
  TlsfBlock,
  TlsfControl,
  TlsfLists,
} from "./tlsf-blocks";

/**
 * Whether the arena has room for the control structure, one block and the end marker, and no block can reach the
 * payload limit. The originals do not ask all of it: they write beyond the arena, or beyond their list heads.
 */
export function tlsfHolds(heap: Heap, controlBytes: u32, payloadLimit: u32): bool {
  const bytes = heap.arenaBytes;
  if ((heap.arena & (ALIGNMENT - 1)) != 0 || bytes < controlBytes) return false;
  const poolBytes = bytes - controlBytes;
  return poolBytes >= 2 * HEADER_BYTES + LEAST_PAYLOAD_BYTES && firstPayloadBytes(poolBytes) < payloadLimit;
}

/** Empties all lists, then makes the pool one free block and the end marker. */
export function tlsfOpen<P extends TlsfControl>(heap: Heap, controlBytes: u32): void {
  const control = changetype<P>(heap),
    arena = heap.arena,
    span = heap.arenaBytes;
  const nullBlock = changetype<TlsfBlock>(arena);
  nullBlock.next = arena;
  nullBlock.previous = arena;
  store<u32>(control.levelsAt(arena), 0);
  const lists = control.lists(arena);
  const log2 = control.secondLog2(arena);
  for (let level: u32 = 0; level < lists >> log2; level++) store<u32>(control.rowAt(arena, span, level), 0);
  for (let index: u32 = 0; index < lists; index++) store<u32>(control.headAt(arena, span, index), arena);

  const bytes = firstPayloadBytes(span - controlBytes);
  const block = changetype<TlsfBlock>(arena + controlBytes - HEADER_BYTES);
  block.word = bytes | FREE;
  TlsfLists.insert<P>(control, block, bytes, arena, span);
  const end = TlsfBlock.above(block, bytes, arena, span);
  end.lower = changetype<u32>(block);
  end.word = LOWER_FREE;
}

function firstPayloadBytes(poolBytes: u32): u32 {
  return (poolBytes - 2 * HEADER_BYTES) & ~(ALIGNMENT - 1);
}
