import { describe, expect, test } from "vitest";
import { CellRunner } from "../../../src/risk/run/cell-runner.ts";
import { requirementOf } from "../../../src/risk/size/requirement.ts";
import { findSizes } from "../../../src/risk/size/size.ts";
import { SizeGrid } from "../../../src/risk/size/size-grid.ts";
import type { Scenario } from "../../../src/scenario/model.ts";
import { type SizedName, sizedScenario } from "../../support/sized-scenarios.ts";

const STEP_BYTES = 112;
const HORIZON_US = 300e6;
const BASE_SEED = 1n;
/** 5 % at 95 %: 59 runs, none of which may fail. */
const REQUIREMENT = requirementOf(0.05, 0.95);

/** Failures of every size of the grid with every seed; sizes in which the allocator cannot start fail with all. */
function bruteForce(scenario: Scenario): { failures: number[]; runs: number } {
  const grid = new SizeGrid({ scenario, heap: "main", horizonUs: HORIZON_US, failOn: "failure" }, STEP_BYTES);
  const failures = Array.from({ length: grid.last }, (_, index) => failuresOf(grid, index + 1));
  return { failures, runs: grid.last * REQUIREMENT.runs };
}

function failuresOf(grid: SizeGrid, size: number): number {
  try {
    const runner = new CellRunner(grid.cell(size));
    const seeds = Array.from({ length: REQUIREMENT.runs }, (_, run) => BASE_SEED + BigInt(run));
    return seeds.filter((seed) => runner.run(seed).failure !== null).length;
  } catch {
    return REQUIREMENT.runs;
  }
}

const CASES: readonly (readonly [SizedName, string])[] = [
  ["bursts", "freertos-heap4"],
  ["bursts", "tlsf"],
  ["strings", "newlib-nano"],
];

describe.each(CASES)("%s on %s", (name, allocator) => {
  test("has the size of brute force within one step, at a tenth of its runs", { timeout: 120_000 }, async () => {
    const scenario = await sizedScenario(name, allocator);
    const { failures, runs } = bruteForce(scenario);
    const least = failures.indexOf(0) + 1;
    const record = await findSizes({
      scenario,
      heap: "main",
      candidates: [{ allocator, scenario }],
      requirement: REQUIREMENT,
      horizonUs: HORIZON_US,
      failOn: "failure",
      baseSeed: BASE_SEED,
      stepBytes: () => STEP_BYTES,
    });
    const [found] = record.allocators;
    if (found?.verdict !== "found" || found.heapBytes === null) throw new Error("no size was found");
    expect(Math.abs(found.heapBytes / STEP_BYTES - least)).toBeLessThanOrEqual(1);
    expect(found.runsTaken).toBeLessThanOrEqual(runs / 10);
    expect(found.gridRuns).toBe(runs);
    for (const evidence of [found.below, found.at, found.above]) {
      if (!evidence) continue;
      expect(evidence.failures).toBe(failures[evidence.heapBytes / STEP_BYTES - 1]);
    }
  });
});
