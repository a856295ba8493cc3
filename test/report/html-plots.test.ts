import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mapStretches, pictureStretches } from "../../src/report/html/svg-heap.ts";
import { aboveZero, endLabels, type Plane, stepped } from "../../src/report/html/svg-plot.ts";
import { rowsPlot } from "../../src/report/html/svg-rows.ts";
import {
  BYTES,
  COUNT,
  linearScale,
  logScale,
  rounded,
  SHARE,
  SHARE_MARKS,
  TIME,
} from "../../src/report/html/svg-scale.ts";

const HOUR_US = 3600e6;

describe("an axis", () => {
  test("is marked at round values of its measure", () => {
    const texts = (scale: { ticks: readonly { text: string }[] }) => scale.ticks.map(({ text }) => text);
    expect(texts(linearScale([0, 1], SHARE))).toEqual(["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
    expect(texts(linearScale([0, 12 * HOUR_US], TIME))).toEqual(["0", "2 h", "4 h", "6 h", "8 h", "10 h", "12 h"]);
    expect(texts(linearScale([20_000, 45_000], BYTES))).toEqual(["24 KiB", "32 KiB", "40 KiB"]);
    expect(texts(logScale([1e-4, 0.2], SHARE, SHARE_MARKS))).toEqual(["0.01 %", "0.1 %", "1 %", "10 %"]);
  });

  test("is lengthened to round values on both sides", () => {
    expect(rounded([3, 97], COUNT)).toEqual([0, 100]);
    expect(rounded([-30, 55], COUNT)).toEqual([-40, 60]);
  });

  test("holds every value between its ends, in their order", () => {
    const value = fc.double({ noNaN: true });
    const property = fc.property(value, value, value, value, (from, to, a, b) => {
      const { share, ticks } = linearScale([Math.min(from, to), Math.max(from, to)], COUNT);
      const [low, high] = [share(Math.min(a, b)), share(Math.max(a, b))];
      expect(0 <= low && low <= high && high <= 1).toBe(true);
      expect(ticks.length).toBeLessThan(20);
    });
    fc.assert(property, { seed: 3 });
  });

  test("of equal factors puts the geometric mean in the middle", () => {
    expect(logScale([0.001, 0.1], SHARE, SHARE_MARKS).share(0.01)).toBeCloseTo(0.5, 12);
  });
});

describe("a line", () => {
  test("goes along 0 from where it would go below", () => {
    expect(aboveZero([0, 100], [10, -100])).toEqual([
      [0, 100],
      [5, 0],
      [10, 0],
    ]);
    expect(aboveZero([0, 100], [10, 50])).toHaveLength(2);
  });

  test("of a survival stays level between failures, up to the end", () => {
    const points = stepped(
      [
        [0, 1],
        [3, 0.5],
      ],
      9,
    );
    expect(points).toEqual([
      [0, 1],
      [3, 1],
      [3, 0.5],
      [9, 0.5],
    ]);
  });

  test("has its name beside its end, and names do not lie on each other", () => {
    const plane: Plane = { x: (x) => x, y: (y) => 100 - y, left: 0, right: 50, top: 0, bottom: 100 };
    const labels = [50, 51, 52, 0].map((y) => ({ y, text: `at ${y}`, colour: "series-1" }));
    const places = endLabels(plane, labels).map(({ text }) => Number(/ y="([\d.]+)"/.exec(text)?.[1]));
    const gaps = places.slice(1).map((place, index) => place - (places[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(14);
  });
});

describe("a heap's strip", () => {
  test("is read from its picture, runs of equal blocks one by one", () => {
    const stretches = pictureStretches("a:16 2×24 [64] 2×[8] [4096…]") ?? [];
    expect(stretches.map(({ size, state }) => `${state} ${size}`)).toEqual([
      "live 16",
      "live 24",
      "live 24",
      "free 64",
      "free 8",
      "free 8",
      "untouched 4096",
    ]);
    expect(stretches[0]?.label).toBe("a");
  });

  test("is not drawn from a picture whose middle is left out, or from any other text", () => {
    expect(pictureStretches("16 24 … 7 more … [64]")).toBeNull();
    expect(pictureStretches("<script>")).toBeNull();
  });

  test("of a map has a stretch for each run of equal characters", () => {
    const stretches = mapStretches("--##AAB..+");
    expect(stretches.map(({ state, size, label }) => `${label}${state} ${size}`)).toEqual([
      "bookkeeping 2",
      "live 2",
      "Alive 2",
      "Blive 1",
      "free 2",
      "mixed 1",
    ]);
  });

  test("of a picture with huge counts stays small", () => {
    expect(pictureStretches("99999999999×16")?.length).toBeLessThan(2000);
  });
});

test("of more rows than anybody reads the first are drawn", () => {
  const rows = Array.from({ length: 500 }, (_, index) => ({ title: `row ${index}`, marks: [] }));
  const picture = rowsPlot({ label: "l", description: "d", scale: linearScale([0, 1], SHARE), axisTitle: "a", rows });
  expect(picture.text.match(/<title>row /g)).toHaveLength(60);
});
