/** Small programs with the symbols that real ones have, built in memory. */
import type { InputFile } from "../../src/init/init.ts";
import { ALLOC, type BuiltSymbol, buildElf, EXEC, WRITE } from "../image/elf-builder.ts";

export const FLASH = 0x08000000;
export const RAM = 0x20000000;
const BSS_BYTES = 0x4000;

/** An object in RAM. */
export const object = (name: string, offset: number, bytes: number): BuiltSymbol => {
  return { name, value: RAM + offset, bytes, kind: 1, section: 2 };
};
/** A function, whose code is a mere return. */
export const code = (name: string, offset = 0x40): BuiltSymbol => {
  return { name, value: FLASH + offset + 1, bytes: 2, kind: 2, section: 1 };
};
/** A symbol of the linker script. */
export const label = (name: string, value: number): BuiltSymbol => ({ name, value, section: 2 });

export interface Firmware {
  readonly symbols?: readonly BuiltSymbol[];
  readonly machine?: number;
  /** Words of constants from FLASH + 0x100 on. */
  readonly constants?: readonly number[];
  readonly bssBytes?: number;
}

/** An ELF file with code in flash and .bss at the RAM's base. */
export function firmware({ symbols, machine = 40, constants = [], bssBytes = BSS_BYTES }: Firmware): InputFile {
  const text = new Uint8Array(0x400);
  const view = new DataView(text.buffer);
  view.setUint32(0, RAM + 0x5000, true);
  view.setUint32(4, FLASH + 0x41, true);
  for (let at = 0x40; at < 0x100; at += 2) view.setUint16(at, 0x4770, true);
  constants.forEach((value, index) => {
    view.setUint32(0x100 + index * 4, value, true);
  });
  const sections = [
    { name: ".text", flags: ALLOC | EXEC, low: FLASH, contents: text },
    { name: ".bss", flags: ALLOC | WRITE, low: RAM, bytes: bssBytes },
  ];
  return { name: "build/app.elf", bytes: buildElf({ machine, sections, ...(symbols && { symbols }) }) };
}

export const textFile = (name: string, text: string): InputFile => ({ name, bytes: Buffer.from(text) });

export const HEAP4 = [
  code("pvPortMalloc"),
  object("ucHeap", 0x20, 0x2000),
  object("pxEnd", 0x10, 4),
  object("xStart", 0x8, 8),
];

export const LINK_MAP = `Archive member included to satisfy reference by file (symbol)

Discarded input sections

 .text          0x00000000        0x0 startup.o

Memory Configuration

Name             Origin             Length             Attributes
FLASH            0x08000000         0x00040000         xr
RAM              0x20000000         0x00005000         xrw
*default*        0x00000000         0xffffffff

Linker script and memory map

LOAD startup.o
                0x00000400                        _Min_Stack_Size = 0x400

.text           0x08000000      0x200
 *(.text .text.*)
 .text.pvPortMalloc
                0x08000010       0x40 heap_4.o
                0x08000010                pvPortMalloc

.data           0x20000000       0x10 load address 0x08000200
                0x20000000                        _sdata = .

.bss            0x20000010     0x2400 load address 0x08000210
 .bss.pxEnd     0x20000010        0x4 heap_4.o
 .bss.ucHeap    0x20000020     0x2000 heap_4.o
 .bss.uxIdleTaskStack
                0x20002020      0x100 main.o
 *fill*         0x20002120        0x4
                0x20002410                        _end = .
                0x20005000                        _estack = (ORIGIN (RAM) + LENGTH (RAM))
OUTPUT(app.elf elf32-littlearm)

.debug_info     0x00000000     0x1234
 .debug_info    0x00000000     0x1234 main.o
`;
