/**
 * Filling and comparing memory inside a stack, with one word repeated from the first byte on. No checks: the
 * caller knows that [from, from + bytes) lies in the stack.
 */

/** From this many bytes on, memory.fill (a call out of the module) beats a loop of stores. */
const LONG_FILL_BYTES: u32 = 128;

/** What locals are filled with: bytes that are not the paint, and a word that is no address of a device. */
export const LOCALS: u32 = 0xcccccccc;

/** Static methods because asc inlines decorated members, not functions with several callers. */
export class Words {
  /** Fills with a local's bytes. */
  @inline static fillLocals(from: u32, bytes: u32): void {
    if (bytes >= LONG_FILL_BYTES) memory.fill(from, <u8>LOCALS, bytes);
    else Words.fill(from, bytes, LOCALS);
  }

  /** Fills with `word`; a last part of a word gets its first bytes. */
  @inline static fill(from: u32, bytes: u32, word: u32): void {
    const pair = ((<u64>word) << 32) | word;
    const end = from + (bytes & ~7);
    let at = from;
    for (; at < end; at += 8) store<u64>(at, pair);
    if (bytes & 4) {
      store<u32>(at, word);
      at += 4;
    }
    if (bytes & 3) fillTail(at, bytes & 3, word);
  }

  /** Whether `fill` with the same arguments would change nothing. */
  @inline static holds(from: u32, bytes: u32, word: u32): bool {
    const pair = ((<u64>word) << 32) | word;
    const end = from + (bytes & ~7);
    let difference: u64 = 0;
    let at = from;
    for (; at < end; at += 8) difference |= load<u64>(at) ^ pair;
    if (bytes & 4) {
      difference |= load<u32>(at) ^ word;
      at += 4;
    }
    return difference == 0 && ((bytes & 3) == 0 || tailHolds(at, bytes & 3, word));
  }
}

function fillTail(at: u32, bytes: u32, word: u32): void {
  for (let i: u32 = 0; i < bytes; i++) store<u8>(at + i, <u8>(word >> (i << 3)));
}

function tailHolds(at: u32, bytes: u32, word: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    if (load<u8>(at + i) != <u8>(word >> (i << 3))) return false;
  }
  return true;
}
