/** Pictures with a row for each thing and one axis for all: bars, ranges, marks. */
import { coordinate, DRAWING_WIDTH, shortened, words } from "./drawing.ts";
import { type Html, html } from "./markup.ts";
import { type Colour, FOOT, LETTER_WIDTH, moment, type Picture, type Plane, picture, xAxis } from "./svg-plot.ts";
import type { Scale } from "./svg-scale.ts";

/** What is drawn in a row, in values of the axis. The title is shown where the pointer rests on it. */
export type Mark = { readonly colour: Colour; readonly title: string } & (
  | {
      /** `range`: a thin line with ends, around a dot. */
      readonly kind: "bar" | "range";
      readonly from: number;
      readonly to: number;
      /** It may reach further: drawn with an arrow. */
      readonly isOpen?: boolean;
    }
  | { readonly kind: "dot" | "ring" | "tick"; readonly at: number }
);

export interface PlotRow {
  readonly title: string;
  readonly marks: readonly Mark[];
  /** Written at the right edge. */
  readonly note?: string;
}

export interface RowsRequest extends Omit<Picture, "height"> {
  readonly scale: Scale;
  readonly axisTitle: string;
  readonly rows: readonly PlotRow[];
  /** Lines through all rows. */
  readonly limits?: readonly { readonly at: number; readonly text: string; readonly colour: Colour }[];
}

/** More rows than anybody reads in a picture; the table beside it has them all. */
export const ROWS_MOST = 60;
const ROW = 24;
const BAR = 12;
const TITLE_LETTERS = 52;
const NOTE_LETTERS = 30;

type RowPlane = Omit<Plane, "y">;

/** The rows from top to bottom. */
export function rowsPlot({ rows: all, scale, axisTitle, limits = [], ...said }: RowsRequest): Html {
  const rows = all.slice(0, ROWS_MOST);
  const top = limits.length > 0 ? 18 : 2;
  const bottom = top + rows.length * ROW;
  const left =
    widthOf(
      rows.map(({ title }) => title),
      TITLE_LETTERS,
    ) + 14;
  const right =
    DRAWING_WIDTH -
    widthOf(
      rows.map(({ note = "" }) => note),
      NOTE_LETTERS,
    ) -
    14;
  const x = (value: number) => coordinate(left + scale.share(value) * (right - left));
  const plane = { x, left, right, top, bottom };
  return picture({ ...said, height: bottom + FOOT }, [
    ...rows.map((row, index) => rowMarks(row, plane, top + index * ROW + ROW / 2)),
    ...limits.map(({ at, text, colour }) => moment({ ...plane, top: 0 }, at, text, colour)),
    ...xAxis(scale, axisTitle, plane),
  ]);
}

function widthOf(texts: readonly string[], lettersMost: number): number {
  const letters = texts.reduce((most, { length }) => Math.max(most, length), 0);
  return coordinate(Math.min(lettersMost, letters) * LETTER_WIDTH);
}

function rowMarks({ title, marks, note = "" }: PlotRow, plane: RowPlane, y: number): Html {
  const { left, right } = plane;
  const name = words(left - 10, y + 4, shortened(title, TITLE_LETTERS), "end strong");
  return html`<path class="rule stroke thin" d="M${left} ${y}H${right}"/><g><title>${title}</title>${name}</g>${marks.map((mark) => markOf(mark, plane, y))}${note !== "" && words(right + 10, y + 4, shortened(note, NOTE_LETTERS))}`;
}

function markOf(mark: Mark, { x }: RowPlane, y: number): Html {
  const shape = "at" in mark ? pointShape(mark.kind, x(mark.at), y) : lengthShape(mark, x(mark.from), x(mark.to), y);
  return html`<g class="${mark.colour}"><title>${mark.title}</title>${shape}</g>`;
}

function pointShape(kind: "dot" | "ring" | "tick", at: number, y: number): Html {
  if (kind === "tick") return html`<rect class="fill" x="${coordinate(at - 1.5)}" y="${y - 9}" width="3" height="18"/>`;
  return html`<circle class="${kind === "dot" ? "fill" : "stroke"}" cx="${at}" cy="${y}" r="5"/>`;
}

function lengthShape({ kind, isOpen }: Extract<Mark, { from: number }>, from: number, to: number, y: number): Html {
  const arrow = isOpen && html`<path class="stroke" d="M${to + 3} ${y - BAR / 2}l6 ${BAR / 2}l-6 ${BAR / 2}"/>`;
  if (kind === "range")
    return html`<path class="stroke" d="M${from} ${y - 5}v10M${from} ${y}H${to}${isOpen ? "" : `M${to} ${y - 5}v10`}"/>${arrow}`;
  return html`<rect class="fill" x="${from}" y="${y - BAR / 2}" width="${coordinate(Math.max(1, to - from))}" height="${BAR}"/>${arrow}`;
}
