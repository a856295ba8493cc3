/**
 * Reads the map that GNU ld writes with -Map: memory regions, output sections and symbols.
 *
 *   Memory Configuration
 *   Name             Origin             Length             Attributes
 *   RAM              0x20000000         0x00005000         xrw
 *
 *   Linker script and memory map
 *   .bss            0x20000000     0x1c40            an output section, at the line's start
 *    .bss.ucHeap    0x20000028     0x1800 heap.o     an input section, of one object with -fdata-sections
 *                   0x20000028                pxEnd  a global symbol
 *                   0x20002040                _estack = .
 */
import { HeapsoakError } from "../errors.ts";
import { ElfMachine } from "../image/elf.ts";
import type { ElfSymbol } from "../image/elf-symbols.ts";

export interface MapRegion {
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
  readonly attributes: string;
}

export interface MapSection {
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
}

export interface LinkMap {
  readonly regions: readonly MapRegion[];
  readonly sections: readonly MapSection[];
  readonly symbols: readonly ElfSymbol[];
  /** ELF's number, where the map names the output's format. */
  readonly machine: number | undefined;
}

const MACHINES: Readonly<Record<string, number>> = {
  "elf32-littlearm": ElfMachine.Arm,
  "elf32-avr": ElfMachine.Avr,
  "elf32-littleriscv": ElfMachine.RiscV,
  "elf32-xtensa-le": ElfMachine.Xtensa,
};
const ADDRESS = "0x([0-9a-fA-F]{1,16})";
const REGION = new RegExp(`^([A-Za-z_.$][\\w.$-]*)\\s+${ADDRESS}\\s+${ADDRESS}(?:\\s+(\\S+))?\\s*$`);
const SECTION = new RegExp(`^( ?)([A-Za-z_.][\\w.$@-]*)(?:\\s+${ADDRESS}\\s+${ADDRESS}(?:\\s.*)?)?$`);
const SIZE = new RegExp(`^\\s+${ADDRESS}\\s+${ADDRESS}(?:\\s.*)?$`);
const SYMBOL = new RegExp(
  `^\\s+${ADDRESS}\\s+(?:PROVIDE \\(|HIDDEN \\(|PROVIDE_HIDDEN \\()?([A-Za-z_.$][\\w.$]*)(?:\\s*(=|,|\\)).*)?$`,
);
const OUTPUT = /^OUTPUT\(.* ([\w-]+)\)/;
const NOT_LOADED =
  /^\.?(debug|comment|ARM\.attributes|riscv\.attributes|xt\.|xtensa\.info|stab|note\.gnu\.gold|line|symtab|strtab|shstrtab|gnu\.(lto|attributes)|iplt|rel|stack_sizes)/;
/** `.bss.name` of -fdata-sections: what it is and its name. */
const OBJECT = /^\.(text|bss|sbss|data|sdata|noinit|rodata|dram\d?|iram\d?)\.(.+)$/;
const LINE_MOST = 4096;
const SYMBOLS_MOST = 500_000;

/** Whether the text looks like a map. */
export function isLinkMap(text: string): boolean {
  return /^Memory Configuration\s*$/m.test(text) && /^Linker script and memory map\s*$/m.test(text);
}

/** The map in the text. Throws `bad-map`. */
export function readLinkMap(text: string, file: string): LinkMap {
  if (!isLinkMap(text)) {
    throw new HeapsoakError(
      "bad-map",
      `${file}: not a map of GNU ld, which has "Memory Configuration" and "Linker script and memory map".`,
      {
        hint: "Link with -Wl,-Map=FILE. Maps of armlink, IAR and lld are laid out otherwise.",
      },
    );
  }
  const reader = new MapReader();
  for (const line of text.split(/\r?\n/)) reader.read(line.slice(0, LINE_MOST));
  if (reader.sections.length === 0) {
    throw new HeapsoakError("bad-map", `${file}: the map has no output sections.`, { hint: "It may be cut off." });
  }
  return reader;
}

class MapReader implements LinkMap {
  readonly regions: MapRegion[] = [];
  readonly sections: MapSection[] = [];
  readonly symbols: ElfSymbol[] = [];
  machine: number | undefined;
  #part: "before" | "regions" | "map" = "before";
  /** A name whose address and size stand in the next line. */
  #pending: { isOutput: boolean; name: string } | undefined;
  readonly #seen = new Set<string>();

  read(line: string): void {
    if (line.startsWith("Memory Configuration")) this.#part = "regions";
    else if (line.startsWith("Linker script and memory map")) this.#part = "map";
    else if (this.#part === "regions") this.#region(line);
    else if (this.#part === "map") this.#mapLine(line);
  }

  #region(line: string): void {
    const [, name, low, bytes, attributes = ""] = REGION.exec(line) ?? [];
    if (name === undefined || name === "*default*" || low === undefined || bytes === undefined) return;
    this.regions.push({ name, low: Number.parseInt(low, 16), bytes: Number.parseInt(bytes, 16), attributes });
  }

  #mapLine(line: string): void {
    const format = OUTPUT.exec(line)?.[1];
    if (format !== undefined) this.machine = MACHINES[format];
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) {
      const [, low, bytes] = SIZE.exec(line) ?? [];
      if (low !== undefined && bytes !== undefined) {
        this.#section(pending, low, bytes);
        return;
      }
    }
    const [, indent, name, low, bytes] = SECTION.exec(line) ?? [];
    if (name !== undefined) {
      const section = { isOutput: indent === "", name };
      if (low !== undefined && bytes !== undefined) this.#section(section, low, bytes);
      else if (!/^(LOAD|START|END|OUTPUT|TARGET)\b/.test(name)) this.#pending = section;
      return;
    }
    this.#symbol(line);
  }

  #section({ isOutput, name }: { isOutput: boolean; name: string }, lowText: string, bytesText: string): void {
    const low = Number.parseInt(lowText, 16);
    const bytes = Number.parseInt(bytesText, 16);
    if (bytes === 0 || NOT_LOADED.test(name)) return;
    if (isOutput) {
      this.sections.push({ name, low, bytes });
      return;
    }
    const [, kind, object] = OBJECT.exec(name) ?? [];
    if (object !== undefined)
      this.#add(object, low, bytes, kind === "text" || kind?.startsWith("iram") ? "function" : "object");
  }

  #symbol(line: string): void {
    const [, value, name, assignment] = SYMBOL.exec(line) ?? [];
    if (value === undefined || name === undefined || name === ".") return;
    this.#add(name, Number.parseInt(value, 16), 0, assignment === undefined ? "object" : "plain");
  }

  /** The first mention counts: an input section comes before the global symbol in it, and has the size. */
  #add(name: string, value: number, bytes: number, kind: "function" | "object" | "plain"): void {
    if (this.#seen.has(name) || this.symbols.length >= SYMBOLS_MOST || value >= 2 ** 32) return;
    this.#seen.add(name);
    this.symbols.push({ name, value, bytes, kind, global: true, absolute: false, section: 1 });
  }
}
