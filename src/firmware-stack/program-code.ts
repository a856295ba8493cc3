/** The code of a program as its ELF file holds it: words, where functions begin, and what is data between them. */

import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import type { Elf } from "../image/elf.ts";
import type { ElfSymbol } from "../image/elf-symbols.ts";
import { formatAddress } from "../quantities.ts";
import { type Instruction, instruction } from "./instruction.ts";
import { decodeNarrow } from "./thumb-narrow.ts";
import { decodeWide, isWide } from "./thumb-wide.ts";

interface CodeRange {
  readonly low: number;
  readonly high: number;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly view: DataView;
}

export class ProgramCode {
  readonly #ranges: readonly CodeRange[];
  /** By the address where the function begins; the first of several names is the one shown. */
  readonly #functions: ReadonlyMap<number, ElfSymbol>;
  /** Names of source files of local symbols, as the file's own order of symbols says. */
  readonly #sourceFiles: ReadonlyMap<ElfSymbol, string>;
  readonly #mapped: readonly { low: number; isCode: boolean }[];
  readonly elf: Elf;

  /** Throws `bad-elf` for a file without symbols of functions. */
  constructor(elf: Elf) {
    this.elf = elf;
    this.#ranges = rangesOf(elf);
    this.#functions = functionsOf(elf);
    this.#sourceFiles = sourceFilesOf(elf);
    this.#mapped = mappingOf(elf);
    if (this.#functions.size === 0) {
      throw new HeapsoakError("bad-elf", `${elf.name}: it has no symbols of functions, so nothing can be named.`, {
        hint: "Take the file before it is stripped (the linker's -s, objcopy -S or strip remove the symbols).",
      });
    }
  }

  /** Bytes of what is executable. */
  get executableBytes(): number {
    return this.#ranges.reduce((sum, { low, high, executable }) => sum + (executable ? high - low : 0), 0);
  }

  /** The function that begins at the address. */
  functionAt(address: number): ElfSymbol | undefined {
    return this.#functions.get(address);
  }

  /** All functions, in the order of their addresses. */
  functions(): ElfSymbol[] {
    return [...this.#functions.values()].sort((a, b) => a.value - b.value);
  }

  /** Whether the target is a place in the middle of the function that holds the address. */
  isInsideSame(address: number, target: number): boolean {
    if (this.#functions.has(target)) return false;
    const here = this.elf.symbolAt(address);
    const there = this.elf.symbolAt(target);
    return here !== undefined && there?.symbol.value === here.symbol.value && this.isCode(target);
  }

  /** Base name of the source file of a local symbol, or undefined. */
  sourceFileOf(symbol: ElfSymbol): string | undefined {
    return this.#sourceFiles.get(symbol);
  }

  /** `function`, `function+0x12` or the bare address. */
  nameOf(address: number): string {
    const exact = this.#functions.get(address);
    if (exact) return exact.name;
    const found = this.elf.symbolAt(address);
    if (!found) return formatAddress(address);
    return found.offset === 0 ? found.symbol.name : `${found.symbol.name}+0x${found.offset.toString(16)}`;
  }

  /** Whether instructions may lie there: inside what is executable, and not marked as data. */
  isCode(address: number): boolean {
    if (!this.#rangeOf(address, 1)?.executable) return false;
    return this.#mapped[lastAtOrBefore(this.#mapped, address)]?.isCode ?? true;
  }

  /** The word there, if the program can never change it. */
  constantAt(address: number): number | undefined {
    const range = this.#rangeOf(address, 4);
    return range && !range.writable ? range.view.getUint32(address - range.low, true) : undefined;
  }

  /** An entry of a table of jumps. */
  entryAt(address: number, bytes: 1 | 2 | 4): number | undefined {
    const range = this.#rangeOf(address, bytes);
    if (!range) return undefined;
    const offset = address - range.low;
    if (bytes === 1) return range.view.getUint8(offset);
    return bytes === 2 ? range.view.getUint16(offset, true) : range.view.getUint32(offset, true);
  }

  /** The instruction there, or undefined where the file has none. */
  instructionAt(address: number): Instruction | undefined {
    const first = this.#half(address);
    if (first === undefined) return undefined;
    const literal = (at: number) => this.constantAt(at);
    if (!isWide(first)) return decodeNarrow(first, address, literal);
    const second = this.#half(address + 2);
    if (second === undefined) return instruction(4, { kind: "unknown", what: "half an instruction" });
    return decodeWide(first, second, address, literal);
  }

  #half(address: number): number | undefined {
    const range = this.#rangeOf(address, 2);
    return range?.view.getUint16(address - range.low, true);
  }

  #rangeOf(address: number, bytes: number): CodeRange | undefined {
    const range = this.#ranges[lastAtOrBefore(this.#ranges, address)];
    return range && address + bytes <= range.high ? range : undefined;
  }
}

function rangesOf(elf: Elf): CodeRange[] {
  return elf.sections
    .filter(({ allocated, contents }) => allocated && contents.length > 0)
    .map(({ low, contents, writable, executable }) => ({
      low,
      high: low + contents.length,
      writable,
      executable,
      view: new DataView(contents.buffer, contents.byteOffset, contents.byteLength),
    }))
    .sort((a, b) => a.low - b.low);
}

/** Functions by address. Of several names for one address, a global one is shown, then the first in the file. */
function functionsOf(elf: Elf): Map<number, ElfSymbol> {
  const found = new Map<number, ElfSymbol>();
  for (const symbol of elf.symbols) {
    if (symbol.kind !== "function" || symbol.absolute || symbol.name === "") continue;
    const before = found.get(symbol.value);
    if (!before || (symbol.global && !before.global)) found.set(symbol.value, symbol);
  }
  return found;
}

/** A linker writes the symbol of a file before the local symbols of that file. */
function sourceFilesOf(elf: Elf): Map<ElfSymbol, string> {
  const files = new Map<ElfSymbol, string>();
  let file: string | undefined;
  for (const symbol of elf.symbols) {
    if (symbol.kind === "file") file = baseName(symbol.name);
    else if (!symbol.global && file) files.set(symbol, file);
  }
  return files;
}

/** `$t` and `$d`: where code and where data begins (ELF for the Arm Architecture, 5.5.5); debug sections have theirs. */
function mappingOf(elf: Elf): { low: number; isCode: boolean }[] {
  const marks: { low: number; isCode: boolean }[] = [];
  for (const { name, value, section } of elf.symbols) {
    if (/^\$[tda](\..*)?$/.test(name) && elf.sections[section]?.allocated)
      marks.push({ low: value, isCode: name[1] !== "d" });
  }
  return marks.sort((a, b) => a.low - b.low);
}

function lastAtOrBefore(sorted: readonly { low: number }[], address: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.low ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The unlikely half of a function, which GCC moves elsewhere: it works in the same frame. */
export function isPartOf(name: string): boolean {
  return /\.cold(\.\d+)?$/.test(name);
}
