import { describe, expect, test } from "vitest";
import type { Cell } from "../../src/risk/run/cell.ts";
import { CellRunner } from "../../src/risk/run/cell-runner.ts";
import type { RunOutcome } from "../../src/risk/run/outcome.ts";
import { loadScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import type { RunRecord } from "../../src/soak/record.ts";
import { soak } from "../../src/soak/soak.ts";
import { BUSY, LEAKING, overflowing, scenarioOf } from "../support/run-scenarios.ts";
import { shippedScenario } from "../support/shipped-scenarios.ts";

const HOUR_US = 3600e6;

function cellOf(scenario: Scenario, change: Partial<Cell> = {}): Cell {
  const [heap] = scenario.heaps;
  const place = { heap: heap?.name ?? "", allocator: heap?.allocator ?? "", heapBytes: heap?.parts[0]?.bytes ?? 0 };
  return { scenario, ...place, horizonUs: scenario.uptimeUs, failOn: "failure", ...change };
}

/** What both sides know of a run. */
function factsOf({ failure, heaps, stacks }: RunRecord) {
  const { message: _, ...facts } = failure ?? { message: "" };
  return {
    failure: failure && facts,
    heaps: Object.entries(heaps).map(([name, heap]) => [
      name,
      heap.minimumFreeBytes,
      heap.minimumLargestFreeBytes,
      heap.failedRequests,
    ]),
    stacks: Object.entries(stacks).map(([name, { sizeBytes, observedBytes }]) => [name, sizeBytes - observedBytes]),
  };
}

function factsOfOutcome({ failure, margins }: RunOutcome): ReturnType<typeof factsOf> {
  return {
    failure,
    heaps: Object.entries(margins.heaps).map(([name, heap]) => [
      name,
      heap.leastFreeBytes,
      heap.leastLargestFreeBytes,
      heap.failedRequests,
    ]),
    stacks: Object.entries(margins.stacks).map(([name, { headroomBytes }]) => [name, headroomBytes]),
  };
}

/** A task that waits for a message nobody sends, from the moment the sender has stopped. */
const DEADLOCK = `uptime: 1 h
queues: { orders: { capacity: 2 } }
heaps: { main: { allocator: freertos-heap4, size: 4 KiB } }
tasks:
  sender: { priority: 1, stack: { size: 512 }, at: { AT }, do: [ { allocate: order, size: 32 }, { send: order, to: orders } ] }
  worker:
    priority: 2
    stack: { size: 512 }
    loop: true
    do: [ { receive: orders, as: order }, { free: order } ]`;

const REBOOTING = LEAKING.replace("4 KiB }", "4 KiB, onAllocationFailure: reboot }");
const COPING = LEAKING.replace("4 KiB }", "4 KiB, onAllocationFailure: drop }").replace(
  "fails: { by: 1 d, with: exhaustion }",
  "survives: 1 d",
);

describe("a run of a cell", () => {
  test.each([
    ["connected/mqtt-tls.yaml", 6 * HOUR_US],
    ["gateway/json-gateway.yaml", HOUR_US],
    ["field-failures/refused-2312.yaml", 3 * HOUR_US],
    ["techniques/tasks-at-run-time.yaml", 12 * HOUR_US],
    ["ownership/ownership-traced.yaml", HOUR_US / 4],
    ["stacks/overflow-none.yaml", HOUR_US],
    ["stacks/overflow-mpu.yaml", HOUR_US],
    ["stacks/overflow-segmented.yaml", HOUR_US / 2],
    ["primer/ten-bytes.yaml", HOUR_US],
  ])("of %s is the run of that seed", async (file, horizonUs) => {
    const scenario = await loadScenario(shippedScenario(file));
    const uptimeUs = Math.min(scenario.uptimeUs, horizonUs);
    const runner = new CellRunner(cellOf(scenario, { horizonUs: uptimeUs }));
    for (const seed of [7n, 1n]) {
      const record = await soak(scenario, { seed, uptimeUs }).record;
      const outcome = runner.run(seed);
      expect(factsOfOutcome(outcome)).toEqual(factsOf(record));
      expect(outcome).toMatchObject({ seed: String(seed), endUs: record.failure?.atUs ?? uptimeUs });
    }
  });

  test.each([
    ["a crash", LEAKING],
    ["draws of all kinds", BUSY],
    ["an overflow", overflowing("{ kind: mpu, bytes: 64 }")],
    ["a deadlock", DEADLOCK.replace("{ AT }", "20 min")],
    ["a deadlock within the last sample's window", DEADLOCK.replace("{ AT }", "3599999 ms")],
  ])("with %s is the run of that seed", async (_what, lines) => {
    const scenario = await scenarioOf(lines);
    const runner = new CellRunner(cellOf(scenario));
    for (const seed of [3n, 2n, 3n]) {
      const record = await soak(scenario, { seed }).record;
      expect(factsOfOutcome(runner.run(seed))).toEqual(factsOf(record));
    }
  });

  test("with a failure that the device survives ends at it", async () => {
    const scenario = await scenarioOf(REBOOTING);
    const outcome = new CellRunner(cellOf(scenario)).run(5n);
    const record = await soak(scenario, { seed: 5n, untilFailure: true, uptimeUs: scenario.uptimeUs }).record;
    expect(outcome.failure?.kind).toBe("reboot-by-policy");
    expect(factsOfOutcome(outcome)).toEqual(factsOf(record));
    expect(outcome.endUs).toBeLessThan(scenario.uptimeUs);
  });

  test("is the same whatever ran before", async () => {
    const cell = cellOf(await scenarioOf(LEAKING));
    const runner = new CellRunner(cell);
    const first = runner.run(1n);
    const second = runner.run(2n);
    expect(second).not.toEqual(first);
    expect(runner.run(1n)).toEqual(first);
    expect(new CellRunner(cell).run(2n)).toEqual(second);
  });

  test("of another branch has other draws from the first one on", async () => {
    const runner = new CellRunner(cellOf(await scenarioOf(LEAKING)));
    const ends = [0, 1, 2].map((branch) => {
      runner.start(9n, branch);
      while (!runner.advance());
      return runner.outcome().endUs;
    });
    expect(new Set(ends).size).toBe(3);
    runner.start(9n);
    while (!runner.advance());
    expect(runner.outcome().endUs).toBe(ends[0]);
  });

  test("refuses a heap that the scenario does not have", async () => {
    const scenario = await scenarioOf(LEAKING);
    expect(() => new CellRunner(cellOf(scenario, { heap: "other" }))).toThrow('no heap "other"');
  });
});

describe("where a refused request is a failure", () => {
  test("a run ends at the first, though the firmware copes", async () => {
    const scenario = await scenarioOf(COPING);
    const coping = new CellRunner(cellOf(scenario)).run(4n);
    expect(coping.failure).toBeNull();
    expect(coping.margins.heaps.main?.failedRequests).toBeGreaterThan(1);
    const outcome = new CellRunner(cellOf(scenario, { failOn: "request" })).run(4n);
    const crashing = new CellRunner(cellOf(await scenarioOf(LEAKING))).run(4n);
    expect(outcome.failure).toMatchObject({
      kind: "request",
      heap: "main",
      task: "logger",
      step: "tasks.logger.do[0] allocate line",
      requestBytes: 64,
    });
    expect(outcome.failure?.largestFreeBytes).toBeLessThan(64);
    // The same draws: where the firmware crashes, it is refused.
    expect(outcome.endUs).toBe(crashing.endUs);
    expect(outcome.failure?.atUs).toBe(outcome.endUs);
    expect(outcome.failure?.freeBytes).toBe(crashing.failure?.freeBytes);
    expect(outcome.margins.heaps.main?.failedRequests).toBe(1);
  });

  test("what comes behind it in the same batch does not count", async () => {
    const later = COPING.replace(
      "tasks:",
      "tasks:\n  victim: { priority: 2, stack: { size: 512, guard: { kind: freertos-2 } }, at: 20 h, do: [ { recurse: dive, frame: 96, depth: 9, do: [ { work: 1 us } ] } ] }",
    );
    const scenario = await scenarioOf(later);
    expect(new CellRunner(cellOf(scenario)).run(4n).failure?.kind).toBe("stack-overflow");
    const outcome = new CellRunner(cellOf(scenario, { failOn: "request" })).run(4n);
    expect(outcome.failure?.kind).toBe("request");
    expect(outcome.margins.stacks.victim?.headroomBytes).toBeGreaterThan(0);
  });

  test("a crash stays a crash", async () => {
    const scenario = await scenarioOf(LEAKING);
    const outcome = new CellRunner(cellOf(scenario, { failOn: "request" })).run(4n);
    expect(outcome.failure?.kind).toBe("crash");
    expect(outcome.endUs).toBe(new CellRunner(cellOf(scenario)).run(4n).endUs);
  });

  test("a run without one survives", async () => {
    const outcome = new CellRunner(cellOf(await scenarioOf(BUSY), { failOn: "request", heap: "main" })).run(1n);
    expect(outcome).toMatchObject({ failure: null, endUs: 2 * HOUR_US });
  });
});
