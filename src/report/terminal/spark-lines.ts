/** What was free of a heap over the run, a line a figure. */
import type { HeapSeries, RunRecord } from "../../soak/record.ts";
import type { Paint } from "../paint.ts";
import { formatCount } from "../table.ts";
import { resampled, sparkline } from "./sparkline.ts";

/** In ASCII: as many as a map of the series has digits. */
const DIGITS = 64;
const TITLE = "  largest ".length;
const WIDTH_LEAST = 10;
/** Behind a line. */
const LABEL = "✗ 1,048,576 to 16,777,216 B".length;

/** Free memory and the largest hole, both at their least and of one scale, and the most holes; in ASCII the largest hole alone. */
export function sparkLines(record: RunRecord, name: string, paint: Paint): string[] {
  const series = record.heaps[name]?.series;
  if (!series || series.atUs.length < 2) return [];
  const { blocks, columns } = paint.glyphs;
  const width = blocks ? Math.max(WIDTH_LEAST, columns - TITLE - LABEL) : DIGITS;
  const mark = record.failure?.heap === name ? paint.bad(blocks ? "✗" : "x") : "";
  const drawn = { series, endUs: record.simulatedUs, width, mark };
  const largest = partsOf(drawn, series.largestFreeBytes.min, Math.min);
  if (!blocks) return [digitLine(largest, drawn)];
  const free = partsOf(drawn, series.freeBytes.min, Math.min);
  const most = mostOf(free);
  return [
    blockLine("free", free, most, drawn, " B"),
    blockLine("largest", largest, most, drawn, " B"),
    blockLine("holes", partsOf(drawn, series.holes.max, Math.max), undefined, drawn, ""),
  ];
}

interface Drawn {
  readonly series: HeapSeries;
  readonly endUs: number;
  readonly width: number;
  /** Behind the line of a heap that failed. */
  readonly mark: string;
}

function partsOf(
  { series, endUs, width }: Drawn,
  values: readonly number[],
  pick: (a: number, b: number) => number,
): number[] {
  return resampled({ atUs: series.atUs, values, endUs }, width, pick);
}

function blockLine(
  title: string,
  parts: readonly number[],
  scale: number | undefined,
  drawn: Drawn,
  unit: string,
): string {
  const line = sparkline(ratios(parts, scale ?? mostOf(parts)), true);
  return `  ${title.padEnd(TITLE - 2)}${line}${drawn.mark} ${rangeText(leastOf(parts), mostOf(parts))}${unit}`;
}

function digitLine(parts: readonly number[], { mark }: Drawn): string {
  const line = sparkline(ratios(parts, mostOf(parts)), false);
  const scale = `at least ${formatCount(leastOf(parts))} B; a digit: tenths of ${formatCount(mostOf(parts))} B`;
  return `  ${"largest".padEnd(TITLE - 2)}[${line}${mark}]  ${scale}`;
}

function rangeText(least: number, most: number): string {
  return least === most ? formatCount(most) : `${formatCount(least)} to ${formatCount(most)}`;
}

function ratios(values: readonly number[], most: number): number[] {
  return values.map((value) => value / Math.max(1, most));
}

function leastOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function mostOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
