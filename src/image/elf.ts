/**
 * Reads 32-bit little-endian ELF files: headers, segments, sections and symbols.
 *
 *   ┌──────────────┐ 0
 *   │ file header  │ 52 bytes: where the two tables are, how many entries they have
 *   ├──────────────┤ programOffset
 *   │ segments     │ 32 bytes each: what is loaded where
 *   ├──────────────┤
 *   │ contents     │
 *   ├──────────────┤ sectionOffset
 *   │ sections     │ 40 bytes each: names and symbols are sections too
 *   └──────────────┘
 *
 * The file is not trusted: every offset, count and size is checked against the file before it is used, contents
 * are views of the file (nothing is allocated by a size that the file states), and names have a bounded length.
 */
import { HeapsoakError } from "../errors.ts";
import { ADDRESS_SPACE_BYTES } from "../quantities.ts";
import { type ElfSymbol, ElfSymbols } from "./elf-symbols.ts";
import { zeroEnded } from "./elf-text.ts";

export type ElfKind = "relocatable" | "executable" | "shared" | "core" | "other";

/** `machine` numbers heapsoak knows. */
export const ElfMachine = { Arm: 40, Avr: 83, Xtensa: 94, RiscV: 243 } as const;

const MACHINE_NAMES: ReadonlyMap<number, string> = new Map([
  [3, "Intel 386"],
  [8, "MIPS"],
  [20, "PowerPC"],
  [ElfMachine.Arm, "Arm"],
  [42, "SuperH"],
  [62, "x86-64"],
  [ElfMachine.Avr, "AVR"],
  [ElfMachine.Xtensa, "Xtensa"],
  [105, "MSP430"],
  [183, "AArch64"],
  [ElfMachine.RiscV, "RISC-V"],
]);

/** A part of the memory image (program header). */
export interface ElfSegment {
  /** True for PT_LOAD: contents that are in memory. */
  readonly loads: boolean;
  /** Address where it lies when the program runs (p_vaddr). */
  readonly low: number;
  /** Address it is loaded to, such as flash for `.data` (p_paddr). */
  readonly loadAddress: number;
  /** Bytes it has in memory; those beyond `contents` are zero. */
  readonly bytes: number;
  /** What the file holds of it: a view, not a copy. */
  readonly contents: Uint8Array;
  readonly writable: boolean;
  readonly executable: boolean;
}

/** A section (section header). */
export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly low: number;
  readonly bytes: number;
  /** Occupies memory when the program runs. */
  readonly allocated: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** What the file holds of it; empty for .bss and its like. */
  readonly contents: Uint8Array;
}

export interface ElfHeader {
  readonly kind: ElfKind;
  readonly machine: number;
  readonly entry: number;
  readonly flags: number;
}

const HEADER_BYTES = 52;
const SEGMENT_BYTES = 32;
const SECTION_BYTES = 40;
const TABLE_ENTRIES_MOST = 65_536;
const SECTION_NAME_MOST = 256;
const KINDS: readonly ElfKind[] = ["other", "relocatable", "executable", "shared", "core"];

enum SectionType {
  SymbolTable = 2,
  NoBits = 8,
}
enum SectionFlag {
  Write = 1,
  Allocate = 2,
  Execute = 4,
}
enum SegmentFlag {
  Execute = 1,
  Write = 2,
}
const LOADED_SEGMENT = 1;

/** Whether the bytes begin as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** A machine's name for people. */
export function machineName(machine: number): string {
  return MACHINE_NAMES.get(machine) ?? `machine ${machine}`;
}

/**
 * Reads an ELF file; symbols are read when first asked for. `name` is the file's, for messages.
 * Throws `bad-elf` for anything that is not a sound 32-bit little-endian ELF file.
 */
export function readElf(bytes: Uint8Array, name = "ELF file"): Elf {
  return new Elf(bytes, name);
}

export class Elf {
  readonly name: string;
  readonly header: ElfHeader;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  readonly #file: ElfFile;
  readonly #symbolTable: SectionHeader | undefined;
  #symbols: ElfSymbols | undefined;

  /** Use `readElf`. */
  constructor(bytes: Uint8Array, name: string) {
    this.name = name;
    this.#file = new ElfFile(bytes, name);
    this.header = readHeader(this.#file);
    this.segments = readSegments(this.#file);
    const headers = readSectionHeaders(this.#file);
    this.sections = nameSections(this.#file, headers);
    this.#symbolTable = headers.find((header) => header.type === SectionType.SymbolTable);
    if (this.#symbolTable) this.#file.slice(this.#symbolTable.offset, this.#symbolTable.bytes, "the symbol table");
  }

  get kind(): ElfKind {
    return this.header.kind;
  }
  get machine(): number {
    return this.header.machine;
  }
  get entry(): number {
    return this.header.entry;
  }

  /** The symbols, decoded at the first call. Throws `bad-elf` where the tables are not sound. */
  get symbols(): ElfSymbols {
    this.#symbols ??= this.#readSymbols();
    return this.#symbols;
  }

  /** The section called `name`, or undefined. */
  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** The function or object at `address`, and how far into it. Throws `bad-elf` where the tables are not sound. */
  symbolAt(address: number): { symbol: ElfSymbol; offset: number } | undefined {
    return this.symbols.at(address);
  }

  #readSymbols(): ElfSymbols {
    const table = this.#symbolTable;
    const isArm = this.machine === ElfMachine.Arm;
    if (!table) return new ElfSymbols(new Uint8Array(), new Uint8Array(), { file: this.name, thumb: isArm });
    const strings = readSectionHeaders(this.#file)[table.link];
    if (!strings) throw this.#file.error(`the symbol table's names are in section ${table.link}, which is not there`);
    const names = this.#file.slice(strings.offset, strings.bytes, "the symbols' names");
    const entries = this.#file.slice(table.offset, table.bytes, "the symbol table");
    return new ElfSymbols(entries, names, { file: this.name, thumb: isArm });
  }
}

/** The file's bytes with checked access. */
class ElfFile {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes;
    this.#name = name;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  half(offset: number): number {
    return this.#view.getUint16(offset, true);
  }
  word(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** A view of `bytes` bytes from `offset`; throws when the file does not have them. */
  slice(offset: number, bytes: number, what: string): Uint8Array {
    if (offset + bytes > this.bytes.length) {
      const missing = `${what} lies at ${offset}–${offset + bytes}, but the file has ${this.bytes.length} bytes`;
      throw this.error(missing, "It is truncated or damaged.");
    }
    return this.bytes.subarray(offset, offset + bytes);
  }

  error(message: string, hint?: string): HeapsoakError {
    return new HeapsoakError("bad-elf", `${this.#name}: ${message}.`, hint ? { hint } : {});
  }
}

function readHeader(file: ElfFile): ElfHeader {
  const { bytes } = file;
  if (!isElf(bytes)) throw file.error("not an ELF file: it does not begin with 7F 45 4C 46");
  if (bytes.length < HEADER_BYTES) throw file.error(`${bytes.length} bytes are too few for an ELF file`);
  if (bytes[4] !== 1)
    throw file.error(
      bytes[4] === 2 ? "a 64-bit ELF file, expected 32-bit" : `ELF class ${bytes[4]}, expected 1 (32-bit)`,
    );
  if (bytes[5] !== 1)
    throw file.error(
      bytes[5] === 2
        ? "a big-endian ELF file, expected little-endian"
        : `ELF data encoding ${bytes[5]}, expected 1 (little-endian)`,
    );
  return { kind: KINDS[file.half(16)] ?? "other", machine: file.half(18), entry: file.word(24), flags: file.word(36) };
}

/** Where a table lies, after its entry size and extent have been checked. */
function table(file: ElfFile, offset: number, entryBytes: number, count: number, size: number, what: string): number[] {
  if (count === 0) return [];
  if (entryBytes !== size) throw file.error(`entries of ${what} have ${entryBytes} bytes, expected ${size}`);
  if (count > TABLE_ENTRIES_MOST)
    throw file.error(`${count} entries in ${what}, expected at most ${TABLE_ENTRIES_MOST}`);
  file.slice(offset, count * size, what);
  return Array.from({ length: count }, (_, index) => offset + index * size);
}

function readSegments(file: ElfFile): ElfSegment[] {
  const offsets = table(file, file.word(28), file.half(42), file.half(44), SEGMENT_BYTES, "the segment table");
  return offsets.map((at, index) => readSegment(file, at, `segment ${index}`));
}

function readSegment(file: ElfFile, at: number, what: string): ElfSegment {
  const loads = file.word(at) === LOADED_SEGMENT;
  const fileBytes = file.word(at + 16);
  const low = file.word(at + 8);
  const bytes = file.word(at + 20);
  const flags = file.word(at + 24);
  const contents = file.slice(file.word(at + 4), fileBytes, what);
  if (loads && fileBytes > bytes)
    throw file.error(`${what} has ${fileBytes} bytes in the file, but ${bytes} in memory`);
  if (loads && low + bytes > ADDRESS_SPACE_BYTES) throw file.error(`${what} reaches past the end of the address space`);
  return {
    loads,
    low,
    loadAddress: file.word(at + 12),
    bytes,
    contents,
    writable: (flags & SegmentFlag.Write) !== 0,
    executable: (flags & SegmentFlag.Execute) !== 0,
  };
}

interface SectionHeader {
  readonly nameOffset: number;
  readonly type: number;
  readonly flags: number;
  readonly low: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
}

function readSectionHeaders(file: ElfFile): SectionHeader[] {
  const offset = file.word(32);
  if (offset === 0) return [];
  // More sections than the header's 16 bits can count: the first section's size is their number.
  const count = file.half(48) || (offset + SECTION_BYTES <= file.bytes.length ? file.word(offset + 20) : 0);
  return table(file, offset, file.half(46), count, SECTION_BYTES, "the section table").map((at) => ({
    nameOffset: file.word(at),
    type: file.word(at + 4),
    flags: file.word(at + 8),
    low: file.word(at + 12),
    offset: file.word(at + 16),
    bytes: file.word(at + 20),
    link: file.word(at + 24),
  }));
}

function nameSections(file: ElfFile, headers: readonly SectionHeader[]): ElfSection[] {
  const strings = headers[file.half(50)];
  const names =
    strings && strings.type !== SectionType.NoBits
      ? file.slice(strings.offset, strings.bytes, "the sections' names")
      : new Uint8Array();
  return headers.map((header, index) => {
    const allocated = (header.flags & SectionFlag.Allocate) !== 0;
    const name = zeroEnded(names, header.nameOffset, SECTION_NAME_MOST);
    if (name === undefined) throw file.error(`the name of section ${index} does not end, or lies outside the names`);
    if (allocated && header.low + header.bytes > ADDRESS_SPACE_BYTES)
      throw file.error(`section ${name} reaches past the end of the address space`);
    const inFile = header.type !== SectionType.NoBits && header.type !== 0;
    return {
      name,
      type: header.type,
      low: header.low,
      bytes: header.bytes,
      allocated,
      writable: (header.flags & SectionFlag.Write) !== 0,
      executable: (header.flags & SectionFlag.Execute) !== 0,
      contents: inFile ? file.slice(header.offset, header.bytes, `section ${name || index}`) : new Uint8Array(),
    };
  });
}
