import { AllocatorKind, ZephyrSysHeapOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

/** Zephyr's heap, under k_heap, k_malloc and the C library's malloc. */
export const zephyr: readonly AllocatorEntry[] = [
  {
    name: "zephyr-sys-heap",
    kind: AllocatorKind.ZephyrSysHeap,
    aliases: ["sys_heap", "k_heap", "zephyr"],
    summary:
      "One ring of free chunks for each power of two; the first few of the ring for the size are tried, then the next larger ring.",
    source: "zephyr lib/heap/heap.c (Apache-2.0)",
    versions:
      "Traces come from a transcription of a development version (heap.h at 00cdac66) with hardening off, not from a shipped build. " +
      "Read in Zephyr's own sources: released versions place the same chunks, splits and merges; they refuse a request " +
      "larger than the heap at once, where this version may first rotate a ring. CONFIG_SYS_HEAP_CANARIES (full hardening) " +
      "adds a trailer to every chunk and is not emulated. k_malloc adds a pointer to each request, malloc asks for aligned blocks.",
    evidence: "provisional",
    headerBytes: "4; 8 above 256 KiB or with bigHeap",
    alignment: "4 (at 4 modulo 8); 8 with large headers; others on request",
    cost: { allocate: "O(1)", release: "O(1)" },
    options: {
      bigHeap: {
        word: ZephyrSysHeapOption.BigHeap,
        describe: "1: large chunk headers at any size (CONFIG_SYS_HEAP_BIG_ONLY)",
        default: 0,
        most: 1,
      },
      runtimeStats: {
        word: ZephyrSysHeapOption.RuntimeStats,
        describe: "1: the counters of CONFIG_SYS_HEAP_RUNTIME_STATS, which take 12 bytes of the heap",
        default: 0,
        most: 1,
      },
      allocLoops: {
        word: ZephyrSysHeapOption.AllocLoops,
        describe: "chunks of the ring for the size that a search looks at (CONFIG_SYS_HEAP_ALLOC_LOOPS)",
        default: 3,
        least: 1,
        most: 65535,
      },
    },
    statisticKeys: ["free", "used", "max_used"],
    bound: "none",
    reallocates: true,
    aligns: true,
    pointerBytes: 4,
    arenaAlignment: 1,
    manyRegions: false,
    walkNeedsShadow: true,
    optionsFromTrace: (header) => ({
      bigHeap: Number(header.get("big_heap") ?? 0),
      runtimeStats: Number(header.get("runtime_stats") ?? 0),
      allocLoops: Number(header.get("alloc_loops") ?? 3),
    }),
  },
];
