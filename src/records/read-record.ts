/**
 * Reads the records that reports are made of. What comes out is what the types promise, whoever wrote the file: no
 * NaN, no negative count, columns of one length. Texts are any texts: whoever prints them escapes them.
 */
import type { z } from "zod";
import { HeapsoakError } from "../errors.ts";
import type { RecordKind, RecordOf, ReportRecord } from "../report/report-record.ts";
import { RESULTS_FORMAT } from "../risk/campaign/result-lines.ts";
import { shown, suggestion, valueAt } from "../scenario/issues.ts";
import { formatPath } from "../yaml-document.ts";
import { compareSchema } from "./compare-schema.ts";
import { fitSchema } from "./fit-schema.ts";
import { forecastSchema } from "./forecast-schema.ts";
import { jsonShape } from "./json-shape.ts";
import { replaySchema } from "./replay-schema.ts";
import { riskSchema, sizeSchema } from "./risk-schemas.ts";
import { runSchema } from "./run-schema.ts";
import { isMap } from "./schema-parts.ts";
import { blameSchema, huntSchema, shrinkSchema, worstSchema } from "./search-schemas.ts";
import { stackBoundSchema } from "./stack-bound-schema.ts";
import { validationSchema } from "./validation-schema.ts";

/** Of every kind of record that a report can be made of. */
const SCHEMAS: { readonly [K in RecordKind]: z.ZodType<RecordOf<K>> } = {
  "heapsoak.run": runSchema,
  "heapsoak.compare": compareSchema,
  "heapsoak.risk": riskSchema,
  "heapsoak.size": sizeSchema,
  "heapsoak.validation": validationSchema,
  "heapsoak.replay": replaySchema,
  "heapsoak.stack-bound": stackBoundSchema,
  "heapsoak.fit": fitSchema,
  "heapsoak.forecast": forecastSchema,
  "heapsoak.blame": blameSchema,
  "heapsoak.hunt": huntSchema,
  "heapsoak.worst": worstSchema,
  "heapsoak.shrink": shrinkSchema,
};

/** What else heapsoak writes, and what can be done with it. */
const OTHER_FORMATS: ReadonlyMap<string, string> = new Map([
  [RESULTS_FORMAT, 'The folder\'s record is what "heapsoak merge FOLDER --json FILE" writes.'],
  ["heapsoak.verification", "A verification says all it has to say in its own JSON and on the terminal."],
]);

/** All kinds of records have this version. */
const VERSION_READ = 1;
/** No record is nested half as deep, nor has a tenth as many lists and maps. */
const DEPTH_MOST = 64;
const CONTAINERS_MOST = 4_000_000;
const ISSUES_SHOWN = 10;

/** The record in the JSON text; `file` is what messages call it. Throws `bad-record`. */
export function readRecord(text: string, file: string): ReportRecord {
  const value = parsed(text, file);
  const format = formatOf(value, file);
  const read = SCHEMAS[format].safeParse(value);
  if (read.success) return read.data;
  const { issues } = read.error;
  const lines = issues.slice(0, ISSUES_SHOWN).map((issue) => `${file}: ${issueText(issue, value)}`);
  if (issues.length > ISSUES_SHOWN) lines.push(`… and ${issues.length - ISSUES_SHOWN} more`);
  throw badRecord(lines.join("\n"), "Let the command that wrote the record write it anew.");
}

function parsed(text: string, file: string): unknown {
  const { containers, depth } = jsonShape(text);
  if (depth > DEPTH_MOST || containers > CONTAINERS_MOST) {
    throw badRecord(`${file}: not a record of heapsoak: ${depth} levels deep, with ${containers} lists and maps.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(text.trim(), file);
  }
}

function notJson(text: string, file: string): HeapsoakError {
  if (text === "")
    return badRecord(
      `${file}: empty, expected a record of heapsoak.`,
      "Did the command that should have written it fail?",
    );
  if (text.startsWith(`{"crc32":`)) return withoutReport(RESULTS_FORMAT, file);
  if (!text.startsWith("{")) return badRecord(`${file}: not JSON, expected a record of heapsoak.`, WRITTEN_BY);
  if (text.endsWith("}")) return badRecord(`${file}: damaged: it begins as a record does, but is not JSON.`);
  return badRecord(`${file}: cut off: it ends in the middle of the record.`, "Copy it again, or write it anew.");
}

const WRITTEN_BY = 'A record is what "--json FILE" of run, compare, risk and other commands writes.';

/** Of a value that says it is a record which can be read. */
function formatOf(value: unknown, file: string): RecordKind {
  const { format, version } = isMap(value) ? value : {};
  if (typeof format !== "string" || !format.startsWith("heapsoak.")) {
    throw badRecord(
      `${file}: JSON, but not a record of heapsoak: it has no "format" that begins with "heapsoak.".`,
      WRITTEN_BY,
    );
  }
  if (!isReadable(format)) throw withoutReport(format, file);
  if (version === VERSION_READ) return format;
  const of = typeof version === "number" || typeof version === "string" ? `of version ${version}` : "without a version";
  throw badRecord(`${file}: a ${format} record ${of}; this heapsoak reads version ${VERSION_READ}.`);
}

function isReadable(format: string): format is RecordKind {
  return Object.hasOwn(SCHEMAS, format);
}

function withoutReport(format: string, file: string): HeapsoakError {
  const hint = OTHER_FORMATS.get(format);
  const meant = hint === undefined ? suggestion(format, Object.keys(SCHEMAS)) : "";
  return badRecord(`${file}: there is no report of "${shown(format)}"${meant}.`, hint);
}

/** `heaps.main.holes: got -1, expected at least 0.` */
function issueText(issue: z.core.$ZodIssue, root: unknown): string {
  const value = valueAt(root, issue.path);
  const found = value === undefined ? " is missing" : `: got ${valueText(value)}`;
  return `${formatPath(issue.path)}${found}, expected ${expectation(issue)}.`;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return TYPE_WORDS[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return issue.values.map(String).join(", ");
  if (issue.code === "too_small") return `at least ${issue.minimum}`;
  if (issue.code === "too_big") return `at most ${issue.maximum}`;
  return issue.message;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a map",
  string: "a text",
};

function valueText(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isMap(value)) return "a map";
  return typeof value === "string" ? `"${shown(value)}"` : String(value);
}

function badRecord(message: string, hint?: string): HeapsoakError {
  return new HeapsoakError("bad-record", message, hint === undefined ? {} : { hint });
}
