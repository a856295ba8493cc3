import type { RiskCell } from "../../risk/record.ts";
import type { NamedRecord } from "../report-record.ts";
import { type CsvColumn, csvText } from "./csv-text.ts";

interface CellRow {
  readonly record: string;
  readonly cell: RiskCell;
}

const COLUMNS: readonly CsvColumn<CellRow>[] = [
  ["record", ({ record }) => record],
  ["heap", ({ cell }) => cell.heap],
  ["allocator", ({ cell }) => cell.allocator],
  ["arena_bytes", ({ cell }) => cell.arenaBytes],
  ["runs", ({ cell }) => cell.runs],
  ["failures", ({ cell }) => cell.failures],
  ["probability", ({ cell }) => cell.probability],
  ["interval_low", ({ cell }) => cell.interval[0]],
  ["interval_high", ({ cell }) => cell.interval[1]],
  ["upper_bound_95", ({ cell }) => cell.upperBound95],
  ["method", ({ cell }) => cell.method],
  ["interval_method", ({ cell }) => cell.intervalMethod],
  ["median_time_to_failure_us", ({ cell }) => cell.medianTimeToFailureUs],
  ["commonest_failure", ({ cell }) => Object.keys(cell.kinds)[0] ?? null],
  ["earliest_failure_us", ({ cell }) => cell.earliest?.atUs ?? null],
  ["earliest_failure_seed", ({ cell }) => cell.earliest?.seed ?? null],
  ["least_free_bytes", ({ cell }) => cell.margins.heaps[cell.heap]?.leastFree.bytes ?? null],
  ["least_largest_free_bytes", ({ cell }) => cell.margins.heaps[cell.heap]?.leastLargestFree.bytes ?? null],
  ["steps", ({ cell }) => cell.steps],
];

/** The cells of campaigns: a line a cell. */
export function riskCsv(records: readonly NamedRecord[]): string {
  const rows = records.flatMap(({ name, record }) =>
    record.format === "heapsoak.risk" ? record.cells.map((cell): CellRow => ({ record: name, cell })) : [],
  );
  return csvText(COLUMNS, rows);
}
