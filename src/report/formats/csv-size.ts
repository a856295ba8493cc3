import type { AllocatorSize, SearchedAllocator, SizeRecord } from "../../risk/size/record.ts";
import type { NamedRecord } from "../report-record.ts";
import { type CsvColumn, type CsvField, csvText } from "./csv-text.ts";

interface SizeRow {
  readonly name: string;
  readonly record: SizeRecord;
  readonly one: AllocatorSize;
}

/** A column that refused allocators have empty. */
function searched(name: string, field: (one: SearchedAllocator) => CsvField): CsvColumn<SizeRow> {
  return [name, ({ one }) => (one.verdict === "refused" ? null : field(one))];
}

const COLUMNS: readonly CsvColumn<SizeRow>[] = [
  ["record", ({ name }) => name],
  ["heap", ({ record }) => record.heap],
  ["now_bytes", ({ record }) => record.nowBytes],
  ["allocator", ({ one }) => one.allocator],
  ["verdict", ({ one }) => one.verdict],
  searched("heap_bytes", ({ heapBytes }) => heapBytes),
  searched("steady_bytes", ({ steadyBytes }) => steadyBytes),
  searched("most_bytes", ({ mostBytes }) => mostBytes),
  searched("runs", ({ at }) => at?.runs ?? null),
  searched("failures", ({ at }) => at?.failures ?? null),
  searched("probability", ({ at }) => at?.probability ?? null),
  searched("interval_low", ({ at }) => at?.interval[0] ?? null),
  searched("interval_high", ({ at }) => at?.interval[1] ?? null),
  searched("upper_bound", ({ at }) => at?.upperBound ?? null),
  searched("peak_live_bytes", ({ peakLiveBytes }) => peakLiveBytes),
  searched("largest_block_bytes", ({ largestBlockBytes }) => largestBlockBytes),
  searched("unavoidable_bytes", ({ unavoidable }) => unavoidable?.bytes ?? null),
  searched("policy_bytes", ({ policy }) => policy?.bytes ?? null),
  searched("monotone", ({ monotone }) => monotone.monotone),
  searched("runs_taken", ({ runsTaken }) => runsTaken),
  ["refused", ({ one }) => (one.verdict === "refused" ? one.reason : null)],
];

/** Searches for a size: a line an allocator. */
export function sizeCsv(records: readonly NamedRecord[]): string {
  const rows = records.flatMap(({ name, record }) =>
    record.format === "heapsoak.size" ? record.allocators.map((one): SizeRow => ({ name, record, one })) : [],
  );
  return csvText(COLUMNS, rows);
}
