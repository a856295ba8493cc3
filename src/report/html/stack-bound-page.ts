/** The page of a program's stacks: their bounds against limits, level by level, the deepest paths, and what is not known. */
import { baseName } from "../../files.ts";
import type { EntryBound, HandlerBound } from "../../firmware-stack/stack-bound.ts";
import type { StackBoundRecord } from "../../firmware-stack/stack-record.ts";
import { plainPaint } from "../paint.ts";
import {
  bytesText,
  comparisonLines,
  ENTRY_HEADS,
  entryRow,
  functionsText,
  groupedUnknowns,
  HANDLER_HEADS,
  handlerRow,
  isPartOfOther,
  limitLines,
} from "../stack-bound-text.ts";
import { formatCount } from "../table.ts";
import { type Html, html } from "./markup.ts";
import { figure, seriesColour, table } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { type Mark, type PlotRow, ROWS_MOST, rowsPlot } from "./svg-rows.ts";
import { BYTES, linearScale, rounded } from "./svg-scale.ts";
import { judged, list, paragraphs, textTable } from "./text-parts.ts";

const MAIN_STACK = "main-stack";

/** The page of a stack-bound record. */
export function stackBoundPage(record: StackBoundRecord): RecordPage {
  const { mainStack, limits, elf, core, functions } = record;
  const main = `The main stack takes ${bytesText(mainStack.bytes, mainStack.bounded)} with ${mainStack.nested.length === 0 ? "no handler" : "all handlers nested"}.`;
  const exceeded = limits.filter(({ verdict }) => verdict === "fail");
  return {
    title: `Worst-case stacks of ${baseName(elf)}`,
    ...judged(record),
    sentence: [main, ...limitLines(exceeded, plainPaint).map((line) => `${line}.`)].join(" "),
    sections: [bounds(record), mainStackSection(record), ...paths(record), notKnown(record)],
    provenance: [
      ["Program", elf],
      ["Core", core],
      ["Frames of functions", functionsText(functions)],
    ],
  };
}

function bounds(record: StackBoundRecord): Section {
  const { entries, interrupts, limits } = record;
  const entryTable = textTable(["KIND", ...ENTRY_HEADS.slice(1)], entries.map(entryRow), {
    first: "Entry point",
    caption: "Entry points",
    words: [1],
  });
  const handlers = textTable(HANDLER_HEADS, interrupts.map(handlerRow), {
    first: "Handler",
    caption: "Handlers",
    words: [1],
  });
  return {
    id: "bounds",
    title: "Bounds and limits",
    body: html`${boundsFigure(record)}${list(limitLines(limits, plainPaint))}${entries.length > 0 && entryTable}${interrupts.length > 0 && handlers}`,
  };
}

function boundsFigure({ entries, interrupts, mainStack, limits }: StackBoundRecord): Html {
  const limitOf = new Map(limits.map(({ name, limitBytes }) => [name, limitBytes]));
  const all = [
    { name: MAIN_STACK, stackBytes: null, ...mainStack },
    ...entries,
    ...interrupts.map((handler) => ({ ...handler, stackBytes: null })),
  ];
  const rows = all.map((bound): PlotRow => {
    const mostBytes = limitOf.get(bound.name) ?? bound.stackBytes;
    return { title: bound.name, marks: boundMarks(bound, mostBytes), note: bytesText(bound.bytes, bound.bounded) };
  });
  const most = Math.max(
    1,
    ...limits.map(({ limitBytes }) => limitBytes),
    ...all.map(({ bytes, stackBytes }) => Math.max(bytes, stackBytes ?? 0)),
  );
  const picture = rowsPlot({
    label: "Worst-case stacks against their limits",
    description: rows
      .slice(0, ROWS_MOST)
      .map(({ title, note }) => `${title}: ${note ?? ""}`)
      .join("; "),
    scale: linearScale(rounded([0, most * 1.04], BYTES), BYTES),
    axisTitle: "bytes",
    rows,
  });
  return figure(picture, {
    caption: "Bars: the deepest path. With an arrow it is a lower bound: something on the way is not known.",
    legend: [
      { colour: "live", label: "worst case" },
      { colour: "open", label: "lower bound" },
      { colour: "bad", label: "above its limit" },
      { colour: "ink", label: "limit, or stack given" },
    ],
  });
}

interface Bound {
  readonly name: string;
  readonly bytes: number;
  readonly bounded: boolean;
}

function boundMarks({ name, bytes, bounded }: Bound, mostBytes: number | null): Mark[] {
  const isAbove = mostBytes !== null && bytes > mostBytes;
  const colour = isAbove ? "bad" : bounded ? "live" : "open";
  const bar: Mark = {
    kind: "bar",
    from: 0,
    to: bytes,
    colour,
    isOpen: !bounded,
    title: `${name}: ${bytesText(bytes, bounded)}`,
  };
  if (mostBytes === null) return [bar];
  return [bar, { kind: "tick", at: mostBytes, colour: "ink", title: `${name}: limit ${formatCount(mostBytes)} B` }];
}

/** Each level begins where the one below it ends. */
function mainStackSection({ mainStack }: StackBoundRecord): Section {
  const { thread, threadBytes, nested, bytes } = mainStack;
  let reached = threadBytes;
  const levels = [
    { title: thread ?? "no entry point", from: 0, to: threadBytes, note: `${formatCount(threadBytes)} B` },
    ...nested.map((handler) => {
      const from = reached;
      reached += handler.bytes * handler.times;
      const times = handler.times > 1 ? ` × ${formatCount(handler.times)}` : "";
      return { title: `+ ${handler.name}${times}`, from, to: reached, note: `${formatCount(reached)} B` };
    }),
  ];
  const rows = levels.map(({ title, from, to, note }, index): PlotRow => {
    const mark: Mark = {
      kind: "bar",
      from,
      to,
      colour: seriesColour(index),
      title: `${title}: ${formatCount(to - from)} B`,
    };
    return { title, marks: [mark], note };
  });
  const picture = rowsPlot({
    label: "The main stack with its handlers nested",
    description: levels.map(({ title, from, to }) => `${title}: ${formatCount(to - from)} B`).join("; "),
    scale: linearScale(rounded([0, Math.max(1, bytes, reached)], BYTES), BYTES),
    axisTitle: "bytes, from the top of the stack",
    rows,
  });
  const figures = nested.map(({ name, times, bytes: each, exceptionBytes, priority }) => ({
    title: name,
    cells: [formatCount(times), formatCount(each), formatCount(exceptionBytes), priority ?? "not given"],
  }));
  const levelTable = table(["Handler", "Times", "Bytes each", "Of them saved by the core", "Priority"], figures, {
    caption: "Handlers on the main stack",
  });
  return {
    id: "main-stack",
    title: "The main stack, level by level",
    body: html`${figure(picture, { caption: "Each handler on top of what it interrupts; the sum so far at the right." })}${nested.length > 0 && levelTable}`,
  };
}

function paths({ entries, interrupts }: StackBoundRecord): Section[] {
  const shown = [
    ...entries.filter((entry) => !isPartOfOther(entry, entries)),
    ...interrupts.filter(({ path }) => path.length > 1),
  ].filter(({ path }) => path.length > 0);
  if (shown.length === 0) return [];
  return [{ id: "paths", title: "The deepest paths", body: html`${shown.slice(0, ROWS_MOST).map(pathTable)}` }];
}

function pathTable({ name, path, bounded }: EntryBound | HandlerBound): Html {
  let reached = 0;
  const rows = path.map((step, index) => {
    reached += step.bytes;
    const frame = step.source === "none" ? "not known" : formatCount(step.bytes);
    return {
      title: html`${"· ".repeat(Math.min(index, 12))}<code>${step.function}</code>`,
      cells: [frame, formatCount(reached)],
    };
  });
  return table(["Function", "Frame, bytes", "So far"], rows, {
    caption: `${name}: deepest path${bounded ? "" : " that is known"}`,
  });
}

function notKnown(record: StackBoundRecord): Section {
  const { unknowns, notes, entries, interrupts, mainStack } = record;
  const bounded = [...entries, ...interrupts, mainStack].every((bound) => bound.bounded);
  const none = bounded ? ["Nothing is unknown: these are upper bounds."] : [];
  const head = unknowns.length > 0 ? ["What reaches these is a lower bound (≥):"] : none;
  const [compared, ...differing] = comparisonLines(record);
  return {
    id: "not-known",
    title: "What is not known",
    body: html`${paragraphs(head)}${list(groupedUnknowns(unknowns))}${paragraphs(compared ? [compared] : [])}${list(differing)}${paragraphs(notes)}`,
  };
}
