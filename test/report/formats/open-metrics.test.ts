import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { cleanText } from "../../../src/report/formats/clean-text.ts";
import { FAMILIES } from "../../../src/report/formats/metric-families.ts";
import { openMetrics } from "../../../src/report/formats/open-metrics.ts";
import { distinctlyNamed } from "../../../src/report/formats/runs-of.ts";
import type { NamedRecord } from "../../../src/report/report-record.ts";
import { failedRecord, heapRecord, runRecord } from "../../support/run-records.ts";
import { hostileText } from "./hostile-text.ts";
import { everyRecord, riskRecord, sizeRecord, textedRun } from "./sample-records.ts";

/** The package has no types. */
const parsePrometheusText: (text: string) => unknown = createRequire(import.meta.url)("parse-prometheus-text-format");

const familiesSchema = z.array(
  z.object({
    name: z.string(),
    metrics: z.array(z.object({ value: z.string().optional(), labels: z.record(z.string(), z.string()).optional() })),
  }),
);

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string | undefined;
}

/** As the parser reads it. */
function samples(records: readonly NamedRecord[]): Sample[] {
  const families = familiesSchema.parse(parsePrometheusText(openMetrics(distinctlyNamed(records))));
  return families.flatMap(({ name, metrics }) => metrics.map(({ labels = {}, value }) => ({ name, labels, value })));
}

function firstValue(all: readonly Sample[], name: string): string | undefined {
  return all.find((sample) => sample.name === `heapsoak_${name}`)?.value;
}

test("a run's figures are there under their units, times in seconds", () => {
  const all = samples([{ name: "x", record: failedRecord() }]);
  expect(firstValue(all, "heap_minimum_largest_free_bytes")).toBe("9000");
  expect(firstValue(all, "heap_requests_total")).toBe("1234567");
  expect(firstValue(all, "heap_external_fragmentation_ratio")).toBe("0.25");
  expect(firstValue(all, "failure_at_seconds")).toBe("962047.250113");
  expect(all.find(({ name }) => name === "heapsoak_stack_worst_case_bytes")).toMatchObject({
    labels: { record: "x", stack: "uplink" },
    value: "512",
  });
});

test("the verdict is a state set: one of its states is 1", () => {
  const states = samples([{ name: "x", record: failedRecord() }]).filter(({ name }) => name === "heapsoak_verdict");
  expect(states.map(({ labels, value }) => [labels.heapsoak_verdict, value])).toEqual([
    ["pass", "0"],
    ["fail", "1"],
    ["undecided", "0"],
  ]);
});

test("a check is 1 where it is met and 0 where it is not; what is undecided has no sample", () => {
  const expectations = [true, false, null].map((met) => ({ text: `met: ${met}`, met, observed: "" }));
  const checks = samples([{ name: "x", record: runRecord({ expectations }) }]).filter(
    ({ name }) => name === "heapsoak_check_passed",
  );
  expect(checks.map(({ labels, value }) => [labels.check, value])).toEqual([
    ["no unexpected failure", "1"],
    ["met: true", "1"],
    ["met: false", "0"],
  ]);
});

test("campaigns and searches have their figures by cell and allocator", () => {
  const all = samples([
    { name: "r", record: riskRecord() },
    { name: "s", record: sizeRecord() },
  ]);
  const probabilities = all.filter(({ name }) => name === "heapsoak_risk_probability_ratio");
  expect(probabilities[0]).toMatchObject({
    labels: { record: "r", heap: "main", allocator: "tlsf", arena_bytes: "40960" },
    value: "0",
  });
  expect(firstValue(all, "size_heap_bytes")).toBe("27176");
});

test("the text ends with the end mark, and each family stands in one piece with type, unit and help", () => {
  const text = openMetrics(distinctlyNamed([...everyRecord("x"), ...everyRecord("y")]));
  expect(text).toMatch(/\n# EOF\n$/);
  const heads = [...text.matchAll(/^# TYPE (\S+) (gauge|counter|info|stateset)$/gm)].map(([, name]) => name);
  expect(new Set(heads).size).toBe(heads.length);
  let family = "";
  for (const line of text.split("\n").slice(0, -2)) {
    family = /^# TYPE (\S+)/.exec(line)?.[1] ?? family;
    expect(line.startsWith("# ") ? line.split(" ")[2] : line.replace(/[{ ].*/, "").replace(/_(total|info)$/, "")).toBe(
      family,
    );
    const unit = /^# UNIT (\S+) (\S+)$/.exec(line);
    if (unit) expect(unit[1]).toMatch(new RegExp(`_${unit[2]}$`));
  }
});

test("no two samples have the same name and labels, also of records with one name", () => {
  const keys = samples(everyRecord("x")).map(({ name, labels }) => JSON.stringify([name, labels]));
  expect(new Set(keys).size).toBe(keys.length);
});

test("every family is written by some record", () => {
  const written = new Set(
    samples([
      ...everyRecord("x"),
      { name: "all", record: fullRun() },
      { name: "size", record: sizeRecord() },
      riskWithMedian(),
    ]).map(({ name }) => name.replace(/_(total|info)$/, "")),
  );
  expect(Object.keys(FAMILIES).filter((name) => !written.has(`heapsoak_${name}`))).toEqual(["stack_bound_given_bytes"]);
});

function fullRun() {
  const drift = { bytesPerDay: -1, low: -2, high: -0.5, shrinking: true, exhaustionUs: 5e6, steadyFromUs: null };
  return runRecord({ heaps: { main: heapRecord({ drift }) } });
}

function riskWithMedian(): NamedRecord {
  const record = riskRecord();
  return {
    name: "median",
    record: { ...record, cells: record.cells.map((cell) => ({ ...cell, medianTimeToFailureUs: 5e6 })) },
  };
}

test("values that are no numbers are written as the format has them", () => {
  const heaps = {
    a: heapRecord({ arenaBytes: Number.NaN }),
    b: heapRecord({ arenaBytes: Number.NEGATIVE_INFINITY }),
    c: heapRecord({ arenaBytes: 1e300 }),
  };
  const values = samples([{ name: "x", record: runRecord({ heaps }) }]).filter(
    ({ name }) => name === "heapsoak_heap_arena_bytes",
  );
  expect(values.map(({ value }) => value)).toEqual(["NaN", "-Inf", "1e+300"]);
});

test("hostile texts come back from the parser as they went in", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const all = samples([{ name: text, record: textedRun(text) }]);
      const clean = cleanText(text);
      const arena = all.find(({ name }) => name === "heapsoak_heap_arena_bytes");
      expect(arena?.labels).toEqual({ record: clean, heap: clean, allocator: clean });
      expect(samples(everyRecord(text)).every(({ name }) => name.startsWith("heapsoak_"))).toBe(true);
    }),
    { numRuns: 100 },
  );
});
