import { printable } from "../errors.ts";
import type { ImportSummary } from "../import/import-log.ts";
import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import { FINDINGS, type Finding } from "../trace/findings.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount } from "./table.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 104;

/** What was imported into the file `out`, for the terminal. */
export function importText(summary: ImportSummary, out: string, paint: Paint = plainPaint): string {
  const { operations, allocations, frees, reallocations, title, format, wasRecognised, refused } = summary;
  const lines = [
    paint.strong(`${out}: ${counted(operations, "operation")} of ${summary.source}`),
    `  format     ${format}: ${title}${wasRecognised ? "" : " (as given)"}`,
    `  log        ${logText(summary)}`,
    `  operations ${counted(allocations, "allocation")} (${formatCount(refused)} refused), ${counted(frees, "free")}, ${counted(reallocations, "reallocation")}`,
    ...liveLines(summary),
    `  offsets    ${offsetText(summary)}`,
    ...summary.findings.map((finding) => findingLine(finding, format, paint)),
    ...summary.remarks.flatMap(noteLines),
  ];
  return printable(`${lines.join("\n")}\n`);
}

function logText({ lines, bytes, durationUs, boots, format }: ImportSummary): string {
  const parts = [`${counted(lines, format === "systemview" ? "packet" : "line")}, ${logBytes(bytes)}`];
  if (durationUs) parts.push(`${formatDuration(durationUs)} from the first time to the last`);
  if (boots > 0) parts.push(counted(boots, "boot"));
  return parts.join(", ");
}

function liveLines({ live }: ImportSummary): string[] {
  if (!live) return [];
  const peak = `at most ${formatBytes(live.peakBytes)} asked for at once`;
  return [`  live       ${peak}; at the end ${counted(live.blocks, "block")}, ${formatBytes(live.requestedBytes)}`];
}

function offsetText({ hasOffsets, format }: ImportSummary): string {
  if (hasOffsets) return "from the heap's base";
  return format === "malloc-lab" ? "none, as the format has no addresses" : "none; --heap ADDRESS:SIZE gives them";
}

function findingLine({ kind, count, firstLine, detail }: Finding, format: string, paint: Paint): string {
  const where = `${format === "systemview" ? "byte" : "line"} ${formatCount(firstLine)}`;
  const first = count === 1 ? `in ${where}` : `first in ${where}`;
  const text = `${formatCount(count)} ${FINDINGS[kind][count === 1 ? 0 : 1]} (${first}${detail === undefined ? "" : `: ${detail}`})`;
  return `  ${kind === "other" ? "besides    " : paint.bad("noticed    ")}${text}`;
}

function noteLines(remark: string): string[] {
  return wrapped(remark, WIDTH).map((line, index) => `  ${index === 0 ? "note      " : "          "} ${line}`);
}

/** Logs are large: whole KiB would be many digits. */
function logBytes(bytes: number): string {
  return bytes < 2 ** 20 ? formatBytes(bytes) : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
