import { HeapsoakError } from "../errors.ts";
import { cellBytes } from "./byte-cell.ts";
import { type Role, roleOf } from "./columns.ts";
import { LineKind, type LineReader, type Sample, sampleFault } from "./sample.ts";
import { TimeCells } from "./time-value.ts";
import type { TimeUnit } from "./timestamps.ts";

/** Columns that the user names, each as in the header; the time with its unit behind a colon where it has none. */
export interface NamedColumns {
  readonly time?: string;
  readonly free?: string;
  readonly minimum?: string;
  readonly largest?: string;
  readonly device?: string;
}

/** A column in use. */
export interface Column {
  readonly name: string;
  readonly index: number;
  /** Where the date and the time of day have a column each, that of the time of day. */
  readonly clockIndex?: number;
  /** Bytes of one unit. */
  readonly bytes: number;
  readonly unit: TimeUnit | undefined;
}

/** Which column has which role. */
export type Columns = Readonly<Partial<Record<Role, Column>>>;

const DELIMITERS = [",", ";", "\t", "|"] as const;
const OPTION_OF: Readonly<Record<keyof NamedColumns, string>> = {
  time: "--time",
  free: "--free",
  minimum: "--min-free",
  largest: "--largest",
  device: "--device-column",
};
const TIME_COLUMN = /^(.*):(s|ms|us|iso)$/;
/** What stands in a cell without a value. */
const EMPTY = /^(|nan|null|none|na|n\/a|-|unavailable|unknown)$/i;

/** The reader of a table whose header the line is; undefined: it is none, or lacks a named column. */
export function csvReader(header: string, named: NamedColumns): CsvReader | undefined {
  let best: { delimiter: string; columns: Columns; cells: number } | undefined;
  for (const delimiter of DELIMITERS) {
    const cells = cellsOf(header, delimiter);
    if (!cells || cells.length < 2) continue;
    const columns = columnsOf(cells, named);
    if (!isTable(columns)) continue;
    if (!best || Object.keys(columns).length > Object.keys(best.columns).length) {
      best = { delimiter, columns, cells: cells.length };
    }
  }
  if (!best || namedKeys(named).some((key) => !isFound(best.columns, key))) return undefined;
  return new CsvReader(best.delimiter, best.columns, best.cells);
}

/** A table of counters, a row a sample. Quoted cells are understood, line breaks within them are not. */
export class CsvReader implements LineReader {
  readonly format = "csv";
  fault = "";
  readonly columns: Columns;
  readonly #delimiter: string;
  readonly #width: number;
  readonly #times = new TimeCells();

  constructor(delimiter: string, columns: Columns, width: number) {
    this.#delimiter = delimiter;
    this.columns = columns;
    this.#width = width;
  }

  read(line: string, sample: Sample): LineKind {
    const first = line.charCodeAt(0);
    if (line === "" || first === 0x23 /* # */) return LineKind.Other;
    const cells = cellsOf(line, this.#delimiter);
    this.fault = cells ? this.#fill(cells, sample) : "a quote is not closed";
    if (this.fault === "") return LineKind.Sample;
    return cells && (this.#isHeader(cells) || this.#isWithoutCounters(cells)) ? LineKind.Other : LineKind.Broken;
  }

  /** The first thing that is wrong, or nothing. */
  #fill(cells: readonly string[], sample: Sample): string {
    const { time, uptime, free, minimum, largest, used, total, boot, device } = this.columns;
    if (cells.length !== this.#width) return `${cells.length} cells where the header has ${this.#width}`;
    if (device) sample.device = cells[device.index] ?? "";
    if (boot) sample.boot = cells[boot.index] ?? "";
    sample.freeBytes = this.#bytes(cells, free);
    sample.minimumFreeBytes = this.#bytes(cells, minimum);
    sample.largestBytes = this.#bytes(cells, largest);
    sample.usedBytes = this.#bytes(cells, used);
    sample.totalBytes = this.#bytes(cells, total);
    return this.#badCell(cells, sample) || this.#time(cells, time, uptime, sample) || sampleFault(sample);
  }

  /** Rotated logs are joined with their headers. */
  #isHeader(cells: readonly string[]): boolean {
    const { free, largest, used } = this.columns;
    return [free, largest, used].some((column) => column && cells[column.index]?.trim() === column.name);
  }

  /** Exports of several series have rows in which others have values. */
  #isWithoutCounters(cells: readonly string[]): boolean {
    const { free, minimum, largest, used } = this.columns;
    const isBlank = (column: Column | undefined) => !column || isEmpty(cells[column.index] ?? "");
    return cells.length === this.#width && [free, minimum, largest, used].every(isBlank);
  }

  #time(cells: readonly string[], time: Column | undefined, uptime: Column | undefined, sample: Sample): string {
    const since = uptime && !isEmpty(cells[uptime.index] ?? "") ? uptime : undefined;
    const fault = since ? this.#times.read(cells[since.index] ?? "", since.unit, true, sample) : "";
    if (fault !== "" || !time) return since ? fault : "no time";
    const uptimeMs = sample.uptimeMs;
    const clock = time.clockIndex === undefined ? "" : ` ${cells[time.clockIndex]?.trim()}`;
    const wrong = this.#times.read(`${cells[time.index] ?? ""}${clock}`, time.unit, false, sample);
    // A clock that has not been set yet counts from the boot, as the other column does.
    if (since) sample.uptimeMs = uptimeMs;
    return since && wrong !== "" ? "" : wrong;
  }

  #bytes(cells: readonly string[], column: Column | undefined): number {
    if (!column) return Number.NaN;
    return cellBytes(cells[column.index] ?? "", column.bytes, this.#delimiter === ";");
  }

  /** A cell that holds something, and no number. */
  #badCell(cells: readonly string[], sample: Sample): string {
    const { free, minimum, largest, used } = this.columns;
    return (
      badNumber(cells, free, sample.freeBytes) ||
      badNumber(cells, minimum, sample.minimumFreeBytes) ||
      badNumber(cells, largest, sample.largestBytes) ||
      badNumber(cells, used, sample.usedBytes)
    );
  }
}

function isEmpty(cell: string): boolean {
  const first = cell.charCodeAt(0);
  return !(first >= 0x30 && first <= 0x39) && EMPTY.test(cell.trim());
}

function badNumber(cells: readonly string[], column: Column | undefined, value: number): string {
  if (!column || !Number.isNaN(value)) return "";
  const cell = (cells[column.index] ?? "").trim();
  if (isEmpty(cell)) return "";
  const shown = `${column.name}: "${cell.slice(0, 40)}"`;
  return /^\d{1,3}[.,]\d{3}$/.test(cell) ? `${shown} may be thousands or a fraction` : `${shown} is no number`;
}

/** The cells of a line, quotes taken off; undefined: a quote is not closed. */
function cellsOf(line: string, delimiter: string): string[] | undefined {
  if (!line.includes('"')) return line.split(delimiter);
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? "";
    if (character === '"' && quoted && line[i + 1] === '"') {
      cell += character;
      i++;
    } else if (character === '"') quoted = !quoted;
    else if (character === delimiter && !quoted) {
      cells.push(cell);
      cell = "";
    } else cell += character;
  }
  cells.push(cell);
  return quoted ? undefined : cells;
}

function columnsOf(cells: readonly string[], named: NamedColumns): Columns {
  const columns: Partial<Record<Role, Column>> = {};
  const names = cells.map((cell) => cell.trim());
  for (const key of namedKeys(named)) takeNamed(columns, names, key, named[key]);
  names.forEach((name, index) => {
    const found = roleOf(name);
    if (!found || named[found.role as keyof NamedColumns] !== undefined) return;
    // A time that the user names is the only one.
    if (named.time !== undefined && found.role === "uptime") return;
    columns[found.role] ??= { name, index, bytes: found.bytes, unit: found.unit };
  });
  return named.time === undefined ? { ...columns, ...dateAndClock(names) } : columns;
}

/** A time that two columns tell, "Date" and "Time". */
function dateAndClock(names: readonly string[]): Columns {
  const [index, clockIndex] = ["date", "time"].map((wanted) =>
    names.findIndex((name) => name.toLowerCase() === wanted),
  );
  if (index === undefined || clockIndex === undefined || index < 0 || clockIndex < 0) return {};
  return { time: { name: `${names[index]} ${names[clockIndex]}`, index, clockIndex, bytes: 1, unit: undefined } };
}

function takeNamed(
  columns: Partial<Record<Role, Column>>,
  names: readonly string[],
  key: keyof NamedColumns,
  asked?: string,
): void {
  if (asked === undefined) return;
  const [, stem = asked, unit] = (key === "time" && !names.includes(asked) && TIME_COLUMN.exec(asked)) || [];
  const index = names.indexOf(stem);
  if (index < 0) return;
  const known = roleOf(stem);
  const role = key === "time" && known?.role === "uptime" ? "uptime" : key;
  columns[role] = { name: stem, index, bytes: known?.bytes ?? 1, unit: (unit as TimeUnit | undefined) ?? known?.unit };
}

function likelyDelimiter(header: string): string {
  const count = (delimiter: string) => header.split(delimiter).length;
  return DELIMITERS.reduce((most, delimiter) => (count(delimiter) > count(most) ? delimiter : most));
}

/** Throws `bad-counters` for the named column that the header does not have. */
export function refuseMissingColumn(header: string, named: NamedColumns): void {
  const cells = (cellsOf(header, likelyDelimiter(header)) ?? []).map((cell) => cell.trim());
  for (const key of namedKeys(named)) {
    const name = named[key] ?? "";
    const stem = (key === "time" && TIME_COLUMN.exec(name)?.[1]) || name;
    if (!cells.includes(name) && !cells.includes(stem)) refuseColumn(key, stem, cells);
  }
}

function namedKeys(named: NamedColumns): (keyof NamedColumns)[] {
  return (Object.keys(OPTION_OF) as (keyof NamedColumns)[]).filter((key) => named[key] !== undefined);
}

function isFound(columns: Columns, key: keyof NamedColumns): boolean {
  return columns[key] !== undefined || (key === "time" && columns.uptime !== undefined);
}

/** A table tells time and some counter. */
function isTable({ time, uptime, free, largest, used }: Columns): boolean {
  return (time ?? uptime) !== undefined && (free ?? largest ?? used) !== undefined;
}

function refuseColumn(key: keyof NamedColumns, name: string, cells: readonly string[]): never {
  const shown = cells
    .slice(0, 20)
    .map((cell) => cell.slice(0, 40))
    .join(", ");
  throw new HeapsoakError("bad-counters", `${OPTION_OF[key]}: there is no column "${name}".`, {
    hint: `The header has: ${shown}${cells.length > 20 ? ", …" : ""}.`,
  });
}
