import type { HeapRecordOfRun } from "../../soak/record.ts";
import type { NamedRecord } from "../report-record.ts";
import { type CsvColumn, csvText } from "./csv-text.ts";
import { runsOf } from "./runs-of.ts";

/** A window of the series of a heap. */
interface SeriesRow {
  readonly record: string;
  readonly name: string;
  readonly heap: HeapRecordOfRun;
  readonly window: number;
}

/** Figures of which a window has the least, the greatest and the last value. */
const FIGURES = [
  ["free_bytes", "freeBytes"],
  ["largest_free_bytes", "largestFreeBytes"],
  ["holes", "holes"],
  ["live_blocks", "liveBlocks"],
  ["requested_bytes", "requestedBytes"],
] as const;

const COLUMNS: readonly CsvColumn<SeriesRow>[] = [
  ["record", ({ record }) => record],
  ["heap", ({ name }) => name],
  ["allocator", ({ heap }) => heap.allocator],
  ["arena_bytes", ({ heap }) => heap.arenaBytes],
  ["at_us", ({ heap, window }) => heap.series.atUs[window] ?? null],
  ...FIGURES.flatMap(([column, key]) =>
    (["min", "max", "last"] as const).map((value): CsvColumn<SeriesRow> => {
      return [`${column}_${value}`, ({ heap, window }) => heap.series[key][value][window] ?? null];
    }),
  ),
  ["failed_requests", ({ heap, window }) => heap.series.failedRequests[window] ?? null],
  ["visits_max", ({ heap, window }) => heap.series.visitsMax[window] ?? null],
];

/** The series of all heaps of all runs: a line a window. */
export function runCsv(records: readonly NamedRecord[]): string {
  const rows = runsOf(records).flatMap(({ name: record, run }) =>
    Object.entries(run.heaps).flatMap(([name, heap]) =>
      heap.series.atUs.map((_, window): SeriesRow => ({ record, name, heap, window })),
    ),
  );
  return csvText(COLUMNS, rows);
}
