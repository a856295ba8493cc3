import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { type ErrorCode, HeapsoakError } from "./errors.ts";

/** Files that people write are far below this; a larger one is refused before it is parsed. */
export const DOCUMENT_BYTES_MOST = 256 * 1024;
/**
 * Deeper nesting than any format of ours needs. Refused before parsing: the parser recurses, and where the stack
 * ends inside a regular expression V8 ends the process instead of throwing.
 */
const DEPTH_MOST = 64;
const INDENTATION_MOST = 160;
const ALIASES_MOST = 100;

/** The way to a value inside a document: keys and indices. */
export type DocumentPath = readonly PropertyKey[];

/** Something wrong at a place of a document. */
export interface DocumentIssue {
  readonly path: DocumentPath;
  readonly message: string;
}

/** A parsed YAML or JSON document that remembers where its values stand. */
export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  /** Line and column, from 1, of the key or item at `path`, or of the nearest one above it that exists. */
  locate(path: DocumentPath): { line: number; column: number };
}

/** Parses YAML 1.2 (so JSON too). Throws `code` for syntax errors, alias bombs, and texts that are too large or too deep. */
export function parseSource(text: string, file: string, code: ErrorCode): SourceDocument {
  if (text.length > DOCUMENT_BYTES_MOST) {
    throw new HeapsoakError(code, `${file}: ${text.length} characters, expected at most ${DOCUMENT_BYTES_MOST}.`);
  }
  refuseDeepNesting(text, file, code);
  const lines = new LineCounter();
  try {
    // Pretty errors and unique keys cost the square of the text's length: both are done here instead.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    // What the parser warns of, it has not understood: a tag, a version.
    const refused = [...document.errors, ...document.warnings];
    const errors = refused.map((error) => ({ offset: error.pos[0], message: error.message }));
    const { version } = document.directives?.yaml ?? {};
    if (version !== undefined && version !== "1.2")
      errors.push({ offset: 0, message: `expected YAML 1.2, not ${version}` });
    errors.push(...structureErrors(document));
    if (errors.length > 0) {
      const shown = errors.slice(0, 20).map(({ offset, message }) => {
        const { line, col } = lines.linePos(offset);
        return `${file}:${line}:${col}: ${message}`;
      });
      throw new HeapsoakError(code, shown.join("\n"));
    }
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MOST });
    return { file, value, locate: (path) => position(document.contents, path, lines) };
  } catch (cause) {
    if (cause instanceof HeapsoakError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeapsoakError(code, `${file}: not a usable YAML document: ${reason}.`, { cause });
  }
}

/** An error that lists every issue with file, line, column and path. */
export function documentError(
  code: ErrorCode,
  source: SourceDocument,
  issues: readonly DocumentIssue[],
): HeapsoakError {
  const lines = issues.slice(0, 50).map(({ path, message }) => {
    const { line, column } = source.locate(path);
    const where = path.length > 0 ? `${formatPath(path)}: ` : "";
    return `${source.file}:${line}:${column}: ${where}${message}`;
  });
  if (issues.length > 50) lines.push(`… and ${issues.length - 50} more`);
  return new HeapsoakError(code, lines.join("\n"));
}

/** A path as an engineer writes it: `tasks.uplink.do[2].size`. */
export function formatPath(path: DocumentPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? String(step) : `${text}.${String(step)}`;
  }, "");
}

/** Keys that are there twice, and aliases inside the node they stand for (whose value would have no end). */
function structureErrors(document: Document): { offset: number; message: string }[] {
  const errors: { offset: number; message: string }[] = [];
  let aliases = 0;
  visit(document, {
    Map: (_, map) => {
      errors.push(...repeatedKeys(map));
    },
    Alias: (_, alias, ancestors) => {
      if (++aliases > ALIASES_MOST) {
        errors.push({ offset: alias.range?.[0] ?? 0, message: `more than ${ALIASES_MOST} aliases` });
        return visit.BREAK; // resolving one costs a walk through the document
      }
      const target = alias.resolve(document);
      if (target && ancestors.includes(target)) {
        errors.push({ offset: alias.range?.[0] ?? 0, message: `alias *${alias.source} stands inside its own anchor` });
      }
      return undefined;
    },
  });
  return errors;
}

function repeatedKeys(map: YAMLMap): { offset: number; message: string }[] {
  const seen = new Set<string>();
  const errors: { offset: number; message: string }[] = [];
  for (const { key } of map.items) {
    const name = isScalar(key) ? String(key.value) : undefined;
    if (name === undefined) errors.push({ offset: map.range?.[0] ?? 0, message: "a key that is not a plain word" });
    else if (seen.has(name)) {
      errors.push({ offset: isScalar(key) ? (key.range?.[0] ?? 0) : 0, message: `the key "${name}" is there twice` });
    } else seen.add(name);
  }
  return errors;
}

/** Flow collections nest by brackets, block collections by indentation and by `- - -`: all bounded by these counts. */
function refuseDeepNesting(text: string, file: string, code: ErrorCode): void {
  let depth = 0;
  let line = 1;
  for (const lineText of text.split("\n")) {
    for (const character of lineText) {
      if (character === "[" || character === "{") depth++;
      else if ((character === "]" || character === "}") && depth > 0) depth--;
      if (depth > DEPTH_MOST) throw tooDeep(file, line, code);
    }
    const indent = /^[\s?:-]*/.exec(lineText)?.[0] ?? "";
    const nested = (indent.match(/[-?:](?=\s)/g) ?? []).length;
    if (nested > DEPTH_MOST || indent.length > INDENTATION_MOST) throw tooDeep(file, line, code);
    line++;
  }
}

function tooDeep(file: string, line: number, code: ErrorCode): HeapsoakError {
  return new HeapsoakError(code, `${file}:${line}:1: nested deeper than ${DEPTH_MOST} levels.`);
}

function position(contents: Node | null, path: DocumentPath, lines: LineCounter): { line: number; column: number } {
  let node: unknown = contents;
  let offset = contents?.range?.[0] ?? 0;
  for (const step of path) {
    const next = child(node, step);
    if (!next) break;
    offset = next.offset ?? offset;
    node = next.node;
  }
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function child(node: unknown, step: PropertyKey): { node: unknown; offset: number | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : String(key)) === String(step));
    return pair && { node: pair.value, offset: isScalar(pair.key) ? pair.key.range?.[0] : undefined };
  }
  if (isSeq(node)) {
    const item = node.items[Number(step)] as Node | undefined;
    return item && { node: item, offset: item.range?.[0] };
  }
  return undefined;
}
