import { expect, test } from "vitest";
import { REPORT_FORMATS } from "../../../src/report/formats/report-formats.ts";
import { heapRecord, runRecord } from "../../support/run-records.ts";
import { everyRecord, riskRecord, sizeRecord } from "./sample-records.ts";

test("the formats are those of the help text, by name and option", () => {
  expect(REPORT_FORMATS.map(({ name, option }) => `${name} --${option}`)).toEqual([
    "JUnit XML --junit",
    "SARIF --sarif",
    "OpenMetrics --openmetrics",
    "CSV --csv",
    "Markdown --markdown",
    "Perfetto trace --perfetto",
  ]);
});

test("a kind that a format does not take is refused, and those that take it are named", () => {
  const perfetto = REPORT_FORMATS.find(({ option }) => option === "perfetto");
  expect(() => perfetto?.of([{ name: "campaign", record: riskRecord() }])).toThrow(
    expect.objectContaining({
      code: "bad-argument",
      message: "campaign: a risk record cannot be written as Perfetto trace.",
      hint: "Perfetto trace takes run, compare. Formats for a risk record: --junit, --sarif, --openmetrics, --csv, --markdown.",
    }),
  );
});

test.each(REPORT_FORMATS)(
  "$name of every kind it takes is the same text each time, whatever the locale and clock",
  ({ of, kinds }) => {
    for (const one of everyRecord("x")) {
      if (kinds.includes(one.record.format)) expect(of([one])).toBe(of(structuredClone([one])));
    }
  },
);

test("records with one name are told apart", () => {
  const [junit] = REPORT_FORMATS;
  expect(
    junit?.of([
      { name: "x", record: sizeRecord() },
      { name: "x", record: riskRecord() },
    ]),
  ).toContain('name="x (2): tlsf"');
});

test.each(REPORT_FORMATS)("$name copes with a run that has next to nothing", ({ of }) => {
  const { series } = heapRecord();
  const none = { min: [], max: [], last: [] };
  const empty = {
    ...series,
    atUs: [],
    freeBytes: none,
    largestFreeBytes: none,
    holes: none,
    liveBlocks: none,
    requestedBytes: none,
    failedRequests: [],
    visitsMax: [],
    map: [],
  };
  const bare = runRecord({
    expectations: [],
    tasks: {},
    stacks: {},
    heaps: { main: heapRecord({ series: empty, holders: [] }) },
  });
  expect(of([{ name: "x", record: bare }])).not.toContain("undefined");
  expect(of([{ name: "x", record: runRecord({ heaps: {}, expectations: [], tasks: {}, stacks: {} }) }])).not.toContain(
    "undefined",
  );
});
