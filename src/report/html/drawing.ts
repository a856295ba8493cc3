/** Shapes of static pictures. Coordinates are units of the view box, of which a page 1,180 pixels wide shows 1,080. */
import { type Html, type HtmlValue, html } from "./markup.ts";

/** Width of pictures that fill the page. */
export const DRAWING_WIDTH = 1080;

export interface DrawingOptions {
  readonly width: number;
  readonly height: number;
  /** What is seen, for those who do not see it. */
  readonly label: string;
  /** Holds text: kept wide enough to read. Pictures without text may shrink. */
  readonly hasText: boolean;
}

/** A picture of shapes. */
export function drawing({ width, height, label, hasText }: DrawingOptions, shapes: HtmlValue): Html {
  const kind = hasText ? html` class="plot"` : null;
  return html`<svg${kind} viewBox="0 0 ${coordinate(width)} ${coordinate(height)}" role="img" aria-label="${label}">${shapes}</svg>`;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A rectangle in the colours of its classes, with what it says when pointed at. */
export function rectangle({ x, y, width, height }: Box, className: string, title?: string): Html {
  const place = html`x="${coordinate(x)}" y="${coordinate(y)}" width="${coordinate(Math.max(0, width))}" height="${coordinate(Math.max(0, height))}"`;
  if (title === undefined) return html`<rect class="${className}" ${place}/>`;
  return html`<rect class="${className}" ${place}><title>${title}</title></rect>`;
}

/** A line in the colours of its classes. */
export function line(x1: number, y1: number, x2: number, y2: number, className: string): Html {
  return html`<line class="${className}" x1="${coordinate(x1)}" y1="${coordinate(y1)}" x2="${coordinate(x2)}" y2="${coordinate(y2)}"/>`;
}

/** Text; classes `strong`, `end` and `middle`. */
export function words(x: number, y: number, text: string, className = ""): Html {
  return html`<text${className !== "" && html` class="${className}"`} x="${coordinate(x)}" y="${coordinate(y)}">${text}</text>`;
}

/** Text of at most so many characters, for places where longer text would cover something. */
export function shortened(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters - 1)}…` : text;
}

/** A figure as it stands in a picture: two decimals, and 0 for what is no number. */
export function coordinate(value: number): number {
  const rounded = Math.round(value * 100) / 100;
  return Number.isFinite(rounded) ? rounded : 0;
}
