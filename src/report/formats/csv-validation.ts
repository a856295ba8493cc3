import type { ValidationRecord } from "../../board/validation/validation-record.ts";
import type { NamedRecord } from "../report-record.ts";
import { type CsvColumn, csvText } from "./csv-text.ts";

interface ValidationRow {
  readonly name: string;
  readonly record: ValidationRecord;
}

const COLUMNS: readonly CsvColumn<ValidationRow>[] = [
  ["record", ({ name }) => name],
  ["verdict", ({ record }) => record.verdict],
  ["reason", ({ record }) => record.reason],
  ["board", ({ record }) => record.board],
  ["build_id", ({ record }) => record.buildId],
  ["allocator", ({ record }) => record.allocator],
  ["allocator_version", ({ record }) => record.allocatorVersion],
  ["emulated_as", ({ record }) => record.emulatedAs],
  ["source", ({ record }) => record.source.name],
  ["heap_bytes", ({ record }) => record.heap.bytes],
  ["operations", ({ record }) => record.operations],
  ["placements", ({ record }) => record.compared.placements],
  ["refusals", ({ record }) => record.compared.refusals],
  ["statistics", ({ record }) => record.compared.statistics],
  ["ram_bytes", ({ record }) => record.ram?.bytes ?? null],
  ["ram_equal", ({ record }) => record.ram?.equal ?? null],
  ["difference", ({ record }) => record.firstDifference?.kind ?? null],
  ["difference_operation", ({ record }) => record.firstDifference?.operation ?? null],
  ["line_retries", ({ record }) => record.line.retries],
  ["line_lost", ({ record }) => record.line.lost],
  ["line_corrupt", ({ record }) => record.line.corrupt],
];

/** Validations: a line each. */
export function validationCsv(records: readonly NamedRecord[]): string {
  const rows = records.flatMap(({ name, record }) =>
    record.format === "heapsoak.validation" ? [{ name, record }] : [],
  );
  return csvText(COLUMNS, rows);
}
