import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { cleanText } from "../../../src/report/formats/clean-text.ts";
import { csv } from "../../../src/report/formats/csv.ts";
import type { NamedRecord } from "../../../src/report/report-record.ts";
import { heapRecord, runRecord } from "../../support/run-records.ts";
import { hostileText } from "./hostile-text.ts";
import {
  compareRecord,
  riskRecord,
  sizeRecord,
  stackBoundRecord,
  textedRun,
  validationRecord,
} from "./sample-records.ts";

const rowsSchema = z.array(z.record(z.string(), z.string()));

/** Lines as objects; the parser refuses lines of another length than the header's. */
function rows(...records: NamedRecord["record"][]): Record<string, string>[] {
  return rowsSchema.parse(
    parse(csv(records.map((record, index) => ({ name: `r${index}`, record }))), {
      columns: true,
      record_delimiter: "\r\n",
    }),
  );
}

test("a run is its series: a line a window and heap", () => {
  const heaps = { main: heapRecord(), pool: heapRecord({ allocator: "fixed-pool" }) };
  const all = rows(runRecord({ heaps }));
  expect(all.map(({ heap, allocator }) => [heap, allocator])).toEqual([
    ["main", "freertos-heap4"],
    ["pool", "fixed-pool"],
  ]);
  expect(all[0]).toMatchObject({
    record: "r0",
    arena_bytes: "40960",
    at_us: "2592000000000",
    free_bytes_min: "10960",
    free_bytes_last: "20480",
    largest_free_bytes_min: "9000",
    failed_requests: "0",
    visits_max: "40",
  });
});

test("runs and comparisons share a table; refused candidates have no series", () => {
  expect(rows(compareRecord(), runRecord()).map(({ record }) => record)).toEqual([
    "r0: mqtt-tls tlsf 40KiB",
    "r0: mqtt-tls newlib-nano 40KiB",
    "r1",
  ]);
});

test("a campaign has a line a cell, and empty fields where a cell has none", () => {
  const [first, second] = rows(riskRecord());
  expect(first).toMatchObject({
    allocator: "tlsf",
    runs: "60",
    failures: "0",
    interval_high: "0.06",
    median_time_to_failure_us: "",
  });
  expect(second).toMatchObject({ commonest_failure: "crash", probability: "1" });
});

test("a search for a size has a line an allocator, refused ones with the reason", () => {
  expect(
    rows(sizeRecord()).map(({ allocator, verdict, heap_bytes, refused }) => [allocator, verdict, heap_bytes, refused]),
  ).toEqual([
    ["tlsf", "found", "27176", ""],
    ["first-fit", "none", "", ""],
    ["bump", "refused", "", "tlsf"],
  ]);
});

test("a validation is a line, a program's stacks are one each with their limits", () => {
  expect(rows(validationRecord())).toMatchObject([
    { verdict: "different", placements: "1124", ram_equal: "false", difference: "ram" },
  ]);
  expect(
    rows(stackBoundRecord()).map(({ stack, worst_case_bytes, limit_bytes, limit_verdict }) => [
      stack,
      worst_case_bytes,
      limit_bytes,
      limit_verdict,
    ]),
  ).toEqual([
    ["reset", "352", "400", "pass"],
    ["uart", "36", "", ""],
    ["main-stack", "488", "400", "fail"],
  ]);
});

test("kinds with different columns are refused, and named", () => {
  expect(() => rows(runRecord(), riskRecord())).toThrow(
    "A CSV file has the columns of one kind of record, not of run, risk.",
  );
});

test("texts that a spreadsheet would run get an apostrophe; numbers below zero stay numbers", () => {
  const texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "＝1"];
  const heaps = Object.fromEntries(texts.map((text) => [text, heapRecord({ arenaBytes: -5 })]));
  const all = rows(runRecord({ heaps }));
  expect(all.map(({ heap }) => heap)).toEqual(texts.map((text) => `'${text}`));
  expect(all[0]?.arena_bytes).toBe("-5");
});

test("figures that are no numbers are empty fields", () => {
  const heaps = {
    main: heapRecord({ arenaBytes: Number.NaN }),
    other: heapRecord({ arenaBytes: Number.POSITIVE_INFINITY }),
  };
  expect(rows(runRecord({ heaps })).map(({ arena_bytes }) => arena_bytes)).toEqual(["", ""]);
});

test("hostile texts come back from the parser as they went in, the apostrophe aside", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const { allocator = "" } = rows(textedRun(text))[0] ?? {};
      expect([cleanText(text), `'${cleanText(text)}`]).toContain(allocator);
      expect(allocator).not.toMatch(/^[=+\-@\t\r\n]/);
      for (const record of [
        compareRecord(text),
        riskRecord(text),
        sizeRecord(text),
        validationRecord(text),
        stackBoundRecord(text),
      ]) {
        expect(rows(record).length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 100 },
  );
});
