/** Markdown in which no text from a record is markup: of GitHub's flavour, which GitLab reads as well. */
import { formatCount } from "../table.ts";
import { cleanLine, cleanText } from "./clean-text.ts";

/** An invisible character: after it, `@name`, `#1` and `!1` call on nobody, which a backslash does not keep them from. */
const JOINER = "\u2060";
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Text from a record in a paragraph or a cell of a table: one line, as it was; no markup, no link, nobody notified. */
export function plain(text: string): string {
  return htmlText(text).replaceAll(/[\\`*_[\]|~$]|:(?=\/\/)|(?<=www)\.|^[-+=]|(?<=^\d+)[.)](?= |$)/gi, "\\$&");
}

/** The same where Markdown is not read: in the line of an HTML element. */
export function htmlText(text: string): string {
  const quiet = cleanLine(text).replaceAll(/[@#!]/g, `$&${JOINER}`);
  return quiet.replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? "");
}

/** A table; cells are markup already. Titles to the left, figures to the right. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  align: "left" | "right" = "right",
): string {
  const rule = heads.map((_, column) => (column === 0 || align === "left" ? "---" : "---:"));
  return [heads, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** Lines as they are, in a fence that none of them ends. */
export function codeBlock(lines: readonly string[]): string {
  const text = cleanText(lines.join("\n"));
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}\n`;
}

/** What is shown on a click, or at once where it `isOpen`. `summary` is HTML. */
export function collapsed(summary: string, body: string, isOpen = false): string {
  return `<details${isOpen ? " open" : ""}><summary>${summary}</summary>\n\n${body}\n</details>\n`;
}

/** The parts that fit into `most` characters together, and a line for those that do not. */
export function withinLength(parts: readonly string[], most: number): string {
  const shown: string[] = [];
  let length = LEFT_OUT_LENGTH;
  for (const part of parts) {
    length += part.length + 1;
    if (length > most) break;
    shown.push(part);
  }
  const left = parts.length - shown.length;
  return [...shown, ...(left > 0 ? [leftOut(left)] : [])].join("\n");
}

/** Characters kept for the line that says what was left out. */
const LEFT_OUT_LENGTH = 80;

function leftOut(count: number): string {
  return `*${formatCount(count)} more ${count === 1 ? "part is" : "parts are"} left out: the page has them all.*\n`;
}
