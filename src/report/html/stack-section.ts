/** Stacks: how deep each went, may go, and what an overflow did. */
import type { RunRecord, StackRecordOfRun } from "../../soak/record.ts";
import { plainPaint } from "../paint.ts";
import { headroom, overflowLines } from "../run-stack-text.ts";
import { formatCount } from "../table.ts";
import { DRAWING_WIDTH, drawing, line, rectangle, shortened, words } from "./drawing.ts";
import { type Html, html } from "./markup.ts";
import { figure, type PageRow, subheading, table, toned } from "./parts.ts";
import type { Section } from "./record-page.ts";

const ROW_HEIGHT = 30;
const BAR_HEIGHT = 16;
const NAME_WIDTH = 170;
const NAME_CHARACTERS = 26;

/** The section; nothing where the run has no stacks. */
export function stackSection({ stacks }: RunRecord): Section[] {
  const entries = Object.entries(stacks);
  if (entries.length === 0) return [];
  const rows = entries.map(([name, stack]) => stackRow(name, stack));
  const body = html`${stackFigure(entries)}
${table(["stack", "size", "observed", "painted", "worst case", "headroom"], rows, { caption: "Marks in bytes; the headroom is what the worst case leaves" })}
${entries.map(([name, stack]) => overflowOf(name, stack))}`;
  return [{ id: "stacks", title: "Stacks", body }];
}

function stackRow(name: string, stack: StackRecordOfRun): PageRow {
  const { sizeBytes, observedBytes, paintedBytes, worstCaseBytes, overflow } = stack;
  const room = headroom(stack);
  const isOver = worstCaseBytes > sizeBytes;
  return {
    title: name,
    cells: [
      ...[sizeBytes, observedBytes, paintedBytes, worstCaseBytes].map(formatCount),
      isOver ? toned(room, "bad") : room,
    ],
    ...((overflow || isOver) && { tone: "bad" as const }),
  };
}

/** All stacks on one scale: the size as a frame, what was used in it, and the worst case as a mark. */
function stackFigure(entries: readonly (readonly [string, StackRecordOfRun])[]): Html {
  const most = Math.max(1, ...entries.map(([, stack]) => deepest(stack)));
  const scale = (DRAWING_WIDTH - NAME_WIDTH - 80) / most;
  const caption = "Stacks on one scale, from the top of each stack to the right";
  const shapes = entries.map(([name, stack], row) => stackShapes(name, stack, row * ROW_HEIGHT + 4, scale));
  const height = entries.length * ROW_HEIGHT;
  return figure(drawing({ width: DRAWING_WIDTH, height, label: caption, hasText: true }, shapes), {
    caption,
    legend: [
      { colour: "series-3", label: "observed" },
      { colour: "free", label: "never reached" },
      { colour: "series-2", label: "painted mark" },
      { colour: "ink", label: "worst case" },
      { colour: "bad", label: "past the end" },
    ],
  });
}

function deepest({ sizeBytes, observedBytes, worstCaseBytes, overflow }: StackRecordOfRun): number {
  return Math.max(sizeBytes, observedBytes, worstCaseBytes, sizeBytes + (overflow?.bytesBeyond ?? 0));
}

function stackShapes(name: string, stack: StackRecordOfRun, y: number, scale: number): Html {
  const { sizeBytes, observedBytes, paintedBytes, worstCaseBytes, overflow } = stack;
  const x = (bytes: number) => NAME_WIDTH + bytes * scale;
  const reached = Math.max(observedBytes, overflow ? sizeBytes + overflow.bytesBeyond : 0);
  const bar = { x: x(0), y, height: BAR_HEIGHT };
  const what = `${name}: ${formatCount(observedBytes)} B observed, ${formatCount(worstCaseBytes)} B at worst, of ${formatCount(sizeBytes)} B`;
  return html`${words(NAME_WIDTH - 10, y + 12, shortened(name, NAME_CHARACTERS), "end strong")}
${rectangle({ ...bar, width: sizeBytes * scale }, "fill free bordered", what)}
${rectangle({ ...bar, width: Math.min(reached, sizeBytes) * scale }, "fill series-3", what)}
${reached > sizeBytes && rectangle({ ...bar, x: x(sizeBytes), width: (reached - sizeBytes) * scale }, "fill bad", what)}
${line(x(paintedBytes), y + 4, x(paintedBytes), y + BAR_HEIGHT - 4, "stroke series-2")}
${line(x(worstCaseBytes), y - 3, x(worstCaseBytes), y + BAR_HEIGHT + 3, "stroke ink")}
${words(x(deepest(stack)) + 6, y + 12, `of ${formatCount(sizeBytes)} B`)}`;
}

function overflowOf(name: string, stack: StackRecordOfRun): Html | null {
  const [what, ...more] = overflowLines(name, stack, plainPaint).map((text) => text.trim());
  if (what === undefined) return null;
  return html`${subheading(`Overflow of ${name}`)}<p>${toned(`${what}: `, "bad")}${more.join("; ")}.</p>
`;
}
