/** A heap to scale, block characters on several lines. */
import { formatAddress } from "../../quantities.ts";
import type { Paint } from "../paint.ts";
import { formatCount } from "../table.ts";
import { type Cell, cellsOf, placesOf } from "./cells.ts";
import { type Glyph, glyphLine } from "./glyph-line.ts";
import type { HeapContents } from "./heap-contents.ts";

const ROWS_MOST = 8;
/** Parts smaller than this show nothing more. */
const CELL_BYTES_LEAST = 32;
const FREE = "·";
const LARGEST_HOLE = "─";
const PIN = "▲";
/** By how much of a part is live. */
const FILLS: readonly (readonly [least: number, glyph: string])[] = [
  [0.95, "█"],
  [0.5, "▓"],
  [Number.MIN_VALUE, "░"],
];

/** Lines that begin with the address of their first character, and what the characters mean. */
export function heapMapLines(contents: HeapContents, paint: Paint): string[] {
  const { regions, live, largestHole } = contents;
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  if (bytes === 0) return [];
  const columns = paint.glyphs.columns - "  0x00000000 ".length;
  const rows = Math.min(ROWS_MOST, Math.max(1, Math.floor(bytes / (columns * CELL_BYTES_LEAST))));
  const cells = cellsOf(regions, live, rows * columns);
  const isLargest = withinHole(contents, cells.length);
  const texts = cells.map((cell, index) => glyphOf(cell, isLargest(index), paint));
  const lines = Array.from({ length: rows }, (_, row) => {
    const address = formatAddress(addressAt(contents, (row * bytes) / rows));
    return `  ${paint.dim(address)} ${glyphLine(texts.slice(row * columns, (row + 1) * columns))}`;
  });
  const hole =
    largestHole === null ? [] : [`${paint.good(LARGEST_HOLE)} largest hole, ${formatCount(largestHole.bytes)} B`];
  const pin = live.some(({ pins }) => pins) ? [`${paint.bad(PIN)} in the way`] : [];
  const scale = `a character: ${formatCount(Math.round(bytes / cells.length))} B`;
  return [...lines, `  ${["█ ▓ ░ live", `${FREE} free`, ...hole, ...pin, scale].join("  ")}`];
}

/** The same from a map of the series: a digit a character, from 0 (free) to 9 (full). */
export function seriesMapLines(digits: string, paint: Paint): string[] {
  if (digits === "") return [];
  const cells = [...digits].map((digit): Cell => ({ share: Number(digit) / 9, owner: null, pins: false }));
  return [`  ${glyphLine(cells.map((cell) => glyphOf(cell, false, paint)))}`, `  █ ▓ ░ live  ${FREE} free`];
}

function glyphOf({ share, owner, pins }: Cell, isLargest: boolean, paint: Paint): Glyph {
  if (pins) return { character: PIN, mark: paint.bad, key: "pin" };
  const fill = FILLS.find(([least]) => share >= least)?.[1];
  if (fill !== undefined) return { character: fill, mark: (text) => paint.owner(text, owner), key: `owner ${owner}` };
  if (isLargest) return { character: LARGEST_HOLE, mark: paint.good, key: "largest" };
  return { character: FREE, mark: paint.dim, key: "free" };
}

/** Whether the middle of a part lies in the largest hole. */
function withinHole({ regions, largestHole }: HeapContents, count: number): (index: number) => boolean {
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  const places = largestHole === null ? [] : placesOf(regions, largestHole);
  return (index) => {
    const middle = ((index + 0.5) * bytes) / count;
    return places.some(({ from, bytes: length }) => middle >= from && middle < from + length);
  };
}

/** The address of a byte counted through the regions. */
function addressAt({ regions }: HeapContents, offset: number): number {
  let left = Math.floor(offset);
  for (const { address, bytes } of regions) {
    if (left < bytes) return address + left;
    left -= bytes;
  }
  return 0;
}
