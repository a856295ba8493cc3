/** The device's RAM to scale: banks, what takes them, and how far heaps and stacks were used. */
import { formatAddress, formatBytes } from "../../quantities.ts";
import type { BankOfRun, MemoryOfRun, MemoryRangeOfRun, MemoryUse, RunRecord } from "../../soak/record.ts";
import { formatCount, formatRatio } from "../table.ts";
import { type Box, DRAWING_WIDTH, drawing, line, rectangle, shortened, words } from "./drawing.ts";
import { type Html, html } from "./markup.ts";
import { figure, type PageRow, table } from "./parts.ts";
import type { Section } from "./record-page.ts";

const BAR_HEIGHT = 44;
const LABEL_HEIGHT = 16;
const LABEL_ROWS = 4;
/** Roughly, of a character of a label. */
const LABEL_CHARACTER = 6.8;
const LABEL_GAP = 10;
const LABEL_CHARACTERS = 28;
/** The smallest ranges stay visible. */
const RANGE_WIDTH_LEAST = 1.5;

const COLOURS: Readonly<Record<MemoryUse, string>> = {
  static: "bookkeeping",
  heap: "series-1",
  "main-stack": "series-3",
  "task-stack": "series-3",
  taken: "series-8",
};
const USES: Readonly<Record<MemoryUse, string>> = {
  static: "static data",
  heap: "heap",
  "main-stack": "main stack",
  "task-stack": "task stack",
  taken: "taken",
};

/** How much of a range was used. */
interface Used {
  /** 0..1, from the low end (heaps) or the high end (stacks). */
  readonly ratio: number;
  readonly text: string;
}

/** The section; where the record does not tell how RAM was laid out, it says so. */
export function memorySection(record: RunRecord): Section {
  const { memory } = record;
  const body = memory ? memoryMap(record, memory) : html`<p class="note">The layout of RAM is not in this record.</p>`;
  return { id: "memory", title: "Memory map of the device", body };
}

function memoryMap(record: RunRecord, memory: MemoryOfRun): Html {
  const banks = memory.banks.filter((bank) => rangesIn(bank, memory).length > 0);
  const empty = memory.banks.filter((bank) => !banks.includes(bank));
  const unused =
    empty.length > 0 &&
    html`<p class="note">Not used: ${empty.map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`).join(", ")}.</p>`;
  return html`${banks.map((bank) => bankFigure(bank, memory, record))}${unused}
${table(["range", "use", "from", "size", "used"], rangeRows(record, memory), { caption: "Ranges in address order; a heap's use is its peak of live bytes, a stack's its deepest observed mark", words: [1, 2, 4] })}`;
}

function rangesIn(bank: BankOfRun, { ranges }: MemoryOfRun): MemoryRangeOfRun[] {
  return ranges.filter(({ low }) => low >= bank.low && low < bank.low + bank.bytes);
}

function bankFigure(bank: BankOfRun, memory: MemoryOfRun, record: RunRecord): Html {
  const ranges = rangesIn(bank, memory);
  const scale = DRAWING_WIDTH / Math.max(1, bank.bytes);
  const boxes = ranges.map(({ low, bytes }) => ({
    x: (low - bank.low) * scale,
    y: 0,
    width: Math.max(RANGE_WIDTH_LEAST, bytes * scale),
    height: BAR_HEIGHT,
  }));
  const labels = placedLabels(ranges, boxes);
  const rows = Math.max(0, ...labels.map(({ row }) => row + 1));
  const shapes = [
    rectangle({ x: 0, y: 0, width: DRAWING_WIDTH, height: BAR_HEIGHT }, "fill untouched bordered"),
    ranges.map((range, index) => rangeShapes(range, boxes[index], usedOf(range, record))),
    labels.map(labelShapes),
  ];
  const end = formatAddress(bank.low + bank.bytes - 1);
  const caption = `${bank.name}: ${formatBytes(bank.bytes)} from ${formatAddress(bank.low)} to ${end}, to scale; the strong part of heaps and stacks was used`;
  const height = BAR_HEIGHT + 6 + rows * LABEL_HEIGHT;
  const picture = drawing({ width: DRAWING_WIDTH, height, label: caption, hasText: true }, shapes);
  const uses = new Set(ranges.map(({ use }) => COLOURS[use]));
  if (ranges.some((range) => range.use !== "heap" && (usedOf(range, record)?.ratio ?? 0) > 1)) uses.add("bad");
  return figure(picture, { caption, legend: LEGEND.filter(({ colour }) => uses.has(colour)) });
}

const LEGEND = [
  { colour: "bookkeeping", label: "static data" },
  { colour: "series-1", label: "heap, up to its peak of live bytes" },
  { colour: "series-3", label: "stack, down to its deepest mark" },
  { colour: "series-8", label: "taken by ROM or radio" },
  { colour: "bad", label: "past the end of a stack" },
];

function rangeShapes(range: MemoryRangeOfRun, box: Box | undefined, used: Used | undefined): Html | null {
  if (!box) return null;
  const title = `${range.name}: ${USES[range.use]}, ${formatBytes(range.bytes)} at ${formatAddress(range.low)}${used ? `; ${used.text}` : ""}`;
  const colour = COLOURS[range.use];
  if (!used) return rectangle(box, `fill ${colour} edge`, title);
  const width = box.width * Math.min(1, Math.max(0, used.ratio));
  const x = range.use === "heap" ? box.x : box.x + box.width - width;
  const beyond = range.use === "heap" ? 0 : box.width * Math.max(0, used.ratio - 1);
  return html`${rectangle(box, `band ${colour} edge`, title)}${rectangle({ ...box, x, width }, `fill ${colour}`, title)}
${beyond > 0 && rectangle({ ...box, x: box.x - beyond, width: beyond }, "fill bad", `${title}: past its end`)}`;
}

interface Label {
  readonly text: string;
  /** Middle of the range, where the leader line is. */
  readonly x: number;
  readonly row: number;
  /** Whether the text stands to the left of its line. */
  readonly isLeft: boolean;
  /** What the text covers of its row. */
  readonly from: number;
  readonly to: number;
}

/** Labels below the bar, each beside its leader line, none in another's way; those without room are left to the table. */
function placedLabels(ranges: readonly MemoryRangeOfRun[], boxes: readonly Box[]): Label[] {
  const wanted = boxes.map((box, index) => ({ text: ranges[index]?.name ?? "", x: box.x + box.width / 2 }));
  // Texts point to the middle: a line that is nearer to it would pass through the texts of those further out.
  wanted.sort((a, b) => Math.abs(a.x - DRAWING_WIDTH / 2) - Math.abs(b.x - DRAWING_WIDTH / 2));
  const placed: Label[] = [];
  for (const { text, x } of wanted) {
    const label = placesFor(shortened(text, LABEL_CHARACTERS), x).find((place) =>
      placed.every((other) => !collide(place, other)),
    );
    if (label) placed.push(label);
  }
  return placed;
}

/** Where the label of a range with its middle at `x` may stand, best first: towards the middle of the bar, near to it. */
function placesFor(text: string, x: number): Label[] {
  const width = text.length * LABEL_CHARACTER + LABEL_GAP;
  const sides = x > DRAWING_WIDTH / 2 ? [true, false] : [false, true];
  return Array.from({ length: LABEL_ROWS }, (_, row) => row).flatMap((row) =>
    sides.flatMap((isLeft) => {
      const [from, to] = isLeft ? [x - width, x] : [x, x + width];
      return from < 0 || to > DRAWING_WIDTH + LABEL_GAP ? [] : [{ text, x, row, isLeft, from, to }];
    }),
  );
}

/** Whether one text covers the other, or a line passes through a text. */
function collide(one: Label, other: Label): boolean {
  if (one.row === other.row) return one.from < other.to && other.from < one.to;
  const [upper, lower] = one.row < other.row ? [one, other] : [other, one];
  return lower.x > upper.from && lower.x < upper.to;
}

function labelShapes({ text, x, row, isLeft }: Label): Html {
  const y = BAR_HEIGHT + 6 + row * LABEL_HEIGHT + 10;
  const name = isLeft ? words(x - 4, y, text, "end") : words(x + 4, y, text);
  return html`${line(x, BAR_HEIGHT, x, y, "stroke thin muted")}${name}`;
}

function usedOf({ use, name, bytes }: MemoryRangeOfRun, { heaps, stacks }: RunRecord): Used | undefined {
  const heap = use === "heap" ? heaps[name] : undefined;
  if (heap) {
    const ratio = heap.peakLiveBytes / Math.max(1, heap.arenaBytes);
    return { ratio, text: `peak ${formatCount(heap.peakLiveBytes)} B live (${formatRatio(ratio)})` };
  }
  const stack = use === "main-stack" || use === "task-stack" ? stacks[name] : undefined;
  if (!stack) return undefined;
  const { observedBytes, worstCaseBytes } = stack;
  const ratio = observedBytes / Math.max(1, bytes);
  const text = `observed ${formatCount(observedBytes)} B (${formatRatio(ratio)}), worst case ${formatCount(worstCaseBytes)} B`;
  return { ratio, text };
}

function rangeRows(record: RunRecord, memory: MemoryOfRun): PageRow[] {
  return memory.ranges.map((range) => ({
    title: range.name,
    cells: [
      USES[range.use],
      html`<code>${formatAddress(range.low)}</code>`,
      formatBytes(range.bytes),
      usedOf(range, record)?.text ?? "",
    ],
  }));
}
