/**
 * A Markdown summary for a pull request's comment or a job's summary: verdicts first, then for each record what decided
 * it, its figures, and on a click the details. At most 65,000 characters: GitHub refuses comments over 65,536.
 */
import type { Verdict } from "../../soak/record.ts";
import { comparedTable } from "../compare-text.ts";
import type { CompareRecord, NamedRecord } from "../report-record.ts";
import type { TableRow } from "../table.ts";
import { verdictOf } from "../verdict-of.ts";
import { codeBlock, collapsed, htmlText, markdownTable, plain, withinLength } from "./markdown-text.ts";
import type { Check, CheckStatus, FigureTable, Outcome } from "./outcome.ts";
import { outcomesOf } from "./outcomes.ts";

/** GitHub refuses longer comments than 65,536 characters. */
export const MARKDOWN_LENGTH_MOST = 65_000;

/** Records that the first table lists. */
const RECORDS_LISTED = 100;
/** Checks of a record that are listed. */
const CHECKS_LISTED = 50;

const VERDICTS: Readonly<Record<Verdict, string>> = {
  pass: "✅ **PASS**",
  fail: "❌ **FAIL**",
  undecided: "❔ **UNDECIDED**",
};
const STATUSES: Readonly<Record<CheckStatus, string>> = {
  pass: "✅ met",
  fail: "❌ **not met**",
  undecided: "❔ undecided",
  outdone: "➖ not met, though by another candidate",
};

/** The records as Markdown. */
export function markdown(records: readonly NamedRecord[]): string {
  const sections = records.flatMap((record) => recordSections(record, records.length === 1));
  const parts = records.length > 1 ? [overview(records), ...sections] : sections;
  return withinLength(parts, MARKDOWN_LENGTH_MOST);
}

/** A row for each record. */
function overview(records: readonly NamedRecord[]): string {
  const rows = records.slice(0, RECORDS_LISTED).map((record) => {
    const [first, ...others] = outcomesOf([record]);
    const about = others.length > 0 ? `${others.length + 1} candidates` : (first?.sentence ?? "");
    return [plain(record.name), verdictText(record), plain(first?.title ?? ""), plain(about)];
  });
  const more = records.length - rows.length;
  const rest = more > 0 ? `\n*and ${more} more*\n` : "";
  return `## heapsoak\n\n${markdownTable(["Record", "Verdict", "", ""], rows, "left")}${rest}`;
}

function verdictText({ record }: NamedRecord): string {
  return VERDICTS[verdictOf(record) ?? "undecided"];
}

/** A comparison has one section, others have one each; several records are each behind a click. */
function recordSections(record: NamedRecord, isOnly: boolean): string[] {
  const outcomes = outcomesOf([record]);
  const [first] = outcomes;
  if (!first) return [];
  if (record.record.format === "heapsoak.compare") return comparison(record, record.record, outcomes);
  const heading = `${VERDICTS[first.verdict]} ${plain(first.title)}`;
  const lead = `${plain(first.sentence)}\n`;
  const body = `${lead}\n${outcomeBody(first)}`;
  return isOnly
    ? [`### ${heading}\n\n${body}`]
    : [collapsed(`${htmlText(record.name)}: ${summaryHtml(first)}`, body, first.verdict === "fail")];
}

function summaryHtml({ verdict, title }: Outcome): string {
  return `<b>${verdict.toUpperCase()}</b> ${htmlText(title)}`;
}

function comparison(named: NamedRecord, record: CompareRecord, outcomes: readonly Outcome[]): string[] {
  const table = figuresTable(...comparedTable(record.runs));
  const parts = outcomes.map((outcome) =>
    collapsed(`${htmlText(outcome.variant)}: ${summaryHtml(outcome)}`, outcomeBody(outcome)),
  );
  return [`### ${verdictText(named)} ${plain(named.name)}\n\n${table}`, ...parts];
}

function outcomeBody({ checks, tables, facts }: Outcome): string {
  const details = checks
    .filter(({ details: lines, status }) => lines.length > 0 && status !== "pass")
    .map(detailsBlock);
  const parts = [checksTable(checks), ...details, ...tables.map(figuresBlock), factsLine(facts)];
  return parts.filter((part) => part !== "").join("\n");
}

function checksTable(checks: readonly Check[]): string {
  const rows = checks
    .slice(0, CHECKS_LISTED)
    .map(({ name, status, message }) => [plain(name), STATUSES[status], plain(message)]);
  const more = checks.length - rows.length;
  const rest = more > 0 ? `\n*and ${more} more*\n` : "";
  return `${markdownTable(["Expected", "", "Observed"], rows, "left")}${rest}`;
}

function detailsBlock({ name, details }: Check): string {
  return collapsed(`Details: ${htmlText(name)}`, codeBlock(details));
}

function figuresBlock({ title, heads, rows }: FigureTable): string {
  return collapsed(htmlText(title), figuresTable(heads, rows));
}

function figuresTable(heads: readonly string[], rows: readonly TableRow[]): string {
  const body = rows.map(({ title, cells }) => [plain(title), ...heads.map((_, column) => plain(cells[column] ?? ""))]);
  return markdownTable(["", ...heads.map(plain)], body);
}

/** Of digests the beginning tells enough. */
function factsLine(facts: Outcome["facts"]): string {
  if (facts.length === 0) return "";
  const words = facts.map(([name, value]) => `${name} ${value.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, "$1…")}`);
  return `<sub>${plain(words.join(" · "))}</sub>\n`;
}
