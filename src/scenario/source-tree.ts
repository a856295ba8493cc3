import { HeapsoakError } from "../errors.ts";
import { type DocumentIssue, type DocumentPath, formatPath, type SourceDocument } from "../yaml-document.ts";
import { shown } from "./issues.ts";

/** Values of a whole scenario, aliases written out: far more than anybody's, and judged in under a second. */
const VALUES_MOST = 100_000;
const DISTRIBUTIONS = "uniform|normal|lognormal|exponential|pareto|geometric|choice|empirical";

/** Refuses documents that aliases blow up, before anything walks through them. */
export function refuseHugeTree(source: SourceDocument): void {
  let values = 0;
  const count = (node: unknown): boolean => {
    if (++values > VALUES_MOST) return false;
    if (typeof node !== "object" || node === null) return true;
    if (Object.hasOwn(node, "__proto__")) throw refused(source, 'the key "__proto__" is not a name');
    return Object.values(node).every(count);
  };
  if (count(source.value)) return;
  throw refused(source, `more than ${VALUES_MOST} values, expected fewer`);
}

function refused(source: SourceDocument, message: string): HeapsoakError {
  return new HeapsoakError("bad-scenario", `${source.file}:1:1: ${message}.`);
}

/** Draws written as calls, and the places that their own issue covers. */
export interface SplitDraws {
  readonly issues: readonly DocumentIssue[];
  covers(path: DocumentPath): boolean;
}

/**
 * `{ size: uniform(16, 64) }`: inside braces YAML ends the text at the comma, so that `size` is `uniform(16` and
 * `64)` is a key. One issue says what to write instead of the two puzzling ones that would follow.
 */
export function splitDrawIssues(root: unknown): SplitDraws {
  const issues: DocumentIssue[] = [];
  const covered = new Set<string>();
  visitDraws(root, [], (path, message, extra) => {
    issues.push({ path, message });
    for (const place of [path, ...extra]) covered.add(formatPath(place));
  });
  return { issues, covers: (path) => covered.has(formatPath(path)) };
}

type Found = (path: DocumentPath, message: string, extra: readonly DocumentPath[]) => void;

function visitDraws(node: unknown, path: DocumentPath, found: Found): void {
  if (typeof node !== "object" || node === null) return;
  const entries = Array.isArray(node) ? [...node.entries()] : Object.entries(node);
  for (const [index, [key, value]] of entries.entries()) {
    if (typeof value !== "string") {
      visitDraws(value, [...path, key], found);
      continue;
    }
    const call = new RegExp(`^\\s*(${DISTRIBUTIONS})\\s*\\(([^)]*)(\\)?)\\s*$`).exec(value);
    if (!call) continue;
    const [, rule = "", first = "", closed] = call;
    const rest = closed ? [] : splitRest(entries, index + 1);
    const parts = [...first.split(","), ...rest.map(([, text]) => text.replace(/\)\s*$/, ""))];
    // In a list the halves are items of their own, so that its length is wrong as well.
    const list: DocumentPath[] = Array.isArray(node) ? [path] : [];
    const extra = [...rest.map(([other]): DocumentPath => [...path, other]), ...list];
    found(
      [...path, key],
      `${meaning(
        rule,
        parts.map((part) => part.trim()),
        rest.length > 0,
      )}`,
      extra,
    );
  }
}

/** Keys without a value behind the split text, up to the one with the closing parenthesis; none if there is none. */
function splitRest(
  entries: readonly (readonly [string | number, unknown])[],
  from: number,
): [string | number, string][] {
  const rest: [string | number, string][] = [];
  for (const [key, value] of entries.slice(from, from + 8)) {
    const text = typeof key === "number" ? String(value) : key;
    if (typeof key === "string" && value !== null) return [];
    rest.push([key, text]);
    if (text.trimEnd().endsWith(")")) return rest;
  }
  return [];
}

function meaning(rule: string, parts: readonly string[], split: boolean): string {
  const given = parts.map(shown).join(", ");
  const argument = ["exponential", "geometric", "empirical"].includes(rule) ? given : `[${given}]`;
  const form = rule === "choice" ? "{ choice: { VALUE: WEIGHT } }" : `{ ${rule}: ${argument} }`;
  const why = split ? "; the comma inside ( ) ends the text in YAML" : "";
  return `a draw is written as a map: write \`${form}\`${why}`;
}
