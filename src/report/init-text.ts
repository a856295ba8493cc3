import { printable } from "../errors.ts";
import type { InitRecord } from "../init/init-record.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 104;

/** What was found and where, what is to be filled in, and what comes next; for the terminal. */
export function initText(record: InitRecord, paint: Paint = plainPaint): string {
  const { found, notes, missing, givenUp, out } = record;
  const columns = found.map(({ what, value, source }) => [what, value, source] as const);
  const width = (column: 0 | 1) => Math.max(...columns.map((row) => row[column].length));
  const [first, second] = [Math.min(28, width(0)), Math.min(40, width(1))];
  const lines = [
    paint.strong(`${out === "-" ? "A scenario" : `${out}: a scenario`} to be filled in; it passes heapsoak check`),
    "",
    "found",
    ...columns.map(([what, value, source]) => `  ${what.padEnd(first)}  ${value.padEnd(second)}  ${source}`),
    ...section("note", notes, paint),
    ...section("not at its real address", givenUp, paint),
    ...section("not found", missing, paint),
    "",
    "fill in",
    "  What each task allocates, and when it runs: heapsoak import LOG, then heapsoak fit, tell from a log.",
    ...(out === "-" ? [] : ["", "next", `  heapsoak check ${out}`, `  heapsoak run ${out}`]),
  ];
  return printable(`${lines.join("\n")}\n`);
}

function section(title: string, texts: readonly string[], paint: Paint): string[] {
  if (texts.length === 0) return [];
  return [
    "",
    paint.bad(title),
    ...texts.flatMap((text) => wrapped(text, WIDTH).map((line, index) => `${index === 0 ? "  " : "    "}${line}`)),
  ];
}
