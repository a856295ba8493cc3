import { AllocatorKind } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

const FREERTOS = {
  versions: "FreeRTOS-Kernel 10.4 to main (4269c69a1), portBYTE_ALIGNMENT 8, without the heap protector",
  evidence: "original",
  options: {},
  reallocates: false,
  aligns: false,
  pointerBytes: 4,
  arenaAlignment: 1,
  manyRegions: false,
} as const;

/** The heaps of FreeRTOS's portable/MemMang. */
export const freertos: readonly AllocatorEntry[] = [
  {
    ...FREERTOS,
    name: "freertos-heap4",
    kind: AllocatorKind.FreertosHeap4,
    aliases: ["heap_4", "heap4"],
    traceNames: ["freertos-heap4-mis4"],
    summary: "First fit over an address-ordered free list that merges neighbours: FreeRTOS's usual heap.",
    source: "FreeRTOS-Kernel portable/MemMang/heap_4.c (MIT)",
    headerBytes: "8",
    alignment: "8",
    cost: { allocate: "O(free blocks)", release: "O(free blocks)" },
    statisticKeys: ["free", "min_free", "largest", "smallest", "blocks", "allocs", "frees"],
    bound: "first-fit",
  },
];
