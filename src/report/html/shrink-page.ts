/** The page of a shrunk trace: the heap after each of the operations that are left. */
import type { ShrinkRecord, ShrunkStep } from "../../shrink/record.ts";
import { plainPaint } from "../paint.ts";
import { callText, failureText, originText, shrinkEffort, shrinkHeadline } from "../shrink-text.ts";
import { formatCount } from "../table.ts";
import { type Html, html } from "./markup.ts";
import { figure, table } from "./parts.ts";
import type { RecordPage } from "./record-page.ts";
import { heapStrips, pictureStretches, STRIP_LEGEND, type Strip } from "./svg-heap.ts";
import { capitalized, list, paragraphs } from "./text-parts.ts";

/** Of longer sequences the last are drawn. */
const DRAWN_MOST = 120;

/** The page of a shrink record. */
export function shrinkPage(record: ShrinkRecord): RecordPage {
  const { trace, before, after, steps } = record;
  const failure = failureText(record, plainPaint);
  return {
    title: `${trace}: ${formatCount(before.operations)} operations shrunk to ${formatCount(after.operations)}`,
    verdict: "SHRUNK",
    tone: "open",
    sentence: `${capitalized(failure)}.`,
    sections: [
      {
        id: "steps",
        title: "The heap after each operation",
        body: html`<p>${shrinkHeadline(record)}</p>
${list(shrinkEffort(record))}${stepsFigure(steps)}${stepsTable(steps)}`,
      },
    ],
    provenance: [
      ["Trace", trace],
      ["Device", record.device],
      ["Allocator", record.allocator],
    ],
  };
}

function stepsFigure(steps: readonly ShrunkStep[]): Html | Html[] {
  const drawn = steps.slice(-DRAWN_MOST);
  const strips = drawn.map((step, index): Strip => {
    const number = steps.length - drawn.length + index + 1;
    const isLast = number === steps.length;
    return { title: `${number}  ${callText(step)}`, stretches: pictureStretches(step.picture) ?? [], isBad: isLast };
  });
  if (strips.every(({ stretches }) => stretches.length === 0))
    return paragraphs(["The heap cannot be drawn: it could not be walked."]);
  const left = steps.length - drawn.length;
  return figure(heapStrips(strips, "The heap after each operation", "B"), {
    caption: `The heap in address order, to scale, after each operation; blocks by their names${left > 0 ? `. The first ${formatCount(left)} are in the table only` : ""}.`,
    legend: STRIP_LEGEND,
  });
}

function stepsTable(steps: readonly ShrunkStep[]): Html {
  const rows = steps.map((step, index) => ({
    title: formatCount(index + 1),
    cells: [callText(step), originText(step), html`<code>${step.picture}</code>`],
    ...(index === steps.length - 1 ? { tone: "bad" as const } : {}),
  }));
  return table(["Step", "Operation", "In the trace", "Heap after it, in bytes"], rows, {
    caption: "The operations that are left",
    words: [1, 2, 3],
  });
}
