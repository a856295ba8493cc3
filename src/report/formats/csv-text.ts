/**
 * Comma-separated values as RFC 4180 has them: fields with a comma, quote or line break in quotes, quotes doubled, lines
 * end with CR LF. Texts that a spreadsheet would run as a formula get an apostrophe in front.
 */
import { cleanText } from "./clean-text.ts";

/** Null: an empty field, for what a record does not have. */
export type CsvField = string | number | boolean | null;

/** A column: its name in the header, and its field of a row. */
export type CsvColumn<Row> = readonly [name: string, field: (row: Row) => CsvField];

/** The header and a line a row. */
export function csvText<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const header = columns.map(([name]) => name).join(",");
  const lines = rows.map((row) => columns.map(([, field]) => fieldText(field(row))).join(","));
  return [header, ...lines].map((line) => `${line}\r\n`).join("");
}

function fieldText(field: CsvField): string {
  if (field === null) return "";
  if (typeof field === "number") return Number.isFinite(field) ? String(field) : "";
  const text = guarded(cleanText(String(field)));
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Spreadsheets take what begins so for a formula, whatever quotes are around it. */
function guarded(text: string): string {
  return /^[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
}
