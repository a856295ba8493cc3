/** The page of a campaign: risk by heap size, survival, what differs, and how near it came. */
import { formatBytes } from "../../quantities.ts";
import type { RiskCell, RiskRecord } from "../../risk/record.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { formatProbability } from "../probability-text.ts";
import {
  cellName,
  earliestLines,
  marginLines,
  monotonyLine,
  noFailureLines,
  pairedLines,
  RISK_HEADS,
  refusedLines,
  riskConclusion,
  riskCostLine,
  riskHeadline,
  riskRemarks,
  riskRow,
  riskWords,
  splittingLines,
} from "../risk-text.ts";
import { html } from "./markup.ts";
import { figure } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { riskBySize } from "./risk-plots.ts";
import { survivalPanels } from "./survival-panels.ts";
import { judged, list, paragraphs, textTable } from "./text-parts.ts";

/** The page of a risk record. */
export function riskPage(record: RiskRecord): RecordPage {
  const { scenario, provenance, fit } = record;
  return {
    title: scenario.title,
    ...verdictOf(record),
    sentence: riskConclusion(record).map(withoutVerdict).join(" ") || highestRisk(record.cells),
    sections: [bySize(record), ...survival(record), ...differences(record), nearest(record)],
    provenance: [
      ["Scenario", scenario.path],
      ["Device", scenario.device],
      ...(fit ? [["Fitted to", fit.trace] as const] : []),
      ["First seed", record.seeds.first],
      ["Plan", provenance.plan],
      ["Core", provenance.core],
      ["heapsoak", provenance.heapsoak],
    ],
  };
}

/** Without a limit there is nothing to pass. */
function verdictOf(record: RiskRecord): Pick<RecordPage, "verdict" | "tone"> {
  const { maxRisk, complete } = record;
  if (maxRisk === null) return { verdict: complete ? "MEASURED" : "INTERRUPTED", tone: "open" };
  return judged(record);
}

/** The terminal's conclusion begins with the verdict, which the page shows beside it. */
function withoutVerdict(line: string): string {
  return line.replace(/^(FAIL|UNDECIDED) {2}/, "");
}

function highestRisk(cells: readonly RiskCell[]): string {
  const [worst] = cells.toSorted((a, b) => b.probability - a.probability);
  if (!worst) return "";
  return `The highest risk of the ${cells.length} is that of ${cellName(worst)}: ${riskWords(worst)}.`;
}

function bySize(record: RiskRecord): Section {
  const { cells, recommended, horizonUs } = record;
  const isRecommended = ({ allocator, arenaBytes }: RiskCell) =>
    allocator === recommended?.allocator && arenaBytes === recommended.arenaBytes;
  const cellsTable = textTable(RISK_HEADS, cells.map(riskRow), {
    first: "Allocator",
    caption: `Risk within ${formatDuration(horizonUs)}, by allocator and size`,
    captionHidden: true,
    words: [6],
    tone: (index) => (cells[index] && isRecommended(cells[index]) ? "good" : undefined),
  });
  return {
    id: "risk-by-size",
    title: "Risk by heap size",
    body: html`<p>${riskHeadline(record)}</p>
${paragraphs(riskRemarks(record))}${riskBySize(record)}${cellsTable}${paragraphs(noFailureLines(cells))}${list([...splittingLines(cells), ...refusedLines(record)])}`,
  };
}

function survival(record: RiskRecord): Section[] {
  const panels = survivalPanels(record);
  if (panels.length === 0) return [];
  const rows = record.cells
    .filter(({ survival }) => survival.length > 0)
    .map((cell) => {
      const last = cell.survival.at(-1);
      const band =
        last && last.surviving > 0 ? `${formatProbability(last.low)} to ${formatProbability(last.high)}` : "";
      const half = cell.medianTimeToFailureUs === null ? "" : formatDuration(cell.medianTimeToFailureUs);
      return {
        title: cell.allocator,
        cells: [
          formatBytes(cell.arenaBytes),
          formatDuration(cell.survival[0]?.atUs ?? 0),
          half,
          formatProbability(last?.surviving ?? 1),
          band,
        ],
      };
    });
  return [
    {
      id: "survival",
      title: "Survival",
      body: html`${panels.map(({ picture, caption }) => figure(picture, { caption }))}${textTable(
        ["Size", "First failure", "Half fail by", "Survive to the end", "95 % band"],
        rows,
        { first: "Allocator", caption: "Survival of the cells that have failures", captionHidden: true },
      )}`,
    },
  ];
}

function differences({ paired, monotone }: RiskRecord): Section[] {
  if (paired.length === 0 && monotone.length === 0) return [];
  const [head = "", ...lines] = paired.length > 0 ? pairedLines(paired) : [];
  const body = html`${paragraphs(head === "" ? [] : [head])}${list(lines)}${list(monotone.map(monotonyLine))}`;
  return [{ id: "differences", title: "Differences beyond chance", body }];
}

function nearest(record: RiskRecord): Section {
  const lines = [...earliestLines(record), ...marginLines(record.cells), riskCostLine(record)];
  return { id: "nearest", title: "The earliest failure, the tightest stack, the cost", body: html`${list(lines)}` };
}
