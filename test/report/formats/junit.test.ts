import fc from "fast-check";
import { parse, type TestCase, type TestSuites } from "junit2json";
import { expect, test } from "vitest";
import { cleanText } from "../../../src/report/formats/clean-text.ts";
import { junit } from "../../../src/report/formats/junit.ts";
import type { NamedRecord } from "../../../src/report/report-record.ts";
import { failedRecord, runRecord } from "../../support/run-records.ts";
import { hostileText } from "./hostile-text.ts";
import { compareRecord, everyRecord, riskRecord, textedRun } from "./sample-records.ts";

/** As the parser reads it, attributes as texts. */
async function parsed(records: readonly NamedRecord[]): Promise<TestSuites> {
  const suites = await parse(junit(records), { attrValueProcessors: [] });
  if (!suites || !("testsuite" in suites)) throw new Error("no testsuites");
  return suites;
}

async function cases(records: readonly NamedRecord[]): Promise<TestCase[]> {
  const { testsuite = [] } = await parsed(records);
  return testsuite.flatMap(({ testcase = [] }) => testcase);
}

test("an expectation that is met is a passed test case with what was observed", async () => {
  const [survival, met] = await cases([{ name: "gateway", record: runRecord() }]);
  expect(survival).toMatchObject({
    classname: "gateway",
    name: "no unexpected failure",
    file: "gateway.yaml",
    time: "0",
  });
  expect(met).toMatchObject({ name: "survives: 30 d", "system-out": ["no failure in 30 d"] });
  expect([survival, met].flatMap((one) => [one?.failure, one?.skipped])).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("a failure is a failed test case with the terminal's lines about it", async () => {
  const [survival] = await cases([{ name: "gateway", record: failedRecord() }]);
  const [failure] = survival?.failure ?? [];
  expect(failure?.type).toBe("crash");
  expect(failure?.message).toMatch(/^crashed for want of memory after 11 d .*: request of 16,717 B refused/);
  expect(failure?.inner).toContain("held by 4,128 B in  3  tasks.uplink.do[2] allocate packet");
});

test("a failure that the scenario expects fails nothing", async () => {
  const fails = { text: "fails: { by: 14 d }", met: true, observed: "failed after 11 d" };
  const { failures } = await parsed([{ name: "x", record: failedRecord({ verdict: "pass", expectations: [fails] }) }]);
  expect(failures).toBe("0");
});

test("what is undecided is skipped, with the reason", async () => {
  const open = { text: "survives: 90 d", met: null, observed: "no failure in 30 d" };
  const [, undecided] = await cases([{ name: "x", record: runRecord({ verdict: "undecided", expectations: [open] }) }]);
  expect(undecided?.skipped).toEqual([{ message: "undecided: no failure in 30 d" }]);
});

test("candidates that another one outdoes are skipped, and fail where all do", async () => {
  const compared = await parsed([{ name: "cmp", record: compareRecord() }]);
  expect(compared.testsuite?.map(({ name, failures, skipped }) => [name, failures, skipped])).toEqual([
    ["cmp: mqtt-tls tlsf 40KiB: A gateway", "0", "0"],
    ["cmp: mqtt-tls newlib-nano 40KiB: A gateway", "0", "2"],
    ["cmp: mqtt-tls buddy 40KiB: mqtt-tls", "0", "1"],
  ]);
  const { runs, ...rest } = compareRecord();
  const all = await parsed([{ name: "cmp", record: { ...rest, runs: runs.slice(1, 2) } }]);
  expect(all.failures).toBe("2");
});

test("a campaign's cells are test cases; those above the accepted risk fail only where no cell is below it", async () => {
  const [below, above, open, refused] = await cases([{ name: "risk", record: riskRecord() }]);
  expect(below).toMatchObject({ name: "tlsf 40 KiB", "system-out": ["risk below 4.9 %: 0 of 60 runs failed"] });
  expect(above?.skipped?.[0]?.message).toMatch(/^fails, but the verdict goes by the best candidate: risk 100.0 %/);
  expect(open?.skipped?.[0]?.message).toMatch(/^undecided: /);
  expect(refused?.skipped?.[0]?.message).toBe("undecided: not run: tlsf");
  const failed = { ...riskRecord(), verdict: "fail" as const, cells: riskRecord().cells.slice(1, 2) };
  expect((await parsed([{ name: "risk", record: failed }])).failures).toBe("1");
});

test("the totals are those of the test cases", async () => {
  const { tests, failures, errors, testsuite = [] } = await parsed(everyRecord("x"));
  const all = testsuite.flatMap(({ testcase = [] }) => testcase);
  expect([tests, errors]).toEqual([String(all.length), "0"]);
  expect(failures).toBe(String(all.filter(({ failure }) => failure).length));
});

test("seed, digest and versions are properties", async () => {
  const { testsuite } = await parsed([{ name: "x", record: runRecord() }]);
  const properties = testsuite?.[0]?.properties?.map(({ name, value }) => [name, value]);
  expect(properties).toContainEqual(["seed", "1"]);
  expect(properties).toContainEqual(["digest", "0123abcd"]);
  expect(properties).toContainEqual(["heapsoak", "0.1.0"]);
});

test("hostile texts come back from the parser as they went in, what XML cannot hold made visible", async () => {
  await fc.assert(
    fc.asyncProperty(hostileText, async (text) => {
      const { testsuite = [] } = await parsed([{ name: text, record: textedRun(text) }]);
      const [survival, expectation] = testsuite[0]?.testcase ?? [];
      const clean = cleanText(text);
      expect(testsuite[0]?.properties?.find(({ name }) => name === "digest")?.value).toBe(clean);
      expect([survival?.classname, expectation?.name]).toEqual([clean, clean]);
      expect(expectation?.failure?.[0]?.message).toBe(clean);
      await parsed(everyRecord(text));
    }),
    { numRuns: 100 },
  );
});
