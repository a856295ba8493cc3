import { expect, test } from "vitest";
import { Calibrator, isPoorFit } from "../../src/board/validation/calibration.ts";
import { randomFrom } from "../support/lossy-line.ts";

test("a known line is recovered through noise", () => {
  const random = randomFrom(7);
  const calibrator = new Calibrator();
  for (let operation = 0; operation < 5000; operation++) {
    const visits = 1 + Math.floor(random() * 40);
    const noise = random() + random() + random() - 1.5;
    calibrator.add("allocate", visits, Math.round(73 + 11.5 * visits + 8 * noise));
  }
  const line = calibrator.fit(168_000_000)?.lines[0];
  expect(line).toMatchObject({ verb: "allocate", operations: 5000, maximumVisits: 40 });
  expect(line?.baseCycles).toBeCloseTo(73, 0);
  expect(line?.cyclesPerVisit).toBeCloseTo(11.5, 1);
  // Three uniform numbers together deviate by 1/2.
  expect(line?.residualCycles).toBeCloseTo(4, 0);
  expect(line?.residualP99Cycles).toBeGreaterThan(7);
  expect(line?.residualP99Cycles).toBeLessThan(12);
  expect(line && isPoorFit(line)).toBe(false);
});

test("cycles that have nothing to do with visits are a poor fit", () => {
  const random = randomFrom(3);
  const calibrator = new Calibrator();
  for (let operation = 0; operation < 500; operation++) {
    calibrator.add("release", 1 + Math.floor(random() * 20), 100 + Math.floor(random() * 900));
  }
  const [line] = calibrator.fit(1e6)?.lines ?? [];
  expect(line && isPoorFit(line)).toBe(true);
});

test("equal visits throughout give their cost, and no slope", () => {
  const calibrator = new Calibrator();
  for (let operation = 0; operation < 20; operation++) calibrator.add("release", 3, 50);
  expect(calibrator.fit(1e6)?.lines).toMatchObject([{ baseCycles: 50, cyclesPerVisit: 0, explainedRatio: 1 }]);
});

test("a board without a counter, or with too few operations, gives none", () => {
  const calibrator = new Calibrator();
  for (let operation = 0; operation < 50; operation++) calibrator.add("release", 3, 0);
  expect(calibrator.fit(1e6)).toBeUndefined();
  for (let operation = 0; operation < 9; operation++) calibrator.add("allocate", 3, 50);
  expect(calibrator.fit(1e6)).toBeUndefined();
  for (let operation = 0; operation < 9; operation++) calibrator.add("allocate", 4, 60);
  expect(calibrator.fit(0)).toBeUndefined();
  expect(calibrator.fit(1e6)?.lines).toHaveLength(1);
});
