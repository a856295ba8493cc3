import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { htmlPage } from "../../src/report/html/page.ts";
import { PageContext } from "../../src/report/html/page-context.ts";
import { runPage } from "../../src/report/html/run-page.ts";
import type { NamedRecord, ReportRecord } from "../../src/report/report-record.ts";
import type { HeapSeries, RunRecord } from "../../src/soak/record.ts";
import { failedRecord, heapRecord, runRecord, stackRecord } from "../support/run-records.ts";
import { pageOutline, tagsOf } from "./page-outline.ts";

const ASSETS = { script: "globalThis.drawn = true;", style: "body { margin: 0 }" };
const ELEMENTS = new Set(
  "html head meta title style body a header h1 h2 h3 h4 nav ul ol li main article section div p span strong small code dl dt dd table caption thead tbody tr th td figure figcaption svg rect line path text desc g circle polyline details summary footer script"
    .split(" ")
    .concat("title"),
);

const page = (...records: ReportRecord[]) =>
  htmlPage(
    records.map((record, index): NamedRecord => ({ name: `record-${index + 1}`, record })),
    ASSETS,
  );

/** A series of so many windows of an hour, the heap half full. */
function seriesOf(rows: number): HeapSeries {
  const column = (value: (row: number) => number) => Array.from({ length: rows }, (_, row) => value(row));
  const range = (base: number) => ({
    min: column((row) => base - (row % 7)),
    max: column((row) => base + (row % 5)),
    last: column(() => base),
  });
  return {
    atUs: column((row) => (row + 1) * 3600e6),
    freeBytes: range(20_000),
    largestFreeBytes: range(15_000),
    holes: range(10),
    liveBlocks: range(60),
    requestedBytes: range(19_000),
    failedRequests: column((row) => row % 2),
    visitsMax: column((row) => row % 40),
    map: Array.from({ length: rows }, () => `${"9".repeat(32)}${"0".repeat(32)}`),
  };
}

/** A run that failed, with everything that a record may tell of it. */
function toldInFull(changes: Partial<RunRecord> = {}): RunRecord {
  const place = { task: "uplink", step: "tasks.uplink.do[2] allocate packet" };
  const operation = {
    atUs: 5e6,
    heap: "main",
    ...place,
    requestBytes: 200,
    address: null,
    result: 0x2000_1008,
    visits: 3,
  };
  return failedRecord({
    heaps: {
      main: heapRecord({ series: seriesOf(20), slowest: [{ ...operation, operation: "allocate" }] }),
    },
    stacks: {
      uplink: stackRecord({
        worstCaseBytes: 1200,
        overflow: {
          atUs: 7e6,
          detectedBy: "mpu",
          detectedAfterUs: 20,
          bytesBeyond: 64,
          overwrote: ["stack of sensor"],
        },
      }),
    },
    pinned: {
      pins: [{ ...place, bytes: 336, ageUs: 44_157, leaked: false }],
      releasedBytes: 336,
      largestFreeBytes: 16_720,
    },
    memory: {
      banks: [{ name: "sram", low: 0x2000_0000, bytes: 131_072 }],
      ranges: [
        { use: "static", name: ".bss", low: 0x2000_0000, bytes: 4096 },
        { use: "heap", name: "main", low: 0x2000_1000, bytes: 40_960 },
        { use: "task-stack", name: "uplink", low: 0x2001_fc00, bytes: 1024 },
      ],
    },
    moment: {
      blocks: [
        { address: 0x2000_1000, bytes: 8, state: "bookkeeping" },
        {
          address: 0x2000_1008,
          bytes: 336,
          state: "live",
          requestBytes: 328,
          ...place,
          ageUs: 44_157,
          leaked: false,
          pins: true,
        },
        { address: 0x2000_1158, bytes: 15_368, state: "free" },
        { address: 0x2000_4d60, bytes: 25_248, state: "untouched" },
      ],
      operations: [
        { ...operation, operation: "allocate" },
        { ...operation, operation: "allocate", requestBytes: 16_717, result: null },
      ],
    },
    faults: [
      {
        atUs: 7e6,
        kind: "unmapped",
        address: "0x40000000",
        access: "load",
        exception: "BusFault",
        registers: [{ name: "BFAR", value: "0x40000000", meaning: "the address" }],
        task: "uplink",
        step: null,
      },
    ],
    ...changes,
  });
}

describe("the page of a run", () => {
  test("has this outline where the run failed", () => {
    expect(pageOutline(page(toldInFull()))).toMatchSnapshot();
  });

  test("has this outline where it passed, and the record is an older one", () => {
    expect(pageOutline(page(runRecord()))).toMatchSnapshot();
  });

  test("is the same bytes for the same record", () => {
    expect(page(toldInFull())).toBe(page(toldInFull()));
  });

  test("says in its first sentence what failed, when and why", () => {
    expect(page(failedRecord())).toContain(
      '<span class="sentence">Crashed for want of memory after 11 d 3 h 14 min of 30 d: request of 16,717 B refused',
    );
  });

  test("says what is not in an older record", () => {
    const text = page(failedRecord());
    expect(text).toContain("The blocks of the moment are not in this record.");
    expect(text).toContain("The layout of RAM is not in this record.");
  });

  test("outlines the blocks in the way, and names their owner when pointed at", () => {
    expect(page(toldInFull())).toMatch(
      /<rect class="fill series-1 outlined"[^>]*><title>0x20001008: 336 B of tasks\.uplink\.do\[2\] allocate packet/,
    );
  });

  test("gives cycles where a validation on a board has measured the allocator", () => {
    const line = { verb: "allocate", operations: 900, baseCycles: 100, cyclesPerVisit: 10, residualCycles: 1 } as const;
    const rest = { residualP99Cycles: 3, explainedRatio: 1, maximumVisits: 40, maximumCycles: 500 };
    const text = htmlPage([{ name: "run", record: runRecord() }], ASSETS);
    expect(text).toContain("Give the record of a validation");
    const calibration = { cycleHz: 100e6, lines: [{ ...line, ...rest }] };
    const records = [{ name: "board", record: { ...VALIDATION, calibration } }];
    const context = new PageContext(records, { rowsMost: 512, hasBlocks: true }, true);
    const latency = runPage(runRecord(), "run", context).sections.find(({ id }) => id === "latency");
    expect(latency?.body.text).toContain("500 cycles, 5 us on nucleo");
  });

  test("of 30 days stays below a megabyte beside its script", () => {
    const heaps = { main: heapRecord({ series: seriesOf(512) }), messages: heapRecord({ series: seriesOf(512) }) };
    expect(page(runRecord({ heaps })).length).toBeLessThan(400_000);
  });
});

describe("the page of several runs", () => {
  const survivor = runRecord({
    heaps: { main: heapRecord({ series: seriesOf(20), minimumLargestFreeBytes: 12_000 }) },
  });

  test("compares them first, on common axes, and follows with each, closed", () => {
    expect(pageOutline(page(survivor, toldInFull()))).toMatchSnapshot();
  });

  test("marks the best and the worst of each figure, in words too", () => {
    const row = page(survivor, toldInFull()).match(/<th scope="row">record-1 freertos-heap4<\/th>.*?<\/tr>/s)?.[0];
    expect(row).toMatch(
      /12,000 <span class="mark toned good"><span aria-hidden="true">▲<\/span><span class="unseen">best/,
    );
  });

  test("gives the reason why a candidate could not run", () => {
    const candidate = { scenario: "a", heap: "main", allocator: "tlsf", size: "1KiB" };
    const record = { ...candidate, refused: "tlsf: 1 KiB is too small." };
    const text = page({ format: "heapsoak.compare", version: 1, runs: [record] });
    expect(text).toContain("could not run: tlsf: 1 KiB is too small.");
    expect(text).toContain("REFUSED");
  });

  test("tells what noticed an overflow of the stack that is compared", () => {
    const overflow = { atUs: 1e6, detectedBy: "mpu", detectedAfterUs: 0, bytesBeyond: 96, overwrote: ["stack of b"] };
    const record = runRecord({ stacks: { a: stackRecord({ overflow }) } });
    const candidate = { scenario: "a", heap: "main", allocator: "tlsf", size: null, record };
    const stack = { task: "a", protections: ["mpu 32 B"] };
    const text = page({ format: "heapsoak.compare", version: 1, runs: [candidate], stack });
    expect(text).toContain("The stack of a under its guards");
    expect(text).toMatch(/<th scope="row">mpu 32 B<\/th><td class="word">mpu<\/td><td class="word">at once<\/td>/);
  });

  test("of more than twelve draws only their comparison, from thinned series that keep the extremes", () => {
    const heaps = { main: heapRecord({ series: seriesOf(512) }) };
    const text = page(...Array.from({ length: 13 }, () => runRecord({ heaps })));
    expect(text.match(/<figure class="heap-history"/g)).toHaveLength(13);
    const series = dataOf(text).runs[0].heaps[0].series;
    expect(series.atUs).toHaveLength(64);
    expect(series.atUs.at(-1)).toBe(512 * 3600e6);
    expect(new Set(series.freeBytes.min)).toEqual(new Set([20_000 - 6]));
    expect(new Set(series.freeBytes.max)).toEqual(new Set([20_000 + 4]));
    expect(series.failedRequests.reduce((sum: number, value: number) => sum + value)).toBe(256);
  });

  test("tells runs of the same name apart", () => {
    const named = { name: "run", record: runRecord() };
    const text = htmlPage([named, { ...named, record: runRecord() }], ASSETS);
    expect(dataOf(text).runs.map(({ name }: { name: string }) => name)).toEqual(["run", "run (2)"]);
  });
});

describe("what a page lets run", () => {
  test("is its own script and style alone, by their digests", () => {
    const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const policy = page(runRecord())
      .match(/Content-Security-Policy" content="([^"]*)"/)?.[1]
      ?.replaceAll("&#39;", "'");
    expect(policy).toBe(
      `default-src 'none'; script-src ${hash(ASSETS.script)}; style-src ${hash(ASSETS.style)}; img-src data:; base-uri 'none'; form-action 'none'`,
    );
  });

  test("holds no markup of a record, whatever its texts and figures are", () => {
    const text = fc.oneof(
      fc.constantFrom(
        "<script>alert(1)</script>",
        '" onload="alert(1)',
        "</title><img src=x onerror=alert(1)>",
        "]]>",
        "<!--",
        "\u202e\u0000",
        "__proto__",
        "constructor",
        "",
      ),
      fc.string(),
    );
    const figure = fc.oneof(
      fc.constantFrom(0, -1, 1e308, -1e308, 5e-324, 2 ** 53),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    fc.assert(
      fc.property(text, text, figure, figure, (word, other, size, amount) => {
        expectInert(page(hostile(word, other, size, amount)));
      }),
      { numRuns: 60 },
    );
  });

  test("holds no markup of a comparison's names, either", () => {
    const record = hostile("<script>alert(1)</script>", "'\"><svg onload=alert(1)>", -1, 1e300);
    const candidate = { scenario: "<b>", heap: "<i>", allocator: "</td>", size: "&lt;" };
    expectInert(
      page({
        format: "heapsoak.compare",
        version: 1,
        runs: [
          { ...candidate, record },
          { ...candidate, refused: "<u>" },
        ],
      }),
    );
    expectInert(page(record, record));
  });
});

/** A run whose every name is one text and every step another, and whose figures make no sense. */
function hostile(word: string, step: string, size: number, amount: number): RunRecord {
  const full = toldInFull();
  const { heaps, moment, memory } = full;
  const main = heaps.main ?? heapRecord();
  const place = { task: word, step };
  return toldInFull({
    scenario: { title: word, path: step, device: word, seed: word, uptimeUs: amount },
    digest: word,
    simulatedUs: amount,
    failure: {
      ...(full.failure as NonNullable<RunRecord["failure"]>),
      ...place,
      heap: word,
      message: step,
      atUs: size,
      requestBytes: size,
    },
    heaps: { [word]: { ...main, arenaBytes: size, minimumFreeBytes: amount, allocator: step } },
    tasks: {
      [word]: { activations: size, skipped: amount, allocations: 1, failedRequests: 1, leaks: 1, leakStep: step },
    },
    stacks: { [word]: stackRecord({ sizeBytes: size, worstCaseBytes: amount }) },
    memory: {
      banks: memory?.banks ?? [],
      ranges: (memory?.ranges ?? []).map((range) => ({ ...range, name: word, bytes: size })),
    },
    moment: {
      blocks: (moment?.blocks ?? []).map((block) => ({ ...block, ...place })),
      operations: (moment?.operations ?? []).map((operation) => ({ ...operation, ...place, atUs: amount })),
    },
  });
}

/** Elements and attributes are ours, each element is closed, and no attribute could run or load anything. */
function expectInert(document: string): void {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const { name, isEnd, isAlone, attributes } of tagsOf(document)) {
    if (!ELEMENTS.has(name)) wrong.push(name);
    for (const [key, value] of attributes) if (!isInert(key, value)) wrong.push(`${name} ${key}=${value}`);
    if (isEnd && open.pop() !== name) wrong.push(`/${name}`);
    if (!isEnd && !isAlone) open.push(name);
  }
  expect([...wrong, ...open]).toEqual([]);
  expect(document.match(/<script/g)).toHaveLength(2);
}

const GEOMETRY = new Set(["x", "y", "width", "height", "x1", "x2", "y1", "y2", "d", "viewBox", "fill-opacity"]);

function isInert(key: string, value: string): boolean {
  if (GEOMETRY.has(key)) return !/NaN|Infinity|undefined/.test(value);
  if (key === "href") return /^#[a-z0-9-]+$/.test(value);
  return !/^(on|style$|src|formaction)/.test(key);
}

function dataOf(document: string) {
  return JSON.parse(document.match(/id="page-data">(.*?)<\/script>/s)?.[1] ?? "");
}

const VALIDATION: Extract<ReportRecord, { format: "heapsoak.validation" }> = {
  format: "heapsoak.validation",
  version: 1,
  verdict: "equal",
  reason: null,
  board: "nucleo",
  buildId: "b1",
  allocator: "heap_4",
  allocatorVersion: "11",
  emulatedAs: "freertos-heap4",
  options: {},
  versionsExactFor: "11",
  heap: { address: 0x2000_0000, bytes: 40_960 },
  start: "fresh",
  source: { name: "a.trace", digest: "d1" },
  operations: 900,
  leftOut: 0,
  compared: { placements: 900, refusals: 0, statistics: 3 },
  ram: null,
  firstDifference: null,
  calibration: null,
  line: { retries: 0, lost: 0, corrupt: 0 },
  heapsoak: "0.2.0",
};
