import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heapMap } from "../../src/report/html/heap-map.ts";
import { memorySection } from "../../src/report/html/memory-section.ts";
import { seriesPictures } from "../../src/report/html/series-picture.ts";
import type { BlockAtFailure, MemoryRangeOfRun } from "../../src/soak/record.ts";
import { heapRecord, runRecord } from "../support/run-records.ts";
import { tagsOf } from "./page-outline.ts";

const LOW = 0x2000_0000;
/** Of a character of a label, at most. */
const CHARACTER = 6.8;

/** The rectangles of markup, as numbers. */
function rectanglesOf(markup: string) {
  return tagsOf(markup).flatMap(({ name, isEnd, attributes }) => {
    const figure = (key: string) => Number(attributes.get(key));
    if (name !== "rect" || isEnd) return [];
    return [{ colour: attributes.get("class") ?? "", x: figure("x"), y: figure("y"), width: figure("width") }];
  });
}

describe("the map of a heap", () => {
  const block = (address: number, bytes: number, state: BlockAtFailure["state"]): BlockAtFailure => ({
    address: LOW + address,
    bytes,
    state,
    ...(state === "live" && { task: "uplink", step: null }),
  });

  test("draws every byte once, to scale, however the blocks lie across its rows", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sizes, (bytes) => {
        let at = 0;
        const blocks = bytes.map((size, index) => {
          at += size;
          return block(at - size, size, index % 2 === 0 ? "live" : "free");
        });
        const rows = Math.max(2048, Math.ceil(at / 16 / 256) * 256);
        const drawn = rectanglesOf(heapMap(blocks, "Heap").text);
        const width = (colour: string) =>
          drawn.filter((one) => one.colour.includes(colour)).reduce((sum, one) => sum + one.width, 0);
        const live = blocks.filter(({ state }) => state === "live").reduce((sum, one) => sum + one.bytes, 0);
        const scale = 992 / rows;
        expect(Math.abs(width("series-1") - live * scale)).toBeLessThan(1);
        expect(Math.abs(width("hole") - (at - live) * scale)).toBeLessThan(1);
      }),
    );
  });

  test("starts a row of its own where the heap goes on in another region", () => {
    const text = heapMap([block(0, 100, "live"), block(0x1_0000, 100, "free")], "Heap").text;
    expect(text.match(/>0x200[01]0000<\/text>/g)).toEqual([">0x20000000</text>", ">0x20010000</text>"]);
  });

  test("gives the owners of the most bytes a colour each, and the others one in common", () => {
    const owners = Array.from({ length: 10 }, (_, index) => ({
      ...block(index * 200, 200 - index, "live"),
      task: `task-${index}`,
    }));
    const text = heapMap(owners, "Heap").text;
    expect(text).toContain("task-6</li>");
    expect(text).not.toContain("task-7</li>");
    expect(text).toContain("others</li>");
  });
});

describe("the memory map of the device", () => {
  const sectionOf = (ranges: readonly MemoryRangeOfRun[]) =>
    memorySection(runRecord({ memory: { banks: [{ name: "sram", low: LOW, bytes: 131_072 }], ranges } })).body.text;

  test("keeps the smallest range visible", () => {
    const text = sectionOf([{ use: "static", name: ".noinit", low: LOW, bytes: 4 }]);
    expect(rectanglesOf(text).find(({ colour }) => colour.includes("bookkeeping"))?.width).toBe(1.5);
  });

  test("has no label that covers another, or another's line", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: 131_071 }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(
        cuts,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 24, maxLength: 24 }),
        (lows, lengths) => {
          const sorted = lows.sort((a, b) => a - b);
          const ranges = sorted.map((low, index): MemoryRangeOfRun => {
            const bytes = (sorted[index + 1] ?? 131_072) - low;
            return { use: "static", name: "x".repeat(lengths[index] ?? 1), low: LOW + low, bytes };
          });
          expectApart(labelsOf(sectionOf(ranges)));
        },
      ),
    );
  });

  test("tells which banks nothing lies in", () => {
    expect(sectionOf([])).toContain("Not used: sram (128 KiB).");
  });
});

interface Label {
  readonly from: number;
  readonly to: number;
  readonly y: number;
  readonly lineX: number;
}

function labelsOf(markup: string): Label[] {
  return tagsOf(markup).flatMap(({ name, isEnd, attributes, text }) => {
    if (name !== "text" || isEnd) return [];
    const x = Number(attributes.get("x"));
    const width = text.length * CHARACTER;
    const isLeft = attributes.get("class") === "end";
    const y = Number(attributes.get("y"));
    return isLeft ? [{ from: x - width, to: x, y, lineX: x + 4 }] : [{ from: x, to: x + width, y, lineX: x - 4 }];
  });
}

function expectApart(labels: readonly Label[]): void {
  for (const one of labels) {
    for (const other of labels) {
      if (one === other) continue;
      const passes = one.y >= other.y && one.lineX > other.from && one.lineX < other.to;
      const covers = one.y === other.y && one.from < other.to && other.from < one.to;
      expect(passes || covers).toBe(false);
    }
  }
}

describe("a heap over time without a script", () => {
  const range = { min: [10], max: [20], last: [15] };
  const series = { freeBytes: range, largestFreeBytes: range, holes: range, liveBlocks: range, requestedBytes: range };
  const oneWindow = {
    ...series,
    atUs: [60e6],
    failedRequests: [0],
    visitsMax: [1],
    map: [`${"9".repeat(32)}${"5".repeat(32)}`],
  };

  test("is drawn the darker, the fuller an address range was, with low addresses below", () => {
    const text = seriesPictures("main", heapRecord({ series: oneWindow }), { columns: 128, failedAtUs: null }).text;
    expect(text).toMatch(/fill-opacity="0.56" d="M0 93H1080v3H0z/);
    expect(text).toMatch(/fill-opacity="1" d="M0 189H1080v3H0z/);
  });

  test("marks the failure", () => {
    const text = seriesPictures("main", heapRecord({ series: oneWindow }), { columns: 128, failedAtUs: 30e6 }).text;
    expect(text).toContain('<line class="stroke bad" x1="540"');
  });

  test("says so where the run was too short for a series", () => {
    const none = { min: [], max: [], last: [] };
    const empty = { freeBytes: none, largestFreeBytes: none, holes: none, liveBlocks: none, requestedBytes: none };
    const heap = heapRecord({ series: { ...empty, atUs: [], failedRequests: [], visitsMax: [], map: [] } });
    expect(seriesPictures("main", heap, { columns: 128, failedAtUs: null }).text).toContain("too short");
  });
});
