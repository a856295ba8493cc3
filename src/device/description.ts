/**
 * What heapsoak knows of a device: its core and the banks of its memory map, as plain data. The catalogue,
 * device files, linker scripts and ELF files all end in a `DeviceDescription`.
 */

/** The architecture of a core: what faults, frames and pointers look like. */
export type Core = "armv6-m" | "armv7-m" | "armv7e-m" | "armv8-m-base" | "armv8-m-main" | "avr" | "riscv" | "xtensa";

export const CORES: readonly Core[] = [
  "armv6-m",
  "armv7-m",
  "armv7e-m",
  "armv8-m-base",
  "armv8-m-main",
  "avr",
  "riscv",
  "xtensa",
];

/** `registers` is memory-mapped register space that behaves as memory (AVR's low 256 bytes): nothing is placed there. */
export type BankKind = "ram" | "flash" | "rom" | "registers";

/** A range inside a bank that is not the firmware's: the ROM's data, a cache, a radio stack. */
export interface TakenRange {
  readonly low: number;
  readonly bytes: number;
  readonly by: string;
}

export interface Bank {
  /** The datasheet's name; compared without regard to case. */
  readonly name: string;
  /** Device address of the first byte. */
  readonly low: number;
  readonly bytes: number;
  readonly kind: BankKind;
  /** What a store does to a `flash` or `rom` bank. From memory throughout the catalogue. */
  readonly stores?: "fault" | "ignored";
  /** The bank whose bytes are seen here, from `offset` on. `reversed`: 32-bit words in descending order. */
  readonly aliasOf?: { readonly bank: string; readonly offset?: number; readonly reversed?: boolean };
  /** False where the general-purpose DMA cannot reach. */
  readonly dma?: boolean;
  /** True where the contents survive the deepest sleep or a reset. */
  readonly retention?: boolean;
  /** True where address or size were not checked against a source. */
  readonly fromMemory?: boolean;
  readonly taken?: readonly TakenRange[];
  readonly note?: string;
}

/** Bytes that the firmware's image really occupies in RAM. */
export interface StaticUse {
  readonly low: number;
  readonly bytes: number;
  /** Section or symbol: `.data`, `.bss`, `.stack` … */
  readonly name: string;
}

/** Where the firmware's own linker script puts the heap. */
export interface HeapBounds {
  readonly low: number;
  readonly bytes: number;
  /** The symbols that say so. */
  readonly from: string;
}

export interface DeviceDescription {
  readonly id: string;
  readonly name: string;
  /** Other names it is found by: part numbers, boards. */
  readonly aliases?: readonly string[];
  readonly core: Core;
  /** As the vendor calls it: `Cortex-M4F`. */
  readonly coreName: string;
  /** Number of cores that share this memory; 1 unless stated. */
  readonly cores?: number;
  /** Highest core clock in hertz; undefined where no source says. */
  readonly clockHz?: number;
  /** Whether the clock was not checked against a source. */
  readonly clockFromMemory?: boolean;
  /** Program memory outside the banks: AVR's own address space, or a chip beside the device. */
  readonly flashOutside?: { readonly bytes?: number; readonly where: string };
  /** In the datasheet's order. */
  readonly banks: readonly Bank[];
  /** Where linkers put .data, .bss and the heap unless told otherwise. */
  readonly mainBank: string;
  /** True where an unaligned access faults although the architecture would allow it. */
  readonly unalignedFaults?: boolean;
  /** What the figures were checked against. */
  readonly source: string;
  readonly notes?: readonly string[];
  /** From an ELF: what its sections take of the RAM. */
  readonly staticUse?: readonly StaticUse[];
  /** From an ELF: where its heap lies. */
  readonly heapBounds?: HeapBounds;
}

/** Bytes of a pointer on the core. */
export function pointerBytes(core: Core): 2 | 4 {
  return core === "avr" ? 2 : 4;
}

/** Whether an unaligned access faults on the device (Armv6-M, Armv8-M Baseline, and cores that say so). */
export function unalignedFaults(device: DeviceDescription): boolean {
  return device.unalignedFaults ?? (device.core === "armv6-m" || device.core === "armv8-m-base");
}

/** The bank called `name`, without regard to case; `ram` and `sram` also mean the main bank. Undefined if none. */
export function findBank(device: DeviceDescription, name: string): Bank | undefined {
  const wanted = name.toLowerCase();
  const bank = device.banks.find((candidate) => candidate.name.toLowerCase() === wanted);
  return bank ?? (wanted === "ram" || wanted === "sram" ? mainBank(device) : undefined);
}

/** The bank that linkers use unless told otherwise. */
export function mainBank(device: DeviceDescription): Bank | undefined {
  const wanted = device.mainBank.toLowerCase();
  return device.banks.find((candidate) => candidate.name.toLowerCase() === wanted);
}

/** The bank that holds the address, or undefined. */
export function bankAt(device: DeviceDescription, address: number): Bank | undefined {
  return device.banks.find((bank) => address >= bank.low && address < bank.low + bank.bytes);
}

/** Banks where data can be placed: RAM seen at its home address. */
export function ramBanks(device: DeviceDescription): Bank[] {
  return device.banks.filter((bank) => bank.kind === "ram" && !bank.aliasOf);
}

/** Where the bytes at `address` really lie: the same address unless an alias bank holds it. */
export function homeAddress(device: DeviceDescription, address: number): number {
  const bank = bankAt(device, address);
  const alias = bank?.aliasOf;
  const home = alias && !alias.reversed ? findBank(device, alias.bank) : undefined;
  return bank && home ? home.low + (alias?.offset ?? 0) + (address - bank.low) : address;
}

/** Bytes of RAM, each counted once. */
export function ramBytes(device: DeviceDescription): number {
  return ramBanks(device).reduce((sum, bank) => sum + bank.bytes, 0);
}

/** Bytes of program memory, inside the address space or beside it; undefined where it is not known. */
export function flashBytes(device: DeviceDescription): number | undefined {
  const mapped = device.banks.filter((bank) => bank.kind === "flash" && !bank.aliasOf);
  if (mapped.length === 0) return device.flashOutside?.bytes;
  return mapped.reduce((sum, bank) => sum + bank.bytes, 0);
}
