import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { csv } from "../../../src/report/formats/csv.ts";
import { FAMILIES } from "../../../src/report/formats/metric-families.ts";
import { openMetrics } from "../../../src/report/formats/open-metrics.ts";
import { REPORT_FORMATS } from "../../../src/report/formats/report-formats.ts";
import type { NamedRecord } from "../../../src/report/report-record.ts";
import { runRecord } from "../../support/run-records.ts";
import { compareRecord, riskRecord, sizeRecord, stackBoundRecord, validationRecord } from "./sample-records.ts";

const page = readFileSync(new URL("../../../docs/formats.md", import.meta.url), "utf8");

test("the page of the formats names every option of a format", () => {
  expect(REPORT_FORMATS.map(({ option }) => option).filter((option) => !page.includes(`--${option}`))).toEqual([]);
});

test("the page of the formats lists every metric with its type and meaning, in order", () => {
  const listed = [...page.matchAll(/^\| `heapsoak_(\w+)` \| (\w+) \| (.*) \|$/gm)].map(([, ...cells]) => cells);
  expect(listed.map(([name, type, meaning]) => [name?.replace(/_(total|info)$/, ""), type, meaning])).toEqual(
    Object.entries(FAMILIES).map(([name, [type, meaning]]) => [name, type, meaning]),
  );
  const text = openMetrics([{ name: "run", record: runRecord() }]);
  const written = new Set([...text.matchAll(/^heapsoak_(\w+)/gm)].map(([, name]) => name));
  expect([...written].filter((name) => !listed.some(([known]) => known === name))).toEqual([]);
});

test.each<NamedRecord["record"]>([
  runRecord(),
  compareRecord(),
  riskRecord(),
  sizeRecord(),
  validationRecord(),
  stackBoundRecord(),
])("the page of the formats names every column of the table of a record of $format", (record) => {
  const [header = ""] = csv([{ name: "one", record }]).split("\r\n");
  const columns = header.split(",").map((column) => column.replace(/_(min|max|last)$/, ""));
  expect(columns.length).toBeGreaterThan(5);
  expect(columns.filter((column) => !page.includes(`\`${column}`))).toEqual([]);
});
