import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { Drift, HeapRecordOfRun, RunRecord } from "../soak/record.ts";
import type { Paint } from "./paint.ts";
import { holderLines } from "./run-failure-text.ts";
import { mapPicture } from "./series-map.ts";
import { simulatedDate, simulatedDay, simulatedInstant } from "./simulated-time.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";
import { heapPictures } from "./terminal/heap-pictures.ts";
import { sparkLines } from "./terminal/spark-lines.ts";

const HOLDERS_SHOWN = 3;
const DAY_US = 86_400e6;
/** The series has no finer windows to tell a steady state from the start by. */
const AT_THE_START = 0.02;

/** When the run was over, and whether this heap ended it. */
interface HeapEnd {
  readonly simulatedUs: number;
  readonly hasFailed: boolean;
}

type Figure = (heap: HeapRecordOfRun) => string;

const FIGURES: readonly (readonly [title: string, figure: Figure])[] = [
  ["allocator", ({ allocator }) => allocator],
  ["size", ({ arenaBytes }) => formatBytes(arenaBytes)],
  ["requests", ({ requests }) => formatCount(requests)],
  ["failed requests", ({ failedRequests }) => formatCount(failedRequests)],
  ["  by fragmentation", ({ fragmentationFailures }) => formatCount(fragmentationFailures)],
  ["peak live bytes", ({ peakLiveBytes }) => formatCount(peakLiveBytes)],
  ["free bytes", ({ freeBytes }) => formatCount(freeBytes)],
  ["  at the least", ({ minimumFreeBytes }) => formatCount(minimumFreeBytes)],
  ["largest free", ({ largestFreeBytes }) => formatCount(largestFreeBytes)],
  ["  at the least", ({ minimumLargestFreeBytes }) => formatCount(minimumLargestFreeBytes)],
  ["external fragmentation", ({ externalFragmentationRatio }) => formatRatio(externalFragmentationRatio)],
  ["internal fragmentation", ({ internalFragmentationRatio }) => formatRatio(internalFragmentationRatio)],
  ["visits p50 / p99 / max", ({ visits }) => `${visits.p50} / ${visits.p99} / ${visits.max}`],
];

/** Figures that are shown only where one of them is not 0. */
const RARE_FIGURES: readonly (readonly [title: string, count: (heap: HeapRecordOfRun) => number])[] = [
  ["zero-size requests refused", ({ zeroSizeRequests }) => zeroSizeRequests],
  ["collections", ({ collections }) => collections?.count ?? 0],
  ["  longest, in visits", ({ collections }) => collections?.longestVisits ?? 0],
  ["  blocks reclaimed", ({ collections }) => collections?.blocks ?? 0],
];

/** The heaps: a table with a column a heap, then for each its map, who holds it, and where it drifts. */
export function heapLines(record: RunRecord, paint: Paint): string[] {
  const { heaps, failure, simulatedUs } = record;
  const entries = Object.entries(heaps);
  if (entries.length === 0) return [];
  const lines = tableLines(
    entries.map(([name]) => name),
    heapRows(entries.map(([, heap]) => heap)),
  );
  for (const [name, heap] of entries) {
    // The failure above has shown the map and the holders already.
    if (failure?.heap !== name) lines.push(...contentLines(record, name, heap, paint));
    lines.push(...driftLines(name, heap, { simulatedUs, hasFailed: failure?.heap === name }, paint));
  }
  return lines;
}

/** The figures of heaps, a column each; a title that belongs to the one above begins with spaces. */
export function heapRows(heaps: readonly HeapRecordOfRun[]): TableRow[] {
  const rows: TableRow[] = FIGURES.map(([title, figure]) => ({ title, cells: heaps.map(figure) }));
  for (const [title, count] of RARE_FIGURES) {
    const counts = heaps.map(count);
    if (counts.some((value) => value > 0)) rows.push({ title, cells: counts.map(formatCount) });
  }
  return rows;
}

function contentLines(record: RunRecord, name: string, heap: HeapRecordOfRun, paint: Paint): string[] {
  if (paint.glyphs.blocks) return ["", ...heapPictures(record, name, paint), ...holderLines(heap, HOLDERS_SHOWN)];
  const map = heap.series.map.at(-1);
  const drawn = map === undefined ? [] : [`${paint.strong(name)} [${mapPicture(map)}]`];
  return [...drawn, ...sparkLines(record, name, paint), ...holderLines(heap, HOLDERS_SHOWN)];
}

/** What a heap is drifting to, a sentence a line; whether its metadata was found broken. */
export function driftLines(name: string, heap: HeapRecordOfRun, end: HeapEnd, paint: Paint): string[] {
  const { drift, largestFreeDrift, inconsistentUs } = heap;
  const lines: string[] = [];
  if (inconsistentUs !== null) {
    lines.push(paint.bad(`the metadata of ${name} was found broken at ${simulatedInstant(inconsistentUs)}`));
  }
  if (drift?.shrinking) lines.push(paint.bad(lossText(name, drift, "exhausted", end)));
  else if (drift) lines.push(steadyText(name, drift, end));
  if (largestFreeDrift?.shrinking && !drift?.shrinking) {
    lines.push(paint.bad(lossText(`the largest hole of ${name}`, largestFreeDrift, "gone", end)));
  }
  return lines;
}

/** A date lies ahead: what the run has passed by, or has failed before, is not extrapolated. */
function lossText(who: string, drift: Drift, event: string, { simulatedUs, hasFailed }: HeapEnd): string {
  const { bytesPerDay, low, high, exhaustionUs } = drift;
  const loss = `${who} loses ${amount(-bytesPerDay)} B a day (95 %: ${amount(-high)} to ${amount(-low)})`;
  const dated = exhaustionUs !== null && exhaustionUs > simulatedUs && !hasFailed;
  return dated ? `${loss}: ${event} ${dateOf(exhaustionUs)}` : loss;
}

function steadyText(name: string, drift: Drift, { simulatedUs }: HeapEnd): string {
  const { bytesPerDay, low, high, steadyFromUs } = drift;
  const state = steadyFromUs === null ? "has reached no steady state" : `is ${steadySince(steadyFromUs, simulatedUs)}`;
  return `${name} ${state}; its free memory changes by ${signed(bytesPerDay)} B a day (95 %: ${signed(low)} to ${signed(high)})`;
}

function steadySince(us: number, simulatedUs: number): string {
  return us <= simulatedUs * AT_THE_START ? "steady from the start" : `steady since ${simulatedDate(us)}`;
}

function dateOf(us: number): string {
  return us < DAY_US ? `after ${formatDuration(us)}` : `on day ${formatCount(simulatedDay(us))}`;
}

/** Whole bytes from ten on, below with two digits. */
function amount(bytes: number): string {
  if (Math.abs(bytes) >= 10) return formatCount(Math.round(bytes));
  return String(Number(bytes.toPrecision(2)));
}

function signed(bytes: number): string {
  const text = amount(Math.abs(bytes));
  if (text === "0") return text;
  return bytes < 0 ? `−${text}` : `+${text}`;
}
