import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { cleanLine } from "../../../src/report/formats/clean-text.ts";
import { perfetto } from "../../../src/report/formats/perfetto.ts";
import type { NamedRecord } from "../../../src/report/report-record.ts";
import { failedRecord, heapRecord, runRecord } from "../../support/run-records.ts";
import { hostileText } from "./hostile-text.ts";
import { compareRecord, textedRun } from "./sample-records.ts";

/** The JSON object form, as the "Trace Event Format" document has it: metadata, counters and instants. */
const common = { name: z.string(), ts: z.number().nonnegative(), pid: z.int(), tid: z.int() };
const eventSchema = z.discriminatedUnion("ph", [
  z.strictObject({
    ...common,
    ph: z.literal("M"),
    name: z.enum(["process_name", "thread_name"]),
    args: z.strictObject({ name: z.string() }),
  }),
  z.strictObject({ ...common, ph: z.literal("C"), args: z.record(z.string(), z.number()) }),
  z.strictObject({
    ...common,
    ph: z.literal("i"),
    s: z.enum(["g", "p", "t"]),
    args: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
]);
const traceSchema = z.strictObject({ displayTimeUnit: z.enum(["ms", "ns"]), traceEvents: z.array(eventSchema) });

function events(...records: NamedRecord["record"][]): z.infer<typeof eventSchema>[] {
  return traceSchema.parse(JSON.parse(perfetto(records.map((record, index) => ({ name: `r${index}`, record })))))
    .traceEvents;
}

test("a run is a process, its tasks are threads", () => {
  const names = events(runRecord()).filter(({ ph }) => ph === "M");
  expect(names).toMatchObject([
    { name: "process_name", pid: 1, args: { name: "r0: A gateway" } },
    { name: "thread_name", tid: 0, args: { name: "kernel" } },
    { name: "thread_name", tid: 1, args: { name: "uplink" } },
  ]);
});

test("each heap has counters of what is free, at the end of each window", () => {
  const counters = events(runRecord()).filter(({ ph }) => ph === "C");
  expect(counters.map(({ name, args }) => [name, Object.values(args)[0]])).toEqual([
    ["heap main: free", 20_480],
    ["heap main: least free", 10_960],
    ["heap main: largest free", 15_360],
    ["heap main: least largest free", 9000],
    ["heap main: holes", 12],
    ["heap main: live blocks", 67],
    ["heap main: failed requests", 0],
    ["heap main: most visits", 40],
  ]);
  expect(counters[0]).toMatchObject({ ts: 2_592_000_000_000, pid: 1 });
});

test("the last operations are instants on their tasks' threads, the failure one across all", () => {
  const instants = events(textedRun("uplink")).filter(({ ph }) => ph === "i");
  expect(instants).toMatchObject([
    { name: "release", ts: 10, tid: 0, s: "t", args: { step: "the kernel", block: "0x20000040" } },
    { name: "allocate 16,717 B", ts: 12, tid: 1, s: "t", args: { result: "none", visits: 3 } },
    { name: "stack uplink overflows", ts: 5, tid: 1, s: "p" },
    { name: "failure: crash", s: "g", tid: 1 },
  ]);
});

test("a failing task that the record does not list has a thread as well", () => {
  const failed = events(failedRecord());
  const thread = failed.find(({ ph, args }) => ph === "M" && args.name === "connection");
  expect(failed.at(-1)).toMatchObject({ name: "failure: crash", tid: thread?.tid });
});

test("several runs are processes of their own", () => {
  expect(new Set(events(compareRecord(), runRecord()).map(({ pid }) => pid))).toEqual(new Set([1, 2, 3]));
});

test("values that are no numbers are left out", () => {
  const { series } = heapRecord();
  const heaps = { main: heapRecord({ series: { ...series, visitsMax: [Number.NaN], failedRequests: [] } }) };
  expect(events(runRecord({ heaps })).filter(({ ph }) => ph === "C")).toHaveLength(6);
});

test("hostile texts give a valid trace, and come back as they went in", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const threads = events(textedRun(text)).flatMap(({ name, args }) => (name === "thread_name" ? [args.name] : []));
      expect(threads).toEqual(["kernel", cleanLine(text)]);
    }),
    { numRuns: 100 },
  );
});
