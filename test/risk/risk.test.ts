import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { plainPaint } from "../../src/report/paint.ts";
import { riskText } from "../../src/report/risk-text.ts";
import { estimateCost, refuseCostly, runsForPrecision } from "../../src/risk/cost.ts";
import { parseAllocators, parseHeapSizes } from "../../src/risk/grid.ts";
import { executeInProcess } from "../../src/risk/in-process.ts";
import type { CampaignPlan, Executor } from "../../src/risk/plan.ts";
import type { RiskRecord } from "../../src/risk/record.ts";
import { planRisk, type RiskRequest, runRisk } from "../../src/risk/risk.ts";
import type { RunOutcome } from "../../src/risk/run/outcome.ts";
import { clopperPearson, upperBound } from "../../src/risk/statistics/clopper-pearson.ts";
import { Tally } from "../../src/risk/tally.ts";
import { LEAKING, PERIODIC } from "../support/run-scenarios.ts";

// A cell is laid out in tens of milliseconds, on a machine that does nothing else.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), "heapsoak-risk-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, lines: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `heapsoak: 1\ntitle: Notes that nobody gives back\nwhy: test\ndevice: stm32f407vg\n${lines}`);
  return file;
}

const LEAKER = fileOf("leaker", LEAKING);
/** Leaks so fast that runs of 20 minutes come to the end of 2 KiB, not to that of 5 KiB, and some in between. */
const SIZES = [2048, 3584, 3840, 5120];
const REQUEST: RiskRequest = { failOn: "failure", horizonUs: 1200e6, runs: 60, baseSeed: 1n, heapSizes: SIZES };

async function recordOf(request: Partial<RiskRequest> = {}, executor?: Executor): Promise<RiskRecord> {
  const question = await planRisk(LEAKER, { ...REQUEST, ...request });
  return runRisk(question, executor ? { executor } : {});
}

describe("a campaign", () => {
  test("says of every cell how likely it fails", async () => {
    const { cells, complete, cost } = await recordOf();
    expect(complete).toBe(true);
    expect(cells.map(({ arenaBytes, runs }) => [arenaBytes, runs])).toEqual(SIZES.map((bytes) => [bytes, 60]));
    const failures = cells.map((cell) => cell.failures);
    expect(failures).toEqual(failures.toSorted((a, b) => b - a));
    expect(failures[0]).toBe(60);
    expect(failures[3]).toBe(0);
    for (const cell of cells) {
      const [low, high] = clopperPearson(cell.failures, cell.runs);
      expect(cell.probability).toBeCloseTo(cell.failures / cell.runs, 9);
      expect(cell.interval[0]).toBeCloseTo(low, 9);
      expect(cell.interval[1]).toBeCloseTo(high, 9);
      expect(cell.upperBound95).toBeCloseTo(upperBound(cell.failures, cell.runs), 9);
      expect(cell.kinds).toEqual(cell.failures > 0 ? { crash: cell.failures } : {});
      expect(cell.medianTimeToFailureUs === null).toBe(cell.failures < 30);
    }
    expect(cost.runs).toBe(240);
  });

  test("keeps the worst margins with seeds that show them again", async () => {
    const { cells } = await recordOf({ heapSizes: [5120], runs: 20 });
    const least = cells[0]?.margins.heaps.main?.leastFree;
    const again = await recordOf({ heapSizes: [5120], runs: 1, baseSeed: BigInt(least?.seed ?? 0) });
    expect(again.cells[0]?.margins.heaps.main?.leastFree).toEqual(least);
  });

  test("tells which differences are real, on common seeds", async () => {
    const { paired, monotone } = await recordOf({ allocators: ["freertos-heap4", "umm-bestfit"] });
    expect(paired).toHaveLength(4 + 2 * 3);
    const sizes = paired.find(({ first, second }) => first.arenaBytes === 3584 && second.arenaBytes === 3840);
    expect(sizes).toMatchObject({ runs: 60, onlySecondFailed: 0, better: "second" });
    expect(monotone).toEqual([
      { allocator: "freertos-heap4", holds: true, rises: [] },
      { allocator: "umm-bestfit", holds: true, rises: [] },
    ]);
  });

  test("recommends the smallest heap below the risk, with all larger ones", async () => {
    const { recommended, verdict } = await recordOf({ maxRisk: 0.06 });
    expect(verdict).toBe("pass");
    expect(recommended).toMatchObject({ allocator: "freertos-heap4", heap: "main" });
    const certain = await recordOf({ maxRisk: 0.5, heapSizes: [2048] });
    expect([certain.verdict, certain.recommended]).toEqual(["fail", null]);
    const open = await recordOf({ maxRisk: 0.001, heapSizes: [5120] });
    expect([open.verdict, open.recommended]).toEqual(["undecided", null]);
  });

  test("with a precision ends when the interval is narrow, later the nearer to one half", async () => {
    const { cells } = await recordOf({ heapSizes: [2048, 3584], precision: 0.12, runs: 2000 });
    for (const cell of cells) {
      expect(cell.intervalMethod).toBe("confidence-sequence");
      expect(cell.interval[1] - cell.interval[0]).toBeLessThanOrEqual(0.24);
    }
    expect(cells[0]?.runs).toBeLessThan(cells[1]?.runs ?? 0);
    expect(cells[1]?.runs).toBeLessThan(2000);
  });

  test("of a scenario without draws is one run", async () => {
    const question = await planRisk(fileOf("periodic", PERIODIC), { failOn: "failure", horizonUs: 60e6 });
    const record = await runRisk(question);
    expect(record).toMatchObject({ drawsNothing: true, cost: { runs: 1 } });
    expect(record.cells[0]).toMatchObject({ runs: 1, interval: [0, 0], intervalMethod: "exact" });
    expect(riskText(record)).toContain("draws nothing at random");
  });

  test("counts the first refused request where that is asked for", async () => {
    const { cells, failOn } = await recordOf({ failOn: "request", heapSizes: [2048], runs: 5 });
    expect(failOn).toBe("request");
    expect(cells[0]?.failures).toBe(5);
  });

  test("lists configurations that cannot be, and refuses a grid of nothing else", async () => {
    const { cells, refused } = await recordOf({ heapSizes: [4096, 1 << 20], runs: 2 });
    expect(cells).toHaveLength(1);
    expect(refused).toMatchObject([{ allocator: "freertos-heap4", arenaBytes: 1 << 20 }]);
    await expect(recordOf({ heapSizes: [1 << 20] })).rejects.toMatchObject({ name: "HeapsoakError" });
  });

  test("that is interrupted keeps the runs in their order, and is undecided", async () => {
    const controller = new AbortController();
    const question = await planRisk(LEAKER, { ...REQUEST, maxRisk: 0.5 });
    const record = await runRisk(question, {
      signal: controller.signal,
      onProgress: ({ cells }) => {
        if ((cells[1]?.runs ?? 0) >= 7) controller.abort();
      },
    });
    expect(record).toMatchObject({ complete: false, verdict: "undecided" });
    expect(record.cells.map(({ runs }) => runs)).toEqual([60, 7]);
    expect(riskText(record)).toContain("Interrupted");
  });

  test("has the same record whatever order its outcomes come in, and how often", async () => {
    const shuffled: Executor = async (plan, sink, signal) => {
      const outcomes: [number, number, RunOutcome][] = [];
      const keep = { ...sink, report: (...outcome: [number, number, RunOutcome]) => void outcomes.push(outcome) };
      await executeInProcess(plan, { ...keep, needs: (cell, run) => sink.needs(cell, run) }, signal);
      for (const outcome of outcomes.toReversed()) sink.report(...outcome);
      for (const outcome of outcomes) sink.report(...outcome);
    };
    expect(await recordOf({ runs: 20 }, shuffled)).toEqual(await recordOf({ runs: 20 }));
  });

  test("refuses numbers that make none", async () => {
    for (const request of [
      { runs: 0 },
      { runs: 1.5 },
      { precision: 0 },
      { precision: 0.5 },
      { maxRisk: 1 },
      { horizonUs: 0 },
    ]) {
      await expect(recordOf(request)).rejects.toMatchObject({ code: "bad-argument" });
    }
    await expect(recordOf({ heap: "other" })).rejects.toThrow('There is no heap "other"');
    await expect(recordOf({ allocators: ["tlsf", "tlsf"] })).rejects.toThrow("given twice");
  });
});

describe("a tally", () => {
  const plan: CampaignPlan = {
    cells: [],
    baseSeed: 0n,
    runs: 10,
    horizonUs: 100,
    failOn: "failure",
    precision: null,
    identity: "",
  };
  const outcome = (seed: number): RunOutcome => ({
    seed: String(seed),
    endUs: 100,
    failure: null,
    steps: 1,
    margins: { heaps: { main: { leastFreeBytes: 50, leastLargestFreeBytes: 40, failedRequests: 0 } }, stacks: {} },
  });

  test("waits for the runs before, so that short ones do not count more than their share", () => {
    const tally = new Tally({ ...plan, cells: [{} as CampaignPlan["cells"][number]] });
    tally.report(0, 2, outcome(2));
    tally.report(0, 1, outcome(1));
    expect(tally.cells[0]?.runs).toBe(0);
    tally.report(0, 0, outcome(0));
    expect(tally.cells[0]?.runs).toBe(3);
    expect(tally.cells[0]?.leastFree.get("main")).toEqual({ bytes: 50, seed: "0" });
    expect([tally.needs(0, 2), tally.needs(0, 3), tally.needs(1, 0)]).toEqual([false, true, false]);
  });
});

describe("the cost of a campaign", () => {
  test("is estimated from a few runs, for all of them", async () => {
    const { plan } = await planRisk(LEAKER, { ...REQUEST, heapSizes: [5120], runs: 50 });
    let us = 0;
    // Each look at the clock finds it a millisecond later: so long takes a run.
    const estimate = estimateCost(plan, () => (us += 1000));
    expect(estimate).toMatchObject({ cells: 1, runs: 50, horizonUs: 1200e6, cpuUs: 50_000 });
    expect(estimate.stepsPerRun).toBeGreaterThan(1000);
  });

  test("beyond the limit is refused with what can be had for it", () => {
    const estimate = { cells: 4, runs: 100, horizonUs: 86_400e6, stepsPerRun: 1e6, nsPerStep: 20, cpuUs: 3600e6 };
    expect(() => refuseCostly(estimate, 3600e6)).not.toThrow();
    expect(() => refuseCostly(estimate, 360e6)).toThrow("about 1 h of processor time; --max-cpu allows 6 min");
    const hint = () => {
      try {
        refuseCostly(estimate, 360e6);
      } catch (error) {
        return (error as { hint?: string }).hint;
      }
    };
    expect(hint()).toBe(
      "Affordable: --max-cpu 1h12min, or --runs 10, or --horizon 2h17min, or fewer allocators or sizes.",
    );
  });

  test("of a precision is that of the likeliest to vary", () => {
    const runs = runsForPrecision(0.1);
    expect(runs).toBeGreaterThan(100);
    expect(runs).toBeLessThan(500);
    expect(runsForPrecision(0.05)).toBeGreaterThan(3 * runs);
  });
});

describe("grids on the command line", () => {
  test("are lists and ranges", () => {
    expect(parseHeapSizes("36KiB, 512")).toEqual([36864, 512]);
    expect(parseHeapSizes("32KiB..40KiB/4KiB")).toEqual([32768, 36864, 40960]);
    expect(parseHeapSizes("1KiB..2500/1KiB,4KiB")).toEqual([1024, 2048, 4096]);
    expect(parseAllocators("tlsf, umm-bestfit")).toEqual(["tlsf", "umm-bestfit"]);
  });

  test.each([
    ["", "--heap-sizes"],
    ["0", "at least 1 B"],
    ["1KiB..2KiB", "FROM..TO/STEP"],
    ["1KiB..2KiB/0", "step above 0"],
    ["2KiB..1KiB/512", "smaller size first"],
    ["0..1KiB/512", "at least 1 B"],
    ["1KiB,1024", "given twice"],
    ["1..100000/1", "at most 10000"],
    ["1..4096MiB/1", "at most 10000"],
    ["1KiB..2KiB/1KiB/3", "1KiB/3"],
    ["a..b/c", "--heap-sizes"],
    ["-1KiB", "--heap-sizes"],
  ])("of sizes %j are refused: %s", (text, message) => {
    expect(() => parseHeapSizes(text)).toThrow(message);
  });

  test("of unknown and empty allocators are refused", () => {
    expect(() => parseAllocators("tlfs")).toThrow("tlfs");
    expect(() => parseAllocators("tlsf,,umm-bestfit")).toThrow("expected a,b,c");
  });
});

describe("the report", () => {
  test("draws survival in blocks on a terminal and in digits elsewhere", async () => {
    const record = await recordOf({ heapSizes: [3584], runs: 40 });
    const onTerminal = { ...plainPaint, glyphs: { ...plainPaint.glyphs, blocks: true } };
    expect(riskText(record, onTerminal)).toMatch(/3.5 KiB {2}█+[▁-▇]+ {2}\S+ % survive/);
    expect(riskText(record)).toMatch(/3.5 KiB {2}#+[0-9]+ {2}/);
    expect(riskText(record)).not.toMatch(/[▁-█]/);
  });

  test("never calls what has not failed safe", async () => {
    const text = riskText(await recordOf({ heapSizes: [5120], runs: 60 }));
    expect(text).toContain("below 4.9 %");
    expect(text).toContain("no proof that none can");
    expect(text).not.toMatch(/\bsafe\b/i);
  });

  test("says by which fit a trace came to a scenario", async () => {
    const record = await recordOf({ heapSizes: [5120], runs: 2 });
    const fitted: RiskRecord = { ...record, fit: { trace: "day.trace", verdict: "does-not-fit" } };
    expect(riskText(fitted)).toContain("Fitted to day.trace, verdict of the fit: DOES NOT FIT.");
  });
});
