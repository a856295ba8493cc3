/**
 * sbrk as firmware brings it along for its C library: one static variable, the break, that moves up from the
 * arena's base. It refuses a step that would leave the arena and takes back memory for a negative one.
 *
 *   arena                break                 end
 *   ├── given out ───────┼── untouched ────────┤
 */
import { Heap } from "../allocators/heap";

/** What sbrk returns when it refuses: (void *) -1. */
export const SBRK_FAILED: u32 = 0xffffffff;

/** Moves the break, a word at `breakAt`, by `stepBytes` (two's complement). Its old value, or SBRK_FAILED. */
export function sbrk(heap: Heap, breakAt: u32, stepBytes: u32): u32 {
  const old = load<u32>(breakAt);
  const moved = old + stepBytes;
  if (moved - heap.arena > heap.arenaBytes) return SBRK_FAILED; // unsigned: below the arena is far above it
  store<u32>(breakAt, moved);
  return old;
}

/** Bytes that sbrk would still give; 0 when the break at `breakAt` has left the arena. */
export function untouchedBytes(heap: Heap, breakAt: u32): u32 {
  const given = load<u32>(breakAt) - heap.arena;
  return given > heap.arenaBytes ? 0 : heap.arenaBytes - given;
}
