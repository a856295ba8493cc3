/** A heap over time as plain pictures: what is printed, and seen where no script runs. */
import type { Column, HeapRecordOfRun } from "../../soak/record.ts";
import { simulatedDate } from "../simulated-time.ts";
import { formatCount } from "../table.ts";
import { coordinate, DRAWING_WIDTH, drawing, line, words } from "./drawing.ts";
import { type Html, html } from "./markup.ts";
import { thinnedSeries } from "./page-run.ts";
import { legend } from "./parts.ts";

const CELLS = 64;
const CELL_HEIGHT = 3;
const MAP_HEIGHT = CELLS * CELL_HEIGHT;
const CHART_HEIGHT = 120;
const HEAD_HEIGHT = 18;
const FOOT_HEIGHT = 18;

export interface SeriesPictureOptions {
  /** Windows that are drawn; the others are merged into them. */
  readonly columns: number;
  /** Where the run failed in this heap, or null. */
  readonly failedAtUs: number | null;
}

/** The map of addresses by time, and below it free memory and the largest free request. */
export function seriesPictures(name: string, heap: HeapRecordOfRun, options: SeriesPictureOptions): Html {
  if (heap.series.atUs.length === 0) return html`<p class="note">The run was too short to keep a series.</p>`;
  return html`${mapOverTime(name, heap, options)}${freeOverTime(name, heap, options)}${legend([
    { colour: "live", label: "map: live (the stronger, the fuller)" },
    { colour: "series-1", label: "free bytes" },
    { colour: "series-2", label: "largest request that fits" },
  ])}`;
}

/** Addresses upwards, time to the right: a shade for how full each 64th of the heap is. */
export function mapOverTime(name: string, heap: HeapRecordOfRun, { columns, failedAtUs }: SeriesPictureOptions): Html {
  const { atUs, map } = thinnedSeries(heap.series, columns);
  const endUs = atUs.at(-1) ?? 1;
  const shades = Array.from({ length: 9 }, (_, index) => {
    const path = shadePath(map, atUs, endUs, String(index + 1));
    return path !== "" && html`<path class="fill live" fill-opacity="${coordinate((index + 1) / 9)}" d="${path}"/>`;
  });
  const label = `Heap ${name}: how full each 64th of its addresses was, over time`;
  return drawing({ width: DRAWING_WIDTH, height: MAP_HEIGHT, label, hasText: false }, [
    html`<rect class="fill untouched" width="${DRAWING_WIDTH}" height="${MAP_HEIGHT}"/>`,
    shades,
    failureMark(failedAtUs, endUs, MAP_HEIGHT),
  ]);
}

/** All cells of one shade as one path; cells that are equal from window to window are one rectangle. */
function shadePath(map: readonly string[], atUs: Column, endUs: number, digit: string): string {
  let path = "";
  for (let cell = 0; cell < CELLS; cell++) {
    const y = MAP_HEIGHT - (cell + 1) * CELL_HEIGHT;
    for (let from = 0; from < map.length; ) {
      let to = from;
      while (to < map.length && map[to]?.[cell] === digit) to++;
      if (to > from) {
        const left = coordinate((DRAWING_WIDTH * (atUs[from - 1] ?? 0)) / endUs);
        const right = coordinate((DRAWING_WIDTH * (atUs[to - 1] ?? 0)) / endUs);
        path += `M${left} ${y}H${right}v${CELL_HEIGHT}H${left}z`;
      }
      from = to + 1;
    }
  }
  return path;
}

function freeOverTime(name: string, heap: HeapRecordOfRun, { columns, failedAtUs }: SeriesPictureOptions): Html {
  const { atUs, freeBytes, largestFreeBytes } = thinnedSeries(heap.series, columns);
  const endUs = atUs.at(-1) ?? 1;
  const x = (us: number) => (DRAWING_WIDTH * us) / endUs;
  const y = (bytes: number) => HEAD_HEIGHT + CHART_HEIGHT * (1 - Math.min(1, Math.max(0, bytes / heap.arenaBytes)));
  const band = (range: typeof freeBytes) => bandPath(atUs.map(x), range.min.map(y), range.max.map(y));
  const label = `Heap ${name}: free bytes and the largest request that fits, over time`;
  const floor = HEAD_HEIGHT + CHART_HEIGHT;
  const height = floor + FOOT_HEIGHT;
  return drawing({ width: DRAWING_WIDTH, height, label, hasText: true }, [
    html`<path class="band series-1" d="${band(freeBytes)}"/><path class="stroke thin series-1" d="${linePath(atUs.map(x), freeBytes.min.map(y))}"/>`,
    html`<path class="band series-2" d="${band(largestFreeBytes)}"/><path class="stroke thin series-2" d="${linePath(atUs.map(x), largestFreeBytes.min.map(y))}"/>`,
    line(0, HEAD_HEIGHT, DRAWING_WIDTH, HEAD_HEIGHT, "stroke thin rule"),
    line(0, floor, DRAWING_WIDTH, floor, "stroke thin rule"),
    failureMark(failedAtUs, endUs, floor),
    words(0, 13, `${formatCount(heap.arenaBytes)} B`),
    words(0, height - 4, "day 1, 00:00"),
    words(DRAWING_WIDTH, height - 4, simulatedDate(endUs), "end"),
  ]);
}

function failureMark(failedAtUs: number | null, endUs: number, height: number): Html | null {
  if (failedAtUs === null || failedAtUs > endUs * 1.01) return null;
  const x = Math.min(DRAWING_WIDTH - 1, (DRAWING_WIDTH * failedAtUs) / endUs);
  return line(x, 0, x, height, "stroke bad");
}

function linePath(xs: Column, ys: Column): string {
  return xs.map((x, index) => `${index === 0 ? "M" : "L"}${coordinate(x)} ${coordinate(ys[index] ?? 0)}`).join("");
}

function bandPath(xs: Column, least: Column, most: Column): string {
  const back = xs.map((x, index) => `L${coordinate(x)} ${coordinate(most[index] ?? 0)}`).reverse();
  return `${linePath(xs, least)}${back.join("")}z`;
}
