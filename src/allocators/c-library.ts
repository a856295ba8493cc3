import { AllocatorKind, NEWLIB_BINS_OFFSET, NewlibOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

const C_LIBRARY = {
  evidence: "original",
  options: {},
  reallocates: true,
  aligns: true,
  pointerBytes: 4,
  arenaAlignment: 1,
  manyRegions: false,
} as const;

/** The malloc of the C libraries that microcontroller toolchains ship. */
export const cLibrary: readonly AllocatorEntry[] = [
  {
    ...C_LIBRARY,
    name: "newlib-nano",
    holeSlackShift: () => 0,
    kind: AllocatorKind.NewlibNano,
    aliases: ["nano.specs", "nano-malloc"],
    summary: "First fit by address; a hole gives its upper part away and sbrk is asked for exactly what is missing.",
    source:
      "newlib 3.3.0 libc/stdlib/nano-mallocr.c (BSD), --specs=nano.specs, over an sbrk that stops at the arena's end",
    versions:
      "newlib 3.3.0. Later ones place otherwise: from 4.0 a realloc to at most half of the block moves it, and an aligned " +
      "request whose size wraps is refused; after 4.1.0 (May 2021: toolchains on a 4.1.0 snapshot, 4.2.0 and later) a hole " +
      "gives its lower part away, and when sbrk refuses, a last hole that ends at the break is lengthened",
    headerBytes: "4, and 4 of slack for alignment",
    alignment: "8",
    cost: { allocate: "O(free blocks)", release: "O(free blocks)" },
    walkNeedsShadow: true,
    exactVersions: { from: "3.3", before: "4.0" },
    statics: ["heap_end", "__malloc_free_list", "__malloc_sbrk_start"],
    statisticKeys: ["free", "used", "arena"],
    // Robson's bound for first fit takes the last hole and the untouched rest for one; here they are two.
    bound: "none",
  },
  {
    ...C_LIBRARY,
    name: "newlib",
    holeSlackShift: () => 0,
    kind: AllocatorKind.Newlib,
    aliases: ["newlib-full", "dlmalloc"],
    summary: "Best fit by size class in the line of Doug Lea's malloc; memory comes from sbrk in whole pages.",
    source: "newlib 3.3.0 libc/stdlib/mallocr.c (BSD), over an sbrk that stops at the arena's end",
    versions:
      "newlib 3.1 to 3.3.0, and later ones except for aligned requests near 2^32, which those refuse. Before 3.1 a first " +
      "request that ended on a page asked for a page more, and got nothing where the arena ended before its page. As in the " +
      "original, a realloc to 0x7fffffe5 bytes or a few more of a block below the top corrupts the heap",
    headerBytes: "4 (a free block of at least 16)",
    alignment: "8",
    cost: { allocate: "O(bins + blocks of one bin)", release: "O(1), from 512 bytes on O(blocks of one bin)" },
    options: {
      pageBytes: {
        word: NewlibOption.PageBytes,
        describe: "bytes of a page; the break is kept at multiples of it, by absolute address",
        default: 4096,
        least: 32,
        most: 1 << 20,
        powerOfTwo: true,
      },
    },
    exactVersions: { from: "3.1" },
    statics: ["heap_end"],
    linkedStateOffset: NEWLIB_BINS_OFFSET,
    statisticKeys: ["free", "used", "arena", "free_blocks", "top"],
    bound: "none",
    arenaAlignment: 4,
    optionsFromTrace: (header) => {
      const pageBytes = header.get("page_size");
      return pageBytes === undefined ? {} : { pageBytes: Number(pageBytes) };
    },
  },
  {
    ...C_LIBRARY,
    name: "picolibc",
    kind: AllocatorKind.Picolibc,
    aliases: [],
    summary: "First fit by address, lower part first; grows the last hole and reallocates in place.",
    source: "picolibc 1.8 newlib/libc/stdlib/nano-mallocr.c (BSD), over an sbrk that stops at the arena's end",
    versions:
      "picolibc 1.8 (Debian 1.8-1) on a 32-bit core; its malloc is that of newlib-nano, rewritten in August 2020",
    headerBytes: "4, and 4 up to the next header",
    alignment: "8",
    cost: { allocate: "O(free blocks), then zeroes the payload", release: "O(free blocks)" },
    exactVersions: { from: "1.8", before: "1.9" },
    statics: ["brk", "__malloc_free_list", "__malloc_sbrk_start", "__malloc_sbrk_top"],
    statisticKeys: ["free", "used", "arena", "free_blocks"],
    bound: "first-fit",
  },
  {
    ...C_LIBRARY,
    name: "avr-libc",
    kind: AllocatorKind.AvrLibc,
    aliases: ["avr"],
    summary: "Best fit with 16-bit sizes and no alignment; memory freed at the top returns to the untouched rest.",
    source: "avr-libc 2.0.0 libc/stdlib/malloc.c and realloc.c (BSD), __malloc_heap_end at the arena's end",
    versions:
      "avr-libc 1.8 to 2.2, with their defect: after a realloc to 0 or 1 bytes, freeing that block overwrites its " +
      "neighbour's size. 2.3 frees on realloc to 0, rounds 1 up to 2, and moves a block that would wrap around the top of memory",
    headerBytes: "2",
    alignment: "1",
    cost: { allocate: "O(free blocks)", release: "O(free blocks)" },
    statics: ["__brkval", "__flp"],
    statisticKeys: ["free", "used", "arena"],
    bound: "best-fit",
    granuleBytes: 1,
    aligns: false,
    pointerBytes: 2,
  },
];
