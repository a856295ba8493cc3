import { describe, expect, test } from "vitest";
import type { Scenario } from "../../src/scenario/model.ts";
import { type SoakOptions, soak } from "../../src/soak/soak.ts";
import { BUSY, LEAKING, OVERFLOWING_INTO_BLOCK, overflowing, PERIODIC, scenarioOf } from "../support/run-scenarios.ts";

const HOUR_US = 3600e6;

async function recordOf(scenario: Scenario, options: SoakOptions = {}) {
  return soak(scenario, options).record;
}

describe("a run", () => {
  test("reaches its horizon and is judged", async () => {
    const record = await recordOf(await scenarioOf(BUSY));
    expect(record.simulatedUs).toBe(2 * HOUR_US);
    expect(record.verdict).toBe("pass");
    expect(record.heaps.main?.requests).toBeGreaterThan(10_000);
    expect(record.stacks.uplink?.observedBytes).toBeGreaterThanOrEqual(320);
  });

  test.each([
    ["in small batches", { batch: 137 }],
    ["in one batch", { batch: 2 ** 31 - 1 }],
    ["on the debug build", { build: "debug" }],
    ["keeping snapshots for a rewind", { rewindUs: 60e6 }],
  ] satisfies [string, SoakOptions][])("has the same digest %s", async (_how, options) => {
    const scenario = await scenarioOf(BUSY);
    const [one, other] = await Promise.all([recordOf(scenario), recordOf(scenario, options)]);
    expect(other).toEqual(one);
  });

  test("has another digest with another seed, and for another uptime", async () => {
    const scenario = await scenarioOf(BUSY);
    const { digest } = await recordOf(scenario);
    expect((await recordOf(scenario, { seed: 2n })).digest).not.toBe(digest);
    expect((await recordOf(scenario, { uptimeUs: HOUR_US })).digest).not.toBe(digest);
  });

  test("tells its progress, and lets the event loop turn between batches", async () => {
    const run = soak(await scenarioOf(BUSY), { batch: 20_000 });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const times: number[] = [];
    for await (const progress of run) {
      times.push(progress.simulatedUs);
      if (times.length > 1) continue;
      expect(progress.uptimeUs).toBe(2 * HOUR_US);
      expect(progress.failure).toBeNull();
      const [main] = progress.heaps();
      expect(main?.picture).toHaveLength(64);
      expect(main?.largestFreeBytes).toBeLessThanOrEqual(main?.freeBytes ?? 0);
    }
    clearInterval(timer);
    expect(times.length).toBeGreaterThan(3);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe(2 * HOUR_US);
    expect(turns).toBeGreaterThan(3);
  });

  test("ends cleanly when it is aborted, undecided", async () => {
    const controller = new AbortController();
    const run = soak(await scenarioOf(BUSY), { batch: 5_000, signal: controller.signal });
    for await (const { simulatedUs } of run) if (simulatedUs > HOUR_US / 4) controller.abort();
    const record = await run.record;
    expect(record.verdict).toBe("undecided");
    expect(record.simulatedUs).toBeLessThan(HOUR_US);
    expect(record.expectations[0]?.met).toBeNull();
  });

  test("goes on by its record where the iteration was left", async () => {
    const run = soak(await scenarioOf(BUSY), { batch: 5_000 });
    for await (const _ of run) break;
    expect((await run.record).digest).toBe((await recordOf(await scenarioOf(BUSY))).digest);
  });

  test("refuses times that are none", async () => {
    const scenario = await scenarioOf(BUSY);
    await expect(recordOf(scenario, { uptimeUs: 0 })).rejects.toMatchObject({ code: "bad-argument" });
    await expect(recordOf(scenario, { uptimeUs: 286 * 365 * 86_400e6 })).rejects.toThrow("285 years");
    await expect(recordOf(scenario, { checkpoint: { file: "x", everyUs: Number.NaN } })).rejects.toThrow("everyUs");
  });
});

describe("a failing run", () => {
  test("stops at the failure and says what it was", async () => {
    const { failure, verdict, simulatedUs } = await recordOf(await scenarioOf(LEAKING));
    expect(verdict).toBe("pass");
    expect(failure).toMatchObject({ kind: "crash", heap: "main", task: "logger", atUs: simulatedUs });
  });

  test("ends at a failure that the device survives only when asked to, at the same moment in any batch", async () => {
    const rebooting = LEAKING.replace("every: 1 s", "every: 1 s\n    onAllocationFailure: reboot");
    const scenario = await scenarioOf(rebooting);
    const whole = await recordOf(scenario);
    expect(whole.reboots).toBeGreaterThan(1);
    expect(whole.simulatedUs).toBe(24 * HOUR_US);
    const first = await recordOf(scenario, { untilFailure: true });
    expect(first.failure).toEqual(whole.failure);
    expect(first.simulatedUs).toBe(whole.failure?.atUs);
    expect(await recordOf(scenario, { untilFailure: true, batch: 17 })).toEqual(first);
  });

  test("can be looked for past the uptime", async () => {
    const scenario = await scenarioOf(LEAKING.replace("uptime: 1 d", "uptime: 1 min"));
    expect((await recordOf(scenario)).failure).toBeNull();
    expect((await recordOf(scenario, { untilFailure: true })).failure?.kind).toBe("crash");
  });
});

describe("a run without draws", () => {
  test("is proved periodic, in any batches", async () => {
    const scenario = await scenarioOf(PERIODIC);
    const record = await recordOf(scenario);
    expect(record.verdict).toBe("pass");
    expect(record.periodic?.periodUs).toBe(30_000);
    expect(await recordOf(scenario, { batch: 41 })).toEqual(record);
  });
});

describe("a stack that overflows into the heap", () => {
  test("is described by what lay there, in any batches", async () => {
    const scenario = await scenarioOf(OVERFLOWING_INTO_BLOCK);
    const record = await recordOf(scenario);
    const overflow = record.stacks.deep?.overflow;
    expect(overflow).toMatchObject({ atUs: 600e6, bytesBeyond: 160 });
    expect(overflow?.overwrote).toEqual(["heap pool: block of 256 B at 0x20000500"]);
    for (const batch of [1, 5, 1000]) expect(await recordOf(scenario, { batch })).toEqual(record);
  });

  test("is noticed late by the heap that it broke", async () => {
    const { stacks, failure } = await recordOf(await scenarioOf(overflowing()));
    const overflow = stacks.deep?.overflow;
    expect(failure?.kind).toMatch(/crash|fault/);
    expect(overflow?.detectedBy).toMatch(/fault in heap walk|corrupted heap main/);
    expect(overflow?.detectedAfterUs).toBe((failure?.atUs ?? 0) - (overflow?.atUs ?? 0));
  });

  test("is stopped by a guard in hardware, whose fault is in the record", async () => {
    const { stacks, failure, faults } = await recordOf(await scenarioOf(overflowing("{ kind: mpu, bytes: 64 }")));
    expect(failure).toMatchObject({ kind: "stack-overflow", task: "deep" });
    expect(stacks.deep?.overflow?.detectedBy).toContain("mpu guard");
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ kind: "stack-guard", task: "deep" });
  });
});
