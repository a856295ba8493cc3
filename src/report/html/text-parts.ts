/** What the terminal's reports say, as parts of a page: their tables, and their lines as a list. */
import type { ReportRecord } from "../report-record.ts";
import type { TableRow } from "../table.ts";
import { verdictOf } from "../verdict-of.ts";
import { type Html, html } from "./markup.ts";
import { type TableOptions, table } from "./parts.ts";
import { type RecordPage, type Tone, VERDICT_TONES } from "./record-page.ts";

export interface TextTableOptions extends TableOptions {
  /** Head of the column of titles. */
  readonly first: string;
  /** Sets the row of that index apart. */
  readonly tone?: (index: number) => Tone | undefined;
}

/** A table of a terminal's report; its heads are in capitals there. */
export function textTable(
  heads: readonly string[],
  rows: readonly TableRow[],
  { first, tone, ...options }: TextTableOptions,
): Html {
  const toned = rows.map((row, index) => {
    const own = tone?.(index);
    return own ? { ...row, tone: own } : row;
  });
  return table([first, ...heads.map(sentenceCase)], toned, options);
}

/** `LEAST FREE` as `Least free`. */
function sentenceCase(head: string): string {
  return capitalized(head === head.toUpperCase() ? head.toLowerCase() : head);
}

/** With a capital, as a sentence begins. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Lines that were broken for the terminal, whole again: what goes on is set in by four there. */
export function unbroken(lines: readonly string[]): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    if (line.startsWith("    ") && whole.length > 0) whole.push(`${whole.pop()} ${line.trim()}`);
    else whole.push(line);
  }
  return whole;
}

/** Lines as a list; none as nothing. */
export function list(lines: readonly string[]): Html | false {
  return (
    lines.length > 0 &&
    html`<ul>${lines.map((line) => html`<li>${line.trim()}</li>`)}</ul>
`
  );
}

/** Lines as paragraphs. */
export function paragraphs(lines: readonly string[]): Html[] {
  return lines.map(
    (line) => html`<p>${line.trim()}</p>
`,
  );
}

/** The record's verdict as its label, in the colour that fits. */
export function judged(record: ReportRecord): Pick<RecordPage, "verdict" | "tone"> {
  const verdict = verdictOf(record) ?? "undecided";
  return { verdict: verdict.toUpperCase(), tone: VERDICT_TONES[verdict] };
}
