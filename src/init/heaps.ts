/** The heaps of a program: which allocators it has, and where each one's memory lies. */
import { findAllocator } from "../allocators/catalogue.ts";
import type { OptionValues } from "../allocators/entry.ts";
import { linkedHeapOf, placedSections } from "../device/elf-memory.ts";
import { HeapsoakError } from "../errors.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import type { HeapPlaces } from "./allocator-signs.ts";
import { recogniseAllocators } from "./allocator-signs.ts";
import type { Configuration } from "./configuration.ts";
import type { DraftHeap, Fact, HeapWithoutPlace } from "./draft.ts";
import type { LinkedProgram } from "./linked-program.ts";

export interface HeapRequest {
  readonly program: LinkedProgram | undefined;
  readonly configuration: Configuration;
  /** What the user says. */
  readonly allocator: string | undefined;
  readonly place: { readonly low: number | undefined; readonly bytes: number } | undefined;
}

export interface FoundHeaps {
  readonly heaps: readonly DraftHeap[];
  readonly placeless: readonly HeapWithoutPlace[];
  readonly notes: readonly string[];
}

/** An allocator of the program, whoever says so. */
interface Candidate {
  readonly allocator: Fact<string>;
  readonly heapName: string;
  readonly places: HeapPlaces;
  readonly options: OptionValues;
  readonly remarks: readonly string[];
}

interface Place {
  readonly name: string;
  readonly low: number | undefined;
  readonly bytes: Fact<number>;
}

/** Where an allocator that the user names may have its heap: wherever any has. */
const ANY_PLACE: HeapPlaces = {
  arrays: /^(ucHeap|xHeap|_?umm_heap|tlsf_pool|z_malloc_heap_mem|kheap_\w+|heap_mem|gc_heap|lwmem_memory)$/,
  linked: true,
};

/** The heaps that the files show. Throws `bad-argument` where there is a heap and nothing says which allocator it has. */
export function findHeaps(request: HeapRequest): FoundHeaps {
  const notes: string[] = [];
  const heaps: DraftHeap[] = [];
  const placeless: HeapWithoutPlace[] = [];
  const candidates = candidatesOf(request, notes);
  for (const [index, candidate] of candidates.entries()) {
    const places = placesOf(request, candidate, index === 0, notes);
    if (places.length === 0) placeless.push({ allocator: candidate.allocator, remark: candidate.remarks.join(" ") });
    for (const place of places) {
      if (heaps.some((other) => overlaps(other, place))) continue;
      const name = unique(place.name, heaps);
      const { allocator, options, remarks } = candidate;
      heaps.push({ name, allocator, bytes: place.bytes, at: place.low, options, remarks });
    }
  }
  return { heaps, placeless, notes };
}

function candidatesOf(request: HeapRequest, notes: string[]): Candidate[] {
  const { program, configuration, allocator } = request;
  if (allocator !== undefined) {
    const { name } = findAllocator(allocator);
    const fact = { value: name, source: "--allocator" };
    const { options } = configuredOptions(name, configuration);
    const known = program && recogniseAllocators(program).found.find(({ sign }) => sign.allocator === name);
    const places = known?.sign.places ?? ANY_PLACE;
    return [{ allocator: fact, heapName: known?.sign.heapName ?? "main", places, options, remarks: [] }];
  }
  const found = program?.hasSymbols ? fromSymbols(program, configuration, notes) : [];
  if (found.length > 0) return found;
  const configured = fromConfiguration(configuration);
  if (configured) return [configured];
  if (!program?.hasSymbols && (program || configuration.has("configTOTAL_HEAP_SIZE"))) throw unknownAllocator(request);
  return [];
}

function fromSymbols(program: LinkedProgram, configuration: Configuration, notes: string[]): Candidate[] {
  const { found, unexplained } = recogniseAllocators(program);
  if (unexplained !== undefined) throw unknownAllocator({ program, unexplained });
  if (program.has("pvPortMalloc") && !found.some(({ sign }) => sign.family === "freertos")) {
    notes.push("pvPortMalloc has no heap of its own: heap_3, which hands on to the C library's malloc.");
  }
  return found.map(({ sign, by }) => {
    const name = sign.allocator ?? "";
    const own = sign.options?.(program);
    const { options, remarks } = configuredOptions(name, configuration);
    const note = sign.note?.(program);
    return {
      allocator: { value: configuredFit(name, configuration), source: `symbol ${shortened(by)} of ${program.name}` },
      heapName: sign.heapName,
      places: sign.places,
      options: { ...options, ...own?.options },
      remarks: [...(note === undefined ? [] : [note]), ...remarks, ...(own ? [`errorChecked: ${own.source}`] : [])],
    };
  });
}

/** Frameworks that have one allocator say which by their options. */
function fromConfiguration(configuration: Configuration): Candidate | undefined {
  const target = configuration.text("CONFIG_IDF_TARGET");
  if (target) return configured("tlsf-esp", target.source, configuration);
  const pool =
    configuration.number("CONFIG_HEAP_MEM_POOL_SIZE") ?? configuration.number("CONFIG_COMMON_LIBC_MALLOC_ARENA_SIZE");
  return pool && configured("zephyr-sys-heap", pool.source, configuration);
}

function configured(name: string, source: string, configuration: Configuration): Candidate {
  const { options, remarks } = configuredOptions(name, configuration);
  return { allocator: { value: name, source }, heapName: "main", places: {}, options, remarks };
}

/** umm_malloc's header says by a macro how it chooses. */
function configuredFit(name: string, configuration: Configuration): string {
  return name === "umm-bestfit" && configuration.has("UMM_FIRST_FIT") ? "umm-firstfit" : name;
}

/** Options of the allocator that the configuration decides, and what of the configuration cannot be emulated. */
function configuredOptions(name: string, configuration: Configuration): { options: OptionValues; remarks: string[] } {
  const options: Record<string, number> = {};
  const remarks: string[] = [];
  const set = (option: string, value: number, source: string) => {
    options[option] = value;
    remarks.push(`${option}: ${source}`);
  };
  if (name === "freertos-heap1" && configuration.has("configASSERT"))
    set("releaseAsserts", 1, configuration.text("configASSERT")?.source ?? "configASSERT");
  if (name === "zephyr-sys-heap") {
    const big = configuration.isOn("CONFIG_SYS_HEAP_BIG_ONLY");
    const statistics = configuration.isOn("CONFIG_SYS_HEAP_RUNTIME_STATS");
    const loops = configuration.number("CONFIG_SYS_HEAP_ALLOC_LOOPS");
    if (big) set("bigHeap", 1, big.source);
    if (statistics) set("runtimeStats", 1, statistics.source);
    if (loops) set("allocLoops", loops.value, loops.source);
    const canaries = configuration.isOn("CONFIG_SYS_HEAP_CANARIES");
    if (canaries) remarks.push(`${canaries.source}: adds a trailer to every chunk, which is not emulated`);
  }
  if (name === "tlsf-esp") {
    const poisoning =
      configuration.isOn("CONFIG_HEAP_POISONING_COMPREHENSIVE") ?? configuration.isOn("CONFIG_HEAP_POISONING_LIGHT");
    if (poisoning)
      remarks.push(
        `${poisoning.source}: 8 bytes before and 4 behind every block, which heapsoak does not add: add 12 to every size`,
      );
  }
  return { options, remarks };
}

function placesOf(request: HeapRequest, candidate: Candidate, isFirst: boolean, notes: string[]): Place[] {
  const { program, place } = request;
  if (place && isFirst)
    return [{ name: candidate.heapName, low: place.low, bytes: { value: place.bytes, source: "--heap" } }];
  const linked = program ? programPlaces(program, candidate) : [];
  const fromOptions = configuredPlaces(request.configuration, candidate.allocator.value);
  if (linked.length === 0) return fromOptions;
  if (fromOptions.length === 1 && linked.length === 1) tellContradiction(linked[0], fromOptions[0], notes);
  return linked;
}

function programPlaces(program: LinkedProgram, { places, heapName }: Candidate): Place[] {
  const arrays = places.arrays === undefined ? [] : program.objects(places.arrays);
  if (arrays.length > 0) {
    return arrays.map(({ name, low, bytes }) => {
      const own = name.replace(/^kheap_+/, "").replaceAll("_", "-");
      const heap = arrays.length === 1 ? heapName : /^[A-Za-z][\w-]*$/.test(own) ? own.slice(0, 48) : heapName;
      return { name: heap, low, bytes: { value: bytes, source: `symbol ${shortened(name)} of ${program.name}` } };
    });
  }
  if (!places.linked) return [];
  const bounds = linkedHeapOf(program);
  if (bounds) {
    return [
      {
        name: heapName,
        low: bounds.low,
        bytes: { value: bounds.bytes, source: `symbols ${bounds.from} of ${program.name}` },
      },
    ];
  }
  const section = placedSections(program).find(({ name }) => /^\.heap\w*$/i.test(name));
  if (!section) return [];
  return [
    {
      name: heapName,
      low: section.low,
      bytes: { value: section.bytes, source: `section ${section.name} of ${program.name}` },
    },
  ];
}

/** The options that give a heap's size; a size of 0 or below says nothing. */
const SIZES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "freertos-heap1": [["configTOTAL_HEAP_SIZE", "main"]],
  "freertos-heap2": [["configTOTAL_HEAP_SIZE", "main"]],
  "freertos-heap4": [["configTOTAL_HEAP_SIZE", "main"]],
  "zephyr-sys-heap": [
    ["CONFIG_HEAP_MEM_POOL_SIZE", "system-heap"],
    ["CONFIG_COMMON_LIBC_MALLOC_ARENA_SIZE", "libc"],
  ],
};

function configuredPlaces(configuration: Configuration, allocator: string): Place[] {
  return (SIZES[allocator] ?? []).flatMap(([option, name]) => {
    const bytes = configuration.number(option);
    return bytes && bytes.value > 0 ? [{ name, low: undefined, bytes }] : [];
  });
}

function tellContradiction(linked: Place | undefined, configuredPlace: Place | undefined, notes: string[]): void {
  if (!linked || !configuredPlace || linked.bytes.value === configuredPlace.bytes.value) return;
  notes.push(
    `The heap has ${linked.bytes.value} B (${linked.bytes.source}), and ${configuredPlace.bytes.value} B by ${configuredPlace.bytes.source}: the program counts.`,
  );
}

function overlaps(heap: DraftHeap, place: Place): boolean {
  if (heap.at === undefined || place.low === undefined) return false;
  return place.low < heap.at + heap.bytes.value && heap.at < place.low + place.bytes.value;
}

function unique(name: string, heaps: readonly DraftHeap[]): string {
  if (!heaps.some((heap) => heap.name === name)) return name;
  for (let number = 2; ; number++)
    if (!heaps.some((heap) => heap.name === `${name}-${number}`)) return `${name}-${number}`;
}

/** Mangled names of Rust and C++ are long. */
function shortened(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}…` : name;
}

function unknownAllocator(of: { program: LinkedProgram | undefined; unexplained?: string }): HeapsoakError {
  const { program, unexplained } = of;
  const message = !program
    ? "The configuration does not say which of FreeRTOS's heaps the firmware is built with."
    : unexplained === undefined
      ? `${program.name}: the file has no symbols, so it does not show which allocator the program has.`
      : `${program.name}: the program has ${unexplained}, and its allocator is none that is known by its symbols.`;
  const names =
    "freertos-heap1, freertos-heap2, freertos-heap4, freertos-heap5, newlib-nano, newlib, picolibc, avr-libc, tlsf, tlsf-esp, umm-bestfit, umm-firstfit, o1heap, zephyr-sys-heap, threadx-byte, lwmem, micropython-gc, rust-linked-list-allocator";
  return new HeapsoakError("bad-argument", message, {
    hint: `Name it with --allocator: ${names}; \`heapsoak allocators\` explains them.`,
  });
}

/** Bytes and address for people. */
export function placeText(bytes: number, at: number | undefined): string {
  return at === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} at ${formatAddress(at)}`;
}
