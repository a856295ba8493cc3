import { formatAddress, formatBytes } from "../quantities.ts";
import type { ShrinkRecord, ShrunkStep } from "../shrink/record.ts";
import { counted } from "../soak/figures.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount } from "./table.ts";

/** Steps that are shown; of longer sequences the first and the last. */
const STEPS_SHOWN = 60;

/** The shrunk sequence for the terminal: how it fails, how short it got, and the heap step by step. */
export function shrinkText(record: ShrinkRecord, paint: Paint = plainPaint): string {
  const lines = [
    paint.strong(shrinkHeadline(record)),
    `  ${failureText(record, paint)}`,
    ...shrinkEffort(record),
    "",
    ...stepLines(record, paint),
  ];
  return `${lines.join("\n")}\n`;
}

export function shrinkHeadline({ trace, before, after, regions, allocator, device }: ShrinkRecord): string {
  const bytes = formatBytes(regions.reduce((sum, region) => sum + region.bytes, 0));
  const where = device === "plain" ? "" : ` of ${device}`;
  return `${trace}: ${counted(before.operations, "operation")} shrunk to ${formatCount(after.operations)}, on ${bytes}${where} at ${formatAddress(regions[0]?.low ?? 0)} (${allocator})`;
}

export function failureText({ failure, before }: ShrinkRecord, paint: Paint): string {
  const at = ` (line ${formatCount(before.line)} of the trace)`;
  const { kind, detail, requestBytes, freeBytes, largestFreeBytes } = failure;
  if (kind === "fault") return `the device stops${at}: ${paint.bad(detail)}`;
  if (kind === "overlap") return `${paint.bad("memory is handed out twice")}: ${formatCount(requestBytes)} B${at}`;
  if (kind === "corruption") return `${paint.bad("corrupted metadata")}: ${detail}${at}`;
  const free =
    freeBytes === null || largestFreeBytes === null
      ? ""
      : `; then ${formatCount(freeBytes)} B are free, and the largest request that fits is ${formatCount(largestFreeBytes)} B`;
  return `${formatCount(requestBytes)} B refused by ${paint.bad(kind)}${at}${free}`;
}

export function shrinkEffort({
  replays,
  replayedOperations,
  minimal,
  rebuilt,
  unknownFrees,
  before,
}: ShrinkRecord): string[] {
  const proof = minimal
    ? "no single block can be left out: each was tried"
    : "the budget ended first, so it may not be the shortest (--max-replays)";
  const lines = [`  ${formatCount(replays)} sequences tried, ${formatCount(replayedOperations)} operations; ${proof}`];
  if (rebuilt) lines.push("  the failing heap was laid out anew: blocks without a line stand for what was once there");
  if (before.boots > 0) lines.push(`  only what follows boot ${formatCount(before.boots)} of the recording counts`);
  if (unknownFrees > 0) lines.push(`  ${counted(unknownFrees, "free")} of unknown blocks left out`);
  return lines;
}

function stepLines({ steps }: ShrinkRecord, paint: Paint): string[] {
  const left = steps.length - STEPS_SHOWN;
  const shown = left <= 0 ? steps : [...steps.slice(0, STEPS_SHOWN / 2), ...steps.slice(-STEPS_SHOWN / 2)];
  const calls = shown.map(callText);
  const width = Math.max(...calls.map((text) => text.length));
  const lines = shown.flatMap((step, index) => {
    const number = left > 0 && index >= STEPS_SHOWN / 2 ? index + left : index;
    const isLast = number === steps.length - 1;
    const call = calls[index] ?? "";
    const head =
      `  ${String(number + 1).padStart(String(steps.length).length)}  ${call.padEnd(width)}  ${originText(step)}`.trimEnd();
    return [isLast ? paint.bad(head) : head, ...(step.picture === "" ? [] : [`       ${step.picture}`])];
  });
  if (left > 0) lines.splice(lines.length / 2, 0, `  … ${counted(left, "operation")} …`);
  return lines;
}

export function callText({ verb, block, requestBytes, alignment, offset }: ShrunkStep): string {
  if (verb === "free") return `free ${block}`;
  const aligned = alignment > 0 ? ` aligned to ${formatCount(alignment)}` : "";
  const outcome = offset === null ? "REFUSED" : `→ +${formatCount(offset)}`;
  return `${block} = ${verb} ${formatCount(requestBytes)} B${aligned} ${outcome}`;
}

export function originText({ line, site, task, requestBytes, tracedBytes, verb }: ShrunkStep): string {
  if (line === null) return "";
  const place = site ?? task ?? "";
  const size =
    verb !== "free" && tracedBytes !== null && tracedBytes !== requestBytes
      ? `, ${formatCount(tracedBytes)} B there`
      : "";
  return `line ${formatCount(line)}${size}${place === "" ? "" : `  ${place}`}`;
}
