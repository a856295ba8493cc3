/** The options of the list allocators as a record, with what `planRules` makes of them once and for all. */

import { Heap } from "../allocators/heap";
import { HeapField, ListFitOption } from "../memory-map";

/** Words of a header are aligned. */
const WORD_BYTES: u32 = 4;
/** What a hole with a header must hold: its size and its link. */
const HOLE_BYTES: u32 = 8;
/** The shadow needs no finer distinction than this between two payloads. */
const GRANULE_SHIFT_MOST: u32 = 4;

/** Overlay of HeapField.Options: ListFitOption, word for word. */
@final
@unmanaged
export class FitRules {
  policy: u32;
  headerBytes: u32;
  alignment: u32;
  coalesce: u32;
  splitThresholdBytes: u32;
  granule: u32;
  leastBlockBytes: u32;
  leastSurplusBytes: u32;

  @inline static of(heap: Heap): FitRules {
    return changetype<FitRules>(changetype<u32>(heap) + (HeapField.Options << 2));
  }
}

/** Sets the heap's granule shift and the rules from `granule` on. */
export function planRules(heap: Heap): void {
  if (offsetof<FitRules>("leastSurplusBytes") != ListFitOption.LeastSurplusBytes * 4)
    ERROR("FitRules is not ListFitOption");
  const rules = FitRules.of(heap);
  const granule = rules.headerBytes ? max(rules.alignment, WORD_BYTES) : rules.alignment;
  const least = rules.headerBytes ? max(rules.headerBytes + 1, HOLE_BYTES) : granule; // serves a request of 1
  rules.granule = granule;
  rules.leastBlockBytes = (least + granule - 1) & ~(granule - 1);
  rules.leastSurplusBytes = max(rules.leastBlockBytes, rules.splitThresholdBytes);
  heap.granuleShift = min<u32>(31 - clz(granule), GRANULE_SHIFT_MOST);
}
