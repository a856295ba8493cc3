/** Reallocation for allocators that have none of their own, as firmware writes it: allocate, copy, free. */

import { Heap } from "../allocators/heap";
import { Guest } from "../guest";

/** The new payload, or 0: refused (the old block stays), or freed because `requestBytes` is 0. */
export function reallocateByMoving<H extends Heap>(
  heap: H,
  payload: u32,
  oldRequestBytes: u32,
  requestBytes: u32,
): u32 {
  if (requestBytes == 0) {
    heap.release(payload, oldRequestBytes);
    return 0;
  }
  const moved = heap.allocate(requestBytes);
  const visits = heap.visits;
  if (moved == 0) return 0;
  Guest.copy(moved, payload, min(oldRequestBytes, requestBytes), heap.checkLow, heap.checkSpan);
  heap.release(payload, oldRequestBytes);
  heap.visits += visits;
  return moved;
}
