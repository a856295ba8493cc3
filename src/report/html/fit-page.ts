/** The page of a fit: how far the scenario's heap is from the trace's, by tolerance and by chance. */
import { baseName } from "../../files.ts";
import type { FigureRecord } from "../../fit/evaluation/judge.ts";
import type { FitRecord } from "../../fit/record.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { amount, FIT_WORDS, fitSentence, heapText, marginCells, signed, testText, traceText } from "../fit-text.ts";
import { type Html, html } from "./markup.ts";
import { factList, figure, table } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { type Mark, rowsPlot } from "./svg-rows.ts";
import { linearScale, type Measure } from "./svg-scale.ts";
import { capitalized, judged, list } from "./text-parts.ts";

/** Differences are drawn as multiples of their tolerances, up to so many. */
const MULTIPLES_MOST = 8;
const COLOURS = { within: "good", beyond: "bad", untold: "open", wilder: "bad" } as const satisfies Record<
  FigureRecord["verdict"],
  string
>;
const MULTIPLES: Measure = { step: (rough) => Math.max(1, Math.ceil(rough)), text: (times) => `${times}×` };

/** The page of a fit record. */
export function fitPage(record: FitRecord): RecordPage {
  const { trace, evaluation, heapsoak } = record;
  return {
    title: `Scenario fitted to ${baseName(trace.name)}`,
    verdict: FIT_WORDS[evaluation.verdict],
    tone: judged(record).tone,
    sentence: capitalized(fitSentence(evaluation)),
    sections: [compared(record), ...(evaluation.figures.length > 0 ? [figures(evaluation.figures)] : [])],
    provenance: [
      ["Trace", trace.name],
      ["heapsoak", heapsoak],
    ],
  };
}

function compared(record: FitRecord): Section {
  const { evaluation, place, fittedOn, remarks } = record;
  const facts = factList([
    ["Trace", traceText(record)],
    ["Heap", heapText(place)],
    ["Test", testText(evaluation)],
    ["Scenario", `fitted on ${fittedOn === "whole" ? "the whole trace" : "its first half"}`],
  ]);
  const ended = evaluation.runs.flatMap(({ seed, failure }) =>
    failure ? [`seed ${seed}: ${failure.kind} after ${formatDuration(failure.atUs)}`] : [],
  );
  return {
    id: "compared",
    title: "What was compared",
    body: html`${list(evaluation.reasons)}${facts}${list(remarks)}${ended.length > 0 && html`<p>Runs of the scenario that ended early:</p>`}${list(ended)}`,
  };
}

function figures(all: readonly FigureRecord[]): Section {
  const rows = all.map((figure) => ({
    title: figure.name,
    cells: [
      figure.firstHalf === null ? "" : amount(figure.firstHalf, figure),
      figure.trace === null ? "" : amount(figure.trace, figure),
      amount(figure.scenario, figure),
      figure.runs.length > 0
        ? `${amount(Math.min(...figure.runs), figure)} … ${amount(Math.max(...figure.runs), figure)}`
        : "",
      signed(figure.differenceRatio),
      ...marginCells(figure),
    ],
    ...(figure.verdict === "within" ? {} : { tone: COLOURS[figure.verdict] }),
  }));
  const heads = [
    "Figure",
    "First half",
    "Second half",
    "Scenario",
    "Its runs",
    "Differs by",
    "Tolerance",
    "Chance",
    "",
  ];
  return {
    id: "figures",
    title: "Trace and scenario side by side",
    body: html`${differenceFigure(all)}${table(heads, rows, { caption: "Figures of the heap; those over time are distances between the two", words: [8] })}`,
  };
}

function differenceFigure(all: readonly FigureRecord[]): Html {
  const rows = all
    .filter(({ toleranceRatio }) => toleranceRatio > 0)
    .map((figure) => ({
      title: figure.name,
      marks: differenceMarks(figure),
      note: `${signed(figure.differenceRatio)}${figure.verdict === "within" ? "" : `, ${figure.verdict}`}`,
    }));
  const picture = rowsPlot({
    label: "Differences between scenario and trace",
    description: rows.map(({ title, note }) => `${title}: ${note}`).join("; "),
    scale: linearScale([-MULTIPLES_MOST, MULTIPLES_MOST], MULTIPLES, [-8, -4, -2, -1, 0, 1, 2, 4, 8]),
    axisTitle: "difference, as a multiple of its tolerance",
    rows,
  });
  return figure(picture, {
    caption: `Dots: by how much the scenario differs. Thin lines: what chance explains. Thick bars: the tolerance. What lies beyond ${MULTIPLES_MOST} tolerances is drawn at the edge.`,
    legend: [
      { colour: "good", label: "within" },
      { colour: "bad", label: "beyond" },
      { colour: "open", label: "cannot be told" },
      { colour: "free", label: "tolerance" },
    ],
  });
}

function differenceMarks({ differenceRatio, toleranceRatio, chanceRatio, verdict, name }: FigureRecord): Mark[] {
  const at = differenceRatio / toleranceRatio;
  const chance = chanceRatio / toleranceRatio;
  const title = `${name}: ${signed(differenceRatio)}, chance ± ${signed(chanceRatio).replace("+", "")}`;
  const colour = COLOURS[verdict];
  return [
    { kind: "bar", from: -1, to: 1, colour: "free", title: `${name}: tolerance` },
    { kind: "range", from: at - chance, to: at + chance, colour, title },
    { kind: "dot", at, colour, title },
  ];
}
