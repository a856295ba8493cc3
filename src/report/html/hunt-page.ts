/** The page of a hunt: what was found beside the run as written, and how to repeat it. */
import type { HuntFind, HuntRecord } from "../../risk/hunt/record.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { huntEffort, huntHeadline, huntOutcome, recipeLines } from "../hunt-text.ts";
import { formatCount } from "../table.ts";
import { type Html, html } from "./markup.ts";
import { figure, table } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { type Mark, type PlotRow, rowsPlot } from "./svg-rows.ts";
import { BYTES, linearScale, rounded, TIME } from "./svg-scale.ts";
import { list, paragraphs } from "./text-parts.ts";

/** Branches that are drawn and listed; the record has all. */
const BRANCHES_MOST = 200;

/** The page of a hunt record. */
export function huntPage(record: HuntRecord): RecordPage {
  const { scenario, found, plain, seed } = record;
  const worst = found ?? plain;
  const nothing = `Nothing ${record.goal === "failure" ? "earlier" : "larger"} was found than the run as written: ${huntOutcome(plain, record)}.`;
  return {
    title: scenario.title,
    verdict: found ? "FOUND" : "NOTHING FOUND",
    tone: found ? "bad" : "open",
    sentence: found ? `Found: ${huntOutcome(worst, record)}.` : nothing,
    sections: [comparison(record), ...(found ? [recipe(found)] : [])],
    provenance: [
      ["Scenario", scenario.path],
      ["Device", scenario.device],
      ["Seed", seed],
    ],
  };
}

function comparison(record: HuntRecord): Section {
  const { plain, found, horizonUs, goal } = record;
  const finds = [["as written", plain] as const, ...(found ? [["found", found] as const] : [])];
  const rows = finds.map(([title, find]) => ({ title, cells: [huntOutcome(find, record), find.recipe.seed] }));
  const proof =
    found || plain.failure ? [] : [`That no failure was found in ${formatDuration(horizonUs)} proves nothing.`];
  return {
    id: "finds",
    title: "As written, and as found",
    body: html`<p>${huntHeadline(record)}</p>
${goal === "failure" ? failureFigure(finds, horizonUs) : needFigure(finds, record)}${table(["Run", "Outcome", "Seed"], rows, { caption: "Runs", captionHidden: true, words: [1] })}${paragraphs([huntEffort(record), ...proof])}`,
  };
}

type NamedFind = readonly [title: string, find: HuntFind];

function failureFigure(finds: readonly NamedFind[], horizonUs: number): Html {
  const rows = finds.map(([title, { failure, recipe }]): PlotRow => {
    const branches = recipe.branches.slice(0, BRANCHES_MOST).map(([atUs, branch]): Mark => {
      return { kind: "tick", at: atUs, colour: "series-2", title: `branch ${branch} at ${formatDuration(atUs)}` };
    });
    const lived: Mark = {
      kind: "bar",
      from: 0,
      to: recipe.endUs,
      colour: "free",
      title: `runs for ${formatDuration(recipe.endUs)}`,
    };
    const end: Mark[] = failure
      ? [
          {
            kind: "dot",
            at: failure.atUs,
            colour: "bad",
            title: `${failure.kind} after ${formatDuration(failure.atUs)}`,
          },
        ]
      : [];
    return { title, marks: [lived, ...branches, ...end], note: failure ? formatDuration(failure.atUs) : "no failure" };
  });
  const picture = rowsPlot({
    label: "When the runs fail",
    description: rows.map(({ title, note }) => `${title}: ${note ?? ""}`).join("; "),
    scale: linearScale([0, horizonUs], TIME),
    axisTitle: "simulated time",
    rows,
  });
  return figure(picture, {
    caption: "How long each run goes on, where it takes fresh randomness, and where it fails.",
    legend: [
      { colour: "free", label: "the run" },
      { colour: "series-2", label: "fresh randomness" },
      { colour: "bad", label: "failure" },
    ],
  });
}

function needFigure(finds: readonly NamedFind[], { arenaBytes, heap }: HuntRecord): Html {
  const rows = finds.map(([title, { neededBytes, needsMore }]): PlotRow => {
    const bytes = neededBytes ?? 0;
    const colour = needsMore || bytes > arenaBytes ? "bad" : "live";
    const note = `${needsMore ? "more than " : ""}${formatCount(bytes)} B`;
    return { title, marks: [{ kind: "bar", from: 0, to: bytes, colour, isOpen: needsMore, title: note }], note };
  });
  const most = Math.max(arenaBytes, ...finds.map(([, { neededBytes }]) => neededBytes ?? 0));
  const picture = rowsPlot({
    label: "Heap that the runs need",
    description: rows.map(({ title, note }) => `${title}: ${note ?? ""}`).join("; "),
    scale: linearScale(rounded([0, most * 1.02], BYTES), BYTES),
    axisTitle: "bytes",
    rows,
    limits: [{ at: arenaBytes, text: `heap ${heap}: ${formatCount(arenaBytes)} B`, colour: "ink" }],
  });
  return figure(picture, { caption: "The least heap that serves each run." });
}

function recipe(found: HuntFind): Section {
  const { branches } = found.recipe;
  const rows = branches
    .slice(0, BRANCHES_MOST)
    .map(([atUs, branch]) => ({ title: formatDuration(atUs), cells: [formatCount(branch)] }));
  const left = branches.length - rows.length;
  return {
    id: "recipe",
    title: "How to repeat it",
    body: html`${list(recipeLines(found))}${rows.length > 0 && table(["At", "Branch"], rows, { caption: "Fresh randomness" })}${left > 0 && html`<p>And ${formatCount(left)} more branches.</p>`}`,
  };
}
