/** What the script needs of a run: the series, thinned where there are many runs, and the blocks over time. */
import type { Column, HeapRecordOfRun, HeapSeries, MemoryOfRun, RunRecord } from "../../soak/record.ts";
import type { PageHeap, PageRun } from "./page-data.ts";

/** How much of a run stands in the page. */
export interface RunDetail {
  /** Rows that each series keeps. */
  readonly rowsMost: number;
  /** Whether the blocks over time are in. */
  readonly hasBlocks: boolean;
}

/** The run as the page's script takes it. `detail`: how much of it. */
export function pageRun(record: RunRecord, name: string, { rowsMost, hasBlocks }: RunDetail): PageRun {
  const { failure, history, heaps, memory, simulatedUs } = record;
  const shown = hasBlocks ? history : undefined;
  return {
    name,
    simulatedUs,
    failure: failure && { atUs: failure.atUs, heap: failure.heap, message: failure.message },
    historyAtUs: shown?.atUs ?? [],
    sites: shown?.sites ?? [],
    heaps: Object.entries(heaps).map(
      ([heapName, heap]): PageHeap => ({
        name: heapName,
        allocator: heap.allocator,
        regions: heapRegions(heapName, heap, memory),
        blocks: shown?.heaps[heapName] ?? null,
        series: thinnedSeries(heap.series, rowsMost),
      }),
    ),
  };
}

/** Where the heap lies; from 0 on where the record does not tell. */
export function heapRegions(
  name: string,
  { arenaBytes }: HeapRecordOfRun,
  memory: MemoryOfRun | undefined,
): readonly { readonly low: number; readonly bytes: number }[] {
  const ranges = memory?.ranges.filter((range) => range.use === "heap" && range.name === name) ?? [];
  if (ranges.length === 0) return [{ low: 0, bytes: arenaBytes }];
  return ranges.map(({ low, bytes }) => ({ low, bytes }));
}

/** The series in at most `rowsMost` rows: each keeps the least, the greatest and the last value of those it stands for. */
export function thinnedSeries(series: HeapSeries, rowsMost: number): HeapSeries {
  const rows = series.atUs.length;
  const width = Math.ceil(rows / rowsMost);
  if (width <= 1) return series;
  const least = (column: Column) => merged(column, width, (part) => part.reduce((a, b) => Math.min(a, b)));
  const greatest = (column: Column) => merged(column, width, (part) => part.reduce((a, b) => Math.max(a, b)));
  const last = <T>(column: readonly T[]) => merged(column, width, (part) => part[part.length - 1] as T);
  const range = ({ min, max, last: end }: HeapSeries["holes"]) => ({
    min: least(min),
    max: greatest(max),
    last: last(end),
  });
  return {
    atUs: last(series.atUs),
    freeBytes: range(series.freeBytes),
    largestFreeBytes: range(series.largestFreeBytes),
    holes: range(series.holes),
    liveBlocks: range(series.liveBlocks),
    requestedBytes: range(series.requestedBytes),
    failedRequests: merged(series.failedRequests, width, (part) => part.reduce((sum, value) => sum + value, 0)),
    visitsMax: greatest(series.visitsMax),
    map: last(series.map),
  };
}

/** One value for each `width` of the column. */
function merged<T>(column: readonly T[], width: number, merge: (part: readonly T[]) => T): T[] {
  const values: T[] = [];
  for (let row = 0; row < column.length; row += width) values.push(merge(column.slice(row, row + width)));
  return values;
}
