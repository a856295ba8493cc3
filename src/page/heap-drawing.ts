import type { BlockClass } from "./block-classes.ts";
import type { BlockRows } from "./block-rows.ts";
import { columnAt, columnStartUs } from "./heap-columns.ts";
import { FULL, type MapCells } from "./map-cells.ts";
import { LEFT, line, type Plot } from "./plot.ts";
import { color, faint } from "./theme.ts";

/** From this height on, in CSS pixels, blocks are told apart by a line of paper between them. */
const APART_FROM = 5;
/** Radius of the mark of a failure, in CSS pixels. */
const CROSS = 8;
/** Width of the mark of a leaked block. */
const LEAK_MARK = 7;

/** The blocks, colour by colour. Edges are whole device pixels; no block is thinner than one. */
export function drawBlocks(
  context: CanvasRenderingContext2D,
  plot: Plot,
  rows: BlockRows,
  classes: readonly BlockClass[],
): void {
  const firstColumn = columnAt(rows.endsUs, plot.time.low);
  const end = rows.countUntil(columnAt(rows.endsUs, plot.time.high));
  for (const { color: property, rows: members } of classes) {
    context.fillStyle = color(property);
    for (const row of members) {
      if (row >= end) break;
      if ((rows.last[row] ?? 0) >= firstColumn) fillBlock(context, plot, rows, row);
    }
  }
}

function fillBlock(context: CanvasRenderingContext2D, plot: Plot, rows: BlockRows, row: number): void {
  const low = rows.offset[row] ?? 0;
  const high = low + (rows.bytes[row] ?? 0);
  if (high <= plot.bytes.low || low >= plot.bytes.high || high === low) return;
  const { ratio } = plot;
  const snap = (value: number) => Math.round(value * ratio) / ratio;
  const x = snap(plot.xOf(rows.fromUs(row)));
  const y = snap(plot.yOf(high));
  const width = Math.max(snap(plot.xOf(rows.toUs(row))) - x, 1 / ratio);
  const height = snap(plot.yOf(low)) - y;
  context.fillRect(x, y, width, Math.max(height >= APART_FROM ? height - 1 / ratio : height, 1 / ratio));
}

/** A mark right of the plot for each leaked block that is shown. */
export function drawLeakMarks(context: CanvasRenderingContext2D, plot: Plot, rows: BlockRows): void {
  context.fillStyle = color("--bad");
  for (const row of rows.leaked) {
    const middle = (rows.offset[row] ?? 0) + (rows.bytes[row] ?? 0) / 2;
    const isShown = rows.fromUs(row) < plot.time.high && rows.toUs(row) > plot.time.low;
    if (!isShown || !rows.bytes[row] || middle < plot.bytes.low || middle > plot.bytes.high) continue;
    context.fillRect(LEFT + plot.width + 3, plot.yOf(middle) - 1, LEAK_MARK, 2);
  }
}

/** The map: each cell as dark as it is full. */
export function drawMap(context: CanvasRenderingContext2D, plot: Plot, cells: MapCells, bytes: number): void {
  const inks = Array.from({ length: FULL + 1 }, (_, digit) => faint("--live", (digit / FULL) * 100));
  const lastColumn = columnAt(cells.endsUs, plot.time.high);
  for (let column = columnAt(cells.endsUs, plot.time.low); column <= lastColumn; column++) {
    const x = plot.xOf(columnStartUs(cells.endsUs, column));
    const width = plot.xOf(cells.endsUs[column] ?? 0) - x;
    drawDigits(cells.digits(column), (digit, low, high) => {
      const top = plot.yOf(high * bytes);
      context.fillStyle = inks[digit] ?? "";
      context.fillRect(x, top, width + 0.5, plot.yOf(low * bytes) - top);
    });
  }
}

/** Calls `draw` once for each stretch of equal digits that are not 0, with its ends as shares of the whole. */
function drawDigits(digits: string, draw: (digit: number, low: number, high: number) => void): void {
  let start = 0;
  for (let cell = 1; cell <= digits.length; cell++) {
    if (digits[cell] === digits[start]) continue;
    if (digits[start] !== "0") draw(Number(digits[start]), start / digits.length, cell / digits.length);
    start = cell;
  }
}

/** When the run failed: a line, and a cross beside the largest gap, which was too small. */
export function drawFailure(
  context: CanvasRenderingContext2D,
  plot: Plot,
  atUs: number,
  gap: { offset: number; bytes: number } | null,
): void {
  const x = Math.round(plot.xOf(atUs)) - 0.5;
  context.strokeStyle = color("--bad");
  context.lineWidth = 2;
  context.setLineDash([5, 3]);
  line(context, x, plot.yOf(plot.bytes.low), x, plot.yOf(plot.bytes.high));
  context.setLineDash([]);
  if (gap) drawTooSmall(context, x, plot.yOf(gap.offset + gap.bytes), plot.yOf(gap.offset));
}

/** Right of the line, where the run is over: a bracket over the gap, and a cross in a circle. */
function drawTooSmall(context: CanvasRenderingContext2D, x: number, top: number, bottom: number): void {
  const middle = (top + bottom) / 2;
  const center = x + CROSS + 3;
  line(context, x, top, center, top);
  line(context, x, bottom, center, bottom);
  line(context, center, top, center, bottom);
  context.fillStyle = color("--paper");
  context.beginPath();
  context.arc(center, middle, CROSS, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  const arm = CROSS / 2 - 0.5;
  line(context, center - arm, middle - arm, center + arm, middle + arm);
  line(context, center - arm, middle + arm, center + arm, middle - arm);
}
