import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { paintFor } from "../../../src/cli/colors.ts";
import { plainPaint } from "../../../src/report/paint.ts";
import { runText } from "../../../src/report/run-text.ts";
import { cellsOf } from "../../../src/report/terminal/cells.ts";
import { failureBars } from "../../../src/report/terminal/failure-bars.ts";
import { heapPictures } from "../../../src/report/terminal/heap-pictures.ts";
import { sparkLines } from "../../../src/report/terminal/spark-lines.ts";
import { resampled, sparkline } from "../../../src/report/terminal/sparkline.ts";
import type { BlockAtFailure, HeapSeries, RunRecord } from "../../../src/soak/record.ts";
import { failedRecord, heapRecord, runRecord } from "../../support/run-records.ts";

const LOW = 0x2000_0000;
const TERMINAL = { isTTY: true, columns: 60 };
const colours = paintFor(TERMINAL, { LANG: "C.UTF-8" });
const blocks = paintFor(TERMINAL, { LANG: "C.UTF-8", NO_COLOR: "1" });

/** Free memory that falls from 4,000 B in steps; the heap fills up from below. */
function falling(windows: number, endUs: number): HeapSeries {
  const values = Array.from({ length: windows }, (_, index) => 4000 - Math.floor((3000 * index) / (windows - 1)));
  const column = { min: values, max: values, last: values };
  const holes = values.map((_, index) => index);
  return {
    atUs: values.map((_, index) => ((index + 1) * endUs) / windows),
    freeBytes: column,
    largestFreeBytes: column,
    holes: { min: holes, max: holes, last: holes },
    liveBlocks: column,
    requestedBytes: column,
    failedRequests: values.map(() => 0),
    visitsMax: values.map(() => 1),
    map: values.map((_, index) => "9".repeat(16 + index).padEnd(64, "0")),
  };
}

const block = (offset: number, bytes: number, task: string, pins = false): BlockAtFailure => {
  return { address: LOW + offset, bytes, state: "live", requestBytes: bytes, task, step: `tasks.${task}.do[0]`, pins };
};
const hole = (offset: number, bytes: number): BlockAtFailure => ({ address: LOW + offset, bytes, state: "free" });

/** A heap of 4 KiB: a task's blocks below, a pin in the middle of what is free. */
function failing(changes: Partial<RunRecord> = {}): RunRecord {
  const endUs = failedRecord().simulatedUs;
  return failedRecord({
    heaps: { main: heapRecord({ arenaBytes: 4096, series: falling(8, endUs) }) },
    memory: { banks: [], ranges: [{ use: "heap", name: "main", low: LOW, bytes: 4096 }] },
    moment: {
      blocks: [block(0, 1024, "uplink"), hole(1024, 1024), block(2048, 128, "sensor", true), hole(2176, 1920)],
      operations: [],
    },
    history: {
      atUs: [endUs / 2, endUs],
      sites: [
        { task: "uplink", step: "tasks.uplink.do[0]" },
        { task: "sensor", step: "tasks.sensor.do[0]" },
      ],
      heaps: {
        main: {
          address: [LOW, LOW + 2048],
          bytes: [1024, 128],
          requestBytes: [1020, 120],
          site: [0, 1],
          ageUs: [0, 0],
          first: [0, 1],
          last: [1, 1],
          leaked: [],
        },
      },
    },
    ...changes,
  });
}

describe("a sparkline", () => {
  test("has eight heights in blocks and ten digits in ASCII", () => {
    expect(sparkline([0, 0.13, 0.5, 0.99, 1], true)).toBe("▁▂▅██");
    expect(sparkline([0, 0.13, 0.5, 0.99, 1], false)).toBe("01599");
  });

  test("keeps the least of the windows that each part of the time overlaps", () => {
    const windows = { atUs: [10, 20, 30, 100], values: [5, 3, 4, 9], endUs: 100 };
    expect(resampled(windows, 5, Math.min)).toEqual([3, 4, 9, 9, 9]);
    expect(resampled(windows, 2, Math.max)).toEqual([9, 9]);
    expect(resampled({ ...windows, endUs: 200 }, 4, Math.min)).toEqual([3, 9, 9, 9]);
    expect(resampled({ ...windows, values: [] }, 5, Math.min)).toEqual([]);
  });

  test("of a heap is one line of ASCII where it is piped, with the failure marked", () => {
    expect(sparkLines(failing(), "main", plainPaint)).toEqual([
      "  largest [9999999988888888777777776666666655555555444444443333333322222222x]  at least 1,000 B; a digit: tenths of 4,000 B",
    ]);
  });

  test("is left out of a run with one window", () => {
    expect(sparkLines(runRecord(), "main", plainPaint)).toEqual([]);
  });
});

test("the request stands beside what was free, to scale", () => {
  const { failure } = failedRecord();
  if (!failure) throw new Error("it failed");
  const bars = failureBars({ ...failure, requestBytes: 600, largestFreeBytes: 300, freeBytes: 1200 }, blocks);
  expect(bars).toEqual([
    "  request ████████▌ 600 B",
    "  largest ████▎ 300 B, 300 B short",
    `  free    ${"█".repeat(17)} 1,200 B`,
  ]);
});

test("a part of a heap is coloured by who holds most of it, across the regions", () => {
  const regions = [
    { address: 0, bytes: 100 },
    { address: 1000, bytes: 100 },
  ];
  const live = [
    { address: 40, bytes: 60, owner: 0, pins: false },
    { address: 1000, bytes: 20, owner: 1, pins: true },
  ];
  expect(cellsOf(regions, live, 4)).toEqual([
    { share: 0.2, owner: 0, pins: false },
    { share: 1, owner: 0, pins: false },
    { share: 0.4, owner: 1, pins: true },
    { share: 0, owner: null, pins: false },
  ]);
});

describe("the pictures of a heap that failed", () => {
  test("without colours are the file's", async () => {
    await expect(`${heapPictures(failing(), "main", blocks).join("\n")}\n`).toMatchFileSnapshot("failed-blocks.txt");
  });

  test("with colours are the file's, and without their colours the same but for the legend", async () => {
    const lines = heapPictures(failing(), "main", colours);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("failed-colours.txt");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
    const bare = lines.map((line) => line.replaceAll(/\x1b\[\d+(;\d+)*m/g, "").trimEnd());
    const without = heapPictures(failing(), "main", blocks);
    expect(bare.slice(0, without.length)).toEqual(without);
    expect(bare.slice(without.length)).toEqual(["", "  ██ tasks.uplink.do[0]", "  ██ tasks.sensor.do[0]"]);
  });

  test("need neither moment nor history nor memory: older records have the series", () => {
    const { moment, history, memory, ...older } = failing();
    const text = heapPictures(older, "main", blocks).join("\n");
    expect(text).toContain("heap main at the end\n  █████");
    expect(text).toContain("heap main over time\n");
  });

  test("never show what is live as free", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4095 }), (offset) => {
        const moment = { blocks: [block(offset, 1, "uplink")], operations: [] };
        const { history, ...record } = failing({ moment });
        const map = heapPictures({ ...record, moment }, "main", blocks)
          .slice(5, 10)
          .join("");
        expect(map).toMatch(/[█▓░]/);
      }),
    );
  });
});

describe("the report of a run", () => {
  test("has pictures of several lines on a terminal only", () => {
    expect(runText(failing(), blocks)).toContain("\nheap main at the failure\n");
    expect(runText(failing(), plainPaint)).not.toMatch(/[█▀▄░▁✗]|heap main at/);
  });

  test("is no wider than the terminal in its pictures", () => {
    for (const columns of [80, 100, 500]) {
      const paint = paintFor({ isTTY: true, columns }, { LANG: "C.UTF-8", NO_COLOR: "1" });
      const widest = Math.max(...heapPictures(failing(), "main", paint).map((line) => line.length));
      expect(widest).toBeLessThanOrEqual(Math.min(100, columns));
    }
  });

  test("cannot be told what to do by the names in a record", () => {
    const hostile = failing();
    const sites = [
      { task: "a\u001b[2J\n\u202e", step: null },
      { task: "b", step: null },
    ];
    const history = hostile.history && { ...hostile.history, sites };
    const text = heapPictures({ ...hostile, ...(history && { history }) }, "main", colours).join("\n");
    expect(text).not.toContain("\u001b[2J");
    expect(text).not.toContain("\u202e");
  });
});
