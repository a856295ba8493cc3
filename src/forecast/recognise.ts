import { closest, HeapsoakError } from "../errors.ts";
import { csvReader, type NamedColumns, refuseMissingColumn } from "./csv-format.ts";
import { JsonReader } from "./json-format.ts";
import { logFormats } from "./log-formats.ts";
import { type LogReader, logReaders } from "./log-reader.ts";
import { blankSample, clearSample, LineKind, type LineReader } from "./sample.ts";

/** Formats that `--format` takes. `heaptop` is the JSON Lines of that tool. */
export const FORMATS: readonly string[] = ["csv", "json-lines", "heaptop", ...logFormats().map(({ name }) => name)];
/** A table may have so many lines above its header. */
const HEADER_LINES = 30;
const SNIFF_LINES = 2000;

/** Finds out what a file is, by its first lines. */
export class Recogniser {
  readonly #named: NamedColumns;
  readonly #format: string | undefined;
  #logs: LogReader[];

  /** Throws `bad-argument` for a format that there is not. */
  constructor(named: NamedColumns, format?: string) {
    if (format !== undefined && !FORMATS.includes(format)) refuseFormat(format);
    this.#named = named;
    this.#format = format;
    this.#logs = logReaders().filter((reader) => format === undefined || reader.format === format);
  }

  /**
   * The reader of lines that begin so, and how many of them are above a table's rows. `isWhole`: these are all
   * lines. Undefined: more of them are needed.
   */
  find(lines: readonly string[], isWhole: boolean): { reader: LineReader; headerLines: number } | undefined {
    if (lines.length < HEADER_LINES && !isWhole) return undefined;
    if (this.#format === "json-lines" || this.#format === "heaptop") return this.#json();
    const table = this.#table(lines);
    if (table) return table;
    if (this.#format === undefined && lines.some((line) => /^\s*\{.*\}\s*$/.test(line))) return this.#json();
    const header = lines.find((line) => line.trim() !== "" && !line.startsWith("#")) ?? "";
    if (this.#format === undefined || this.#format === "csv") refuseMissingColumn(header, this.#named);
    if (this.#format === "csv" || (lines.length < SNIFF_LINES && !isWhole)) return undefined;
    return this.#log(lines);
  }

  #json() {
    return { reader: new JsonReader(this.#named), headerLines: 0 };
  }

  #table(lines: readonly string[]): { reader: LineReader; headerLines: number } | undefined {
    if (this.#format !== undefined && this.#format !== "csv") return undefined;
    for (const [index, line] of lines.slice(0, HEADER_LINES).entries()) {
      const text = line.replace(/^#\s*/, "");
      if (text.trim() === "" || text.length > 10_000) continue;
      const reader = csvReader(text, this.#named);
      if (reader) return { reader, headerLines: index + 1 };
    }
    return undefined;
  }

  /** The format that reads most of the lines; the more particular one where two read as many. */
  #log(lines: readonly string[]): { reader: LineReader; headerLines: number } | undefined {
    let best: LogReader | undefined;
    let most = 0;
    for (const reader of this.#logs) {
      const score = scoreOf(reader, lines);
      if (score > most) best = reader;
      most = Math.max(most, score);
    }
    // Fresh ones, because these have read the lines.
    this.#logs = logReaders().filter((reader) => this.#format === undefined || reader.format === this.#format);
    const reader = this.#logs.find(({ format }) => format === best?.format);
    return reader && { reader, headerLines: 0 };
  }
}

/** How many samples the reader finds. Lines that lack but their time show the format too, where there are no others. */
function scoreOf(reader: LogReader, lines: readonly string[]): number {
  const sample = blankSample();
  const kinds = lines.map((line) => reader.read(line, clearSample(sample)));
  const samples = kinds.filter((kind) => kind === LineKind.Sample).length;
  const broken = kinds.filter((kind) => kind === LineKind.Broken).length;
  return samples > 0 ? samples : broken / (lines.length + 1);
}

function refuseFormat(format: string): never {
  const near = closest(format, FORMATS);
  throw new HeapsoakError("bad-argument", `--format: there is no "${format.slice(0, 40)}".`, {
    hint: near ? `Did you mean "${near}"?` : `There are: ${FORMATS.join(", ")}.`,
  });
}
