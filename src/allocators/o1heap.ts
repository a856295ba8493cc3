import { AllocatorKind } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

/** Half fit with a proven worst case. */
export const o1heap: readonly AllocatorEntry[] = [
  {
    name: "o1heap",
    kind: AllocatorKind.O1heap,
    aliases: [],
    summary:
      "Half fit in constant time: requests are rounded up to powers of two, which wastes memory and bounds fragmentation.",
    source: "pavel-kirienko/o1heap o1heap.c (MIT)",
    versions: "2.2 (b3a1aa4) with 4-byte pointers",
    evidence: "original",
    headerBytes: "16",
    alignment: "16",
    cost: { allocate: "O(1)", release: "O(1)" },
    options: {},
    tallies: [{ in: "arena", offset: 152, bytes: 8 }],
    statisticKeys: ["capacity", "allocated", "peak_allocated", "peak_request", "oom"],
    bound: "half-fit",
    granuleBytes: 32,
    reallocates: false,
    aligns: false,
    pointerBytes: 4,
    arenaAlignment: 16,
    manyRegions: false,
  },
];
