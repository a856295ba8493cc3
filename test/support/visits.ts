import { HeapField, VISITS_SPLIT } from "../../assembly/memory-map.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";

/** Blocks and list nodes the last operation looked at. */
export function visitsOf(heap: HeapRecord): number {
  return heap.get(HeapField.Visits) % VISITS_SPLIT;
}

/** Whether the last operation left a smaller hole behind where it took its block. */
export function didSplit(heap: HeapRecord): boolean {
  return heap.get(HeapField.Visits) >= VISITS_SPLIT;
}
