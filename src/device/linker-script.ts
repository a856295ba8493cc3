import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import { ADDRESS_SPACE_BYTES } from "../quantities.ts";
import { parseCore } from "./cores.ts";
import type { Bank, BankKind, Core, DeviceDescription } from "./description.ts";
import { ScriptReader, type ScriptToken } from "./linker-expression.ts";
import { deviceIssues } from "./validation.ts";

/** A region of a MEMORY block. */
export interface LinkerRegion {
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
  /** The attributes as written, without parentheses: `rwx`. Empty if there are none. */
  readonly attributes: string;
  readonly line: number;
}

/** What the script says of the memory, and of the architecture it is for. */
export interface LinkerScript {
  readonly regions: readonly LinkerRegion[];
  /** OUTPUT_ARCH or OUTPUT_FORMAT, if the script has them. */
  readonly architecture: string | undefined;
}

/** Scripts are short; a larger text is not one. */
const SCRIPT_BYTES_MOST = 1024 * 1024;
const REGIONS_MOST = 64;

/**
 * Reads the MEMORY blocks of a GNU linker script: numbers with K and M, ORIGIN() and LENGTH() of regions above,
 * constants the script sets, + - * / % << >> & | ^ ~ and parentheses. Throws `bad-linker-script`.
 */
export function parseLinkerScript(text: string, file: string): LinkerScript {
  if (text.length > SCRIPT_BYTES_MOST) {
    const got = `${text.length} characters, expected at most ${SCRIPT_BYTES_MOST}`;
    throw new HeapsoakError("bad-linker-script", `${file}: ${got}.`);
  }
  return new ScriptParser(text, file).parse();
}

class ScriptParser {
  readonly #reader: ScriptReader;
  readonly #regions = new Map<string, LinkerRegion>();
  readonly #symbols = new Map<string, number>();
  readonly #file: string;
  #architecture: string | undefined;
  #include: ScriptToken | undefined;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#reader = new ScriptReader(text, file);
  }

  parse(): LinkerScript {
    let blocks = 0;
    while (this.#reader.next.kind !== "end") {
      const token = this.#reader.take();
      if (token.kind !== "name") continue;
      if (token.text === "MEMORY" && this.#reader.accept("{")) blocks += this.#memoryBlock();
      else if (token.text === "INCLUDE") this.#include ??= token;
      else if (/^OUTPUT_(ARCH|FORMAT)$/.test(token.text)) this.#readArchitecture();
      else if (this.#reader.next.text === "=") this.#assignment(token);
    }
    if (this.#regions.size === 0) throw this.#noMemory(blocks);
    return { regions: [...this.#regions.values()], architecture: this.#architecture };
  }

  #memoryBlock(): number {
    while (!this.#reader.accept("}")) {
      const token = this.#reader.next;
      if (token.kind === "end") throw this.#reader.error("the MEMORY block does not end");
      if (token.text === "INCLUDE") throw this.#includeError(token);
      if (token.text === "#")
        throw this.#reader.error("the script is not preprocessed yet", token, "Run it through cpp -P first.");
      if (token.text === ";") this.#reader.take();
      else this.#region();
    }
    return 1;
  }

  /** `RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 128K` */
  #region(): void {
    const name = this.#reader.take();
    if (name.kind !== "name" && name.kind !== "text")
      throw this.#reader.error(`got "${name.text}", expected the name of a region`, name);
    if (this.#regions.has(name.text)) throw this.#reader.error(`the region ${name.text} is there twice`, name);
    if (this.#regions.size >= REGIONS_MOST) throw this.#reader.error(`more than ${REGIONS_MOST} regions`, name);
    const attributes = this.#attributes();
    this.#reader.expect(":");
    const low = this.#field(/^(ORIGIN|org|o)$/i, "ORIGIN");
    this.#reader.accept(",");
    const bytes = this.#field(/^(LENGTH|len|l)$/i, "LENGTH");
    if (low < 0 || low >= ADDRESS_SPACE_BYTES)
      throw this.#reader.error(`the origin of ${name.text} is not a 32-bit address: ${low}`, name);
    if (bytes <= 0) throw this.#reader.error(`the region ${name.text} has no bytes: LENGTH = ${bytes}`, name);
    this.#regions.set(name.text, { name: name.text, low, bytes, attributes, line: name.line });
  }

  #attributes(): string {
    if (!this.#reader.accept("(")) return "";
    let attributes = "";
    while (!this.#reader.accept(")")) {
      const token = this.#reader.take();
      if (!/^([rwxaildRWXAILD]+|!)$/.test(token.text))
        throw this.#reader.error(`got "${token.text}", expected attributes such as (rwx)`, token);
      attributes += token.text;
    }
    return attributes.toLowerCase();
  }

  #field(spelling: RegExp, name: string): number {
    const token = this.#reader.take();
    if (!spelling.test(token.text)) throw this.#reader.error(`got "${token.text}", expected ${name}`, token);
    this.#reader.expect("=");
    return this.#evaluate();
  }

  #evaluate(): number {
    return this.#reader.expression({
      region: (of, name) => (of === "ORIGIN" ? this.#regions.get(name)?.low : this.#regions.get(name)?.bytes),
      symbol: (name) => this.#symbols.get(name),
    });
  }

  /** `_flash_size = 512K;` is remembered; anything that is not a constant is somebody else's business. */
  #assignment(name: ScriptToken): void {
    this.#reader.expect("=");
    try {
      const value = this.#evaluate();
      if (this.#reader.next.text === ";") this.#symbols.set(name.text, value);
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
    }
  }

  #readArchitecture(): void {
    if (!this.#reader.accept("(")) return;
    this.#architecture ??= this.#reader.next.text;
  }

  #includeError(token: ScriptToken): HeapsoakError {
    const hint =
      "Put the included file's text in its place in a copy of the script, or give the linker's map as a device file.";
    return this.#reader.error("INCLUDE is not supported: heapsoak reads one file", token, hint);
  }

  #noMemory(blocks: number): HeapsoakError {
    if (this.#include) return this.#includeError(this.#include);
    const got = blocks > 0 ? "its MEMORY block is empty" : "it has no MEMORY block";
    return new HeapsoakError(
      "bad-linker-script",
      `${this.#file}: ${got}, expected regions such as "RAM (rwx) : ORIGIN = …".`,
    );
  }
}

/** Zephyr's first pass places the interrupt table's source in a region that is no memory of the device. */
const NO_MEMORY = /^IDT_LIST$/;
const AVR_DATA = 0x800000;
const AVR_EEPROM = 0x810000;

/**
 * The device whose banks are the script's regions. Core and clock come from `base`, else from OUTPUT_ARCH, else
 * Armv7E-M is assumed and the notes say so. Throws `bad-linker-script`.
 */
export function deviceFromLinkerScript(text: string, file: string, base?: DeviceDescription): DeviceDescription {
  const script = parseLinkerScript(text, file);
  const found = coreOf(script);
  const core = base ?? found ?? { core: "armv7e-m" as Core, coreName: "Armv7E-M (assumed)" };
  const regions = script.regions.filter((region) => !NO_MEMORY.test(region.name));
  const banks = regions.flatMap((region) => bankOf(region, core.core, base));
  const main = mainRegion(banks);
  if (!main)
    throw new HeapsoakError("bad-linker-script", `${file}: no region of the MEMORY block is RAM.`, {
      hint: "Mark it (rwx).",
    });
  const notes = [`Banks are the regions of ${file}.`];
  if (!base && !found)
    notes.push(
      "The script does not name the core: Armv7E-M is assumed. Give a device as well (ID+SCRIPT) to say which.",
    );
  const id = base?.id ?? stem(file);
  const device: DeviceDescription = {
    id,
    name: base ? `${base.name} as linked by ${stem(file)}` : id,
    core: core.core,
    coreName: core.coreName,
    ...(base?.clockHz ? { clockHz: base.clockHz } : {}),
    ...(base?.cores ? { cores: base.cores } : {}),
    ...(base?.unalignedFaults !== undefined ? { unalignedFaults: base.unalignedFaults } : {}),
    banks,
    mainBank: main.name,
    source: file,
    notes,
  };
  refuseIssues(device, regions, file);
  return device;
}

function refuseIssues(device: DeviceDescription, regions: readonly LinkerRegion[], file: string): void {
  const issues = deviceIssues(device);
  if (issues.length === 0) return;
  const lines = issues.map((issue) => {
    const name = issue.bank === undefined ? undefined : device.banks[issue.bank]?.name;
    const line = regions.find((region) => region.name === name)?.line ?? 1;
    return `${file}:${line}:1: ${issue.message}`;
  });
  throw new HeapsoakError("bad-linker-script", lines.join("\n"));
}

/** AVR's linker gives data the addresses from 0x80_0000 and EEPROM those from 0x81_0000; code has its own space. */
function bankOf(region: LinkerRegion, core: Core, base: DeviceDescription | undefined): Bank[] {
  const kind = kindOf(region);
  if (core === "avr") {
    const isData = region.low >= AVR_DATA && region.low < AVR_EEPROM;
    if (!isData || kind !== "ram") return [];
    return [{ name: region.name, low: region.low - AVR_DATA, bytes: region.bytes, kind }];
  }
  const stores = base?.banks.find((bank) => bank.kind === "flash" && !bank.aliasOf)?.stores ?? "fault";
  return [{ name: region.name, low: region.low, bytes: region.bytes, kind, ...(kind === "ram" ? {} : { stores }) }];
}

/** Attributes decide; without them, names that linker scripts use for code do. */
function kindOf(region: LinkerRegion): BankKind {
  const wanted = region.attributes.split("!")[0] ?? "";
  if (wanted.includes("w")) return "ram";
  if (/\b(rom)\b/i.test(region.name)) return "rom";
  if (wanted !== "") return /ram/i.test(region.name) && !/flash|rom/i.test(region.name) ? "ram" : "flash";
  return /flash|code|text|xip|boot|vect|rom|fuse|lock|signature/i.test(region.name) ? "flash" : "ram";
}

/** The region linkers call RAM, else the largest. */
function mainRegion(banks: readonly Bank[]): Bank | undefined {
  const ram = banks.filter((bank) => bank.kind === "ram");
  const named = ram.find((bank) => /^(s?ram|data|dram|m_data|dram0_0_seg|ram_d1)$/i.test(bank.name));
  return named ?? [...ram].sort((a, b) => b.bytes - a.bytes)[0];
}

function coreOf(script: LinkerScript): { core: Core; coreName: string } | undefined {
  const named = script.architecture?.toLowerCase() ?? "";
  if (named.includes("riscv")) return parseCore("riscv");
  if (named.includes("xtensa")) return parseCore("xtensa");
  return named.startsWith("avr") || named.includes("elf32-avr") ? parseCore("avr") : undefined;
}

function stem(file: string): string {
  return baseName(file).replace(/\.[^.]*$/, "");
}
