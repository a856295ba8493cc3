import { AllocatorKind, MicropythonGcOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

/** MicroPython's garbage-collected heap. */
export const micropython: readonly AllocatorEntry[] = [
  {
    name: "micropython-gc",
    kind: AllocatorKind.MicropythonGc,
    aliases: ["micropython", "gc_alloc"],
    traceNames: ["micropython-gc-fin"],
    summary: "First fit over a bitmap of 16-byte blocks; a mark-and-sweep collector frees what is no longer reached.",
    source: "micropython/micropython py/gc.c (MIT)",
    versions:
      "1c3c201149, one heap area, MICROPY_GC_CONSERVATIVE_CLEAR, without weak references (their table moves the pool). " +
      "Replays never collect, as after gc.disable().",
    evidence: "original",
    headerBytes: "0 (2 bits a block, 3 with finalisers)",
    alignment: "16 (the block size)",
    cost: { allocate: "O(heap)", release: "O(block)" },
    options: {
      finalisers: {
        word: MicropythonGcOption.Finalisers,
        describe: "1: with a finaliser table (MICROPY_ENABLE_FINALISER)",
        default: 0,
        most: 1,
      },
      blockBytes: {
        word: MicropythonGcOption.BlockBytes,
        describe: "bytes of a block (MICROPY_BYTES_PER_GC_BLOCK)",
        default: 16,
        least: 8,
        most: 4096,
        powerOfTwo: true,
      },
    },
    statisticKeys: ["free", "max_free_blocks", "used", "one_block", "two_block", "max_block"],
    bound: "first-fit",
    granuleBytes: 16,
    reallocates: true,
    aligns: false,
    pointerBytes: 4,
    arenaAlignment: 4,
    manyRegions: false,
    optionsFromTrace: (header) => ({ finalisers: header.get("allocator") === "micropython-gc-fin" }),
  },
];
