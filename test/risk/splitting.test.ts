import { describe, expect, test } from "vitest";
import { CellRunner } from "../../src/risk/run/cell-runner.ts";
import { boundOfMean } from "../../src/risk/splitting/replications-interval.ts";
import { splitCell } from "../../src/risk/splitting/splitting.ts";
import { studentQuantile } from "../../src/risk/splitting/student.ts";
import { clopperPearson } from "../../src/risk/statistics/clopper-pearson.ts";
import { lossCell } from "../support/loss-cell.ts";
import { lossProbability, lossProbabilityBySteps } from "../support/loss-system.ts";
import { gatewayCell } from "../support/small-gateway.ts";

const MINUTE = 60_000;

describe("the exact loss system", () => {
  test("agrees with a crude integration of the same chain", () => {
    const system = { blocks: 8, rate: 4, holdS: 1, horizonS: 10 };
    const crude = lossProbabilityBySteps(system, 100_000);
    expect(lossProbability(system) / crude).toBeCloseTo(1, 3);
  });

  test("is the chance of an arrival where there are no blocks", () => {
    expect(lossProbability({ blocks: 0, rate: 0.3, holdS: 1, horizonS: 2 })).toBeCloseTo(1 - Math.exp(-0.6), 12);
  });
});

describe("splitting a pool", () => {
  test("finds the exact probability of a loss that plain runs would see once in a million", {
    timeout: MINUTE,
  }, async () => {
    const { cell, exact } = await lossCell(19);
    const estimate = splitCell(cell, { effort: 300, seed: 1n });
    expect(estimate.importance).toBe("occupied-blocks");
    expect(estimate.probability / exact).toBeGreaterThan(0.75);
    expect(estimate.probability / exact).toBeLessThan(1.3);
    expect(estimate.interval[0]).toBeLessThan(exact);
    expect(estimate.interval[1]).toBeGreaterThan(exact);
    const gain = (estimate.plainWorkNormalisedVariance ?? 0) / (estimate.workNormalisedVariance ?? 1);
    expect(gain).toBeGreaterThan(1000);
    expect(estimate.warnings).toEqual([]);
  });

  test("has ascending levels that end in failure, each entered by a fair share", { timeout: MINUTE }, async () => {
    const { levels, probability } = splitCell((await lossCell(16)).cell, { effort: 200, seed: 2n });
    const thresholds = levels.map(({ threshold }) => threshold);
    expect(thresholds.at(-1)).toBeNull();
    expect(thresholds.slice(0, -1)).toEqual([...thresholds.slice(0, -1)].sort((a, b) => Number(a) - Number(b)));
    for (const level of levels) expect(level.probability).toBeGreaterThan(0.02);
    const product = levels.reduce((all, level) => all * level.probability, 1);
    expect(product / probability).toBeGreaterThan(0.8);
    expect(product / probability).toBeLessThan(1.25);
  });

  test("is the same again with the same seed, and another with another", { timeout: MINUTE }, async () => {
    const { cell } = await lossCell(14);
    const options = { effort: 50, replications: 4 };
    expect(splitCell(cell, { ...options, seed: 5n })).toEqual(splitCell(cell, { ...options, seed: 5n }));
    expect(splitCell(cell, { ...options, seed: 6n }).replications).not.toEqual(
      splitCell(cell, { ...options, seed: 5n }).replications,
    );
  });

  test("stays unbiased where memory holds only a few states of each level", { timeout: MINUTE }, async () => {
    const { cell, exact } = await lossCell(14);
    const { probability } = splitCell(cell, { effort: 400, seed: 3n, stateBytesMost: 1 });
    expect(probability / exact).toBeGreaterThan(0.6);
    expect(probability / exact).toBeLessThan(1.5);
  });

  test("gives a bound, not zero, where no trial fails", async () => {
    const { cell, exact } = await lossCell(40);
    const { probability, interval, upperBound95, warnings } = splitCell(cell, { effort: 10, replications: 2 });
    expect(probability).toBe(0);
    expect(interval[0]).toBe(0);
    expect(upperBound95).toBeGreaterThan(exact);
    expect(interval[1]).toBeGreaterThanOrEqual(upperBound95);
    expect(warnings.join()).toContain("No trial failed");
  });

  test("refuses options that make no estimate", async () => {
    const { cell } = await lossCell(14);
    for (const options of [{ replications: 1 }, { effort: 3 }, { share: 1 }, { pilotTrials: 0.5 }]) {
      expect(() => splitCell(cell, options)).toThrow(/Splitting needs/);
    }
    const gateway = await gatewayCell(16384);
    expect(() => splitCell(gateway, { importance: "occupied-blocks" })).toThrow(/fixed pool/);
  });
});

describe("splitting a heap of requests of many sizes", () => {
  test("agrees with plain runs by either importance", { timeout: MINUTE }, async () => {
    const cell = await gatewayCell(14336);
    const runner = new CellRunner(cell);
    let failures = 0;
    for (let seed = 0n; seed < 1000n; seed++) if (runner.run(seed).failure) failures++;
    const [low, high] = clopperPearson(failures, 1000);
    for (const importance of ["live-bytes", "shortfall"] as const) {
      const { interval } = splitCell(cell, { effort: 100, seed: 1n, importance });
      expect(interval[0]).toBeLessThan(high);
      expect(interval[1]).toBeGreaterThan(low);
    }
  });

  test("chooses the importance that more runs lead to failure by", { timeout: MINUTE }, async () => {
    const { importance, probability } = splitCell(await gatewayCell(15360), { effort: 60, replications: 4, seed: 1n });
    expect(importance).toBe("live-bytes");
    expect(probability).toBeGreaterThan(0);
  });
});

describe("intervals from replications", () => {
  test("Student's t has the quantiles of the tables", () => {
    expect(studentQuantile(0.975, 1)).toBeCloseTo(12.706, 3);
    expect(studentQuantile(0.975, 19)).toBeCloseTo(2.093, 3);
    expect(studentQuantile(0.95, 10)).toBeCloseTo(1.812, 3);
  });

  test("contain the mean, above 0, and are wider with more spread", () => {
    const narrow = [0.9, 1, 1.1, 1].map((value) => value * 1e-9);
    const wide = [0.1, 1, 1.9, 1].map((value) => value * 1e-9);
    for (const values of [narrow, wide]) {
      expect(boundOfMean(values, "lower", 0.025)).toBeGreaterThan(0);
      expect(boundOfMean(values, "lower", 0.025)).toBeLessThan(1e-9);
      expect(boundOfMean(values, "upper", 0.025)).toBeGreaterThan(1e-9);
    }
    expect(boundOfMean(wide, "upper", 0.025)).toBeGreaterThan(boundOfMean(narrow, "upper", 0.025));
  });
});
