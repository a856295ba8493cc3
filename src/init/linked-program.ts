/** A linked program as its ELF file, its linker's map, or both show it. */

import { deviceAddress, type LinkedImage } from "../device/elf-memory.ts";
import { baseName } from "../files.ts";
import { type Elf, ElfMachine } from "../image/elf.ts";
import type { ElfSymbol } from "../image/elf-symbols.ts";
import type { LinkMap, MapSection } from "./map-file.ts";

/** An object in RAM or flash: where it lies on the device. */
export interface PlacedObject {
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
}

/** Names that compilers make out of one: `ucHeap.0`, `median.constprop.0`. */
const SUFFIX = /\.(\d|constprop|isra|part|lto_priv|cold).*$/s;
/** Longer names are none that are looked for. */
const NAME_MOST = 256;

export class LinkedProgram implements LinkedImage {
  /** Of the file, for sources. */
  readonly name: string;
  readonly machine: number;
  readonly sections: LinkedImage["sections"];
  readonly segments: LinkedImage["segments"];
  readonly symbols: { named(name: string): ElfSymbol | undefined };
  readonly elf: Elf | undefined;
  readonly map: LinkMap | undefined;
  readonly #all: readonly ElfSymbol[];
  readonly #names: ReadonlySet<string>;

  constructor(name: string, parts: { elf?: Elf | undefined; map?: LinkMap | undefined }) {
    const { elf, map } = parts;
    this.name = baseName(name);
    this.elf = elf;
    this.map = map;
    this.machine = elf?.machine ?? map?.machine ?? ElfMachine.Arm;
    this.sections = elf?.sections ?? (map ? map.sections.map((section) => loaded(section, map)) : []);
    this.segments = elf?.segments ?? [];
    // A stripped ELF has none, and the map then tells.
    const fromElf = elf ? [...elf.symbols] : [];
    this.#all = fromElf.length > 0 ? fromElf : (map?.symbols ?? []);
    this.#names = new Set(this.#all.map((symbol) => plainName(symbol.name)));
    const byName = new Map(this.#all.map((symbol) => [symbol.name, symbol]));
    this.symbols = fromElf.length > 0 && elf ? elf.symbols : { named: (wanted) => byName.get(wanted) };
  }

  get hasSymbols(): boolean {
    return this.#all.length > 0;
  }

  /** Whether there is a symbol of that name, whatever the compiler has added to it. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The first symbol name that matches. */
  match(pattern: RegExp): string | undefined {
    return this.#all.find(({ name }) => name.length <= NAME_MOST && pattern.test(name))?.name;
  }

  /** Objects with a size whose names, without what the compiler added, match; in the order of their addresses. */
  objects(pattern: RegExp): PlacedObject[] {
    return this.#all
      .flatMap((symbol) => {
        const name = plainName(symbol.name);
        if (symbol.kind !== "object" || symbol.bytes === 0 || name.length > NAME_MOST || !pattern.test(name)) return [];
        const low = deviceAddress(this, symbol.value);
        return low === undefined ? [] : [{ name, low, bytes: symbol.bytes }];
      })
      .sort((a, b) => a.low - b.low);
  }

  /** The word at an address, from what the file holds of the program. */
  word(address: number): number | undefined {
    const found = this.#contents(address, 4);
    return found && new DataView(found.buffer, found.byteOffset, 4).getUint32(0, true);
  }

  /** The text that ends in a zero byte; undefined where there is none of printable characters. */
  text(address: number): string | undefined {
    let text = "";
    for (let at = address; text.length <= 64; at++) {
      const [byte] = this.#contents(at, 1) ?? [];
      if (byte === undefined) return undefined;
      if (byte === 0) return text === "" ? undefined : text;
      if (byte < 0x20 || byte > 0x7e) return undefined;
      text += String.fromCharCode(byte);
    }
    return undefined;
  }

  #contents(address: number, bytes: number): Uint8Array | undefined {
    const section = this.elf?.sections.find(
      ({ allocated, low, contents }) => allocated && address >= low && address + bytes <= low + contents.length,
    );
    return section?.contents.subarray(address - section.low, address - section.low + bytes);
  }
}

/** A symbol's name without what the compiler has added. */
export function plainName(name: string): string {
  return name.length > NAME_MOST ? name : name.replace(SUFFIX, "");
}

/** A section of the map: in memory, and data where it lies in a region that can be written. */
function loaded({ name, low, bytes }: MapSection, map: LinkMap): LinkedImage["sections"][number] {
  const region = map.regions.find((candidate) => low >= candidate.low && low < candidate.low + candidate.bytes);
  const writable = region
    ? /w/i.test(region.attributes) || (region.attributes === "" && /ram/i.test(region.name))
    : true;
  return { name, low, bytes, allocated: region !== undefined || map.regions.length === 0, writable };
}
