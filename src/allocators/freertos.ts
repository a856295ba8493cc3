import { AllocatorKind, FreertosHeap1Option } from "../../assembly/memory-map.ts";
import type { AllocatorEntry, Tally } from "./entry.ts";

const FREERTOS = {
  versions: "FreeRTOS-Kernel main at 4269c69a1, portBYTE_ALIGNMENT 8, without the heap protector",
  evidence: "original",
  alignment: "8",
  options: {},
  reallocates: false,
  aligns: false,
  pointerBytes: 4,
  arenaAlignment: 1,
  manyRegions: false,
  holeSlackShift: () => 31,
} as const;

const FIRST_FIT = {
  headerBytes: "8",
  statisticKeys: ["free", "min_free", "largest", "smallest", "blocks", "allocs", "frees"],
  bound: "first-fit",
} as const;

/** xNumberOfSuccessfulAllocations and xNumberOfSuccessfulFrees. */
const FIRST_FIT_TALLIES: readonly Tally[] = [{ in: "statics", offset: 20, bytes: 8 }];

/** The heaps of FreeRTOS's portable/MemMang. heap_3 is the C library's malloc behind a lock. */
export const freertos: readonly AllocatorEntry[] = [
  {
    ...FREERTOS,
    name: "freertos-heap1",
    kind: AllocatorKind.FreertosHeap1,
    aliases: ["heap_1", "heap1"],
    summary: "Hands out ascending addresses and never takes one back: for firmware that only allocates at start-up.",
    source: "FreeRTOS-Kernel portable/MemMang/heap_1.c (MIT)",
    headerBytes: "0",
    cost: { allocate: "O(1)", release: "nothing happens" },
    options: {
      releaseAsserts: {
        word: FreertosHeap1Option.ReleaseAsserts,
        describe: "1: configASSERT stops at a call of vPortFree; 0: the call does nothing",
        default: 0,
        least: 0,
        most: 1,
      },
    },
    walkNeedsShadow: true,
    statics: ["xNextFreeByte"],
    statisticKeys: ["free"],
    bound: "none",
  },
  {
    ...FREERTOS,
    name: "freertos-heap2",
    kind: AllocatorKind.FreertosHeap2,
    aliases: ["heap_2", "heap2"],
    holeSlackShift: () => 0,
    summary: "Best fit over a free list by size that never merges neighbours: good for few fixed sizes, bad for many.",
    source: "FreeRTOS-Kernel portable/MemMang/heap_2.c (MIT)",
    headerBytes: "8",
    cost: { allocate: "O(free blocks)", release: "O(free blocks)" },
    statisticKeys: ["free"],
    bound: "none",
  },
  {
    ...FREERTOS,
    ...FIRST_FIT,
    name: "freertos-heap4",
    kind: AllocatorKind.FreertosHeap4,
    tallies: FIRST_FIT_TALLIES,
    aliases: ["heap_4", "heap4"],
    traceNames: ["freertos-heap4-mis4"],
    summary: "First fit over an address-ordered free list that merges neighbours: FreeRTOS's usual heap.",
    source: "FreeRTOS-Kernel portable/MemMang/heap_4.c (MIT)",
    cost: { allocate: "O(free blocks)", release: "O(free blocks)" },
  },
  {
    ...FREERTOS,
    ...FIRST_FIT,
    name: "freertos-heap5",
    kind: AllocatorKind.FreertosHeap5,
    tallies: FIRST_FIT_TALLIES,
    aliases: ["heap_5", "heap5"],
    traceNames: ["freertos-heap5-2r", "freertos-heap5-3r"],
    summary:
      "freertos-heap4 over several regions of RAM, in ascending order of address; no block crosses from one to the next.",
    source: "FreeRTOS-Kernel portable/MemMang/heap_5.c (MIT)",
    cost: { allocate: "O(free blocks + regions)", release: "O(free blocks + regions)" },
    bound: "none",
    manyRegions: true,
  },
];
