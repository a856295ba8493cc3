import { printable } from "../errors.ts";

const PLAIN = /^[A-Za-z_][\w.-]*$/;
/** Words that YAML reads as something else than a text, in one version or another. */
const RESERVED = /^(true|false|null|yes|no|on|off|y|n)$/i;
const COMMENT_MOST = 1000;

/** A text as a YAML scalar: plain where that is safe, else in quotes. */
export function yamlText(text: string): string {
  return PLAIN.test(text) && !RESERVED.test(text) ? text : JSON.stringify(printable(text));
}

/** A text as the inside of a comment: one line, without what a terminal would obey. */
export function commentText(text: string): string {
  const line = printable(text).replaceAll(/\s+/g, " ").trim();
  return line.length > COMMENT_MOST ? `${line.slice(0, COMMENT_MOST)}…` : line;
}

/** A name as scenarios have them: a letter, then letters, digits, - or _; unlike those that are `taken`. */
export function scenarioName(text: string, taken: ReadonlySet<string>): string {
  const letters = text
    .replaceAll(/[^\w-]+/g, "-")
    .replace(/^[^A-Za-z]+/, "")
    .replace(/-+$/, "")
    .slice(0, 56);
  const name = letters === "" ? "task" : letters;
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}
