/**
 * By which symbols the allocators of a program are known. Sources of the names: FreeRTOS-Kernel's
 * portable/MemMang/heap_1.c … heap_5.c; newlib's mallocr.c and nano-mallocr.c, and picolibc's; avr-libc's malloc.c;
 * the public headers of the others.
 */
import type { OptionValues } from "../allocators/entry.ts";
import type { LinkedProgram } from "./linked-program.ts";

/** Where an allocator's heap can be found. */
export interface HeapPlaces {
  /** Arrays that are the heap, by their names; each is a heap of its own. */
  readonly arrays?: RegExp;
  /** Whether it takes what the linker script leaves between symbols. */
  readonly linked?: boolean;
}

export interface AllocatorSign {
  /** The catalogue's name; undefined where what is there is not in it. */
  readonly allocator: string | undefined;
  /** Of the allocators of one family a program has one. */
  readonly family: string;
  readonly all?: readonly string[];
  readonly any?: readonly string[];
  readonly none?: readonly string[];
  readonly pattern?: RegExp;
  readonly places: HeapPlaces;
  readonly heapName: string;
  readonly options?: (program: LinkedProgram) => { options: OptionValues; source: string } | undefined;
  /** What the reader must know. */
  readonly note?: (program: LinkedProgram) => string | undefined;
}

const UC_HEAP: HeapPlaces = { arrays: /^(ucHeap|xHeap)$/ };
const FREERTOS = { family: "freertos", places: UC_HEAP, heapName: "main" } as const;
const FREERTOS_ANY = ["pvPortMalloc", "ucHeap", "vPortDefineHeapRegions"];
const C_LIBRARY = {
  family: "c-library",
  places: { arrays: /^(z_malloc_heap_mem)$/, linked: true },
  heapName: "libc",
} as const;

/** In the order in which they are tried; the first of a family counts. */
export const ALLOCATOR_SIGNS: readonly AllocatorSign[] = [
  {
    allocator: "tlsf-esp",
    family: "freertos",
    any: ["multi_heap_register", "multi_heap_malloc", "multi_heap_malloc_impl"],
    places: { linked: true },
    heapName: "main",
    note: () =>
      "ESP-IDF joins several regions of RAM into its heap when it starts: add those that the linker script does not show.",
  },
  {
    ...FREERTOS,
    allocator: "freertos-heap5",
    any: ["vPortDefineHeapRegions"],
    places: {},
    note: () => "Its regions are handed over at run time (vPortDefineHeapRegions).",
  },
  { ...FREERTOS, allocator: "freertos-heap1", any: ["xNextFreeByte", "pucAlignedHeap"] },
  { ...FREERTOS, allocator: "freertos-heap4", any: ["pxEnd", "prvInsertBlockIntoFreeList"] },
  { ...FREERTOS, allocator: "freertos-heap2", any: ["xHeapHasBeenInitialised", "xEnd"] },
  {
    ...FREERTOS,
    allocator: undefined,
    any: ["ucHeap"],
    note: () => "pvPortMalloc is none of FreeRTOS's heap_1 to heap_5.",
  },
  {
    allocator: "zephyr-sys-heap",
    family: "zephyr",
    any: ["sys_heap_alloc", "sys_heap_init", "sys_heap_aligned_alloc", "k_heap_alloc"],
    places: { arrays: /^(kheap_\w+|z_malloc_heap_mem)$/ },
    heapName: "main",
  },
  {
    allocator: "threadx-byte",
    family: "threadx",
    any: ["_tx_byte_allocate", "_txe_byte_allocate"],
    places: { arrays: /^\w*byte_pool\w*(buffer|memory|mem|area|storage)$/i },
    heapName: "main",
    options: (program) =>
      program.has("_txe_byte_allocate")
        ? { options: { errorChecked: 1 }, source: `_txe_byte_allocate of ${program.name}` }
        : undefined,
  },
  {
    allocator: "umm-bestfit",
    family: "umm",
    any: ["umm_malloc", "umm_malloc_core"],
    places: { arrays: /^_?umm_heap$/ },
    heapName: "main",
    note: () => "Best fit is umm_malloc's default; a build with UMM_FIRST_FIT is umm-firstfit.",
  },
  {
    allocator: "o1heap",
    family: "o1heap",
    any: ["o1heapAllocate", "o1heapInit"],
    places: { arrays: /^(o1heap_?(arena|memory|mem|pool|buffer)|heap_?(arena|memory|mem))$/i },
    heapName: "main",
  },
  {
    allocator: "lwmem",
    family: "lwmem",
    any: ["lwmem_malloc", "lwmem_malloc_ex", "lwmem_assignmem", "lwmem_assignmem_ex"],
    places: { arrays: /^lwmem_?(memory|mem|region|buffer)\w*$/i },
    heapName: "main",
  },
  {
    allocator: "micropython-gc",
    family: "micropython",
    all: ["gc_init"],
    any: ["gc_alloc", "gc_collect_start"],
    places: { arrays: /^(gc_heap|heap)$/, linked: true },
    heapName: "gc",
  },
  {
    allocator: "rust-linked-list-allocator",
    family: "rust",
    pattern: /21linked_list_allocator/,
    places: { arrays: /8HEAP_MEM(17h|$|E)/ },
    heapName: "main",
  },
  {
    allocator: "tlsf",
    family: "tlsf",
    any: ["tlsf_malloc"],
    none: ["multi_heap_register", "multi_heap_malloc"],
    places: { arrays: /^(tlsf_pool|tlsf_mem|mem_pool|heap_mem)$/ },
    heapName: "main",
  },
  { ...C_LIBRARY, allocator: "newlib", any: ["__malloc_av_", "_malloc_trim_r", "__malloc_sbrk_base"] },
  {
    ...C_LIBRARY,
    allocator: "newlib-nano",
    all: ["_malloc_r"],
    any: ["__malloc_free_list"],
    note: (program) =>
      program.has("sbrk_aligned")
        ? "sbrk_aligned stands alone, as in builds later than newlib 4.1.0: those place otherwise than 3.3, which heapsoak's newlib-nano is exact for."
        : "Nothing in a program says newlib's version: heapsoak's newlib-nano is exact for 3.3, and from 4.0 on blocks are placed otherwise.",
  },
  { ...C_LIBRARY, allocator: "picolibc", any: ["__malloc_free_list", "__malloc_sbrk_top"], none: ["_malloc_r"] },
  { ...C_LIBRARY, allocator: "avr-libc", any: ["__flp", "__brkval"] },
];

/** What asks for memory of an allocator that must then be in the program. */
const CALLERS = ["pvPortMalloc", "malloc", "_malloc_r", "k_malloc"];

/** The allocators of the program, and a function that allocates where none is recognised. */
export function recogniseAllocators(program: LinkedProgram): {
  found: RecognisedAllocator[];
  unexplained: string | undefined;
} {
  const found: RecognisedAllocator[] = [];
  for (const sign of ALLOCATOR_SIGNS) {
    if (found.some(({ sign: other }) => other.family === sign.family)) continue;
    const by = evidence(program, sign);
    if (by !== undefined) found.push({ sign, by });
  }
  const known = found.filter(({ sign }) => sign.allocator !== undefined);
  const unknown = found.find(({ sign }) => sign.allocator === undefined)?.by;
  return {
    found: known,
    unexplained: unknown ?? (known.length > 0 ? undefined : CALLERS.find((name) => program.has(name))),
  };
}

export interface RecognisedAllocator {
  readonly sign: AllocatorSign;
  /** The symbol that says so. */
  readonly by: string;
}

function evidence(program: LinkedProgram, sign: AllocatorSign): string | undefined {
  if (sign.family === "freertos" && sign.allocator !== "tlsf-esp" && !FREERTOS_ANY.some((name) => program.has(name)))
    return undefined;
  if (sign.pattern) return program.match(sign.pattern);
  if (sign.none?.some((name) => program.has(name))) return undefined;
  if (sign.all && !sign.all.every((name) => program.has(name))) return undefined;
  return sign.any?.find((name) => program.has(name));
}
