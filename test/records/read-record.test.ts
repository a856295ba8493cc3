import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { readRecord } from "../../src/records/read-record.ts";
import { REPORT_FORMATS } from "../../src/report/formats/report-formats.ts";
import { htmlPage } from "../../src/report/html/page.ts";
import { recordText } from "../../src/report/record-text.ts";
import { SAMPLES, sample } from "./samples.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NO_ASSETS = { script: "", style: "" };

/** The message of the refusal. */
function refusal(text: string): string {
  try {
    readRecord(text, "run.json");
  } catch (error) {
    if (error instanceof HeapsoakError && error.code === "bad-record") return error.message;
    throw error;
  }
  return "read";
}

/** The run's record after a change. */
function changed(change: (record: { [key: string]: Json }) => void): string {
  const record = JSON.parse(sample("run"));
  change(record);
  return JSON.stringify(record);
}

describe("a record", () => {
  test.each(SAMPLES)("of kind $kind is read as it was written", ({ text }) => {
    expect(readRecord(text, "sample")).toEqual(JSON.parse(text));
  });

  test.each(SAMPLES)("of kind $kind has a report for the terminal and a page", ({ kind, text }) => {
    const record = readRecord(text, "sample");
    expect(recordText(record)).toMatch(/\S\n$/);
    expect(htmlPage([{ name: kind, record }], NO_ASSETS)).toMatch(/<\/html>\n$/);
  });

  test("may hold what this version does not know", () => {
    const record = readRecord(
      changed((run) => Object.assign(run, { later: [1], heaps: run.heaps ?? {} })),
      "run.json",
    );
    expect(record).toEqual(JSON.parse(sample("run")));
  });

  test("may come from a version without memory map, history and moment", () => {
    const text = changed((run) => {
      for (const key of ["memory", "history", "moment"]) delete run[key];
    });
    const record = readRecord(text, "run.json");
    expect(record).not.toHaveProperty("history");
    expect(htmlPage([{ name: "run", record }], NO_ASSETS)).toContain("</html>");
  });
});

describe("what is no record is refused in words", () => {
  const RUN = sample("run");
  test.each([
    ["an empty file", "", "run.json: empty, expected a record of heapsoak."],
    ["half a record", RUN.slice(0, RUN.length / 2), "run.json: cut off: it ends in the middle of the record."],
    [
      "a damaged one",
      RUN.replace('"format":', '"format"'),
      "run.json: damaged: it begins as a record does, but is not JSON.",
    ],
    ["text", "PASS  A gateway", "run.json: not JSON, expected a record of heapsoak."],
    ["another JSON file", '{"name":"heapsoak"}', /not a record of heapsoak: it has no "format"/],
    ["a list", "[1,2]", /not a record of heapsoak: it has no "format"/],
    ["null", "null", /not a record of heapsoak: it has no "format"/],
    [
      "a kind that is none",
      '{"format":"heapsoak.rum"}',
      'run.json: there is no report of "heapsoak.rum" (did you mean "heapsoak.run"?).',
    ],
    ["an inherited name", '{"format":"heapsoak.constructor"}', /there is no report of "heapsoak.constructor"/],
    [
      "results of a campaign",
      '{"crc32":"1c291ca3","format":"heapsoak.campaign"}\n{"crc32":"0"}',
      /no report of "heapsoak.campaign"/,
    ],
    [
      "a later version",
      changed((run) => Object.assign(run, { version: 2 })),
      "run.json: a heapsoak.run record of version 2; this heapsoak reads version 1.",
    ],
    [
      "no version",
      changed((run) => delete run.version),
      "run.json: a heapsoak.run record without a version; this heapsoak reads version 1.",
    ],
    ["brackets without end", "[".repeat(100_000), /100000 levels deep/],
    ["millions of lists", `[${"[],".repeat(4_000_000)}0]`, /with 4000001 lists and maps/],
  ])("%s", (_, text, expected) => {
    expect(refusal(text)).toMatch(expected);
  });

  test.each([
    ["a word for a number", /"reboots":\d+/, '"reboots":"0"', 'reboots: got "0", expected a number.'],
    ["a negative count", /"frees":\d+/, '"frees":-1', "heaps.main.frees: got -1, expected at least 0."],
    ["half a byte", /"freeBytes":\d+/, '"freeBytes":0.5', /freeBytes: got 0.5, expected a whole number/],
    ["an infinite number", /"reboots":\d+/, '"reboots":1e999', /reboots: got Infinity, expected a/],
    [
      "a ratio above one",
      /"splitRatio":[\d.]+/,
      '"splitRatio":1.5',
      "heaps.main.splitRatio: got 1.5, expected at most 1.",
    ],
    ["a missing key", /"digest":"[^"]*",/, "", "digest is missing, expected a text."],
    [
      "an unknown verdict",
      /"verdict":"fail"/,
      '"verdict":"good"',
      'verdict: got "good", expected pass, fail, undecided.',
    ],
    [
      "null in a column",
      /"visitsMax":\[\d+/,
      '"visitsMax":[null',
      /series\.visitsMax\[0\]: got null, expected a whole number/,
    ],
    [
      "time that runs backwards",
      /"series":\{"atUs":\[\d+/,
      '"series":{"atUs":[9e15',
      /series\.atUs\[1\]: got \d+, expected a whole number no smaller/,
    ],
    [
      "a column too short",
      /"visitsMax":\[\d+,/,
      '"visitsMax":[',
      "heaps.main.series: got a map, expected columns of the same length.",
    ],
    [
      "a site that is not there",
      /"site":\[\d+/,
      '"site":[999',
      "history: got a map, expected sites, moments and rows that exist.",
    ],
  ])("%s", (_, found, replacement, expected) => {
    const text = sample("run").replace(found, replacement);
    expect(text).not.toBe(sample("run"));
    expect(refusal(text).replace(/^run\.json: /, "")).toMatch(expected);
  });

  test("a record with many mistakes shows the first ten, and a list of wrong items its first", () => {
    const text = changed((run) => {
      run.expectations = Array.from({ length: 100_000 }, () => 0);
      run.heaps = { main: {} };
    });
    const lines = refusal(text).split("\n");
    expect(lines).toHaveLength(11);
    expect(lines[0]).toBe("run.json: expectations[0]: got 0, expected a map.");
    expect(lines.at(-1)).toMatch(/^… and \d+ more$/);
  });

  test("a mistake within one candidate of a comparison is told by its path", () => {
    const text = sample("compare").replace(/"liveBlocks":\d+/, '"liveBlocks":-3');
    expect(refusal(text)).toBe("run.json: runs[2].record.heaps.main.liveBlocks: got -3, expected at least 0.");
  });
});

describe("a hostile record", () => {
  /** What terminals obey, beside the line feed. */
  const OBEYED = /[^\P{Cc}\n]|\p{Bidi_Control}/u;
  const HOSTILE = "</script><script>alert(1)</script>\x1b[2J\u202e__proto__";

  test("reaches the terminal and the page as text only", () => {
    const text = changed((run) => {
      const { scenario, heaps } = run as { scenario: { title: string }; heaps: { [name: string]: Json } };
      scenario.title = HOSTILE;
      run.heaps = { [HOSTILE]: heaps.main ?? null };
      run.tasks = { [HOSTILE]: Object.values(run.tasks as object)[0] };
      run.failure = { ...(run.failure as object), heap: HOSTILE, task: HOSTILE, step: HOSTILE, message: HOSTILE };
    });
    const record = readRecord(text, "run.json");
    expect(recordText(record)).not.toMatch(OBEYED);
    const page = htmlPage([{ name: HOSTILE, record }], NO_ASSETS);
    expect(page).not.toContain("<script>alert");
    expect(page).not.toContain("\x1b");
  });

  test("cannot name what every object inherits", () => {
    for (const name of ["constructor", "__proto__", "toString"]) {
      const text = changed((run) => Object.assign(run.failure as object, { heap: name }));
      const record = readRecord(text, "run.json");
      expect(recordText(record)).toContain(name);
      expect(htmlPage([{ name, record }], NO_ASSETS)).toContain("</html>");
    }
  });
});

const HARMFUL = fc.constantFrom<Json>(
  null,
  true,
  -1,
  0,
  0.5,
  1e300,
  9e15,
  "",
  "x",
  "__proto__",
  "<b>",
  [],
  {},
  [[]],
  [-1],
  [0],
);

/** Every place in the value, as a path. */
function places(value: Json, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const inner = Object.entries(value).flatMap(([key, item]) => places(item, [...path, key]));
  return [[...path], ...inner];
}

function withValueAt(root: Json, path: readonly string[], value: Json | undefined): void {
  const holder = path
    .slice(0, -1)
    .reduce<Json>((inner, step) => (inner as { [key: string]: Json })[step] ?? null, root);
  const key = path.at(-1) ?? "";
  if (typeof holder !== "object" || holder === null) return;
  if (value === undefined) Reflect.deleteProperty(holder, key);
  else Reflect.set(holder, key, value);
}

describe("whatever stands in a file", () => {
  test.each(SAMPLES)("a $kind record with a foreign value is refused in words, or reported", ({ kind, text }) => {
    const all = places(JSON.parse(text)).filter((path) => path.length > 0);
    const change = fc.tuple(fc.constantFrom(...all), fc.option(HARMFUL, { nil: undefined }));
    const property = fc.property(change, ([path, value]) => {
      const root: Json = JSON.parse(text);
      withValueAt(root, path, value);
      const hurt = JSON.stringify(root);
      if (refusal(hurt) !== "read") return;
      const record = readRecord(hurt, "run.json");
      expect(recordText(record)).not.toMatch(/NaN|undefined|Infinity/);
      const named = [{ name: kind, record }];
      expect(htmlPage(named, NO_ASSETS)).not.toMatch(/NaN|undefined|Infinity/);
      for (const { kinds, of } of REPORT_FORMATS) {
        if (kinds.includes(record.format)) expect(of(named)).not.toMatch(/NaN|undefined|Infinity/);
      }
    });
    fc.assert(property, { numRuns: 150, seed: 7 });
  });

  test("any text and any JSON is refused with a message of one file", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(refusal(text)).toMatch(/^run\.json: /);
      }),
      { seed: 7 },
    );
  });
});
