import { HeapsoakError } from "../errors.ts";
import { readArmAttributes } from "../image/arm-attributes.ts";
import { type Elf, ElfMachine, type ElfSection, type ElfSegment, machineName } from "../image/elf.ts";
import type { ElfSymbol } from "../image/elf-symbols.ts";
import { parseCore } from "./cores.ts";
import type { Core, HeapBounds, StaticUse } from "./description.ts";

/** What these functions need of a linked program: an ELF file has it, and a linker's map. */
export interface LinkedImage {
  readonly machine: number;
  readonly sections: readonly Pick<ElfSection, "name" | "low" | "bytes" | "allocated" | "writable">[];
  readonly segments: readonly ElfSegment[];
  readonly symbols: { named(name: string): ElfSymbol | undefined };
}

/** AVR's linker gives data addresses from here on, so that they differ from code's. */
const AVR_DATA = 0x800000;
/** ELF files of AVR put EEPROM and fuses from here on. */
const AVR_DATA_END = 0x810000;

/** Tag_CPU_arch of the Arm build attributes. */
const ARM_ARCHITECTURES: ReadonlyMap<number, Core> = new Map([
  [11, "armv6-m"],
  [12, "armv6-m"],
  [10, "armv7-m"],
  [13, "armv7e-m"],
  [16, "armv8-m-base"],
  [17, "armv8-m-main"],
  [21, "armv8-m-main"],
]);

/** The core the program was compiled for; `assumed` when the file does not say which Arm. Throws `bad-elf`. */
export function coreOfElf(elf: Elf): { core: Core; coreName: string; assumed: boolean } {
  const named = (name: string) => ({
    ...(parseCore(name) ?? { core: "armv7e-m" as Core, coreName: name }),
    assumed: false,
  });
  switch (elf.machine) {
    case ElfMachine.Arm:
      return armCore(elf);
    case ElfMachine.Avr:
      return named("avr");
    case ElfMachine.RiscV:
      return named("riscv");
    case ElfMachine.Xtensa:
      return named("xtensa");
    default:
      throw new HeapsoakError(
        "bad-elf",
        `${elf.name}: it is for ${machineName(elf.machine)}, expected Arm, AVR, RISC-V or Xtensa.`,
      );
  }
}

function armCore(elf: Elf): { core: Core; coreName: string; assumed: boolean } {
  const attributes = readArmAttributes(elf.section(".ARM.attributes")?.contents ?? new Uint8Array());
  const core = ARM_ARCHITECTURES.get(attributes.architecture ?? -1);
  const product = attributes.cpuName ? parseCore(attributes.cpuName) : undefined;
  if (product && (!core || product.core === core)) return { ...product, assumed: false };
  if (core) return { core, coreName: parseCore(core)?.coreName ?? core, assumed: false };
  return { core: "armv7e-m", coreName: "Armv7E-M (assumed)", assumed: true };
}

/** The device address of an address of the file: AVR's data space begins at 0x80_0000 there. Undefined: not in it. */
export function deviceAddress(elf: LinkedImage, address: number): number | undefined {
  if (elf.machine !== ElfMachine.Avr) return address;
  return address >= AVR_DATA && address < AVR_DATA_END ? address - AVR_DATA : undefined;
}

/** `.heap` of CMSIS and picolibc scripts, `._user_heap_stack` of STM32Cube's. */
const HEAP_SECTION = /^\.(_user_heap_stack|heap\w*)$/i;

/** A section that occupies memory, at its device address. */
export interface PlacedSection {
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
  readonly writable: boolean;
  /** Reserves room for the heap or for both heap and stack, and holds nothing. */
  readonly reservesHeap: boolean;
}

/** The sections that occupy the device's memory, in address order; segments where a file has no sections. */
export function placedSections(elf: LinkedImage): PlacedSection[] {
  const sections = elf.sections.filter((section) => section.allocated);
  const parts = sections.length > 0 ? sections : elf.segments.filter((segment) => segment.loads).map(segmentPart);
  return parts
    .flatMap(({ name, low, bytes, writable }) => {
      const address = deviceAddress(elf, low);
      if (address === undefined || bytes === 0) return [];
      return [{ name, low: address, bytes, writable, reservesHeap: HEAP_SECTION.test(name) }];
    })
    .sort((a, b) => a.low - b.low);
}

function segmentPart(segment: { low: number; bytes: number; writable: boolean }, index: number) {
  return { name: `segment ${index}`, low: segment.low, bytes: segment.bytes, writable: segment.writable };
}

/**
 * What the program's image occupies of the given ranges of RAM: `.data`, `.bss`, code in RAM and static stacks.
 * Room that is reserved for the heap is not taken; an array that is the heap is cut out.
 */
export function staticUseOf(elf: LinkedImage, ram: readonly { low: number; bytes: number }[]): StaticUse[] {
  const heap = heapArray(elf);
  const taken = placedSections(elf)
    .filter((section) => !section.reservesHeap)
    .flatMap((section) => ram.flatMap((bank) => clip(section, bank)));
  return heap ? taken.flatMap((use) => without(use, heap)) : taken;
}

function clip(section: StaticUse, bank: { low: number; bytes: number }): StaticUse[] {
  const low = Math.max(section.low, bank.low);
  const high = Math.min(section.low + section.bytes, bank.low + bank.bytes);
  return high > low ? [{ low, bytes: high - low, name: section.name }] : [];
}

/** The range without the heap inside it: what lies before, and what lies after. */
function without(use: StaticUse, heap: HeapBounds): StaticUse[] {
  const heapHigh = heap.low + heap.bytes;
  const high = use.low + use.bytes;
  if (heap.low >= high || heapHigh <= use.low) return [use];
  const before = { ...use, bytes: Math.max(0, heap.low - use.low) };
  const after = { ...use, low: heapHigh, bytes: Math.max(0, high - heapHigh) };
  return [before, after].filter((part) => part.bytes > 0);
}

/** Arrays that are the heap: FreeRTOS, and the names that ports and SDKs give theirs. */
const HEAP_ARRAYS = [
  "ucHeap",
  "umm_heap",
  "_umm_heap",
  "tlsf_pool",
  "z_malloc_heap_mem",
  "kheap__system_heap",
  "heap_mem",
];
/** Pairs of linker symbols around the heap, the more explicit first. */
const HEAP_PAIRS: readonly (readonly [string, string])[] = [
  ["__HeapBase", "__HeapLimit"],
  ["__heap_start", "__heap_end"],
  ["_heap_start", "_heap_end"],
  ["__heap_start__", "__heap_end__"],
  ["_sheap", "_eheap"],
  ["__sheap", "__eheap"],
  ["heap_start", "heap_end"],
  ["end", "__HeapLimit"],
  ["__end__", "__HeapLimit"],
];
/** Where static data ends: an sbrk heap begins there. */
const DATA_ENDS = [
  "_end",
  "end",
  "__end__",
  "__heap_start",
  "_heap_start",
  "__bss_end__",
  "_ebss",
  "__bss_end",
  "_bss_end",
];
/** Where the stack begins at the top of the RAM, and how far down it is reserved. */
const STACK_LIMITS = ["__StackLimit", "__stack_limit", "_sstack", "_stack_limit"];
/** Sizes of the main stack, as linker scripts of STM32Cube, CMSIS and others name them. */
const STACK_SIZES = ["_Min_Stack_Size", "__stack_size__", "__STACK_SIZE", "__stack_size", "_stack_size", "Stack_Size"];
const RESERVED_STACK_MOST = 16 * 1024 * 1024;
const STACK_TOPS = ["_estack", "__StackTop", "__stack", "_stack_top", "__stack_top", "_stack_start", "_stack"];

/** Where the program's own heap lies, if its symbols say so. */
export function heapBoundsOf(elf: LinkedImage): HeapBounds | undefined {
  return heapArray(elf) ?? linkedHeapOf(elf);
}

/** Where the linker script leaves room for a heap, which sbrk hands out; arrays that are a heap aside. */
export function linkedHeapOf(elf: LinkedImage): HeapBounds | undefined {
  return heapPair(elf) ?? sbrkHeap(elf);
}

/** Where the main stack lies, if symbols say both ends, or its top and the size that the linker script reserves. */
export function mainStackOf(elf: LinkedImage): HeapBounds | undefined {
  const limit = addressOf(elf, STACK_LIMITS);
  const top = stackTopOf(elf);
  const name = STACK_TOPS.find((candidate) => elf.symbols.named(candidate)) ?? "";
  if (top === undefined) return undefined;
  if (limit && limit.address < top) return between(limit, { address: top, name });
  const reserved = STACK_SIZES.find((candidate) => (elf.symbols.named(candidate)?.value ?? 0) > 0);
  const bytes = reserved === undefined ? 0 : (elf.symbols.named(reserved)?.value ?? 0);
  if (bytes === 0 || bytes > top || bytes > RESERVED_STACK_MOST) return undefined;
  return { low: top - bytes, bytes, from: `${name}, ${reserved}` };
}

/** The address just above the stack, if a symbol says it. */
export function stackTopOf(elf: LinkedImage): number | undefined {
  // AVR's stack pointer starts at the RAM's last byte, and the linker states it without the data space's offset.
  const avrStack = elf.machine === ElfMachine.Avr ? elf.symbols.named("__stack")?.value : undefined;
  if (avrStack !== undefined && avrStack < AVR_DATA_END - AVR_DATA) return avrStack + 1;
  return addressOf(elf, STACK_TOPS)?.address;
}

function heapArray(elf: LinkedImage): HeapBounds | undefined {
  for (const name of HEAP_ARRAYS) {
    const symbol = elf.symbols.named(name);
    const low = symbol && symbol.kind === "object" && symbol.bytes > 0 ? deviceAddress(elf, symbol.value) : undefined;
    if (symbol && low !== undefined) return { low, bytes: symbol.bytes, from: name };
  }
  return undefined;
}

function heapPair(elf: LinkedImage): HeapBounds | undefined {
  for (const [start, end] of HEAP_PAIRS) {
    const bounds = between(addressOf(elf, [start]), addressOf(elf, [end]));
    if (bounds) return bounds;
  }
  return undefined;
}

/** From the end of static data up to the stack: up to its limit, or its top less the size the script reserves. */
function sbrkHeap(elf: LinkedImage): HeapBounds | undefined {
  const start = addressOf(elf, DATA_ENDS);
  const limit = addressOf(elf, STACK_LIMITS);
  const direct = between(start, limit);
  if (direct) return direct;
  const topAddress = stackTopOf(elf);
  const topName = STACK_TOPS.find((name) => elf.symbols.named(name)) ?? "";
  const top = topAddress === undefined ? undefined : { address: topAddress, name: topName };
  const reserve = elf.symbols.named("_Min_Stack_Size")?.value ?? 0;
  if (!start || !top || reserve >= top.address) return undefined;
  const name = reserve > 0 ? `${top.name} - _Min_Stack_Size` : top.name;
  return between(start, { address: top.address - reserve, name });
}

interface NamedAddress {
  readonly address: number;
  readonly name: string;
}

function between(start: NamedAddress | undefined, end: NamedAddress | undefined): HeapBounds | undefined {
  if (!start || !end || end.address <= start.address) return undefined;
  return { low: start.address, bytes: end.address - start.address, from: `${start.name} … ${end.name}` };
}

/** The first of the names that is a symbol with a data address. */
function addressOf(elf: LinkedImage, names: readonly string[]): NamedAddress | undefined {
  for (const name of names) {
    const symbol: ElfSymbol | undefined = elf.symbols.named(name);
    const address = symbol && symbol.kind !== "function" ? deviceAddress(elf, symbol.value) : undefined;
    if (address !== undefined && address > 0) return { address, name };
  }
  return undefined;
}
