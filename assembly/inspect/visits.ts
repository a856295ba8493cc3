/**
 * What HeapField.Visits tells of the last operation:
 *
 *    31  30                              0
 *   ├───┬─────────────────────────────────┤
 *   │ S │ blocks and list nodes looked at │  S (VISITS_SPLIT): a request was carved from a hole, and the rest stays
 *   └───┴─────────────────────────────────┘
 */

import { Heap } from "../allocators/heap";
import { VISITS_CLASSES_PER_OCTAVE, VISITS_EXACT, VISITS_HISTOGRAM_LENGTH, VISITS_SPLIT } from "../memory-map";

/** The reading and writing of the word; a class because asc inlines its members only. */
export class Visits {
  /** Blocks and list nodes the last operation looked at. */
  @inline static visitsOf(heap: Heap): u32 {
    return heap.visits & ~(<u32>VISITS_SPLIT);
  }

  /** Whether the last operation left a smaller hole behind where it took its block. */
  @inline static didSplit(heap: Heap): bool {
    return <i32>heap.visits < 0;
  }

  /** For allocators, once the operation's visits are set: its request leaves a part of a hole free. */
  @inline static noteSplit(heap: Heap): void {
    heap.visits |= <u32>VISITS_SPLIT;
  }
}

/** The class of the visits histogram that counts `visits`, flag masked off (see VISITS_EXACT). */
export function visitsClass(visits: u32): u32 {
  if (visits < <u32>VISITS_EXACT) return visits;
  const octave = 31 - clz<u32>(visits);
  const within = (visits >> (octave - 4)) & (VISITS_CLASSES_PER_OCTAVE - 1);
  return min<u32>(VISITS_EXACT + (octave - 6) * VISITS_CLASSES_PER_OCTAVE + within, VISITS_HISTOGRAM_LENGTH - 1);
}
