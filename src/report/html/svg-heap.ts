/** Heaps as strips to scale, one below the other, from the pictures and maps that records hold as text. */
import { formatCount } from "../table.ts";
import { coordinate, DRAWING_WIDTH, rectangle, shortened, words } from "./drawing.ts";
import { type Html, html } from "./markup.ts";
import { LETTER_WIDTH, picture } from "./svg-plot.ts";

/** A stretch of a heap. */
export interface Stretch {
  /** In bytes, or whatever the strip counts in. */
  readonly size: number;
  readonly state: "live" | "free" | "untouched" | "mixed" | "bookkeeping";
  /** Written in it where there is room. */
  readonly label: string;
}

export interface Strip {
  readonly title: string;
  readonly stretches: readonly Stretch[];
  /** Set apart: the step that failed. */
  readonly isBad?: boolean;
}

const ROW = 26;
const BLOCK = 20;
const TITLE_LETTERS = 44;
/** More stretches than can be told apart; the rest is one. */
const STRETCHES_MOST = 1024;
const CLASSES = {
  live: "live",
  free: "hole",
  untouched: "untouched",
  mixed: "live",
  bookkeeping: "bookkeeping",
} as const;
const STATES = {
  live: "live",
  free: "free",
  untouched: "never used",
  mixed: "live and free",
  bookkeeping: "the allocator's own",
} as const;
const MAP_STATES: Readonly<Record<string, Stretch["state"]>> = {
  "#": "live",
  ".": "free",
  "+": "mixed",
  "-": "bookkeeping",
};

/** The strips on one scale: the longest fills the width. */
export function heapStrips(strips: readonly Strip[], label: string, unit: string): Html {
  const left = strips.some(({ title }) => title !== "")
    ? Math.min(TITLE_LETTERS, Math.max(...strips.map(({ title }) => title.length))) * LETTER_WIDTH + 12
    : 0;
  const longest = Math.max(1, ...strips.map(({ stretches }) => stretches.reduce((sum, { size }) => sum + size, 0)));
  const scale = (DRAWING_WIDTH - left) / longest;
  const description = strips.map(({ title, stretches }) => `${title} ${stretches.length} stretches`.trim()).join("; ");
  const shapes = strips.map((strip, row) => stripShapes(strip, { left, y: row * ROW, scale, unit }));
  return picture({ label, description, height: strips.length * ROW }, shapes);
}

interface Place {
  readonly left: number;
  readonly y: number;
  readonly scale: number;
  readonly unit: string;
}

function stripShapes({ title, stretches, isBad }: Strip, { left, y, scale, unit }: Place): Html {
  let x = left;
  const shapes = stretches.slice(0, STRETCHES_MOST).map((stretch) => {
    const box = { x, y: y + 2, width: stretch.size * scale, height: BLOCK };
    x += box.width;
    return stretchShapes(stretch, box, unit);
  });
  const name = words(0, y + 16, shortened(title, TITLE_LETTERS), "strong");
  return html`${title !== "" && html`<g><title>${title}</title>${name}</g>`}${shapes}${isBad && html`<path class="bad stroke" d="M${coordinate(left - 6)} ${y + 2}v${BLOCK}"/>`}`;
}

function stretchShapes({ size, state, label }: Stretch, box: Parameters<typeof rectangle>[0], unit: string): Html {
  const kind = state === "live" || state === "mixed" ? "band" : "fill";
  const title = `${label === "" ? "" : `${label}: `}${formatCount(size)} ${unit}, ${STATES[state]}`;
  const hasRoom = box.width > label.length * LETTER_WIDTH + 6;
  const name = hasRoom && label !== "" && words(box.x + box.width / 2, box.y + 14, label, "strong middle");
  const outline = state === "live" && rectangle({ ...box, width: Math.max(0, box.width - 1) }, "live stroke thin");
  return html`<g><title>${title}</title>${rectangle(box, `${CLASSES[state]} ${kind}`)}${outline}${name}</g>`;
}

/** The colours of strips. */
export const STRIP_LEGEND = [
  { colour: "live", label: "live" },
  { colour: "hole", label: "free" },
  { colour: "bookkeeping", label: "the allocator's own" },
] as const;

/** Of a map to scale: `#` live, `.` free, `+` both, `-` bookkeeping, letters live. Equal characters are one stretch. */
export function mapStretches(map: string): Stretch[] {
  return [...map.matchAll(/(.)\1*/gsu)].map(([run, character = ""]) => {
    const state = MAP_STATES[character];
    return { size: run.length, state: state ?? "live", label: state ? "" : character };
  });
}

/**
 * Of a heap in one line (`16 a:24 3×24 [64] [8192…]`): live blocks with their names, holes in brackets. Null where its
 * middle is left out, or it is no such line.
 */
export function pictureStretches(line: string): Stretch[] | null {
  const stretches: Stretch[] = [];
  for (const word of line.split(" ").filter((part) => part !== "")) {
    const match = /^(?:(\d+)×)?(?:(\w+):)?(\[?)(\d+)(…?)\]?$/.exec(word);
    if (!match) return null;
    const [, times = "1", label = "", bracket, size = "0", rest] = match;
    const state = rest ? "untouched" : bracket ? "free" : "live";
    const stretch = { size: Number(size), state, label: label || formatCount(Number(size)) } as const;
    for (let time = 0; time < Math.min(Number(times), STRETCHES_MOST); time++) stretches.push(stretch);
  }
  return stretches;
}
