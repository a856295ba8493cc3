/**
 * SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code scanning: a result for each thing that
 * failed, at its line of the scenario. What is undecided is of kind `open`; a candidate that another one outdoes is a
 * note. All is in one run, as GitHub takes at most 20 and no two of one category.
 */
import { createHash } from "node:crypto";
import { placeText } from "../place-text.ts";
import type { NamedRecord } from "../report-record.ts";
import { cleanLine } from "./clean-text.ts";
import type { Check, CheckStatus, Outcome } from "./outcome.ts";
import { outcomesOf } from "./outcomes.ts";
import { RULES, type RuleId } from "./rules.ts";
import { UniqueNames } from "./runs-of.ts";

/** GitHub shows at most so many results of a file. */
export const RESULTS_MOST = 5000;

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** Kind and level of a result; what passed is none. The worst first. */
const LEVELS = {
  fail: { kind: "fail", level: "error" },
  undecided: { kind: "open", level: "none" },
  outdone: { kind: "fail", level: "note" },
} as const satisfies Readonly<Partial<Record<CheckStatus, object>>>;

type ToldStatus = keyof typeof LEVELS;

/** A check that is told, the outcome it belongs to, and the file that it is about. */
interface Finding {
  readonly check: Check & { readonly status: ToldStatus };
  readonly outcome: Outcome;
  readonly path: string;
}

/** The records as a SARIF log. */
export function sarif(records: readonly NamedRecord[]): string {
  const outcomes = outcomesOf(records);
  const findings = (Object.keys(LEVELS) as ToldStatus[]).flatMap((status) =>
    outcomes.flatMap((outcome) => findingsOf(outcome, status)),
  );
  const told = findings.slice(0, RESULTS_MOST);
  const log = { $schema: SCHEMA, version: "2.1.0", runs: [sarifRun(told, findings.length - told.length, outcomes)] };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** Code scanning refuses results without a file: of a candidate that could not be run nothing is told. */
function findingsOf(outcome: Outcome, status: ToldStatus): Finding[] {
  const { path, checks } = outcome;
  if (path === null) return [];
  return checks.flatMap((check) => (check.status === status ? [{ check: { ...check, status }, outcome, path }] : []));
}

function sarifRun(findings: readonly Finding[], leftOut: number, outcomes: readonly Outcome[]): object {
  const ruleIds = [...new Set(findings.map(({ check }) => check.rule))].sort();
  const prints = new UniqueNames();
  return {
    tool: { driver: { name: "heapsoak", ...versionOf(outcomes), rules: ruleIds.map(ruleDescriptor) } },
    columnKind: "utf16CodeUnits",
    invocations: [{ executionSuccessful: true, toolExecutionNotifications: notifications(leftOut) }],
    results: findings.map((finding) => result(finding, ruleIds, prints)),
  };
}

function versionOf(outcomes: readonly Outcome[]): { version?: string } {
  const versions = new Set(
    outcomes.flatMap(({ facts }) => facts.flatMap(([name, value]) => (name === "heapsoak" ? [value] : []))),
  );
  const [version] = versions;
  return versions.size === 1 && version !== undefined ? { version: cleanLine(version) } : {};
}

function notifications(leftOut: number): object[] {
  if (leftOut === 0) return [];
  const text = `${leftOut} more results are left out: code scanning shows at most ${RESULTS_MOST}.`;
  return [{ level: "warning", message: { text } }];
}

function ruleDescriptor(id: RuleId): object {
  const { text, help } = RULES[id];
  return {
    id,
    name: pascalCase(id),
    shortDescription: { text },
    fullDescription: { text: `${text} ${help}` },
    help: { text: help, markdown: help },
    defaultConfiguration: { level: "error" },
    properties: { tags: ["memory", "embedded"] },
  };
}

function pascalCase(id: string): string {
  return id.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function result({ check, outcome, path }: Finding, ruleIds: readonly RuleId[], prints: UniqueNames): object {
  const { kind, level } = LEVELS[check.status];
  const print = prints.unique(fingerprint(check, outcome));
  return {
    ruleId: check.rule,
    ruleIndex: ruleIds.indexOf(check.rule),
    kind,
    level,
    message: { text: messageText(check, outcome) },
    locations: [location(check, path)],
    // GitHub knows results again by the first; it would otherwise hash the lines, which change without a new cause.
    partialFingerprints: { primaryLocationLineHash: print, "heapsoak/v1": print },
    properties: Object.fromEntries(
      [["record", outcome.name] as const, ...outcome.facts].map(([name, value]) => [name, cleanLine(value)]),
    ),
  };
}

/** The same for the same check of the same file, whatever figures it came out with. */
function fingerprint({ rule, name, task, step }: Check, { path, title, variant }: Outcome): string {
  const identity = JSON.stringify([rule, path, title, variant, name, task, step]);
  return createHash("sha256").update(identity).digest("hex").slice(0, 32);
}

const WORDS = { fail: "Not met", undecided: "Undecided", outdone: "Not met, though by another candidate" } as const;

/** What was seen, then what it is about. Braces are placeholders (3.11.5) unless doubled; `[…](…)` would be a link (3.11.6). */
function messageText({ status, name, message }: Finding["check"], { title }: Outcome): string {
  const text = `${message.replace(/\.$/, "")}. ${WORDS[status]}: ${name} (${title}).`;
  return cleanLine(text).replaceAll(/[{}]/g, "$&$&").replaceAll("](", "] (");
}

/** Code scanning refuses results without a line: where it is not known, it is the file's first. */
function location({ line, task, step }: Check, path: string): object {
  const physicalLocation = { artifactLocation: { uri: fileUri(path) }, region: { startLine: line ?? 1 } };
  if (task === null && step === null) return { physicalLocation };
  const name = cleanLine(task ?? step ?? "");
  return { physicalLocation, logicalLocations: [{ name, fullyQualifiedName: cleanLine(placeText(task, step)) }] };
}

/** A relative path as a relative reference, as code scanning wants it; an absolute one as a file URI. */
function fileUri(path: string): string {
  const parts = path
    .replaceAll(/\p{Cs}/gu, "\ufffd")
    .replaceAll("\\", "/")
    .split("/");
  const encoded = parts.map(encodeURIComponent).join("/");
  if (/^[A-Za-z]:$/.test(parts[0] ?? "")) return `file:///${parts[0]}${encoded.slice(encoded.indexOf("/"))}`;
  return encoded.startsWith("/") ? `file://${encoded}` : encoded;
}
