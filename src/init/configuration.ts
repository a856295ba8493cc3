/** The configuration files of a firmware, of whatever kind, behind one question: what is this option, and where. */

import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import { NoValue } from "./c-expression.ts";
import { type KconfigEntry, readKconfig } from "./kconfig.ts";
import { Header, type HeaderRemark } from "./preprocessor.ts";

export type ConfigKind = "header" | "kconfig";

/** An option with its value, and the place that says so. */
export interface Option<Value> {
  readonly value: Value;
  /** `configTOTAL_HEAP_SIZE, FreeRTOSConfig.h:12`. */
  readonly source: string;
}

interface ConfigFile {
  readonly name: string;
  readonly kind: ConfigKind;
  readonly header: Header | undefined;
  readonly entries: ReadonlyMap<string, KconfigEntry>;
}

export const CONFIG_BYTES_MOST = 4 * 1024 * 1024;
const SIZE_MOST = 2n ** 32n;

/** All configuration files together. Where two say different things, the later file counts and it is told. */
export class Configuration {
  readonly files: ConfigFile[] = [];
  readonly #remarks: string[] = [];
  readonly #told = new Set<string>();

  /** Adds a file, of the kind that its contents show. Throws `bad-config`. */
  add(bytes: Uint8Array, name: string): void {
    const text = textOf(bytes, name);
    const kind = kindOf(text, name);
    if (kind === "header") {
      const header = new Header(text, name);
      this.files.push({ name, kind, header, entries: new Map() });
      this.#keep(header.remarks, name);
      return;
    }
    const { entries, remarks } = readKconfig(text);
    this.files.push({ name, kind, header: undefined, entries });
    this.#keep(remarks, name);
  }

  /** What was not understood or contradicts itself, in the words of a report. */
  get remarks(): readonly string[] {
    return this.#remarks;
  }

  /** Whether any file says anything of the option. */
  has(name: string): boolean {
    return this.files.some(({ header, entries }) => entries.has(name) || header?.macros.has(name));
  }

  /** The option as a number; undefined where no file gives it one. That a file's value cannot be known is told. */
  number(name: string): Option<number> | undefined {
    return this.#last(name, (file) => this.#numberIn(file, name));
  }

  /** The option as a text. */
  text(name: string): Option<string> | undefined {
    return this.#last(name, ({ name: file, header, entries }) => {
      const entry = entries.get(name);
      if (entry) return { value: entry.text, source: `${name}, ${baseName(file)}:${entry.line}` };
      const macro = header?.macros.get(name);
      return macro && { value: macro.text, source: `${name}, ${baseName(file)}:${macro.line}` };
    });
  }

  /** Whether the option is switched on: `y`, or a number other than 0. Where, if so. */
  isOn(name: string): Option<true> | undefined {
    const text = this.text(name);
    if (!text || text.value === "n") return undefined;
    const on = text.value === "y" || (this.number(name)?.value ?? 0) !== 0;
    return on ? { value: true, source: text.source } : undefined;
  }

  /** Names of all options that match. */
  names(pattern: RegExp): string[] {
    const all = this.files.flatMap(({ header, entries }) => [...entries.keys(), ...(header?.macros.keys() ?? [])]);
    return [...new Set(all.filter((name) => pattern.test(name)))];
  }

  #last<Value>(name: string, read: (file: ConfigFile) => Option<Value> | undefined): Option<Value> | undefined {
    const found = this.files.flatMap((file) => read(file) ?? []);
    const last = found.at(-1);
    const other = found.find(({ value }) => value !== last?.value);
    if (last && other) {
      this.#tell(
        `${name}: ${String(other.value)} (${other.source}) and ${String(last.value)} (${last.source}); the last counts`,
      );
    }
    return last;
  }

  #numberIn({ name: file, header, entries }: ConfigFile, name: string): Option<number> | undefined {
    const entry = entries.get(name);
    if (entry) {
      if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(entry.text)) return undefined;
      const sign = entry.text.startsWith("-") ? -1 : 1;
      return { value: sign * Number(entry.text.replace("-", "")), source: `${name}, ${baseName(file)}:${entry.line}` };
    }
    const macro = header?.macros.get(name);
    if (!header || !macro || macro.text === "") return undefined;
    try {
      const value = header.valueOf(name);
      if (value > -SIZE_MOST && value < SIZE_MOST) {
        return { value: Number(value), source: `${name}, ${baseName(file)}:${macro.line}` };
      }
      this.#tell(`${baseName(file)}:${macro.line}: ${name} is ${value}, which no 32-bit device has`);
    } catch (error) {
      if (!(error instanceof NoValue)) throw error;
      this.#tell(`${baseName(file)}:${macro.line}: ${name} has no value that can be known: ${error.message}`);
    }
    return undefined;
  }

  #keep(remarks: readonly HeaderRemark[], file: string): void {
    for (const { line, text } of remarks) this.#tell(`${baseName(file)}:${line}: ${text}`);
  }

  #tell(remark: string): void {
    if (this.#told.has(remark)) return;
    this.#told.add(remark);
    this.#remarks.push(remark);
  }
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Said below.
  }
  throw new HeapsoakError("bad-config", `${name}: not a text in UTF-8.`, { hint: EXPECTED });
}

const EXPECTED = "--config takes FreeRTOSConfig.h, sdkconfig, Zephyr's build/zephyr/.config or prj.conf.";

/** Headers define macros; Kconfig assigns what begins with CONFIG_. */
function kindOf(text: string, name: string): ConfigKind {
  const defines = text.match(/^[ \t]*#[ \t]*define\b/gm)?.length ?? 0;
  const assignments = text.match(/^[ \t]*(?:CONFIG_\w+[ \t]*=|#[ \t]*CONFIG_\w+ is not set)/gm)?.length ?? 0;
  if (defines === 0 && assignments === 0) {
    throw new HeapsoakError("bad-config", `${name}: neither a C header with macros nor a Kconfig file.`, {
      hint: EXPECTED,
    });
  }
  return defines >= assignments ? "header" : "kconfig";
}
