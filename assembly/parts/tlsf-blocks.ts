/**
 * What the two TLSF share: blocks with boundary tags, and the two-level index of their free lists.
 *
 * A block is addressed by the word in front of its header, which belongs to its lower neighbour:
 *
 *                31                         2  1  0
 *               ├────────────────────────────┬──┬──┤
 *         +0    │ lower neighbour (only if LF)     │  last payload word of that neighbour
 *               ╞════════════════════════════╤══╤══╡
 *         +4    │ payload bytes (× 4)        │LF│ F│  F: free, LF: the lower neighbour is free
 *               ├────────────────────────────┴──┴──┤
 *         +8    │ next in list      ┐              │
 *         +12   │ previous in list  ┘ or payload   │
 *               └──────────────────────────────────┘
 *
 * A list index is first level × 2^log2 + second level. Below 4 × 2^log2 bytes lists are 4 bytes apart; above,
 * each power of two (a first level) is cut into 2^log2 lists (its second levels):
 *
 *     bytes   1 x x x x x y y y y      octave: the top bit's number
 *             │ └───┬───┘              second level: the log2 bits below the top bit
 *             └ first level: octave − (log2 + 2), plus 1 for the linear lists
 *
 * Taking (bytes >> (octave − log2)) with its top bit left in adds exactly that 1, and an octave of at least
 * log2 + 2 makes the linear lists fall out of the same formula: no branch.
 */

import { fault } from "../fault";
import { Guest, resolve } from "../guest";
import { Access, FaultCode } from "../memory-map";

export const FREE: u32 = 1;
export const LOWER_FREE: u32 = 2;
export const BYTES_MASK: u32 = ~(FREE | LOWER_FREE);

export const ALIGNMENT: u32 = 4;
export const HEADER_BYTES: u32 = 4;
/** From a block's address to its payload. */
export const PAYLOAD_OFFSET: u32 = 8;
/** What a free block needs: header, two links, and the link its upper neighbour has to it. */
export const RECORD_BYTES: u32 = 16;
export const LEAST_PAYLOAD_BYTES: u32 = RECORD_BYTES - HEADER_BYTES;

/**
 * Where the control structure keeps bitmaps and list heads, and what else the two originals do differently.
 * An overlay of the heap's record. What it reads from guest memory it checks; an index or level it is given is one
 * of the lists, unless metadata is broken in the exact build.
 */
@unmanaged
export abstract class TlsfControl {
  /** log2 of the second levels. */
  abstract secondLog2(arena: u32): u32;
  /** Lists there are: the first index that is too high. */
  abstract lists(arena: u32): u32;
  /** log2 of what no payload reaches. */
  abstract limitLog2(arena: u32): u32;
  /** Address of the bitmap of first levels. */
  abstract levelsAt(arena: u32): u32;
  /** Address of the bitmap of the second levels of `level`. */
  abstract rowAt(arena: u32, span: u32, level: u32): u32;
  /** Address of the head of list `index`. */
  abstract headAt(arena: u32, span: u32, index: u32): u32;
  /** Whether a block is cut to the list boundary that the search rounded up to, or to the request. */
  abstract cutsToBoundary(): bool;
  /** Whether reallocation to an impossible size is refused, or taken for a size of 0. */
  abstract refusesOversize(): bool;
}

@final
@unmanaged
export class TlsfBlock {
  lower: u32;
  word: u32;
  next: u32;
  previous: u32;

  /** The block at an address that guest memory supplied. */
  @inline static at(address: u32, arena: u32, span: u32): TlsfBlock {
    return changetype<TlsfBlock>(Guest.word(address, arena, span - (RECORD_BYTES - 4), Access.Store));
  }

  /** The upper neighbour of `block`, whose payload has `bytes` (a multiple of 4): its first two words may be used. */
  @inline static above(block: TlsfBlock, bytes: u32, arena: u32, span: u32): TlsfBlock {
    const address = changetype<u32>(block) + HEADER_BYTES + bytes;
    if (EXACT_ACCESS) return changetype<TlsfBlock>(Guest.word(address, arena, span - 4, Access.Store));
    // The difference does not wrap, because the block lies in the arena.
    if (bytes > arena + span - (PAYLOAD_OFFSET + HEADER_BYTES) - changetype<u32>(block)) {
      fault(FaultCode.LeftHeap, address, Access.Store, 4);
      unreachable();
    }
    return changetype<TlsfBlock>(address);
  }

  /** A part of a block whose upper neighbour has been found in its place: `offset` lies below that. */
  @inline static within(block: TlsfBlock, offset: u32): TlsfBlock {
    const address = changetype<u32>(block) + offset;
    return changetype<TlsfBlock>(EXACT_ACCESS ? resolve(address, 4, Access.Store) : address);
  }

  @inline get bytes(): u32 {
    return this.word & BYTES_MASK;
  }
}

/** Operations on the free lists of the control structure `P`. */
export class TlsfLists {
  @inline static indexOf(bytes: u32, secondLog2: u32): u32 {
    const octave = 31 - clz<u32>(bytes | (ALIGNMENT << secondLog2));
    return ((octave - secondLog2 - 2) << secondLog2) + (bytes >> (octave - secondLog2));
  }

  /** As `indexOf`, for bytes that nothing has compared with the arena yet. */
  @inline static listOf<P extends TlsfControl>(control: P, bytes: u32, arena: u32, span: u32): u32 {
    const index = TlsfLists.indexOf(bytes, control.secondLog2(arena));
    if (!EXACT_ACCESS && index >= control.lists(arena)) TlsfLists.leave<P>(control, index, arena, span);
    return index;
  }

  /** The index leads out of the heap. */
  @inline static leave<P extends TlsfControl>(control: P, index: u32, arena: u32, span: u32): void {
    fault(FaultCode.LeftHeap, control.headAt(arena, span, index), Access.Load, 4);
    unreachable();
  }

  /** The least payload of list `index`: what the formula above makes of it, backwards. */
  @inline static leastBytes(index: u32, secondLog2: u32): u32 {
    const level = index >> secondLog2;
    const second = index & ((1 << secondLog2) - 1);
    return level == 0 ? second << 2 : ((1 << secondLog2) + second) << (level + 1);
  }

  /** The least payload of the last list: more cannot be searched for, because nothing is sure to suffice. */
  @inline static mostBytes<P extends TlsfControl>(control: P, arena: u32): u32 {
    const limitLog2 = control.limitLog2(arena);
    return (1 << limitLog2) - (1 << (limitLog2 - 1 - control.secondLog2(arena)));
  }

  /** Distance of the lists among which `bytes` falls, less 1. */
  @inline static listMask(bytes: u32, secondLog2: u32): u32 {
    return (1 << (31 - clz<u32>(bytes | (ALIGNMENT << secondLog2)) - secondLog2)) - 1;
  }

  /** [head] → a → …  =>  [head] → block → a → … */
  @inline static insert<P extends TlsfControl>(control: P, block: TlsfBlock, bytes: u32, arena: u32, span: u32): void {
    const log2 = control.secondLog2(arena);
    const index = TlsfLists.indexOf(bytes, log2);
    const head = control.headAt(arena, span, index);
    const first = load<u32>(head);
    block.next = first;
    block.previous = arena;
    TlsfBlock.at(first, arena, span).previous = changetype<u32>(block);
    store<u32>(head, changetype<u32>(block));
    const levels = control.levelsAt(arena);
    store<u32>(levels, load<u32>(levels) | (1 << (index >> log2)));
    const row = control.rowAt(arena, span, index >> log2);
    store<u32>(row, load<u32>(row) | (1 << (index & ((1 << log2) - 1))));
  }

  /** … → a → block → b → …  =>  … → a → b → … */
  @inline static remove<P extends TlsfControl>(control: P, block: TlsfBlock, index: u32, arena: u32, span: u32): void {
    const previous = block.previous;
    const next = block.next;
    TlsfBlock.at(next, arena, span).previous = previous;
    TlsfBlock.at(previous, arena, span).next = next;
    const head = control.headAt(arena, span, index);
    if (load<u32>(head) == changetype<u32>(block)) {
      store<u32>(head, next);
      if (next == arena) TlsfLists.markEmpty<P>(control, index, arena, span);
    }
  }

  @inline static markEmpty<P extends TlsfControl>(control: P, index: u32, arena: u32, span: u32): void {
    const log2 = control.secondLog2(arena);
    const rowAt = control.rowAt(arena, span, index >> log2);
    const row = load<u32>(rowAt) & ~(1 << (index & ((1 << log2) - 1)));
    store<u32>(rowAt, row);
    if (row == 0) {
      const levels = control.levelsAt(arena);
      store<u32>(levels, load<u32>(levels) & ~(1 << (index >> log2)));
    }
  }

  /** The first list that is not empty and whose blocks all have `boundary` bytes (up to mostBytes, rounded up), or -1. */
  @inline static firstFor<P extends TlsfControl>(control: P, boundary: u32, arena: u32, span: u32): u32 {
    const log2 = control.secondLog2(arena);
    const index = TlsfLists.indexOf(boundary, log2);
    let level = index >> log2;
    let row = load<u32>(control.rowAt(arena, span, level)) & (-1 << (index & ((1 << log2) - 1)));
    if (row == 0) {
      const levels = load<u32>(control.levelsAt(arena)) & (-2 << level);
      if (levels == 0) return -1;
      level = ctz<u32>(levels);
      if (!EXACT_ACCESS && level >= control.lists(arena) >> log2)
        TlsfLists.leave<P>(control, level << log2, arena, span);
      row = load<u32>(control.rowAt(arena, span, level));
    }
    return (level << log2) + (row ? ctz<u32>(row) : -1); // a level without lists is one too low, as in the originals
  }
}
