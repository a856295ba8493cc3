/**
 * Pictures that need no script: static SVG, painted by the classes of src/page/page.css, so that they follow the page's
 * colour scheme and print with it. Every picture says in words what it shows; its values stand in a table as well.
 */
import { coordinate, DRAWING_WIDTH, drawing, words } from "./drawing.ts";
import { type Html, type HtmlValue, html } from "./markup.ts";
import type { Scale } from "./svg-scale.ts";

/** A class that names a colour: `series-1`, `bad`. */
export type Colour = string;

export type Point = readonly [x: number, y: number];

/** What a picture is, for those who do not see it, and its height. */
export interface Picture {
  /** What it shows, in a few words. */
  readonly label: string;
  /** What is to be seen in it, in a sentence or two. */
  readonly description: string;
  readonly height: number;
}

/** A picture with two axes. */
export interface PlotRequest extends Picture {
  readonly x: Scale;
  readonly y: Scale;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Kept free to the right of the axes, for labels. */
  readonly right?: number;
}

/** Where values come to lie in a picture. */
export interface Plane {
  x(value: number): number;
  y(value: number): number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Of a letter on the average, at the page's size of text in pictures. */
export const LETTER_WIDTH = 6.7;
/** Below the axes, for the ticks' labels and the title. */
export const FOOT = 38;
const LEFT = 60;
const TOP = 22;
const LINE_HEIGHT = 14;

/** The root of a picture. */
export function picture({ label, description, height }: Picture, shapes: HtmlValue): Html {
  const content = html`<desc>${description}</desc>${shapes}`;
  return drawing({ width: DRAWING_WIDTH, height, label, hasText: true }, content);
}

/** Axes with their titles, and what `marks` draws between them. */
export function plot(request: PlotRequest, marks: (plane: Plane) => readonly Html[]): Html {
  const { x, y, xTitle, yTitle, height, right = 16 } = request;
  const plane = planeOf(x, y, { left: LEFT, right: DRAWING_WIDTH - right, top: TOP, bottom: height - FOOT });
  const levels = y.ticks.map(({ value, text }) => {
    const at = plane.y(value);
    return html`<path class="rule stroke thin" d="M${plane.left} ${at}H${plane.right}"/>${words(plane.left - 8, at + 4, text, "end")}`;
  });
  return picture(request, [...levels, words(0, 11, yTitle), ...xAxis(x, xTitle, plane), ...marks(plane)]);
}

function planeOf(x: Scale, y: Scale, edges: Pick<Plane, "left" | "right" | "top" | "bottom">): Plane {
  const { left, right, top, bottom } = edges;
  return {
    ...edges,
    x: (value) => coordinate(left + x.share(value) * (right - left)),
    y: (value) => coordinate(bottom - y.share(value) * (bottom - top)),
  };
}

/** The axis below the plane, with as many labels as there is room for. */
export function xAxis({ ticks }: Scale, title: string, plane: Pick<Plane, "x" | "left" | "right" | "bottom">): Html[] {
  const { left, right, bottom } = plane;
  let freeFrom = 0;
  const marks = ticks.map(({ value, text }) => {
    const at = plane.x(value);
    const reach = (text.length * LETTER_WIDTH) / 2;
    const fits = at - reach >= freeFrom;
    if (fits) freeFrom = at + reach + 8;
    return html`<path class="muted stroke thin" d="M${at} ${bottom}v4"/>${fits && words(at, bottom + 16, text, "middle")}`;
  });
  const axis = html`<path class="muted stroke thin" d="M${left} ${bottom}H${right}"/>`;
  return [axis, ...marks, words(right, bottom + 32, title, "end")];
}

/** The way through points. */
export function line(plane: Plane, points: readonly Point[], classes: string): Html {
  return html`<path class="${classes} stroke" d="${pathOf(plane, points)}"/>`;
}

/** The area between two lines. */
export function band(plane: Plane, upper: readonly Point[], lower: readonly Point[], colour: Colour): Html {
  return html`<path class="${colour} band" d="${pathOf(plane, [...upper, ...lower.toReversed()])}Z"/>`;
}

/** Each value stays until the next one, the last until `endX`. */
export function stepped(points: readonly Point[], endX: number): Point[] {
  return points.flatMap(([x, y], index): Point[] => [
    [x, y],
    [points[index + 1]?.[0] ?? endX, y],
  ]);
}

/** A value with its interval. Without a value all that is known is that it lies below the interval's upper end. */
export interface Estimate {
  readonly x: number;
  readonly value: number | null;
  readonly interval: Point;
  readonly colour: Colour;
  /** Shown where the pointer rests on it. */
  readonly title: string;
  /** To the side, where several share an x. */
  readonly aside?: number;
}

/** The interval as a bar with ends, and a dot at the value; without a value the bar points downwards and has no end there. */
export function estimate(plane: Plane, { x, value, interval: [low, high], colour, title, aside = 0 }: Estimate): Html {
  const at = coordinate(plane.x(x) + aside);
  const [top, foot] = [plane.y(high), plane.y(low)];
  const arrow = `M${at} ${top}V${plane.bottom - 3}m-4 -6l4 6l4 -6`;
  const bar = value === null ? arrow : `M${at} ${top}V${foot}M${at - 5} ${foot}h10`;
  const dot = value !== null && html`<circle class="fill" cx="${at}" cy="${plane.y(value)}" r="4"/>`;
  return html`<g class="${colour}"><title>${title}</title><path class="stroke" d="M${at - 5} ${top}h10${bar}"/>${dot}</g>`;
}

/** A limit across the plane, named at one of its ends. */
export function limit(
  plane: Plane,
  value: number,
  text: string,
  colour: Colour,
  end: "left" | "right" = "right",
): Html {
  const y = plane.y(value);
  const name =
    end === "left" ? words(plane.left + 6, y - 5, text, "strong") : words(plane.right, y - 5, text, "end strong");
  return html`<path class="${colour} stroke dashed" d="M${plane.left} ${y}H${plane.right}"/>${name}`;
}

/** A line from top to bottom, named at its upper end, on the side where there is more room. */
export function moment(
  { x, left, right, top, bottom }: Omit<Plane, "y">,
  value: number,
  text: string,
  colour: Colour = "muted",
): Html {
  const at = x(value);
  const isLate = at > (left + right) / 2;
  return html`<path class="${colour} stroke dashed" d="M${at} ${top}V${bottom}"/>${words(at + (isLate ? -5 : 5), top + 10, text, isLate ? "end strong" : "strong")}`;
}

/** Names of lines at their right ends, apart where they would lie on each other, each with a thread to its line. */
export function endLabels(
  plane: Plane,
  labels: readonly { readonly y: number; readonly text: string; readonly colour: Colour }[],
): Html[] {
  const ordered = labels.map((label) => ({ ...label, from: plane.y(label.y) })).sort((a, b) => a.from - b.from);
  let free = plane.top;
  return ordered.map(({ from, text, colour }, index) => {
    const lowest = plane.bottom - (ordered.length - 1 - index) * LINE_HEIGHT;
    const to = Math.max(free, Math.min(from, lowest));
    free = to + LINE_HEIGHT;
    const thread = html`<path class="${colour} stroke" d="M${plane.right + 1} ${from}L${plane.right + 12} ${coordinate(to)}"/>`;
    return html`${thread}${words(plane.right + 16, to + 4, text, "strong")}`;
  });
}

/** The straight way between two points, along 0 where it would go below. */
export function aboveZero([fromX, fromY]: Point, [toX, toY]: Point): Point[] {
  const held: Point[] = [
    [fromX, Math.max(0, fromY)],
    [toX, Math.max(0, toY)],
  ];
  if (fromY < 0 === toY < 0) return held;
  const crossing: Point = [fromX + ((toX - fromX) * fromY) / (fromY - toY), 0];
  return held.toSpliced(1, 0, crossing);
}

function pathOf(plane: Plane, points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${plane.x(x)} ${plane.y(y)}`).join("");
}
