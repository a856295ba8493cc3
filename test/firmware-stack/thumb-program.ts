/** Small Thumb programs from half-words, as a linker would place them. */
import { ALLOC, type BuiltSymbol, buildElf, EXEC } from "../image/elf-builder.ts";

export const FLASH = 0x08000000;
const STACK_TOP = 0x20001000;

export interface ThumbFunction {
  readonly name: string;
  /** Half-words; `call` and its like make those that depend on where the function lies. */
  readonly code: readonly (number | Reference)[];
}

/** An instruction or word whose bits depend on a function's address. */
export interface Reference {
  readonly kind: "call" | "tail" | "word";
  readonly to: string;
}

export const call = (to: string): Reference => ({ kind: "call", to });
export const tail = (to: string): Reference => ({ kind: "tail", to });
export const word = (to: string): Reference => ({ kind: "word", to });

/** Half-words of common instructions. */
export const BX_LR = 0x4770;
export const PUSH_LR = 0xb500;
export const POP_PC = 0xbd00;
export const PUSH_R4_LR = 0xb510;
export const POP_R4_PC = 0xbd10;
export const LOOP = 0xe7fe;
/** blx r3 */
export const BLX_R3 = 0x4798;

export interface ThumbOptions {
  /** Names of the handlers behind the reset handler, from exception 2; undefined is an empty word. */
  readonly vectors?: readonly (string | undefined)[];
  readonly machine?: number;
  readonly withoutSymbols?: boolean;
}

/** An ELF file with a vector table and the functions behind it; the first is the reset handler. */
export function thumbProgram(functions: readonly ThumbFunction[], options: ThumbOptions = {}): Uint8Array {
  const { vectors = [] } = options;
  const tableBytes = (2 + vectors.length) * 4;
  const places = new Map<string, number>();
  let at = FLASH + tableBytes;
  for (const { name, code } of functions) {
    places.set(name, at);
    at += Math.ceil(bytesOf(code) / 4) * 4;
  }
  const bytes = new Uint8Array(at - FLASH);
  const view = new DataView(bytes.buffer);
  const address = (name: string) => places.get(name) ?? 0;
  view.setUint32(0, STACK_TOP, true);
  [functions[0]?.name, ...vectors].forEach((name, index) => {
    view.setUint32(4 + index * 4, name === undefined ? 0 : address(name) + 1, true);
  });
  for (const { name, code } of functions) writeCode(view, address(name), code, address);
  const symbols: BuiltSymbol[] = functions.map(({ name, code }) => {
    return { name, value: address(name) + 1, bytes: bytesOf(code), kind: 2 };
  });
  return buildElf({
    machine: options.machine ?? 40,
    entry: address(functions[0]?.name ?? "") + 1,
    sections: [{ name: ".text", flags: ALLOC | EXEC, low: FLASH, contents: bytes }],
    ...(options.withoutSymbols ? {} : { symbols }),
  });
}

function bytesOf(code: ThumbFunction["code"]): number {
  return code.reduce<number>((sum, part) => sum + (typeof part === "number" ? 2 : 4), 0);
}

function writeCode(
  view: DataView,
  start: number,
  code: ThumbFunction["code"],
  address: (name: string) => number,
): void {
  let at = start;
  for (const part of code) {
    if (typeof part === "number") {
      view.setUint16(at - FLASH, part, true);
      at += 2;
      continue;
    }
    if (part.kind === "word") view.setUint32(at - FLASH, address(part.to) + 1, true);
    else {
      const distance = address(part.to) - (at + 4);
      const high = (distance >> 12) & 0x3ff;
      const sign = distance < 0 ? 1 : 0;
      // Both J bits are 1 within 4 MiB forwards and backwards.
      view.setUint16(at - FLASH, 0xf000 | (sign << 10) | high, true);
      view.setUint16(at - FLASH + 2, (part.kind === "call" ? 0xf800 : 0xb800) | ((distance >> 1) & 0x7ff), true);
    }
    at += 4;
  }
}
