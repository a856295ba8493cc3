import { describe, expect, test } from "vitest";
import { binomialChances } from "../../src/risk/statistics/binomial.ts";
import { clopperPearson, lowerBound, upperBound } from "../../src/risk/statistics/clopper-pearson.ts";
import { confidenceSequence } from "../../src/risk/statistics/confidence-sequence.ts";
import { kaplanMeier, medianSurvivalUs, thinned } from "../../src/risk/statistics/kaplan-meier.ts";
import { holm, mcnemar } from "../../src/risk/statistics/mcnemar.ts";
import { rounded } from "../../src/risk/statistics/rounding.ts";
import { Random } from "../../src/statistics/random.ts";

/** By definition, in whole numbers as long as they stay small. */
function binomialByDefinition(hits: number, runs: number, p: number): number {
  let ways = 1;
  for (let i = 0; i < hits; i++) ways = (ways * (runs - i)) / (i + 1);
  return ways * p ** hits * (1 - p) ** (runs - hits);
}

describe("binomial chances", () => {
  test.each([
    [0, 5, 0.3],
    [3, 10, 0.5],
    [10, 10, 0.9],
    [7, 40, 0.02],
    [25, 60, 0.5],
  ])("of %i in %i at %f are those of the definition", (hits, runs, p) => {
    const each = Array.from({ length: runs + 1 }, (_, count) => binomialByDefinition(count, runs, p));
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    const chances = binomialChances(hits, runs, p);
    expect(chances.exactly).toBeCloseTo(each[hits] ?? 0, 12);
    expect(chances.atMost).toBeCloseTo(sum(each.slice(0, hits + 1)), 12);
    expect(chances.atLeast).toBeCloseTo(sum(each.slice(hits)), 12);
  });

  test("far out in a tail keep their digits", () => {
    // 0.5^200, which is exact in binary.
    expect(binomialChances(0, 200, 0.5).atMost / 2 ** -200).toBeCloseTo(1, 10);
  });

  test("are certain at 0 and 1", () => {
    expect(binomialChances(0, 9, 0)).toEqual({ atMost: 1, exactly: 1, atLeast: 1 });
    expect(binomialChances(3, 9, 1)).toEqual({ atMost: 0, exactly: 0, atLeast: 1 });
  });
});

describe("Clopper and Pearson's bounds", () => {
  test.each([
    // Published tables, and R's binom.test.
    [0, 10, 0, 0.3085],
    [1, 10, 0.0025, 0.445],
    [10, 100, 0.049, 0.1762],
    [50, 100, 0.3983, 0.6017],
    [10, 10, 0.6915, 1],
    [1, 1000, 0.0000253, 0.005559],
  ])("of %i in %i are those of the tables", (failures, runs, low, high) => {
    const interval = clopperPearson(failures, runs);
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  test("299 runs without a failure are below 1 % with 95 %, 298 are not", () => {
    expect(upperBound(0, 299)).toBeLessThan(0.01);
    expect(upperBound(0, 298)).toBeGreaterThan(0.01);
    expect(lowerBound(299, 299)).toBeGreaterThan(0.99);
    // 1 − 0.05^(1/n)
    expect(upperBound(0, 299)).toBeCloseTo(1 - 0.05 ** (1 / 299), 12);
  });

  test("say nothing without runs, and hold the estimate", () => {
    expect(clopperPearson(0, 0)).toEqual([0, 1]);
    for (const [failures, runs] of [
      [3, 7],
      [1, 50_000],
      [49_999, 50_000],
    ] as const) {
      const [low, high] = clopperPearson(failures, runs);
      expect(low).toBeLessThan(failures / runs);
      expect(high).toBeGreaterThan(failures / runs);
    }
  });
});

describe("a confidence sequence", () => {
  test("is wider than the interval of a planned number of runs, and narrows", () => {
    for (const [failures, runs] of [
      [0, 20],
      [10, 100],
      [400, 1000],
    ] as const) {
      const [low, high] = confidenceSequence(failures, runs);
      const planned = clopperPearson(failures, runs);
      expect(low).toBeLessThanOrEqual(planned[0]);
      expect(high).toBeGreaterThan(planned[1]);
    }
    const width = (runs: number) => {
      const [low, high] = confidenceSequence(runs / 10, runs);
      return high - low;
    };
    expect(width(1000)).toBeLessThan(width(100) / 2);
    expect(confidenceSequence(0, 0)).toEqual([0, 1]);
  });

  test.each([0.02, 0.3])("holds a probability of %f at all times in at least 95 of 100 campaigns", (p) => {
    const random = new Random(4711);
    const campaigns = 100;
    let missed = 0;
    for (let campaign = 0; campaign < campaigns; campaign++) {
      if (missesAnywhere(p, 400, random)) missed++;
    }
    expect(missed).toBeLessThanOrEqual(campaigns * 0.05);
  });
});

/** Whether the sequence ever excludes the true probability. By its own criterion: the bounds need not be computed. */
function missesAnywhere(p: number, runs: number, random: Random): boolean {
  let failures = 0;
  for (let run = 1; run <= runs; run++) {
    if (random.next() < p) failures++;
    if (run % 10 > 0) continue;
    const [low, high] = confidenceSequence(failures, run);
    if (p < low || p > high) return true;
  }
  return false;
}

describe("Kaplan and Meier's curve", () => {
  test("is that of the remission times of Freireich's leukaemia patients", () => {
    // 6-mercaptopurine arm, weeks; as in every textbook: S(6) 0.857, S(10) 0.753, S(23) 0.448.
    const failed = [6, 6, 6, 7, 10, 13, 16, 22, 23];
    const censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
    const points = kaplanMeier([
      ...failed.map((us) => ({ us, failed: true })),
      ...censored.map((us) => ({ us, failed: false })),
    ]);
    const shares = points.map(({ atUs, surviving }) => [atUs, Number(surviving.toFixed(3))]);
    expect(shares).toEqual([
      [6, 0.857],
      [7, 0.807],
      [10, 0.753],
      [13, 0.69],
      [16, 0.627],
      [22, 0.538],
      [23, 0.448],
    ]);
    expect(medianSurvivalUs(points)).toBe(23);
    for (const { surviving, low, high } of points) {
      expect(low).toBeLessThan(surviving);
      expect(high).toBeGreaterThan(surviving);
    }
  });

  test("is the share of survivors where all are watched equally long", () => {
    const lifetimes = Array.from({ length: 100 }, (_, i) => ({ us: i < 30 ? i + 1 : 1000, failed: i < 30 }));
    const points = kaplanMeier(lifetimes);
    expect(points.at(-1)?.surviving).toBeCloseTo(0.7, 12);
    // Wilson's interval of 70 in 100: 0.6042 to 0.7811.
    expect(points.at(-1)?.low).toBeCloseTo(0.6042, 3);
    expect(points.at(-1)?.high).toBeCloseTo(0.7811, 3);
    expect(medianSurvivalUs(points)).toBeNull();
    expect(kaplanMeier([])).toEqual([]);
  });

  test("reaches 0 with a band that does not", () => {
    const points = kaplanMeier([1, 2, 3, 4].map((us) => ({ us, failed: true })));
    expect(points.at(-1)).toMatchObject({ surviving: 0, low: 0 });
    expect(points.at(-1)?.high).toBeGreaterThan(0.3);
    expect(medianSurvivalUs(points)).toBe(2);
  });

  test("thinned keeps its ends", () => {
    const points = Array.from({ length: 1000 }, (_, i) => i);
    expect(thinned(points, 5)).toEqual([0, 250, 500, 749, 999]);
    expect(thinned([1, 2], 5)).toEqual([1, 2]);
  });
});

describe("McNemar's test", () => {
  test.each([
    [0, 0, 1],
    [5, 5, 1],
    [0, 5, 0.0625],
    [0, 10, 0.001953125],
    [2, 10, 0.03857421875],
  ])("of %i against %i is exact", (first, second, p) => {
    expect(mcnemar(first, second)).toBeCloseTo(p, 12);
    expect(mcnemar(second, first)).toBeCloseTo(p, 12);
  });

  test("corrected after Holm raises the least most, and keeps the order", () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});

test("records round to ten significant digits", () => {
  expect(rounded(1 / 3)).toBe(0.3333333333);
  expect(rounded(0)).toBe(0);
});
