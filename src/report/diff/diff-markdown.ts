/** A comparison of two records as Markdown, for a comment on a pull request. */
import { formatCount } from "../../soak/figures.ts";
import { MARKDOWN_LENGTH_MOST } from "../formats/markdown.ts";
import { collapsed, markdownTable, plain } from "../formats/markdown-text.ts";
import type { DiffRecord } from "./diff-record.ts";
import { DIFF_HEADS, diffHeadline, remarkTexts, rowOf, SECTIONS, sameText } from "./diff-rows.ts";

/** What the text around the rows takes. */
const FRAME_MOST = 5_000;
const HEADS = ["", ...DIFF_HEADS.map((head) => head.toLowerCase())];

/** The comparison: what is worse in the open, the rest behind a click. A pure function of the record. */
export function diffMarkdown(record: DiffRecord): string {
  const mark = record.worse > 0 ? "❌" : "✅";
  const remarks =
    record.remarks.length === 0
      ? []
      : [
          remarkTexts(record)
            .map((remark) => `- ${plain(remark)}\n`)
            .join(""),
        ];
  const parts = [`### ${mark} ${plain(diffHeadline(record))}\n`, ...remarks];
  let room = MARKDOWN_LENGTH_MOST - FRAME_MOST - parts.join("\n").length;
  for (const [status, title] of SECTIONS) {
    const changes = record.changes.filter((change) => change.status === status);
    if (changes.length === 0) continue;
    const rows = fitting(
      changes.map((change) => cellsOf(rowOf(change))),
      room,
    );
    room -= lengthOf(rows);
    const left = changes.length - rows.length;
    const table = markdownTable(HEADS, rows) + (left > 0 ? `\nand ${formatCount(left)} more\n` : "");
    const isOpen = status === "worse";
    parts.push(isOpen ? `**${title}**\n\n${table}` : collapsed(`${title} (${formatCount(changes.length)})`, table));
  }
  return `${[...parts, `${sameText(record)}.`].join("\n")}\n`;
}

function cellsOf({ what, old, new: fresh, change, threshold }: ReturnType<typeof rowOf>): string[] {
  return [what, old, fresh, change, threshold].map(plain);
}

/** The first rows, as many as there is room for. */
function fitting(rows: readonly (readonly string[])[], room: number): readonly (readonly string[])[] {
  let used = 0;
  const end = rows.findIndex((row) => {
    used += lengthOf([row]);
    return used > room;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/** Of the rows with what separates their cells. */
function lengthOf(rows: readonly (readonly string[])[]): number {
  return rows.reduce((sum, cells) => sum + cells.join(" | ").length + "|  |\n".length, 0);
}
