/** The layout of micropython-gc (drawn there): the area's variables and its tables of two bits and one bit a block. */

import { Guest } from "../guest";
import { Access, MicropythonGcOption } from "../memory-map";
import { Heap, optionOf } from "./heap";

export const BLOCKS_PER_BYTE: u32 = 4;
export const MARK_STACK_LENGTH: u32 = 64;
/** A byte of free blocks behind the table ends the last chain. */
export const GAP_BYTES: u32 = 1;

/** What the allocation table says of a block. */
export const enum BlockKind {
  Free,
  Head,
  Tail,
  /** A head that the running collection has reached. */
  Mark,
}

/** The original's `mp_state_mem_area_t`, then the collector's overflow flag and its stack of block numbers. */
@final
@unmanaged
export class Area {
  table: u32;
  tableBytes: u32;
  finalisers: u32;
  pool: u32;
  poolEnd: u32;
  /** Byte of the table where the search for a free run starts; no free block lies before it. */
  firstFreeByte: u32;
  /** No used block lies behind this one. */
  lastUsedBlock: u32;
  stackOverflow: u32;
}
export const MARK_STACK: u32 = <u32>offsetof<Area>();
export const AREA_BYTES: u32 = MARK_STACK + MARK_STACK_LENGTH * 4;

export function areaOf(heap: Heap): Area {
  return changetype<Area>(heap.state);
}

/** log2 of a block's bytes. */
export function blockShiftOf(heap: Heap): u32 {
  return ctz<u32>(optionOf(heap, MicropythonGcOption.BlockBytes));
}

export function hasFinalisers(heap: Heap): bool {
  return optionOf(heap, MicropythonGcOption.Finalisers) != 0;
}

/** Bytes of a table of one bit a block. */
export function bitTableBytes(area: Area): u32 {
  return (area.tableBytes * BLOCKS_PER_BYTE + 7) >> 3;
}

/**
 * Derives the parts from the arena, as the original's start-up does: of T bytes, the table takes A, the finaliser
 * table A/2 and the pool 4A blocks, and one byte is the gap. False: the arena is too small for a byte of table.
 */
export function layOut(heap: Heap, area: Area): bool {
  const shift = blockShiftOf(heap);
  const end = (heap.arena + heap.arenaBytes) & ~((1 << shift) - 1);
  const total = end - heap.arena;
  if (end <= heap.arena || total <= GAP_BYTES) return false;
  const bitsPerByte: u32 = hasFinalisers(heap) ? 12 : 8; // of tables, for each byte of the allocation table
  area.table = heap.arena;
  area.tableBytes = <u32>((<u64>(total - GAP_BYTES) * 8) / (bitsPerByte + (BLOCKS_PER_BYTE << (shift + 3))));
  area.finalisers = hasFinalisers(heap) ? area.table + area.tableBytes + GAP_BYTES : 0;
  area.pool = end - ((area.tableBytes * BLOCKS_PER_BYTE) << shift);
  area.poolEnd = end;
  return area.tableBytes != 0;
}

export class Table {
  /** What the block is. The table's address comes from guest memory, so each access is checked. */
  @inline static kind(area: Area, block: u32, low: u32, span: u32): u32 {
    return (load<u8>(Guest.bytes(area.table + (block >> 2), 1, low, span)) >> ((block & 3) << 1)) & 3;
  }

  /** Sets bits of the block's kind: free to head or tail, head to mark. */
  @inline static raise(area: Area, block: u32, kind: u32, low: u32, span: u32): void {
    const at = Guest.bytes(area.table + (block >> 2), 1, low, span, Access.Store);
    store<u8>(at, load<u8>(at) | <u8>(kind << ((block & 3) << 1)));
  }

  /** Clears bits of the block's kind: all of them (`Mark`) to free, `Tail` to turn a mark into a head. */
  @inline static lower(area: Area, block: u32, bits: u32, low: u32, span: u32): void {
    const at = Guest.bytes(area.table + (block >> 2), 1, low, span, Access.Store);
    store<u8>(at, load<u8>(at) & ~(<u8>(bits << ((block & 3) << 1))));
  }
}

/** Blocks of the chain that begins at `block`: its head and the tails behind it. */
export function chainLength(heap: Heap, area: Area, block: u32): u32 {
  const low = heap.checkLow,
    span = heap.checkSpan;
  let length: u32 = 1;
  while (Table.kind(area, block + length, low, span) == BlockKind.Tail) length++;
  return length;
}

/** Whether the block's finaliser bit is set; never without a finaliser table. */
export function hasFinaliser(heap: Heap, area: Area, block: u32): bool {
  if (!hasFinalisers(heap)) return false;
  return ((load<u8>(finaliserByte(heap, area, block)) >> (block & 7)) & 1) != 0;
}

export function setFinaliser(heap: Heap, area: Area, block: u32): void {
  const at = finaliserByte(heap, area, block);
  store<u8>(at, load<u8>(at) | bitOf(block));
}

export function clearFinaliser(heap: Heap, area: Area, block: u32): void {
  if (!hasFinalisers(heap)) return;
  const at = finaliserByte(heap, area, block);
  store<u8>(at, load<u8>(at) & ~bitOf(block));
}

/** The block's bit within its byte of the finaliser table. */
function bitOf(block: u32): u8 {
  const bit: u32 = 1;
  return <u8>(bit << (block & 7));
}

function finaliserByte(heap: Heap, area: Area, block: u32): u32 {
  return Guest.bytes(area.finalisers + (block >> 3), 1, heap.checkLow, heap.checkSpan, Access.Store);
}
