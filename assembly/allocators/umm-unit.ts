/** The layout of umm's heap (drawn in umm.ts): its units and its descriptor. */
import { Guest } from "../guest";
import { Heap } from "./heap";

export const UNIT_SHIFT: u32 = 3;
export const UNIT_BYTES: u32 = 1 << UNIT_SHIFT;
export const HEADER_BYTES: u32 = 4;
export const BODY_BYTES: u32 = UNIT_BYTES - HEADER_BYTES;
export const FREE: u32 = 0x8000;
export const INDEX: u32 = 0x7fff;
export const UNITS_MOST: u32 = INDEX;
export const UNITS_LEAST: u32 = 8;

@final
@unmanaged
export class Unit {
  next: u16;
  previous: u16;
  nextFree: u16;
  previousFree: u16;

  /** The unit of that index; `span` leaves room for its two words. */
  @inline static at(base: u32, index: u32, low: u32, span: u32): Unit {
    return changetype<Unit>(Guest.word(base + (index << UNIT_SHIFT), low, span));
  }
}

/** The original's heap descriptor. */
@final
@unmanaged
export class UmmState {
  base: u32;
  bytes: u32;
  units: u16;
}

/** A unit of the arena by an index the caller has bounded. */
export function unitOf(heap: Heap, index: u32): Unit {
  return changetype<Unit>(heap.arena + (index << UNIT_SHIFT));
}
