/** A fit for the terminal: the verdict, the trace, and trace and scenario side by side. */

import { basename } from "node:path";
import { printable } from "../errors.ts";
import type { Evaluation, EvaluationVerdict } from "../fit/evaluation/evaluate.ts";
import type { FigureRecord } from "../fit/evaluation/judge.ts";
import type { FitPlace, FitRecord, PlaceSource } from "../fit/record.ts";
import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import type { Paint } from "./paint.ts";
import { formatCount, tableLines } from "./table.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 110;
const MARGIN = 11;

/** The verdict in capitals, as reports and scenarios say it. */
export const FIT_WORDS: Readonly<Record<EvaluationVerdict, string>> = {
  fits: "FITS",
  "does-not-fit": "DOES NOT FIT",
  undecided: "UNDECIDED",
};
const SOURCES: Readonly<Record<PlaceSource, string>> = {
  trace: "",
  option: "",
  default: " (the trace does not say)",
};

/** The whole report; `out` is where the scenario was written, null where only the record is at hand. */
export function fitText(record: FitRecord, out: string | null, paint: Paint): string {
  const { evaluation, remarks } = record;
  const lines = [
    headline(record, paint),
    ...evaluation.reasons.flatMap((reason) => item("", reason)),
    "",
    ...item("trace", traceText(record)),
    ...item("heap", heapText(record.place)),
    ...item("test", testText(evaluation)),
    ...remarks.flatMap((remark) => item("note", remark)),
    "",
    ...tables(evaluation),
    "",
    ...item(
      "scenario",
      `${out === null ? "" : `${out}, `}fitted on ${record.fittedOn === "whole" ? "the whole trace" : "its first half"}`,
    ),
  ];
  return printable(`${lines.join("\n").replaceAll("\n\n\n", "\n\n")}\n`);
}

/** What the scenario's own file says of its fit, each line a comment. */
export function fitComment(record: FitRecord): string {
  const { evaluation, trace } = record;
  const lines = [
    `Fitted by heapsoak ${record.heapsoak} to ${basename(trace.name)}, ${record.fittedOn === "whole" ? "all of it" : "its first half"}.`,
    `${FIT_WORDS[evaluation.verdict]}: ${fitSentence(evaluation)}`,
    ...evaluation.reasons,
  ];
  const wide = lines.flatMap((line) => wrapped(printable(line), WIDTH));
  return wide.map((line) => `# ${line}\n`).join("");
}

function headline({ evaluation, trace }: FitRecord, paint: Paint): string {
  const word = FIT_WORDS[evaluation.verdict];
  const painted = evaluation.verdict === "does-not-fit" ? paint.bad(word) : paint.strong(word);
  return `${painted}  ${trace.name}: ${fitSentence(evaluation)}`;
}

export function fitSentence({ verdict }: Evaluation): string {
  if (verdict === "fits") return "fitted on the first half, the scenario makes the heap look like the second.";
  if (verdict === "undecided") return "it cannot be told yet whether the scenario makes the heap look like the trace.";
  return "fitted on the first half, the scenario does not make the heap look like the second.";
}

export function traceText({ trace }: FitRecord): string {
  const { operations, durationUs, timed, tasks, sites, boots } = trace;
  const parts = [
    `${formatCount(operations)} operations`,
    `${formatCount(trace.blocks)} blocks`,
    timed ? formatDuration(durationUs) : "without times",
    counted(tasks, "task"),
    counted(sites, "call site"),
    ...(boots > 1 ? [counted(boots, "boot")] : []),
  ];
  return parts.join(", ");
}

export function heapText({ allocator, allocatorFrom, heapBytes, heapBytesFrom, options }: FitPlace): string {
  const named = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const chosen = named.length > 0 ? ` with ${named.join(", ")}` : "";
  return `${allocator}${chosen}${SOURCES[allocatorFrom]}, ${formatBytes(heapBytes)}${SOURCES[heapBytesFrom]}`;
}

export function testText({ splitUs, endUs, runs, looks, stretches }: Evaluation): string {
  if (runs.length === 0) return "none: there is too little to compare";
  const [followed, all] = stretches;
  const half = followed < all ? "beginning of the second half" : "second half";
  const why =
    followed < all
      ? `. Of the ${formatCount(all)} stretches between boots in that half only the first ${followed} are compared`
      : "";
  return (
    `${half} of the trace (${formatDuration(endUs - splitUs)}) against ${runs.length} runs of the scenario ` +
    `fitted on the first, each from the boot on; ${formatCount(looks)} looks at each heap${why}`
  );
}

function tables({ figures }: Evaluation): string[] {
  const compared = figures.filter(({ trace }) => trace !== null);
  const distances = figures.filter(({ trace }) => trace === null);
  if (figures.length === 0) return [];
  return [
    ...tableLines(
      ["1st half", "2nd half", "scenario", "its runs", "differs by", "tolerance", "chance", ""],
      compared.map((figure) => ({
        title: figure.name,
        cells: [
          amount(figure.firstHalf ?? 0, figure),
          amount(figure.trace ?? 0, figure),
          amount(figure.scenario, figure),
          `${amount(Math.min(...figure.runs), figure)} … ${amount(Math.max(...figure.runs), figure)}`,
          signed(figure.differenceRatio),
          ...marginCells(figure),
        ],
      })),
    ),
    "",
    ...tableLines(
      ["distance", "relative", "tolerance", "chance", ""],
      distances.map((figure) => ({
        title: figure.name,
        cells: [amount(figure.scenario, figure), percent(figure.differenceRatio), ...marginCells(figure)],
      })),
    ),
  ];
}

export function marginCells({ toleranceRatio, chanceRatio, verdict }: FigureRecord): string[] {
  return [percent(toleranceRatio), `±${percent(chanceRatio)}`, verdict === "within" ? "" : `${verdict}`];
}

/** Bytes whole, counts and shares with what they need. */
export function amount(value: number, { unit }: FigureRecord): string {
  if (unit === "ratio") return percent(value);
  if (unit === "bytes") return formatCount(Math.round(value));
  return Number.isInteger(value) ? formatCount(value) : value.toFixed(1);
}

export function signed(ratio: number): string {
  const text = percent(Math.abs(ratio));
  if (text === "0.0 %") return text;
  return `${ratio > 0 ? "+" : "−"}${text}`;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(Math.abs(ratio) < 0.1 ? 1 : 0)} %`;
}

function item(title: string, text: string): string[] {
  return wrapped(text, WIDTH - MARGIN).map(
    (line, index) => `  ${(index === 0 ? title : "").padEnd(MARGIN - 2)}${line}`,
  );
}
