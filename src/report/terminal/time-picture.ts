/** A heap over time in half blocks: a row of characters is two ranges of addresses, the lowest at the bottom; a column is a moment. */
import { formatAddress } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import type { RunRecord } from "../../soak/record.ts";
import type { Paint } from "../paint.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { type Glyph, glyphLine } from "./glyph-line.ts";
import { extentOf, liveAt, regionsOf } from "./heap-contents.ts";
import type { Owners } from "./owners.ts";

const ROWS = 12;
const MARGIN = "  0x00000000 ".length;
/** Below this a range is mostly free. */
const SPARSE_SHARE = 0.5;
const FULL_DIGIT = 9;

/** A column of a picture, from the lowest addresses up. */
type Grid = readonly (readonly Cell[])[];

/** The picture with its axes; empty where the record shows nothing of the heap over time. */
export function timePictureLines(record: RunRecord, name: string, owners: Owners, paint: Paint): string[] {
  const columns = paint.glyphs.columns - MARGIN - 1;
  const grid = historyGrid(record, name, columns, owners) ?? seriesGrid(record, name, columns);
  if (!grid) return [];
  const labels = labelsOf(record, name);
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const label = row === 0 ? labels.high : row === ROWS - 1 ? labels.low : "";
    const low = 2 * (ROWS - 1 - row);
    const cells = grid.map((column) => halves(column[low + 1], column[low], paint));
    return `  ${paint.dim(label.padEnd(MARGIN - 3))} ${glyphLine(cells)}`.trimEnd();
  });
  return [...lines, axisLine(record, name, columns, paint)];
}

function axisLine({ failure, simulatedUs }: RunRecord, name: string, columns: number, paint: Paint): string {
  const axis = `0${formatDuration(simulatedUs).padStart(columns - 1)} `;
  const line = (text: string) => `${" ".repeat(MARGIN)}${text}`;
  if (failure?.heap !== name) return line(paint.dim(axis.trimEnd()));
  const at = Math.min(columns, Math.floor((failure.atUs * columns) / Math.max(1, simulatedUs)));
  return line(`${paint.dim(axis.slice(0, at))}${paint.bad("✗")}${paint.dim(axis.slice(at + 1))}`);
}

function labelsOf(record: RunRecord, name: string): { low: string; high: string } {
  const rows = record.history?.heaps[name];
  const regions = regionsOf(record, name) ?? (rows ? [extentOf(rows, record.heaps[name]?.arenaBytes ?? 0)] : []);
  const [first, last] = [regions[0], regions.at(-1)];
  if (!first || !last) return { low: "low", high: "high" };
  return { low: formatAddress(first.address), high: formatAddress(last.address + last.bytes) };
}

/** From the blocks of the history: the moment at or before the end of each column. */
function historyGrid(record: RunRecord, name: string, columns: number, owners: Owners): Grid | undefined {
  const { history, simulatedUs } = record;
  const rows = history?.heaps[name];
  if (!history || !rows || history.atUs.length < 2) return undefined;
  const regions = regionsOf(record, name) ?? [extentOf(rows, record.heaps[name]?.arenaBytes ?? 0)];
  const colours = owners.coloursOf(history.sites);
  return Array.from({ length: columns }, (_, column) => {
    const moment = lastAt(history.atUs, ((column + 1) * simulatedUs) / columns);
    return cellsOf(regions, liveAt(rows, moment, colours), 2 * ROWS);
  });
}

/** From the digits of the series' maps. */
function seriesGrid({ heaps, simulatedUs }: RunRecord, name: string, columns: number): Grid | undefined {
  const series = heaps[name]?.series;
  if (!series || series.map.length < 2) return undefined;
  return Array.from({ length: columns }, (_, column) => {
    const digits = series.map[lastAt(series.atUs, ((column + 1) * simulatedUs) / columns)] ?? "";
    return Array.from({ length: 2 * ROWS }, (_, row) => ({ share: meanDigit(digits, row), owner: null, pins: false }));
  });
}

/** Of the digits that fall into a row, from 0 to 1. */
function meanDigit(digits: string, row: number): number {
  const from = Math.floor((row * digits.length) / (2 * ROWS));
  const part = digits.slice(from, Math.max(from + 1, Math.floor(((row + 1) * digits.length) / (2 * ROWS))));
  return [...part].reduce((sum, digit) => sum + Number(digit), 0) / (FULL_DIGIT * Math.max(1, part.length));
}

/** Index of the last moment that is not later; of the first where all are. */
function lastAt(atUs: readonly number[], us: number): number {
  return Math.max(
    0,
    atUs.findLastIndex((at) => at <= us),
  );
}

/** Two ranges of addresses, one above the other. What is blank is free; what is mostly free is dim, or shaded. */
function halves(upper: Cell | undefined, lower: Cell | undefined, paint: Paint): Glyph {
  const [above, below] = [shareOf(upper) > 0, shareOf(lower) > 0];
  const [top, bottom] = [upper?.owner ?? null, lower?.owner ?? null];
  const isSparse = shareOf(upper) < SPARSE_SHARE && shareOf(lower) < SPARSE_SHARE;
  const glyph = (character: string, front: number | null, back: number | null = null): Glyph => {
    const colour = (text: string) => paint.owner(text, front, back);
    const mark = isSparse ? (text: string) => paint.dim(colour(text)) : colour;
    return { character, key: `${front} on ${back} ${isSparse}`, mark };
  };
  if (!above) return below ? glyph("▄", bottom) : glyph(" ", null);
  if (!below) return glyph("▀", top);
  if (top === bottom) return glyph(isSparse ? "▒" : "█", top);
  // What has no colour of its own can only be in front.
  return bottom === null ? glyph("▄", null, top) : glyph("▀", top, bottom);
}

function shareOf(cell: Cell | undefined): number {
  return cell?.share ?? 0;
}
