/** The page of a blame: the request and what stood in its way, whose blocks they are, and what was measured to help. */
import type { BlameRecord, MeasuredRisk, MomentRecord, PinSet } from "../../risk/blame/record.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { counted } from "../../soak/figures.ts";
import { blameHeadline, percent, remedyVerdict, riskCells, siteName, whenText } from "../blame-text.ts";
import { plainPaint } from "../paint.ts";
import { pinCells } from "../pin-lines.ts";
import { placeText } from "../place-text.ts";
import { formatCount, formatRatio } from "../table.ts";
import { type Html, html } from "./markup.ts";
import { factList, figure, table } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { heapStrips, mapStretches, STRIP_LEGEND } from "./svg-heap.ts";
import { type Mark, type PlotRow, rowsPlot } from "./svg-rows.ts";
import { linearScale, rounded, SHARE } from "./svg-scale.ts";
import { capitalized } from "./text-parts.ts";

/** The page of a blame record. */
export function blamePage(record: BlameRecord): RecordPage {
  const { source, moment, heap, allocator } = record;
  const isRefused = moment !== null && moment.set?.pins.length !== 0;
  return {
    title: source.title,
    verdict: isRefused ? "REFUSED" : "FITS",
    tone: isRefused ? "bad" : "good",
    sentence: `${capitalized(blameHeadline(record).slice(source.title.length + 2))}.`,
    sections: [...(moment ? [momentSection(moment)] : []), ...wholeRun(record), ...remedies(record)],
    provenance: [
      [source.kind === "scenario" ? "Scenario" : "Trace", source.path],
      ["Device", source.device],
      ["Heap", `${heap}, ${allocator}`],
      ...(source.seed === null ? [] : [["Seed", source.seed] as const]),
    ],
  };
}

function momentSection(moment: MomentRecord): Section {
  const { atUs, operation, by, requestBytes, freeBytes, largestFreeBytes, liveBlocks, map, set, otherSet } = moment;
  const isNamed = by.task !== null || by.step !== null;
  const facts = factList([
    ["Request", `${formatCount(requestBytes)} B`],
    ["Free in total", `${formatCount(freeBytes)} B`],
    ["Largest request that fits", `${formatCount(largestFreeBytes)} B`],
    ["Live blocks", formatCount(liveBlocks)],
    ["When", whenText(atUs, operation)],
    ...(isNamed ? [["Asked by", placeText(by.task, by.step)] as const] : []),
  ]);
  const none = html`<p>No set of neighbouring blocks was found whose release would make it fit.</p>`;
  return {
    id: "moment",
    title: "The moment, and the blocks in the way",
    body: html`${facts}${map !== "" && mapFigure(map)}${set ? pinTable(set, "The smallest set whose release makes it fit") : none}${otherSet && pinTable(otherSet, "Or, without any of those and without blocks as large as the request")}`,
  };
}

function mapFigure(map: string): Html {
  const strip = { title: "", stretches: mapStretches(map) };
  return figure(heapStrips([strip], "The heap at that moment", `of ${map.length} parts`), {
    caption: "The heap at that moment, to scale.",
    legend: [...STRIP_LEGEND],
  });
}

/** They were really released, and the request was asked again. */
function pinTable({ pins, releasedBytes, largestFreeBytes }: PinSet, what: string): Html {
  const caption = `${what}: ${counted(pins.length, "block")} of ${formatCount(releasedBytes)} B; then ${formatCount(largestFreeBytes)} B fit, tried`;
  const rows = pins.map((pin) => {
    const [bytes, age, place] = pinCells(pin);
    return { title: place ?? "", cells: [bytes, `${formatCount(pin.requestBytes)} B`, age, pin.owner ?? ""] };
  });
  return table(["Block of", "Bytes", "Asked for", "Age", "Held by"], rows, { caption, words: [4] });
}

function wholeRun({ wholeRun: run, source }: BlameRecord): Section[] {
  if (!run || run.samples === 0) return [];
  const { requestBytes, samples, refused, sites } = run;
  const unit = source.kind === "scenario" ? "Byte seconds" : "Byte operations";
  const rows = sites.map(({ task, step, pinnedSamples, limitingRatio, byteSeconds }) => ({
    title: siteName(task, step, source),
    cells: [formatCount(pinnedSamples), formatRatio(limitingRatio), formatCount(byteSeconds)],
  }));
  const picture = rowsPlot({
    label: "Who limits the largest request",
    description: sites
      .map(({ task, step, limitingRatio }) => `${siteName(task, step, source)}: ${formatRatio(limitingRatio)}`)
      .join("; "),
    scale: linearScale([0, 1], SHARE),
    axisTitle: "share of all samples",
    rows: sites.map(({ task, step, limitingRatio, pinnedSamples }): PlotRow => {
      const name = siteName(task, step, source);
      const limiting: Mark = {
        kind: "bar",
        from: 0,
        to: limitingRatio,
        colour: "live",
        title: `${name}: ${formatRatio(limitingRatio)}`,
      };
      const pinning: Mark = {
        kind: "bar",
        from: 0,
        to: pinnedSamples / samples,
        colour: "bad",
        title: `${name}: refuses it in ${formatCount(pinnedSamples)}`,
      };
      return { title: name, marks: [limiting, pinning], note: formatRatio(limitingRatio) };
    }),
  });
  const legend = [
    { colour: "bad", label: "in the smallest set that refuses it" },
    { colour: "live", label: "or keeps the heap from serving one byte more" },
  ];
  return [
    {
      id: "whole-run",
      title: "Over the whole run",
      body: html`<p>${formatCount(requestBytes)} B do not fit in ${formatCount(refused)} of ${counted(samples, "sample")}.</p>
${rows.length > 0 && figure(picture, { caption: "How often a site's blocks stand in the way.", legend })}${table(["Site", "Refuses it", "Limits the largest", unit], rows, { caption: "Sites, most pinning first" })}`,
    },
  ];
}

function remedies({ remedies: measured }: BlameRecord): Section[] {
  if (!measured) return [];
  const { before, tried, horizonUs, baseSeed } = measured;
  const rows = tried.map((remedy) => ({
    title: remedy.title,
    cells: remedy.risk
      ? [...riskCells(remedy.risk), remedyVerdict(remedy, plainPaint)]
      : ["", "", "", `cannot be run: ${remedy.problem}`],
  }));
  const head = `${counted(before.runs, "run")} of ${formatDuration(horizonUs)} each, seeds from ${baseSeed}, the same before and after.`;
  const measuredRisks = [
    ["as it is", before] as const,
    ...tried.flatMap(({ title, risk }) => (risk ? [[title, risk] as const] : [])),
  ];
  return [
    {
      id: "remedies",
      title: "What helps, measured",
      body: html`<p>${head}</p>
${remediesFigure(measuredRisks)}${table(["Change", "Failed", "Risk", "95 %", ""], [{ title: "as it is", cells: [...riskCells(before), ""] }, ...rows], { caption: "Remedies", captionHidden: true, words: [4] })}`,
    },
  ];
}

function remediesFigure(risks: readonly (readonly [title: string, risk: MeasuredRisk])[]): Html {
  const before = risks[0]?.[1].probability ?? 0;
  const most = Math.max(0.01, ...risks.map(([, { interval, upperBound95 }]) => upperBound95 ?? interval[1]));
  const picture = rowsPlot({
    label: "Risk with each remedy",
    description: risks.map(([title, risk]) => `${title}: ${riskCells(risk).join(", ")}`).join("; "),
    scale: linearScale(rounded([0, Math.min(1, most)], SHARE), SHARE),
    axisTitle: "risk of failure",
    rows: risks.map(([title, risk], index) => ({
      title,
      marks: riskMarks(risk, index === 0),
      note: riskCells(risk)[0] ?? "",
    })),
    limits: [{ at: before, text: `as it is: ${percent(before)}`, colour: "muted" }],
  });
  return figure(picture, {
    caption:
      "Share of runs that fail with each change, with its 95 % interval; without a dot no run failed, and the risk lies below the end of the line.",
  });
}

function riskMarks(risk: MeasuredRisk, isBefore: boolean): Mark[] {
  const { probability, interval, upperBound95 } = risk;
  const title = riskCells(risk).join(", ");
  const colour = isBefore ? "bad" : "accent";
  if (upperBound95 !== null) return [{ kind: "range", from: 0, to: upperBound95, colour, title }];
  return [
    { kind: "range", from: interval[0], to: interval[1], colour, title },
    { kind: "dot", at: probability, colour, title },
  ];
}
