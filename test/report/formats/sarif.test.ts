import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { cleanLine } from "../../../src/report/formats/clean-text.ts";
import { RESULTS_MOST, sarif } from "../../../src/report/formats/sarif.ts";
import type { CompareRecord, NamedRecord } from "../../../src/report/report-record.ts";
import { failedRecord, runRecord } from "../../support/run-records.ts";
import { hostileText } from "./hostile-text.ts";
import { compareRecord, everyRecord, textedRun, validationRecord } from "./sample-records.ts";

const location = z.object({
  physicalLocation: z.object({
    artifactLocation: z.object({ uri: z.string() }),
    region: z.object({ startLine: z.number() }),
  }),
  logicalLocations: z.array(z.object({ name: z.string(), fullyQualifiedName: z.string() })).optional(),
});
const logSchema = z.object({
  runs: z
    .array(
      z.object({
        tool: z.object({
          driver: z.object({ version: z.string().optional(), rules: z.array(z.object({ id: z.string() })) }),
        }),
        invocations: z.array(
          z.object({ toolExecutionNotifications: z.array(z.object({ message: z.object({ text: z.string() }) })) }),
        ),
        results: z.array(
          z.object({
            ruleId: z.string(),
            ruleIndex: z.number(),
            kind: z.string(),
            level: z.string(),
            message: z.object({ text: z.string() }),
            locations: z.array(location),
            partialFingerprints: z.record(z.string(), z.string()),
            properties: z.record(z.string(), z.string()),
          }),
        ),
      }),
    )
    .length(1),
});

/** The standard's own schema, in the edition that code scanning checks against. */
let validate: (log: unknown) => boolean;
let errors: () => string;

beforeAll(() => {
  const file = createRequire(import.meta.url).resolve("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
  // Ajv knows no draft 04; this schema uses nothing that later drafts changed but these two.
  const {
    $schema: _,
    id: __,
    ...schema
  } = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, "utf8")));
  const ajv = new Ajv({
    strict: false,
    unicodeRegExp: false,
    formats: { uri: isUri, "uri-reference": isUriReference, "date-time": true },
  });
  const compiled = ajv.compile(schema);
  validate = (log) => compiled(log);
  errors = () => ajv.errorsText(compiled.errors);
});

function isUri(text: string): boolean {
  return URL.canParse(text);
}

function isUriReference(text: string): boolean {
  return /^[\w.~:/?#[\]@!$&'()*+,;=%-]*$/.test(text) && URL.canParse(text, "https://example.com/");
}

function results(records: readonly NamedRecord[]): z.infer<typeof logSchema>["runs"][number]["results"] {
  const log: unknown = JSON.parse(sarif(records));
  expect(validate(log), errors()).toBe(true);
  return runOf(log).results;
}

function runOf(log: unknown): z.infer<typeof logSchema>["runs"][number] {
  const [run] = logSchema.parse(log).runs;
  if (!run) throw new Error("no run");
  return run;
}

test("a run that passes has no results, and is still a valid log", () => {
  expect(results([{ name: "x", record: runRecord() }])).toEqual([]);
});

test("a failure is a result at its line of the scenario, with task and step as logical location", () => {
  const record = textedRun("uplink");
  const [failure, expectation] = results([
    { name: "x", record: { ...record, scenario: { ...record.scenario, path: "a b/gateway.yaml" } } },
  ]);
  expect(failure).toMatchObject({ ruleId: "crash", kind: "fail", level: "error" });
  expect(failure?.locations).toEqual([
    {
      physicalLocation: { artifactLocation: { uri: "a%20b/gateway.yaml" }, region: { startLine: 12 } },
      logicalLocations: [{ name: "uplink", fullyQualifiedName: "uplink: uplink" }],
    },
  ]);
  expect(expectation).toMatchObject({
    ruleId: "expectation",
    locations: [{ physicalLocation: { region: { startLine: 7 } } }],
  });
});

test("older records without lines point at the file's first", () => {
  const [failure] = results([{ name: "x", record: failedRecord() }]);
  expect(failure?.locations[0]?.physicalLocation.region).toEqual({ startLine: 1 });
});

test("what is undecided is open, and of level none as the standard asks", () => {
  const open = { text: "survives: 90 d", met: null, observed: "no failure in 30 d" };
  const [only] = results([{ name: "x", record: runRecord({ verdict: "undecided", expectations: [open] }) }]);
  expect(only).toMatchObject({ kind: "open", level: "none" });
  expect(only?.message.text).toBe("no failure in 30 d. Undecided: survives: 90 d (A gateway).");
});

test("a candidate that another one outdoes is a note, told behind the errors", () => {
  const told = results([
    { name: "cmp", record: compareRecord() },
    { name: "board", record: validationRecord() },
  ]);
  expect(told.map(({ level }) => level)).toEqual(["error", "note", "note"]);
});

test("rules are those of the results, each once, and the index finds them", () => {
  const log: unknown = JSON.parse(sarif(everyRecord("x")));
  const { tool, results: told } = runOf(log);
  const ids = tool.driver.rules.map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set(told.map(({ ruleId }) => ruleId)));
  for (const { ruleId, ruleIndex } of told) expect(ids[ruleIndex]).toBe(ruleId);
});

test("fingerprints stay when figures, lines and names of files change, and differ between checks", () => {
  const prints = (name: string, record: ReturnType<typeof failedRecord>) =>
    results([{ name, record }]).map(({ partialFingerprints }) => partialFingerprints.primaryLocationLineHash);
  const before = failedRecord();
  const after = failedRecord({
    digest: "ffff",
    simulatedUs: 9,
    ...(before.failure && { failure: { ...before.failure, atUs: 9, freeBytes: 1, line: 30, message: "other" } }),
  });
  expect(prints("new name", after)).toEqual(prints("x", before));
  expect(new Set(prints("x", before)).size).toBe(2);
});

test("two candidates of a scenario have fingerprints of their own, in whatever order they are compared", () => {
  const { runs, ...rest } = compareRecord();
  const both = runs.slice(1, 2).flatMap((run) => [run, { ...run, allocator: "umm" }]);
  const prints = (record: CompareRecord) =>
    new Map(
      results([{ name: "cmp", record }]).map(({ ruleId, properties, partialFingerprints }) => {
        return [`${properties.record} ${ruleId}`, partialFingerprints["heapsoak/v1"]];
      }),
    );
  const told = prints({ ...rest, runs: both });
  expect(new Set(told.values()).size).toBe(4);
  expect(prints({ ...rest, runs: both.toReversed() })).toEqual(told);
});

test("braces and links of a text are no placeholders and no links", () => {
  const expectation = {
    text: "heap: main, leaks: { below: {0} }",
    met: false,
    observed: "see [here](https://example.com)",
  };
  const [only] = results([{ name: "x", record: runRecord({ verdict: "fail", expectations: [expectation] }) }]);
  expect(only?.message.text).toBe(
    "see [here] (https://example.com). Not met: heap: main, leaks: {{ below: {{0}} }} (A gateway).",
  );
});

test("more results than code scanning shows are left out, and that is told", () => {
  const expectations = Array.from({ length: RESULTS_MOST + 3 }, (_, index) => ({
    text: `${index}`,
    met: false,
    observed: "",
  }));
  const { results: told, invocations } = runOf(JSON.parse(sarif([{ name: "x", record: runRecord({ expectations }) }])));
  expect(told).toHaveLength(RESULTS_MOST);
  expect(invocations[0]?.toolExecutionNotifications[0]?.message.text).toMatch(/^3 more results are left out/);
});

test.each([
  ["scenarios/a.yaml", "scenarios/a.yaml"],
  ["/home/me/ünï.yaml", "file:///home/me/%C3%BCn%C3%AF.yaml"],
  ["C:\\work\\a b.yaml", "file:///C:/work/a%20b.yaml"],
  ["javascript:alert(1)", "javascript%3Aalert(1)"],
])("the path %s is %s", (path, uri) => {
  const { scenario } = failedRecord();
  const [failure] = results([{ name: "x", record: failedRecord({ scenario: { ...scenario, path } }) }]);
  expect(failure?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(uri);
});

test("hostile texts give a valid log, and come back as they went in", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const [first] = results([{ name: text, record: textedRun(text) }]);
      expect(first?.properties).toMatchObject({ record: cleanLine(text), digest: cleanLine(text) });
      results(everyRecord(text));
    }),
    { numRuns: 100 },
  );
});
