/** The heaps over time: where the page's script draws, with plain pictures in its place until it does. */
import { formatBytes } from "../../quantities.ts";
import type { RunRecord } from "../../soak/record.ts";
import { type Html, html } from "./markup.ts";
import { subheading } from "./parts.ts";
import type { Section } from "./record-page.ts";
import { mapOverTime, type SeriesPictureOptions, seriesPictures } from "./series-picture.ts";

const COLUMNS = 128;

/** The section of a run whose data has this index on the page; nothing where the run has no heaps. */
export function historySection(record: RunRecord, run: number): Section[] {
  const entries = Object.entries(record.heaps);
  if (entries.length === 0) return [];
  const several = entries.length > 1;
  const body = entries.map(([name, heap], index) => {
    const heading = several && subheading(`Heap ${name}`);
    const caption = `${name}, ${heap.allocator}, ${formatBytes(heap.arenaBytes)}: addresses upwards, time to the right`;
    return html`${heading}${historyFigure(caption, run, index, seriesPictures(name, heap, optionsOf(record, name)))}
<div class="heap-charts" data-run="${run}" data-heap="${index}"></div>
`;
  });
  return [{ id: "history", title: several ? "Heaps over time" : "Heap over time", body: html`${body}` }];
}

/** A small picture of the heap over time among others with the same axes; `title` says whose it is. */
export function historyMultiple(record: RunRecord, name: string, title: string, run: number, columns: number): Html {
  const heap = record.heaps[name];
  if (!heap) return html``;
  const index = Object.keys(record.heaps).indexOf(name);
  return historyFigure(title, run, index, mapOverTime(title, heap, { ...optionsOf(record, name), columns }));
}

function historyFigure(caption: string, run: number, index: number, picture: Html): Html {
  return html`<figure class="heap-history" data-run="${run}" data-heap="${index}"><figcaption>${caption}</figcaption>
<div class="static">${picture}</div></figure>`;
}

function optionsOf({ failure }: RunRecord, heap: string): SeriesPictureOptions {
  return { columns: COLUMNS, failedAtUs: failure?.heap === heap ? failure.atUs : null };
}
