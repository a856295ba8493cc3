import type { z } from "zod";
import { closest } from "../errors.ts";
import type { DocumentIssue, DocumentPath } from "../yaml-document.ts";

/** ` (did you mean "x"?)`, or nothing. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const meant = closest(word, candidates);
  return meant ? ` (did you mean "${meant}"?)` : "";
}

/** A word of the file as messages show it: on one line, not too long. */
export function shown(word: string): string {
  const line = word.replaceAll(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}

/** What is wrong with a file, gathered so that all of it is reported at once. */
export class Issues {
  readonly list: DocumentIssue[] = [];

  add(path: DocumentPath, message: string): void {
    this.list.push({ path, message });
  }
}

/** zod's issues in our words: unknown keys one by one, missing keys by name. `root` is the value that was parsed. */
export function schemaIssues(error: z.ZodError, root: unknown): DocumentIssue[] {
  return error.issues.flatMap((issue) => translated(issue, root));
}

function translated(issue: z.core.$ZodIssue, root: unknown): DocumentIssue[] {
  if (issue.code === "unrecognized_keys") {
    // One line a key: see `fields` in schema-parts.ts.
    const messages = issue.message.split("\n");
    return issue.keys.map((key, index) => ({
      path: [...issue.path, key],
      message: messages[index] ?? "unknown key",
    }));
  }
  if (issue.code === "invalid_union") {
    const meant = meantBranch(issue.errors);
    if (meant) return meant.flatMap((inner) => translated({ ...inner, path: [...issue.path, ...inner.path] }, root));
  }
  if (issue.code === "invalid_key") return [{ path: issue.path, message: issue.issues[0]?.message ?? issue.message }];
  const message = issue.message.replace(/^Invalid input: /, "").replace(/, received undefined$/, "");
  if (issue.path.length > 0 && valueAt(root, issue.path) === undefined) {
    return [{ path: issue.path, message: `is missing; ${message}` }];
  }
  return [{ path: issue.path, message }];
}

/** The branch of a union whose type fits, so that its own issues say more than "none of these". */
function meantBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const wrongType = (issue: z.core.$ZodIssue) => issue.path.length === 0 && !INNER_CODES.has(issue.code);
  const meant = branches.filter((issues) => issues.length > 0 && !issues.some(wrongType));
  return meant.length === 1 ? meant[0] : undefined;
}

/** Issues with a value as a whole that say its type was right. */
const INNER_CODES: ReadonlySet<string> = new Set([
  "custom",
  "unrecognized_keys",
  "too_big",
  "too_small",
  "invalid_format",
]);

/** The value at the path, or undefined. */
export function valueAt(root: unknown, path: DocumentPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
