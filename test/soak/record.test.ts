import { beforeAll, describe, expect, test } from "vitest";
import { ROW_FIGURES, TELEMETRY_ROWS } from "../../assembly/soak/telemetry-map.ts";
import { buildRecord, ramOf } from "../../src/soak/build-record.ts";
import { findPeriod, hyperperiodOf, type Periodicity } from "../../src/soak/periodic.ts";
import type { Column, HeapRecordOfRun, RunRecord } from "../../src/soak/record.ts";
import type { SoakMachine } from "../../src/wasm/soak-machine.ts";
import { canonicalState } from "../../src/wasm/soak-state.ts";
import { runToEnd, soakMachine, soakScenario } from "../support/soak-scenario.ts";

const CHURN = `
tasks:
  worker:
    priority: 1
    stack: { size: 1 KiB }
    poisson: 20/s
    do:
      - { allocate: item, size: { uniform: [16, 64] } }
      - { keep: item, for: { exponential: 2 s } }
`;
const POOL = `
tasks:
  fast:
    priority: 2
    stack: { size: 1 KiB }
    every: 10 ms
    do: [ { allocate: frame, size: 16 }, { keep: frame, for: 25 ms } ]
  slow:
    priority: 1
    stack: { size: 1 KiB }
    every: 15 ms
    do: [ { allocate: frame, size: 40 }, { work: 1 ms }, { free: frame } ]
`;
const LEAK = `
tasks:
  leaky:
    priority: 1
    stack: { size: 1 KiB }
    every: 10 s
    do: [ { allocate: lost, size: 32 }, { leak: lost } ]
`;
const NOT_ASKED: Periodicity = { kind: "open", reason: "not looked for" };
const SECOND_US = 1e6;

async function record(lines: string, run: (machine: SoakMachine) => void, options: { seed?: bigint } = {}) {
  const machine = await soakMachine(lines, options);
  run(machine);
  return { machine, record: await recordOf(lines, machine, options.seed) };
}

async function recordOf(lines: string, machine: SoakMachine, seed = 1n): Promise<RunRecord> {
  return buildRecord({
    scenario: await soakScenario(lines),
    machine,
    seed,
    horizonUs: machine.horizonUs,
    complete: true,
    provenance: { heapsoak: "0", core: "0", scenario: "0" },
    stacks: {},
    faults: machine.faults,
    periodicity: NOT_ASKED,
    atFailure: undefined,
  });
}

function until(us: number, budget = 100_000): (machine: SoakMachine) => void {
  return (machine) => {
    machine.setHorizon(us);
    runToEnd(machine, budget);
  };
}

function main(run: RunRecord): HeapRecordOfRun {
  const heap = run.heaps.main;
  if (!heap) throw new Error("the scenario has a heap called main");
  return heap;
}

/** For each row: least ≤ last ≤ greatest. */
function ordered({ min, max, last }: { min: Column; max: Column; last: Column }): boolean {
  return last.every((value, i) => (min[i] ?? 0) <= value && value <= (max[i] ?? 0));
}

describe("the record of a run", () => {
  let run: RunRecord;
  let machine: SoakMachine;
  beforeAll(async () => {
    ({ record: run, machine } = await record(CHURN, until(3600 * SECOND_US)));
  });

  test("counts what the heap was asked, and balances", () => {
    const heap = main(run);
    expect(run.verdict).toBe("pass");
    expect(heap.requests).toBeGreaterThan(70_000);
    expect(heap.requests - heap.frees - heap.failedRequests).toBe(heap.liveBlocks);
    expect(run.tasks.worker?.allocations).toBe(heap.requests - heap.failedRequests);
    expect(heap.holders.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(heap.liveBytes);
    expect(heap.holders[0]).toMatchObject({ task: "worker", step: "tasks.worker.do[0] allocate item", leaked: false });
    expect(heap.splitRatio).toBeGreaterThan(0);
    expect(heap.splitRatio).toBeLessThanOrEqual(1);
  });

  test("has a series within its rows whose last row is the run's end, and exact minima", () => {
    const { series, ...heap } = main(run);
    expect(series.atUs.length).toBeLessThanOrEqual(TELEMETRY_ROWS);
    expect(series.atUs.length).toBeGreaterThan(TELEMETRY_ROWS / 2);
    expect(series.atUs.at(-1)).toBe(run.simulatedUs);
    expect(series.atUs.every((us, i) => i === 0 || us > (series.atUs[i - 1] ?? 0))).toBe(true);
    const figures = [series.freeBytes, series.largestFreeBytes, series.holes, series.liveBlocks, series.requestedBytes];
    expect(figures.length).toBe(ROW_FIGURES);
    expect(figures.map(ordered)).toEqual(figures.map(() => true));
    expect(Math.min(...series.freeBytes.min)).toBe(heap.minimumFreeBytes);
    expect(Math.min(...series.largestFreeBytes.min)).toBe(heap.minimumLargestFreeBytes);
    expect(series.liveBlocks.last.at(-1)).toBe(heap.liveBlocks);
    expect(series.map.every((row) => /^[0-9]{64}$/.test(row))).toBe(true);
    expect(Math.max(...series.visitsMax)).toBe(heap.visits.max);
  });

  test("is the same when it is made again, in one batch or in thousands, and another with another seed", async () => {
    expect(await recordOf(CHURN, machine)).toEqual(run);
    const batches = await record(CHURN, until(3600 * SECOND_US, 1000));
    expect(batches.record).toEqual(run);
    const other = await record(CHURN, until(3600 * SECOND_US), { seed: 2n });
    expect(other.record.digest).not.toBe(run.digest);
  });

  test("does not depend on how often telemetry looks", async () => {
    const often = await soakMachine(CHURN);
    const telemetry = often.telemetry;
    for (let us = SECOND_US; us <= 600 * SECOND_US; us += SECOND_US) {
      until(us)(often);
      telemetry.beginJudging();
    }
    const seldom = await soakMachine(CHURN);
    until(600 * SECOND_US)(seldom);
    expect(often.heapFigures(0).requests).toBe(seldom.heapFigures(0).requests);
    expect(Buffer.concat(ramOf(often.device)).equals(Buffer.concat(ramOf(seldom.device)))).toBe(true);
  });

  test("covers the device's RAM with its digest", async () => {
    const bank = ramOf(machine.device)[0];
    if (!bank) throw new Error("the device has RAM");
    bank[bank.length - 1] = (bank[bank.length - 1] ?? 0) ^ 1;
    expect((await recordOf(CHURN, machine)).digest).not.toBe(run.digest);
  });
});

describe("a heap whose metadata is overwritten", () => {
  test("is noticed by telemetry, which does not walk it and repeats what it knew", async () => {
    const machine = await soakMachine(CHURN);
    until(600 * SECOND_US)(machine);
    const sound = main(await recordOf(CHURN, machine));
    const arena = machine.heaps[0]?.regions[0];
    if (!arena) throw new Error("the heap has an arena");
    machine.device.writeRam(arena.low, new Uint8Array(1024).fill(0xa5));
    const broken = main(await recordOf(CHURN, machine));
    expect(sound.inconsistentUs).toBeNull();
    expect(broken.inconsistentUs).toBe(600 * SECOND_US);
    expect(broken.freeBytes).toBe(sound.freeBytes);
    expect(broken.holes).toBeGreaterThan(1);
    expect(broken.largestFreeBytes).toBeLessThanOrEqual(broken.freeBytes);
  });
});

describe("a leak", () => {
  test("is counted, held by nobody, found as drift, and ends in exhaustion where the trend says", async () => {
    const { record: early } = await record(LEAK, until(1800 * SECOND_US));
    expect(early.tasks.leaky).toMatchObject({ leaks: 180, leakStep: "tasks.leaky.do[1] leak lost" });
    expect(main(early).holders).toMatchObject([{ task: "leaky", blocks: 180, leaked: true }]);
    expect(main(early).drift).toMatchObject({ shrinking: true, steadyFromUs: null });
    const { record: late } = await record(LEAK, until(24 * 3600 * SECOND_US));
    expect(late.failure).toMatchObject({ kind: "crash", requestBytes: 32, heap: "main", task: "leaky" });
    expect(late.failure?.message).toMatch(/^request of 32 B refused: \d+ B free, largest hole \d+ B \(exhaustion\)$/);
    const said = main(early).drift?.exhaustionUs ?? 0;
    expect(Math.abs(said / (late.failure?.atUs ?? 1) - 1)).toBeLessThan(0.05);
    expect(late.verdict).toBe("fail");
  });
});

describe("the end of the warm-up", () => {
  test("starts the judged figures anew and keeps those of the whole run", async () => {
    const start = "{ allocate: big, size: 8000 }, { wait: 1 s }, { free: big }";
    const lines = `tasks: { t: { priority: 1, stack: { size: 1 KiB }, at: 1 s, do: [ ${start} ] } }`;
    const machine = await soakMachine(lines);
    until(10 * SECOND_US)(machine);
    const [before] = machine.telemetry.read();
    machine.telemetry.beginJudging();
    const [after] = machine.telemetry.read();
    expect(after?.judged.minimumFreeBytes).toBeGreaterThan((before?.judged.minimumFreeBytes ?? 0) + 7999);
    expect(after?.judged.minimumLargestFreeBytes).toBeGreaterThan(8000);
    expect(after?.wholeRun).toEqual(before?.wholeRun);
    expect(machine.telemetry.judgedFromUs(10 * SECOND_US)).toBe(10 * SECOND_US);
  });
});

describe("a scenario without draws", () => {
  function search(machine: SoakMachine, hyperperiodUs: number, untilUs: number): Periodicity {
    const ram = ramOf(machine.device);
    const advanceTo = (us: number) => {
      machine.setHorizon(us);
      return runToEnd(machine) === "horizon";
    };
    const state = () => canonicalState(machine.device.engine, machine.compiled, ram);
    return findPeriod({ advanceTo, state }, hyperperiodUs, untilUs);
  }

  test("is proved periodic with its hyperperiod", async () => {
    expect(hyperperiodOf(await soakScenario(POOL))).toEqual({ us: 30_000 });
    const proof = search(await soakMachine(POOL), 30_000, 10 * SECOND_US);
    expect(proof).toMatchObject({ kind: "proved", periodUs: expect.any(Number) });
  });

  test("is not, while it leaks", async () => {
    expect(search(await soakMachine(LEAK), 10 * SECOND_US, 600 * SECOND_US)).toMatchObject({ kind: "open" });
  });

  test("is told from one with draws, by the step that draws", async () => {
    expect(hyperperiodOf(await soakScenario(CHURN))).toEqual({
      kind: "impossible",
      reason: "the start of worker is drawn at random",
    });
    const drawn = POOL.replace("work: 1 ms", "work: { uniform: [1 ms, 2 ms] }");
    expect(hyperperiodOf(await soakScenario(drawn))).toMatchObject({
      reason: expect.stringContaining("tasks.slow.do.1 (work"),
    });
  });
});
