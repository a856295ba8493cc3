/** Runs side by side: a table with the best and the worst marked, and their heaps over time with common axes. */
import { formatBytes } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { counted } from "../../soak/figures.ts";
import type { HeapRecordOfRun, RunRecord, Verdict } from "../../soak/record.ts";
import { protectedRuns } from "../compare-text.ts";
import type { ComparedCandidate, CompareRecord } from "../report-record.ts";
import { STACK_TABLE_HEADS, stackTableRows } from "../stack-table.ts";
import { formatCount, formatRatio } from "../table.ts";
import { historyMultiple } from "./history-section.ts";
import { type Html, type HtmlValue, html } from "./markup.ts";
import type { PageContext } from "./page-context.ts";
import { badge, type PageRow, table, toned } from "./parts.ts";
import { type RecordPage, type Section, VERDICT_TONES } from "./record-page.ts";
import { runSentence } from "./run-page.ts";
import { textTable } from "./text-parts.ts";

const COLUMNS = 64;

type RunCandidate = Extract<ComparedCandidate, { readonly record: RunRecord }>;

/** A figure of the table: what it is, its value (undefined: none), and which is better. */
interface Figure {
  readonly head: string;
  readonly value: (run: RunRecord, heap: HeapRecordOfRun | undefined) => number | undefined;
  readonly text: (value: number) => string;
  readonly better: "more" | "less";
}

const FIGURES: readonly Figure[] = [
  { head: "survived", value: survivedUs, text: formatDuration, better: "more" },
  { head: "failed requests", value: (_, heap) => heap?.failedRequests, text: formatCount, better: "less" },
  { head: "by fragmentation", value: (_, heap) => heap?.fragmentationFailures, text: formatCount, better: "less" },
  { head: "peak live", value: (_, heap) => heap?.peakLiveBytes, text: formatCount, better: "less" },
  { head: "least largest free", value: (_, heap) => heap?.minimumLargestFreeBytes, text: formatCount, better: "more" },
  {
    head: "ext. fragmentation",
    value: (_, heap) => heap?.externalFragmentationRatio,
    text: formatRatio,
    better: "less",
  },
  { head: "visits p99", value: (_, heap) => heap?.visits.p99, text: formatCount, better: "less" },
  { head: "visits max", value: (_, heap) => heap?.visits.max, text: formatCount, better: "less" },
];

/** The page of a comparison. */
export function comparePage(record: CompareRecord, name: string, context: PageContext): RecordPage {
  const runs = record.runs.filter((run): run is RunCandidate => "record" in run);
  const passed = runs.filter((run) => run.record.verdict === "pass");
  const open = runs.some((run) => run.record.verdict === "undecided");
  const tone = passed.length > 0 ? "good" : open ? "open" : "bad";
  return {
    title: titleOf(record.runs, runs),
    verdict: `${passed.length} OF ${record.runs.length} PASS`,
    tone,
    sentence: sentenceOf(record.runs, runs),
    sections: [
      tableSection(record.runs, runs),
      ...stackSection(record),
      ...multiplesSection(record.runs, runs, name, context),
    ],
    provenance: provenanceOf(runs),
  };
}

/** Several run records as the comparison that stands before them. */
export function comparisonOf(records: readonly { readonly name: string; readonly record: RunRecord }[]): CompareRecord {
  const runs = records.map(({ name, record }) => {
    const [heap = null] = Object.keys(record.heaps);
    const chosen = heap === null ? undefined : record.heaps[heap];
    return { scenario: name, heap, allocator: chosen?.allocator ?? null, size: null, record };
  });
  return { format: "heapsoak.compare", version: 1, runs };
}

function titleOf(all: readonly ComparedCandidate[], runs: readonly RunCandidate[]): string {
  const titles = new Set(runs.map(({ record }) => record.scenario.title));
  const [title] = titles;
  return titles.size === 1 && title !== undefined
    ? `${title}: ${counted(all.length, "candidate")}`
    : counted(all.length, "run");
}

function sentenceOf(all: readonly ComparedCandidate[], runs: readonly RunCandidate[]): string {
  const of = (verdict: Verdict) => runs.filter(({ record }) => record.verdict === verdict);
  const parts = [
    clause(of("pass"), all, "meets its expectations", "meet their expectations"),
    clause(of("fail"), all, "fails", "fail"),
    clause(of("undecided"), all, "is undecided", "are undecided"),
  ].filter((part) => part !== "");
  const refused = all.length - runs.length;
  if (refused > 0) parts.push(`${refused} could not run`);
  return `Of ${counted(all.length, "candidate")}, ${parts.join("; ")}.`;
}

/** `2 fail (tlsf, newlib)`; nothing of none. */
function clause(
  runs: readonly RunCandidate[],
  all: readonly ComparedCandidate[],
  one: string,
  several: string,
): string {
  if (runs.length === 0) return "";
  const text = `${runs.length} ${runs.length === 1 ? one : several}`;
  return runs.length === all.length ? text : `${text} (${listed(runs, all)})`;
}

function listed(runs: readonly RunCandidate[], all: readonly ComparedCandidate[]): string {
  const labels = runs.slice(0, 5).map((run) => labelOf(run, all));
  return runs.length > 5 ? `${labels.join(", ")} and ${runs.length - 5} more` : labels.join(", ");
}

/** What tells the candidate from the others: its scenario where there are several, allocator and size. */
function labelOf(run: ComparedCandidate, all: readonly ComparedCandidate[]): string {
  const several = new Set(all.map(({ scenario }) => scenario)).size > 1;
  const parts = [several ? run.scenario : null, run.allocator, run.size].filter((part) => part !== null);
  return parts.length === 0 ? run.scenario : parts.join(" ");
}

function tableSection(all: readonly ComparedCandidate[], runs: readonly RunCandidate[]): Section {
  const heads = ["candidate", "size", "verdict", ...FIGURES.map(({ head }) => head)];
  const extremes = FIGURES.map((figure) => extremesOf(figure, runs));
  const rows = all.map((candidate) => rowOf(candidate, all, extremes));
  const refused = all.flatMap((candidate) =>
    "refused" in candidate
      ? [html`<p>${toned(labelOf(candidate, all), "bad")} could not run: ${candidate.refused}</p>`]
      : [],
  );
  const failed = runs.flatMap((run) =>
    run.record.failure ? [html`<li><strong>${labelOf(run, all)}</strong>: ${runSentence(run.record)}</li>`] : [],
  );
  const body = html`${table(heads, rows, { caption: "Bytes and counts of the compared heap over the whole run; ▲ best, ▼ worst", words: [2] })}
${refused}${failed.length > 0 && html`<ul>${failed}</ul>`}`;
  return { id: "candidates", title: "Side by side", body };
}

/** What noticed an overflow of the stack that was compared. */
function stackSection({ runs, stack }: CompareRecord): Section[] {
  if (!stack) return [];
  const options = {
    first: "guards",
    caption: `Overflows of the stack of ${stack.task}`,
    captionHidden: true,
    words: STACK_TABLE_HEADS.map((_, index) => index + 1),
  };
  const body = textTable(STACK_TABLE_HEADS, stackTableRows(protectedRuns(runs, stack)), options);
  return [{ id: "stack", title: `The stack of ${stack.task} under its guards`, body }];
}

interface Extremes {
  readonly best: number;
  readonly worst: number;
}

/** NaN, which nothing equals, where most share the value: a mark on every row says nothing. */
function extremesOf({ better, value }: Figure, runs: readonly RunCandidate[]): Extremes {
  const values = runs.flatMap((run) => value(run.record, heapOf(run)) ?? []);
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const rare = (extreme: number) => {
    return values.filter((one) => one === extreme).length * 2 <= values.length ? extreme : Number.NaN;
  };
  return better === "more" ? { best: rare(most), worst: rare(least) } : { best: rare(least), worst: rare(most) };
}

function rowOf(
  candidate: ComparedCandidate,
  all: readonly ComparedCandidate[],
  extremes: readonly Extremes[],
): PageRow {
  const title = labelOf(candidate, all);
  if ("refused" in candidate) return { title, cells: [candidate.size ?? "", badge("REFUSED", "open")] };
  const { record } = candidate;
  const heap = heapOf(candidate);
  const cells = FIGURES.map((figure, index) => cellOf(figure, figure.value(record, heap), extremes[index]));
  const tone = VERDICT_TONES[record.verdict];
  const size = heap ? formatBytes(heap.arenaBytes) : "";
  return { title, tone, cells: [size, badge(record.verdict.toUpperCase(), tone), ...cells] };
}

function cellOf({ text }: Figure, value: number | undefined, extremes: Extremes | undefined): HtmlValue {
  if (value === undefined) return "";
  if (value === extremes?.best) return html`${text(value)} ${mark("▲", "best", "good")}`;
  if (value === extremes?.worst) return html`${text(value)} ${mark("▼", "worst", "bad")}`;
  return html`${text(value)} <span class="mark"></span>`;
}

function mark(sign: string, word: string, tone: "good" | "bad"): Html {
  return html`<span class="mark toned ${tone}"><span aria-hidden="true">${sign}</span><span class="unseen">${word}</span></span>`;
}

function heapOf({ heap, record }: RunCandidate): HeapRecordOfRun | undefined {
  return heap === null ? undefined : record.heaps[heap];
}

function survivedUs({ failure, simulatedUs }: RunRecord): number {
  return failure ? failure.atUs : simulatedUs;
}

function multiplesSection(
  all: readonly ComparedCandidate[],
  runs: readonly RunCandidate[],
  name: string,
  context: PageContext,
): Section[] {
  const drawn = runs.filter((run) => heapOf(run) !== undefined);
  if (drawn.length === 0) return [];
  const pictures = drawn.map((run) => {
    const label = labelOf(run, all);
    const index = context.indexOf(run.record, `${name}: ${label}`);
    return historyMultiple(run.record, run.heap ?? "", label, index, COLUMNS);
  });
  const body = html`<p class="note">Addresses upwards, time to the right.</p><div class="multiples" data-group="compare">${pictures}</div>`;
  return [{ id: "multiples", title: "Heaps over time, with common axes", body }];
}

function provenanceOf(runs: readonly RunCandidate[]): [string, string][] {
  const distinct = (texts: readonly string[]) => [...new Set(texts)].join(", ");
  return [
    ["seeds", distinct(runs.map(({ record }) => String(record.scenario.seed)))],
    ["devices", distinct(runs.map(({ record }) => record.scenario.device))],
    ["heapsoak", distinct(runs.map(({ record }) => record.provenance.heapsoak))],
  ];
}
