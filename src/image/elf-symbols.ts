import { HeapsoakError } from "../errors.ts";
import { zeroEnded } from "./elf-text.ts";

/** What a symbol names; `plain` are linker script symbols and assembler labels. */
export type SymbolKind = "plain" | "object" | "function" | "section" | "file" | "other";

export interface ElfSymbol {
  readonly name: string;
  /** Address (without the Thumb bit), or a plain number if `absolute`. */
  readonly value: number;
  /** 0 where the symbol has no size. */
  readonly bytes: number;
  readonly kind: SymbolKind;
  readonly global: boolean;
  /** Not an address in a section: a constant of the linker script. */
  readonly absolute: boolean;
  /** Index of the section it lies in; those above 0xff00 mean no section. */
  readonly section: number;
}

const ENTRY_BYTES = 16;
const SYMBOLS_MOST = 1_000_000;
const NAME_MOST = 4096;
/** Names may share their tails in the table; a file in which they add up to more than this is hostile. */
const NAME_BYTES_MOST = 128 * 1024 * 1024;
const KINDS: readonly SymbolKind[] = ["plain", "object", "function", "section", "file"];
const UNDEFINED_SECTION = 0;
const ABSOLUTE_SECTION = 0xfff1;
/** How many symbols before an address are looked at for one that covers it. */
const NESTING_MOST = 64;

/** The symbols of an ELF file, by name and by address. */
export class ElfSymbols implements Iterable<ElfSymbol> {
  readonly #all: readonly ElfSymbol[];
  #byName: Map<string, ElfSymbol> | undefined;
  #byAddress: ElfSymbol[] | undefined;

  /** Decodes the table `entries` (16 bytes each) with names in `names`. Throws `bad-elf`. */
  constructor(entries: Uint8Array, names: Uint8Array, options: { file: string; thumb: boolean }) {
    this.#all = decode(entries, names, options);
  }

  /** Number of defined symbols. */
  get length(): number {
    return this.#all.length;
  }

  [Symbol.iterator](): Iterator<ElfSymbol> {
    return this.#all[Symbol.iterator]();
  }

  /** The symbol called `name`, a global one before a local one. */
  named(name: string): ElfSymbol | undefined {
    if (!this.#byName) {
      this.#byName = new Map();
      for (const symbol of this.#all) {
        if (symbol.global || !this.#byName.has(symbol.name)) this.#byName.set(symbol.name, symbol);
      }
    }
    return this.#byName.get(name);
  }

  /** The function or object that covers `address`, else the nearest label without size before it. */
  at(address: number): { symbol: ElfSymbol; offset: number } | undefined {
    const sorted = this.#sorted();
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle]?.value ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= Math.max(0, low - NESTING_MOST); index--) {
      const symbol = sorted[index];
      if (symbol && (symbol.bytes === 0 || address - symbol.value < symbol.bytes))
        return { symbol, offset: address - symbol.value };
    }
    return undefined;
  }

  /** By address; at one address those without size first, so that a search from above meets the sized one. */
  #sorted(): ElfSymbol[] {
    this.#byAddress ??= this.#all
      .filter(
        (symbol) => !symbol.absolute && symbol.name !== "" && !symbol.name.startsWith("$") && isPlace(symbol.kind),
      )
      .sort((a, b) => a.value - b.value || a.bytes - b.bytes);
    return this.#byAddress;
  }
}

function isPlace(kind: SymbolKind): boolean {
  return kind === "function" || kind === "object" || kind === "plain";
}

function decode(entries: Uint8Array, names: Uint8Array, options: { file: string; thumb: boolean }): ElfSymbol[] {
  const count = Math.floor(entries.length / ENTRY_BYTES);
  const refuse = (message: string) => new HeapsoakError("bad-elf", `${options.file}: ${message}.`);
  if (count > SYMBOLS_MOST) throw refuse(`${count} symbols, expected at most ${SYMBOLS_MOST}`);
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const symbols: ElfSymbol[] = [];
  let nameBytes = 0;
  for (let index = 0; index < count; index++) {
    const at = index * ENTRY_BYTES;
    if (view.getUint16(at + 14, true) === UNDEFINED_SECTION) continue;
    const name = zeroEnded(names, view.getUint32(at, true), NAME_MOST);
    if (name === undefined)
      throw refuse(`the name of symbol ${index} is longer than ${NAME_MOST} bytes or lies outside the names`);
    nameBytes += name.length;
    if (nameBytes > NAME_BYTES_MOST) throw refuse("the names of the symbols add up to more than 128 MiB");
    symbols.push(symbolAt(view, at, name, options.thumb));
  }
  return symbols;
}

function symbolAt(view: DataView, at: number, name: string, thumb: boolean): ElfSymbol {
  const kindAndBinding = view.getUint8(at + 12);
  const kind = KINDS[kindAndBinding & 15] ?? "other";
  const value = view.getUint32(at + 4, true);
  const section = view.getUint16(at + 14, true);
  return {
    name,
    value: thumb && kind === "function" ? value - (value % 2) : value,
    bytes: view.getUint32(at + 8, true),
    kind,
    global: kindAndBinding >> 4 !== 0,
    absolute: section === ABSOLUTE_SECTION,
    section,
  };
}
