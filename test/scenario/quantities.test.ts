import { describe, expect, test } from "vitest";
import { acceptedShare } from "../../src/scenario/draws.ts";
import { parseExpression } from "../../src/scenario/expression.ts";
import type { Expression } from "../../src/scenario/model.ts";
import {
  formatDuration,
  parseNumber,
  parseRate,
  parseShare,
  parseTime,
  TIME_MOST_US,
} from "../../src/scenario/quantities.ts";

describe("a time", () => {
  test.each([
    ["30 us", 30],
    ["0.3 ms", 300],
    ["1.5s", 1_500_000],
    ["3 min", 180e6],
    ["2 h", 7200e6],
    ["30 d", 30 * 86_400e6],
    ["1 y", 365 * 86_400e6],
    ["285 y", TIME_MOST_US],
    [0, 0],
  ])("%s is %d us", (text, us) => {
    expect(parseTime(text)).toBe(us);
  });

  test.each(["5", 5, "3 sec", "-1 s", "1 s 2", "286 y", "1e400 s", "", "s", "1 m", "NaN s"])(
    "%s is refused",
    (text) => {
      expect(() => parseTime(text)).toThrow(/expected/);
    },
  );

  test("is whole microseconds at the end of time", () => {
    expect(Number.isSafeInteger(TIME_MOST_US)).toBe(true);
  });
});

test("a rate is a number of events a second, minute, hour or day", () => {
  expect([parseRate("4/s"), parseRate("6 / min"), parseRate("36/h"), parseRate("1/d")]).toEqual([
    4,
    0.1,
    0.01,
    1 / 86_400,
  ]);
  for (const text of ["0/s", "1000001/s", "1000000000000/s", "4", "4/w", "4/constructor", "1e-300/d"]) {
    expect(() => parseRate(text), text).toThrow(/expected/);
  }
});

test("a share is a percentage or a number from 0 to 1", () => {
  expect([parseShare("5 %"), parseShare("0.05"), parseShare(1), parseShare("7%")]).toEqual([0.05, 0.05, 1, 0.07]);
  for (const text of ["101 %", "1.1", "-1 %", "five"]) expect(() => parseShare(text), text).toThrow(/share/);
});

test("a sampled number may be a size", () => {
  expect([parseNumber("1 KiB"), parseNumber(0.5), parseNumber("180")]).toEqual([1024, 0.5, 180]);
});

test.each([
  [0, "0 us"],
  [30, "30 us"],
  [450_000, "450 ms"],
  [999_999.9999, "999.999 ms"],
  [1_500_000, "1.5 s"],
  [250e6, "4 min 10 s"],
  [3600e6, "1 h"],
  [3900e6, "1 h 05 min"],
  [12 * 86_400e6 + 3 * 3600e6 + 5 * 60e6, "12 d 3 h 05 min"],
  [30 * 86_400e6, "30 d"],
  [385 * 86_400e6, "1 y 20 d"],
])("%d us is shown as %s", (us, text) => {
  expect(formatDuration(us)).toBe(text);
});

describe("an expression", () => {
  const value = (expression: Expression): number => {
    if (expression.kind === "number") return expression.value;
    if (expression.kind === "name") return { length: 10, "record-in": 3 }[expression.name] ?? Number.NaN;
    const [left, right] = [value(expression.left), value(expression.right)];
    return { "+": left + right, "-": left - right, "*": left * right, "/": left / right }[expression.operator];
  };

  test.each([
    ["length", 10],
    ["length * 2 + 32", 52],
    ["32 + length*2", 52],
    ["(32 + length) * 2", 84],
    ["100 - length - 1", 89],
    ["length-2", 8],
    ["record-in * 2", 6],
    ["-length + 1 KiB", 1014],
    ["100 / length / 2", 5],
  ])("%s is computed with the usual precedence", (text, expected) => {
    expect(value(parseExpression(text))).toBe(expected);
  });

  test.each([
    ["length +", /the end at character 9/],
    ["length 2", /"2" at character 8, expected an operator/],
    ["(length", /expected "\)"/],
    ["length ? 2", /"\?" at character 8/],
    ["", /the end at character 1/],
    ["(".repeat(200), /at most 32 levels/],
    ["1+".repeat(400), /at most 500/],
  ])("%s is refused with the position", (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });
});

describe("the share of draws that limits leave", () => {
  test.each([
    [{ kind: "uniform", low: 0, high: 10, minimum: 5 } as const, 0.5],
    [{ kind: "normal", mean: 100, deviation: 10, minimum: 100 } as const, 0.5],
    [{ kind: "lognormal", median: 180, sigma: 0.4, maximum: 180 } as const, 0.5],
    [{ kind: "exponential", mean: 1, minimum: Math.LN2 } as const, 0.5],
    [{ kind: "pareto", least: 1, alpha: 1, maximum: 2 } as const, 0.5],
    [{ kind: "geometric", mean: 2, maximum: 1 } as const, 0.5],
    [{ kind: "choice", values: [1, 2], weights: [1, 3], minimum: 2 } as const, 0.75],
    [{ kind: "empirical", values: [1, 2, 3, 4], maximum: 1 } as const, 0.25],
    [{ kind: "constant", value: 3 } as const, 1],
  ])("%o", (draw, share) => {
    expect(acceptedShare(draw)).toBeCloseTo(share, 3);
  });
});
