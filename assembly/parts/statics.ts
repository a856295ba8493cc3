/** What checks say of an allocator's static variables. */

import { broken, Finding, Heap } from "../allocators/heap";
import { Inconsistency } from "../memory-map";

/** The static variable at `offset` of the state is not what it must be; returns false for the check to return. */
export function overwritten(heap: Heap, finding: Finding, offset: u32, expected: u32): bool {
  return broken(finding, Inconsistency.StateOverwritten, heap.state + offset, expected, load<u32>(heap.state + offset));
}
