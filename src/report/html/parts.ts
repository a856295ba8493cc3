/**
 * What pages are built of. Colours and sizes are classes of src/page/page.css, never attributes: the page's content
 * security policy allows no inline style. A class such as `series-3`, `live` or `good` sets the custom property `--c`;
 * `fill`, `stroke` (of SVG shapes) and `swatch` (of legends) paint with it.
 */
import { type Html, type HtmlValue, html } from "./markup.ts";
import type { Tone } from "./record-page.ts";

/** Colours of series, by number; the ninth is the first again. */
const SERIES_COLOURS = 8;

/** A row of a table: its head, and a cell for each of the other columns. Strings are escaped. */
export interface PageRow {
  readonly title: HtmlValue;
  readonly cells: readonly HtmlValue[];
  /** Set apart by a mark at its left: the chosen, best or failed row. */
  readonly tone?: Tone;
}

export interface TableOptions {
  /** What the table shows: read out, and printed above it. */
  readonly caption: string;
  /** Whether the caption is only for those who hear the page: where a heading just above says the same. */
  readonly captionHidden?: boolean;
  /** Columns of words, by index in `heads` (the first one always is); the others are figures, to the right. */
  readonly words?: readonly number[];
}

/** A table that scrolls by itself where it is too wide. `heads` counts the column of the rows' titles. */
export function table(heads: readonly string[], rows: readonly PageRow[], options: TableOptions): Html {
  const kind = heads.map((_, index) => (index === 0 || options.words?.includes(index) ? "word" : "number"));
  const caption = html`<caption${options.captionHidden ? html` class="unseen"` : null}>${options.caption}</caption>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${options.caption}"><table>${caption}
<thead><tr>${heads.map((head, index) => headCell(head, kind[index]))}</tr></thead>
<tbody>${rows.map((row) => bodyRow(row, kind))}</tbody></table></div>
`;
}

function headCell(head: string, kind: string | undefined): Html {
  return head === "" ? html`<td></td>` : html`<th scope="col" class="${kind}">${head}</th>`;
}

function bodyRow({ title, cells, tone }: PageRow, kind: readonly string[]): Html {
  const cellsOfRow = cells.map((cell, index) => html`<td class="${kind[index + 1] ?? "number"}">${cell}</td>`);
  return html`<tr${tone ? html` class="${tone}"` : null}><th scope="row">${title}</th>${cellsOfRow}</tr>
`;
}

/** Names and what they are: figures side by side, or, where the values are sentences or digests, line by line. */
export function factList(
  facts: readonly (readonly [name: string, value: HtmlValue])[],
  layout: "tiles" | "lines" = "tiles",
): Html {
  return html`<dl class="facts ${layout}">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
`;
}

/** Words in the colour of their tone; the words say it, too. */
export function toned(text: HtmlValue, tone: Tone): Html {
  return html`<strong class="toned ${tone}">${text}</strong>`;
}

/** A verdict as a label: `PASS`, `NOT MET`. */
export function badge(text: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${text}</span>`;
}

export interface FigureOptions {
  /** What is seen, in a sentence or less. */
  readonly caption: HtmlValue;
  readonly legend?: readonly LegendEntry[];
  /** Further classes, such as `wide`. */
  readonly className?: string;
}

/** A picture with its caption; one too wide for the window scrolls by itself (class `plot` of an svg: 860 px at least). */
export function figure(picture: Html, { caption, legend: entries = [], className }: FigureOptions): Html {
  return html`<figure${className ? html` class="${className}"` : null}><figcaption>${caption}</figcaption>
${entries.length > 0 && legend(entries)}<div class="picture" tabindex="0" role="group" aria-label="Picture">${picture}</div></figure>
`;
}

export interface LegendEntry {
  /** Class with the colour: `live`, `free`, `hole`, `bookkeeping`, `untouched`, `pin`, `good`, `bad`, `open`, `accent`, `series-1` …. */
  readonly colour: string;
  readonly label: string;
}

/** What the colours mean. */
export function legend(entries: readonly LegendEntry[]): Html {
  const items = entries.map(
    ({ colour, label }) => html`<li><span class="swatch ${colour}" aria-hidden="true"></span>${label}</li>`,
  );
  return html`<ul class="legend">${items}</ul>
`;
}

/** The class of the colour of the `index`th of several things, from 0. */
export function seriesColour(index: number): string {
  return `series-${(index % SERIES_COLOURS) + 1}`;
}

/** A heading within a section. */
export function subheading(text: HtmlValue): Html {
  return html`<h4>${text}</h4>
`;
}

/** An id from any text: kebab-case, letters and digits only. Different texts may give the same. */
export function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ["unnamed"];
  return words.join("-").slice(0, 40);
}
