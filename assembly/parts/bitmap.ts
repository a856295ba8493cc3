/**
 * Bit arrays in an allocator's state: words at an address the record vouches for, so they are read without an
 * access check. Every index is below the count that the caller passes or has compared with.
 *
 *   map + 0                    map + 4
 *   ├ bit 0, 1, 2 …  bit 31 ┼ bit 32, 33 …   (bit 0 is the word's lowest)
 */
export class Bitmap {
  @inline static has(map: u32, index: u32): bool {
    return ((load<u32>(map + ((index >> 5) << 2)) >> (index & 31)) & 1) != 0;
  }

  @inline static set(map: u32, index: u32): void {
    const word = map + ((index >> 5) << 2);
    store<u32>(word, load<u32>(word) | (1 << (index & 31)));
  }

  @inline static clear(map: u32, index: u32): void {
    const word = map + ((index >> 5) << 2);
    store<u32>(word, load<u32>(word) & ~(1 << (index & 31)));
  }

  /** Bytes of a bitmap of `count` bits. */
  @inline static bytesFor(count: u32): u32 {
    return ((count + 31) >> 5) << 2;
  }
}

/** The first set bit at or after `from`, or `count` when there is none below it. */
export function nextBit(map: u32, from: u32, count: u32): u32 {
  if (from >= count) return count;
  let index = from & ~31;
  let bits = load<u32>(map + (index >> 3)) & ((<u32>-1) << (from & 31));
  while (bits == 0) {
    index += 32;
    if (index >= count) return count;
    bits = load<u32>(map + (index >> 3));
  }
  return min(count, index + ctz(bits));
}

/** The last set bit below `before`, or -1. */
export function lastBitBelow(map: u32, before: u32): i32 {
  if (before == 0) return -1;
  let index = (before - 1) & ~31;
  let bits = load<u32>(map + (index >> 3)) & (<u32>-1 >> (31 - ((before - 1) & 31)));
  while (bits == 0) {
    if (index == 0) return -1;
    index -= 32;
    bits = load<u32>(map + (index >> 3));
  }
  return index + 31 - clz(bits);
}
