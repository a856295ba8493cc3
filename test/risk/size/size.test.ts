import { describe, expect, test, vi } from "vitest";
import { unavoidableBytes } from "../../../src/allocators/bounds.ts";
import { HeapsoakError } from "../../../src/errors.ts";
import { sizeText } from "../../../src/report/size-text.ts";
import { CellRunner } from "../../../src/risk/run/cell-runner.ts";
import type { SearchedAllocator, SizeRecord } from "../../../src/risk/size/record.ts";
import { requirementOf } from "../../../src/risk/size/requirement.ts";
import { findSizes, type SizeOptions, type SizeQuestion } from "../../../src/risk/size/size.ts";
import { SizeGrid } from "../../../src/risk/size/size-grid.ts";
import { loadScenario } from "../../../src/scenario/load.ts";
import { shippedScenario } from "../../support/shipped-scenarios.ts";
import { type SizedName, sizedScenario } from "../../support/sized-scenarios.ts";

// Dozens of sizes are laid out for one search: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });

const STEP_BYTES = 256;

/** 20 % at 95 %: 14 runs. */
async function question(
  name: SizedName,
  allocator: string,
  changes: Partial<SizeQuestion> = {},
): Promise<SizeQuestion> {
  const scenario = await sizedScenario(name, allocator);
  return {
    scenario,
    heap: "main",
    candidates: [{ allocator, scenario }],
    requirement: requirementOf(0.2, 0.95),
    horizonUs: 300e6,
    failOn: "failure",
    baseSeed: 7n,
    stepBytes: () => STEP_BYTES,
    ...changes,
  };
}

async function sizes(name: SizedName, allocator: string, changes?: Partial<SizeQuestion>, options?: SizeOptions) {
  const record = await findSizes(await question(name, allocator, changes), options);
  return { record, found: searched(record) };
}

/** One search for several tests. */
let shared: ReturnType<typeof sizes> | undefined;
function heap4() {
  shared ??= sizes("bursts", "freertos-heap4");
  return shared;
}

function searched({ allocators }: SizeRecord): SearchedAllocator {
  const [first] = allocators;
  if (!first || first.verdict === "refused") throw new Error("nothing was searched");
  return first;
}

describe("the runs that a risk takes", () => {
  test.each([
    [299, 0],
    [472, 0],
    [473, 1],
    [628, 2],
    [913, 4],
  ])("for one percent, of %i runs at most %i may fail", (runs, failures) => {
    expect(requirementOf(0.01, 0.95, runs).failuresMost).toBe(failures);
  });

  test("are the fewest by default", () => {
    expect(requirementOf(0.01, 0.95).runs).toBe(299);
    expect(requirementOf(0.05, 0.95).runs).toBe(59);
    expect(requirementOf(0.1, 0.99).runs).toBe(44);
  });

  test("are refused where they cannot show it", () => {
    expect(() => requirementOf(0.01, 0.95, 298)).toThrow("298 runs cannot show a risk that small: it takes 299");
    expect(() => requirementOf(1e-9, 0.95)).toThrow("more than 1000000 runs");
  });
});

describe("the size found", () => {
  test("stands with its evidence, its bounds and its stacks, and is the same every time", async () => {
    const { record, found } = await heap4();
    const { heapBytes, at, below, above, peakLiveBytes, largestBlockBytes, unavoidable, policy } = found;
    expect(found.verdict).toBe("found");
    const neighbours = [below?.heapBytes, at?.heapBytes, above?.heapBytes];
    expect(neighbours).toEqual([-1, 0, 1].map((steps) => (heapBytes ?? 0) + steps * STEP_BYTES));
    expect(at).toMatchObject({ runs: 14, failures: 0, probability: 0 });
    expect(at?.upperBound).toBeLessThanOrEqual(0.2);
    expect(below?.failures).toBeGreaterThan(0);
    expect(heapBytes).toBeGreaterThan(peakLiveBytes ?? Number.POSITIVE_INFINITY);
    expect(unavoidable?.bytes).toBe(unavoidableBytes(peakLiveBytes ?? 0, largestBlockBytes ?? 0));
    expect(policy?.bytes).toBeGreaterThan(unavoidable?.bytes ?? Number.POSITIVE_INFINITY);
    expect(record.runsTaken).toBe(found.runsTaken);
    expect(record.stacks.map(({ name }) => name)).toContain("burst");
    expect((await sizes("bursts", "freertos-heap4")).record).toEqual(record);
  });

  test("is printed beside the peak, the bounds and the runs of a grid", async () => {
    const { record, found } = await heap4();
    const text = sizeText(record);
    expect(text).toContain("of at most 20 % within 5 min, at 95 % confidence");
    expect(text).toMatch(
      /^freertos-heap4 +[\d,]+ B +[\d,]+ B +[\d.]+ % +0 of 14 +19\.3 % +[1-9]\d* of 14 fail +0 of 14 fail/m,
    );
    expect(text).toMatch(/failure was (not )?monotone in size/);
    expect(text).toMatch(/^burst +512 +\d+ +\d+ +0 +\d+ B$/m);
    expect(sizeText({ ...record, allocators: [{ ...found, verdict: "none", heapBytes: null }] })).toContain(
      "no size up to",
    );
  });

  test("counts a refused request as failure on demand, even if the firmware copes", async () => {
    const heap = "freertos-heap4, onAllocationFailure: drop";
    const coping = (await sizes("bursts", heap)).found.heapBytes ?? 0;
    const strict = (await sizes("bursts", heap, { failOn: "request" })).found.heapBytes ?? 0;
    expect(coping).toBeLessThan(strict / 4);
  });

  test("is larger for a smaller risk", async () => {
    const little = await heap4();
    const much = await sizes("bursts", "freertos-heap4", { requirement: requirementOf(0.05, 0.95) });
    expect(much.found.heapBytes).toBeGreaterThan(little.found.heapBytes ?? Number.POSITIVE_INFINITY);
  });
});

describe("without a size", () => {
  test("the failures with the largest heap are told", async () => {
    const { record, found } = await sizes("bursts", "fixed-pool");
    expect(found).toMatchObject({ verdict: "none", heapBytes: null, at: null });
    expect(found.most?.kinds).toEqual({ crash: found.most?.failures });
    expect(sizeText(record)).toMatch(/no size up to [\d,]+ B, the most that the device holds, meets a risk of 20 %/);
  });

  test("an allocator that the scenario refuses is told with the reason", async () => {
    const scenario = new HeapsoakError("bad-scenario", "does not suit");
    const record = await findSizes(await question("bursts", "tlsf", { candidates: [{ allocator: "bump", scenario }] }));
    expect(record.allocators).toEqual([{ allocator: "bump", verdict: "refused", reason: "does not suit" }]);
    expect(sizeText(record)).toContain("bump: refused: does not suit");
  });

  test("an interrupted search says what is known", async () => {
    const controller = new AbortController();
    const onCost = () => controller.abort();
    const { record, found } = await sizes("bursts", "tlsf", {}, { signal: controller.signal, onCost });
    expect(record.stopped).toBe("interrupted");
    expect(found).toMatchObject({ verdict: "undecided", heapBytes: null });
    expect(sizeText(record)).toContain("ended early by an interruption");
    expect(sizeText(record)).toContain("tlsf: undecided: ");
  });
});

describe("a search that costs too much", () => {
  test("is refused with what would be affordable", async () => {
    const hint = expect.stringMatching(
      /^Affordable would be a risk of [\d.]+ %, or fewer allocators; or raise the limit\.$/,
    );
    const refusal = { code: "bad-argument", message: expect.stringContaining("more than 60 runs"), hint };
    await expect(sizes("bursts", "tlsf", {}, { runsMost: 60 })).rejects.toMatchObject(refusal);
  });

  test("ends undecided where it is already over before its cost is known", async () => {
    const { record, found } = await sizes("bursts", "tlsf", {}, { runsMost: 1 });
    expect(record.stopped).toBe("runs");
    expect(found.verdict).toBe("undecided");
  });
});

test("a heap that is not there, or lies in several regions, is refused", async () => {
  const asked = await question("bursts", "freertos-heap5");
  await expect(findSizes({ ...asked, heap: "other" })).rejects.toThrow('There is no heap "other".');
  const heaps = asked.scenario.heaps.map((heap) => ({ ...heap, parts: [...heap.parts, ...heap.parts] }));
  await expect(findSizes({ ...asked, scenario: { ...asked.scenario, heaps } })).rejects.toThrow("has 2 regions");
});

test("a real scenario on tlsf survives in a heap of 31 KiB and fails in one of 41 KiB", async () => {
  const scenario = await loadScenario(shippedScenario("connected/mqtt-tls.yaml"), { allocator: { main: "tlsf" } });
  const grid = new SizeGrid({ scenario, heap: "main", horizonUs: 86_400e6, failOn: "failure" }, 8);
  const fails = (bytes: number) => new CellRunner(grid.cell(bytes / 8)).run(42n).failure !== null;
  expect([32_024, 33_568, 42_456, 42_480].map(fails)).toEqual([false, true, true, false]);
});
