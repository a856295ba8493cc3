import { AllocatorKind } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

/** Tilen Majerle's memory manager, common beside STM32 projects. */
export const lwmem: readonly AllocatorEntry[] = [
  {
    name: "lwmem",
    kind: AllocatorKind.Lwmem,
    aliases: ["lwmem_malloc"],
    summary:
      "First fit over an address-ordered free list, over one or several regions; reallocation grows into free neighbours on both sides.",
    source: "MaJerle/lwmem lwmem.c (MIT)",
    versions: "2.2.4 (42b6734), LWMEM_CFG_FULL, LWMEM_CFG_ALIGN_NUM 4; compared with the original on one region",
    evidence: "original",
    headerBytes: "8",
    alignment: "4",
    cost: { allocate: "O(free blocks)", release: "O(free blocks)" },
    options: {},
    tallies: [{ in: "statics", offset: 32, bytes: 8 }],
    statisticKeys: ["free", "min_free", "allocs", "frees", "total"],
    bound: "first-fit",
    reallocates: true,
    aligns: false,
    pointerBytes: 4,
    arenaAlignment: 1,
    manyRegions: true,
    holeSlackShift: () => 31,
  },
];
