/**
 * JUnit's XML, in the dialect that GitLab, Jenkins and the actions for GitHub read: a test suite for each record, a test
 * case for each thing it was judged by. What is undecided, and a candidate that another one outdoes, is `skipped`: a
 * suite fails only where its record's verdict is "fail". Times are 0: a record has no wall-clock times, and simulated
 * years would be taken for the duration of the test; `properties` have the rest.
 */
import type { NamedRecord } from "../report-record.ts";
import { cleanText } from "./clean-text.ts";
import type { Check, CheckStatus, Outcome } from "./outcome.ts";
import { outcomesOf } from "./outcomes.ts";

const SKIPPED: Readonly<Partial<Record<CheckStatus, string>>> = {
  undecided: "undecided",
  outdone: "fails, but the verdict goes by the best candidate",
};

/** The records as a JUnit XML file. */
export function junit(records: readonly NamedRecord[]): string {
  const outcomes = outcomesOf(records);
  const totals = attributes({ name: "heapsoak", ...counts(outcomes.flatMap(({ checks }) => checks)) });
  const suites = outcomes.map(suite).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${totals}>\n${suites}</testsuites>\n`;
}

function suite({ name, kind, title, verdict, sentence, path, checks, facts }: Outcome): string {
  const skipped = checks.filter(({ status }) => status in SKIPPED).length;
  const head = attributes({ name: `${name}: ${title}`, ...counts(checks), skipped });
  const listed = [["kind", kind], ["verdict", verdict], ["summary", sentence], ...facts] as const;
  const properties = listed.map(([fact, value]) => `      <property${attributes({ name: fact, value })}/>\n`).join("");
  const cases = checks.map((check) => testCase(check, name, path)).join("");
  return `  <testsuite${head}>\n    <properties>\n${properties}    </properties>\n${cases}  </testsuite>\n`;
}

function counts(checks: readonly Check[]): { tests: number; failures: number; errors: number; time: number } {
  const failures = checks.filter(({ status }) => status === "fail").length;
  return { tests: checks.length, failures, errors: 0, time: 0 };
}

function testCase(check: Check, classname: string, path: string | null): string {
  const { name, line } = check;
  const place = { ...(path !== null && { file: path }), ...(line !== null && { line }) };
  return `    <testcase${attributes({ classname, name, time: 0, ...place })}>\n${result(check)}    </testcase>\n`;
}

function result({ status, message, rule, details }: Check): string {
  const skipped = SKIPPED[status];
  if (skipped !== undefined) return `      <skipped${attributes({ message: `${skipped}: ${message}` })}/>\n`;
  if (status === "pass") return `      <system-out>${xmlText(message)}</system-out>\n`;
  const body = [message, ...details].join("\n");
  return `      <failure${attributes({ message, type: rule })}>${xmlText(body)}</failure>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${xmlAttribute(String(value))}"`)
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
  "\t": "&#9;",
};

function xmlText(text: string): string {
  return cleanText(text).replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? "");
}

/** Parsers turn line breaks and tabs of an attribute into spaces unless they are written as references. */
function xmlAttribute(text: string): string {
  return cleanText(text).replaceAll(/[&<>"\n\t]/g, (character) => ENTITIES[character] ?? "");
}
