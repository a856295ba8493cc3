import type { BlameRecord, MeasuredRisk, MomentRecord, RemedyRecord } from "../risk/blame/record.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { pinLines } from "./pin-lines.ts";
import { placeText } from "./place-text.ts";
import { simulatedInstant } from "./simulated-time.ts";
import { formatCount, formatRatio, tableLines } from "./table.ts";

/** Sites of a table. */
const SITES_SHOWN = 8;

/** Who stands in the way of a request, for the terminal: at the moment, over the whole run, and what was tried. */
export function blameText(record: BlameRecord, paint: Paint = plainPaint): string {
  const sections = [
    [paint.strong(blameHeadline(record)), ...momentLines(record, paint)],
    wholeRunLines(record),
    remedyLines(record, paint),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

export function blameHeadline({ source, heap, allocator, arenaBytes, moment }: BlameRecord): string {
  const where = `${heap === allocator ? "" : `${heap}, `}${allocator} of ${formatCount(arenaBytes)} B`;
  if (!moment) return `${source.title}: no request was refused (${where})`;
  const fits = moment.set?.pins.length === 0;
  const verb = moment.kind !== "asked" ? "was refused" : fits ? "would have fitted" : "would have been refused";
  return `${source.title}: ${formatCount(moment.requestBytes)} B ${verb} (${where})`;
}

function momentLines({ moment }: BlameRecord, paint: Paint): string[] {
  if (!moment) return [];
  const { atUs, operation, by, freeBytes, largestFreeBytes, liveBlocks, map } = moment;
  const lines = [fact("when", whenText(atUs, operation))];
  if (by.step !== null || by.task !== null) lines.push(fact("asked by", placeText(by.task, by.step)));
  lines.push(
    fact(
      "free",
      `${formatCount(freeBytes)} B in total beside ${counted(liveBlocks, "live block")}, the largest request that fits is ${formatCount(largestFreeBytes)} B`,
    ),
  );
  if (map !== "") lines.push(fact("heap", `[${map}]  # live  . free  + both`));
  return [...lines, ...setLines(moment, paint)];
}

function setLines({ set, otherSet }: MomentRecord, paint: Paint): string[] {
  if (!set) return [fact("pinned", "no set of neighbouring blocks was found whose release would make it fit")];
  if (set.pins.length === 0) return [];
  const lines = pinLines(set, paint).map((line, index) => fact(index === 0 ? "pinned" : "", line));
  return otherSet ? [...lines, ...pinLines(otherSet, paint, "or by").map((line) => fact("", line))] : lines;
}

function wholeRunLines({ wholeRun, source, moment }: BlameRecord): string[] {
  if (!wholeRun || wholeRun.samples === 0) return [];
  const { requestBytes, samples, refused, sites } = wholeRun;
  const isAsked = moment !== null && moment.kind !== "asked" && source.kind === "scenario";
  const of = isAsked ? `${counted(samples, "time")} it was asked for` : counted(samples, "sample");
  const head = `Over the whole run, ${formatCount(requestBytes)} B do not fit in ${formatCount(refused)} of ${of}:`;
  const rows = sites.slice(0, SITES_SHOWN).map(({ task, step, pinnedSamples, limitingRatio, byteSeconds }) => ({
    title: `  ${siteName(task, step, source)}`,
    cells: [formatCount(pinnedSamples), formatRatio(limitingRatio), formatCount(byteSeconds)],
  }));
  const unit = source.kind === "scenario" ? "BYTE SECONDS" : "BYTE OPERATIONS";
  const left = sites.length - rows.length;
  const more = left > 0 ? [`  and ${counted(left, "more site")}`] : [];
  return [
    head,
    ...tableLines(["REFUSES IT", "LIMITS THE LARGEST", unit], rows),
    ...more,
    "  REFUSES IT: how often a block of the site was in the smallest set; LIMITS THE LARGEST: the share of all times in",
    "  which it was, or kept the heap from serving one byte more than it would.",
  ];
}

/** Of a trace a site may have no name. */
export function siteName(task: string | null, step: string | null, { kind }: BlameRecord["source"]): string {
  return step === null && task === null && kind === "trace" ? "unknown" : placeText(task, step);
}

function remedyLines({ remedies }: BlameRecord, paint: Paint): string[] {
  if (!remedies) return [];
  const { before, tried, horizonUs, baseSeed } = remedies;
  const head = `Measured: ${counted(before.runs, "run")} of ${formatDuration(horizonUs)} each, seeds from ${baseSeed}, the same before and after`;
  const rows = [
    { title: "  as it is", cells: [...riskCells(before), ""] },
    ...tried.map((remedy) => ({
      title: `  ${remedy.title}`,
      cells: remedy.risk
        ? [...riskCells(remedy.risk), remedyVerdict(remedy, paint)]
        : ["", "", "", `cannot be run: ${remedy.problem}`],
    })),
  ];
  const table = tableLines(["FAILED", "RISK", "95 %", ""], rows, "left");
  return [head, ...table];
}

export function riskCells({
  failures,
  runs,
  probability,
  interval: [low, high],
  upperBound95,
}: MeasuredRisk): string[] {
  const bound = upperBound95 === null ? `${percent(low)} to ${percent(high)}` : `below ${percent(upperBound95)}`;
  return [`${failures} of ${runs}`, upperBound95 === null ? percent(probability) : "none seen", bound];
}

export function remedyVerdict({ mended, broken, pValue }: RemedyRecord, paint: Paint): string {
  if (mended === 0 && broken === 0) return paint.bad("changes nothing");
  const clear = pValue !== null && pValue <= 0.05;
  const what = mended > broken ? "helps" : paint.bad(mended === broken ? "moves failures only" : "makes it worse");
  const doubt = clear || mended === broken ? "" : ", perhaps by chance";
  return `${what}${doubt}: mends ${mended}, breaks ${broken}`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
}

export function whenText(atUs: number | null, operation: number | null): string {
  const parts = [
    ...(operation === null ? [] : [`behind ${counted(operation, "operation")}`]),
    ...(atUs === null ? [] : [simulatedInstant(atUs)]),
  ];
  return parts.join(", ");
}

function fact(title: string, text: string): string {
  return `  ${title.padEnd(9)}${text}`;
}
