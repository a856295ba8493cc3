import { printable } from "../errors.ts";
import type { EntryBound, HandlerBound, LimitResult, MainStackBound } from "../firmware-stack/stack-bound.ts";
import type { StackBoundRecord } from "../firmware-stack/stack-record.ts";
import type { PathStep } from "../firmware-stack/worst-path.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, type TableRow, tableLines } from "./table.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 96;
/** More unknowns than anybody reads; the record has them all. */
const UNKNOWNS_MOST = 40;
const PATH_MOST = 40;

const KIND_WORDS = {
  "indirect-call": "indirect call",
  recursion: "recursion",
  "dynamic-frame": "dynamic frame",
  "unknown-code": "unknown code",
  "no-frame": "no frame",
} as const;

/** The page of `heapsoak stack`: a table, the main stack level by level, the deepest paths, and what is not known. */
export function stackBoundText(found: StackBoundRecord, paint: Paint = plainPaint): string {
  const record = withPrintableText(found);
  const sections = [
    heading(record, paint),
    entryTable(record.entries),
    handlerTable(record.interrupts),
    mainStackLines(record.mainStack, paint),
    ...record.entries.filter((entry) => !isPartOfOther(entry, record.entries)).map((entry) => pathLines(entry, paint)),
    ...record.interrupts.filter(({ path }) => path.length > 1).map((handler) => pathLines(handler, paint)),
    comparisonLines(record),
    unknownLines(record, paint),
    record.notes.flatMap((note) => wrapped(`note: ${note}`, WIDTH)),
    limitLines(record.limits, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** Names come from files: a symbol may hold what a terminal would obey. */
function withPrintableText(record: StackBoundRecord): StackBoundRecord {
  return JSON.parse(JSON.stringify(record), (_, value) => {
    return typeof value === "string" ? printable(value.replaceAll(/[\n\t]/g, " ")) : value;
  });
}

function heading({ elf, core, functions }: StackBoundRecord, paint: Paint): string[] {
  return [paint.strong(`Worst-case stacks of ${elf}`), `  ${core}; frames of functions: ${functionsText(functions)}`];
}

/** How many frames are known from what. */
export function functionsText(functions: StackBoundRecord["functions"]): string {
  const sources = [
    [functions.compiler, "from the compiler's files"],
    [functions.code, "from the code"],
    [functions.none, "not known"],
  ] as const;
  const said = sources.filter(([count]) => count > 0).map(([count, words]) => `${formatCount(count)} ${words}`);
  return said.join(", ") || "none";
}

function entryTable(entries: readonly EntryBound[]): string[] {
  if (entries.length === 0) return [];
  return tableLines(ENTRY_HEADS, entries.map(entryRow));
}

export const ENTRY_HEADS = ["ENTRY POINT", "FUNCTIONS", "SAVED", "WORST CASE", "STACK GIVEN"];

export function entryRow(entry: EntryBound): TableRow {
  const { name, kind, pathBytes, savedBytes, bytes, bounded, stackBytes } = entry;
  return {
    title: name === entry.function ? name : `${name} (${entry.function})`,
    cells: [
      kind,
      bytesText(pathBytes, bounded),
      kind === "task" ? `${savedBytes} B` : "",
      bytesText(bytes, bounded),
      stackBytes === null ? "" : `${formatCount(stackBytes)} B${bytes > stackBytes ? ": TOO SMALL" : ""}`,
    ],
  };
}

function handlerTable(handlers: readonly HandlerBound[]): string[] {
  if (handlers.length === 0) return [];
  return tableLines(HANDLER_HEADS, handlers.map(handlerRow));
}

export const HANDLER_HEADS = ["EXCEPTIONS", "PRIORITY", "FUNCTIONS", ""];

export function handlerRow({ name, exceptions, priority, bytes, bounded, trap }: HandlerBound): TableRow {
  return {
    title: name,
    cells: [
      exceptionsText(exceptions),
      priority === null ? "not given" : String(priority),
      bytesText(bytes, bounded),
      trap ? "never returns" : "",
    ],
  };
}

/** `2–6, 11, 17`; the first few of many. */
function exceptionsText(exceptions: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const exception of exceptions) {
    const last = runs.at(-1);
    if (last && last[1] + 1 === exception) last[1] = exception;
    else runs.push([exception, exception]);
  }
  const words = runs.slice(0, 4).map(([low, high]) => (low === high ? String(low) : `${low}–${high}`));
  return runs.length > 4 ? `${words.join(", ")} …` : words.join(", ");
}

function mainStackLines({ bytes, bounded, thread, threadBytes, nested }: MainStackBound, paint: Paint): string[] {
  const rows = nested.map((handler) => ({
    title: `  + ${handler.name}${handler.times > 1 ? ` × ${handler.times}` : ""}`,
    cells: [
      `${formatCount(handler.bytes)} B`,
      `${handler.exceptionBytes} B saved by the core${handler.priority === null ? "" : `, priority ${handler.priority}`}`,
    ],
  }));
  const first = { title: `  ${thread ?? "no entry point"}`, cells: [`${formatCount(threadBytes)} B`, ""] };
  const head = `${paint.strong("main stack")}: ${bytesText(bytes, bounded)} with ${nested.length === 0 ? "no handler" : "all handlers nested"}`;
  const [, ...lines] = tableLines(["", ""], [first, ...rows], "left");
  return [head, ...lines];
}

/** main's path, where the way from reset leads through it. */
export function isPartOfOther({ kind, function: name }: EntryBound, entries: readonly EntryBound[]): boolean {
  return (
    kind === "main" &&
    entries.some((other) => other.kind === "reset" && other.path.some((step) => step.function === name))
  );
}

function pathLines({ name, path, bounded }: EntryBound | HandlerBound, paint: Paint): string[] {
  if (path.length === 0) return [];
  const shown = path.slice(0, PATH_MOST);
  const rows = shown.map((step, index) => ({
    title: `  ${index === 0 ? "" : `${"  ".repeat(Math.min(index - 1, 16))}└ `}${step.function}`,
    cells: [`${formatCount(step.bytes)} B`, `${formatCount(sum(path.slice(0, index + 1)))} B`, ...sourceCell(step)],
  }));
  const [, ...lines] = tableLines(["", "", ""], rows);
  const more = path.length > PATH_MOST ? [`  … and ${path.length - PATH_MOST} more`] : [];
  return [`${paint.strong(name)}: deepest path${bounded ? "" : " that is known"}`, ...lines, ...more];
}

function sourceCell({ source }: PathStep): string[] {
  return source === "none" ? ["not known"] : [];
}

function sum(path: readonly PathStep[]): number {
  return path.reduce((all, { bytes }) => all + bytes, 0);
}

export function comparisonLines({ comparison }: StackBoundRecord): string[] {
  if (!comparison) return [];
  const { compared, equal, different } = comparison;
  const lines = different.slice(0, UNKNOWNS_MOST).map((differing) => {
    const { function: name, compilerBytes, codeBytes } = differing;
    return `  ${name}: compiler ${compilerBytes} B, code ${codeBytes} B (the larger counts)`;
  });
  const more = different.length > UNKNOWNS_MOST ? [`  … and ${different.length - UNKNOWNS_MOST} more`] : [];
  return [`compiler's frames against the code's: ${equal} of ${compared} equal`, ...lines, ...more];
}

function unknownLines({ unknowns, entries, interrupts, mainStack }: StackBoundRecord, paint: Paint): string[] {
  const all = [...entries, ...interrupts, mainStack];
  if (unknowns.length === 0) {
    return all.every(({ bounded }) => bounded) ? ["Nothing is unknown: these are upper bounds."] : [];
  }
  const grouped = groupedUnknowns(unknowns);
  const lines = grouped.slice(0, UNKNOWNS_MOST).flatMap((words) => {
    const [first = "", ...rest] = wrapped(words, WIDTH - 4);
    return [`  ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  const more = grouped.length > UNKNOWNS_MOST ? [`  … and ${grouped.length - UNKNOWNS_MOST} more`] : [];
  return [`${paint.bad("Not known")}: what reaches these is a lower bound (≥)`, ...lines, ...more];
}

/** One line for what a function does at several places. */
export function groupedUnknowns(unknowns: StackBoundRecord["unknowns"]): string[] {
  const groups = new Map<string, string[]>();
  for (const { function: name, kind, at, text } of unknowns) {
    const words = `${KIND_WORDS[kind]}: ${name} ${text}`;
    const places = groups.get(words) ?? [];
    if (at !== null) places.push(at);
    groups.set(words, places);
  }
  return [...groups].map(([words, places]) => {
    if (places.length === 0) return words;
    const more = places.length > 3 ? ` and ${places.length - 3} more places` : "";
    return `${words} (${places.slice(0, 3).join(", ")}${more})`;
  });
}

export function limitLines(limits: readonly LimitResult[], paint: Paint): string[] {
  const words = { pass: "within", fail: "EXCEEDS", undecided: "UNDECIDED against" };
  return limits.map(({ name, limitBytes, bytes, bounded, verdict }) => {
    const line = `${name}: ${bytesText(bytes, bounded)} ${words[verdict]} the limit of ${formatCount(limitBytes)} B`;
    return verdict === "fail" ? paint.bad(line) : line;
  });
}

export function bytesText(bytes: number, bounded: boolean): string {
  return `${bounded ? "" : "≥ "}${formatCount(bytes)} B`;
}
