import { describe, expect, test } from "vitest";
import type { Rewind } from "../../src/soak/rewind.ts";
import { type SoakOptions, soak } from "../../src/soak/soak.ts";
import { BUSY, LEAKING, scenarioOf } from "../support/run-scenarios.ts";

const MINUTE_US = 60e6;

async function rewound(lines: string, options: SoakOptions = {}): Promise<Rewind> {
  const rewind = await soak(await scenarioOf(lines), { rewindUs: MINUTE_US, ...options }).rewind;
  if (!rewind) throw new Error("the run did not fail");
  return rewind;
}

describe("a rewind", () => {
  test("ends at the request that was refused, with what came before it", async () => {
    const { operations, failureUs, operationCount } = await rewound(LEAKING);
    expect(operations).toHaveLength(40);
    expect(operationCount).toBeGreaterThan(40);
    expect(operations.at(-1)).toMatchObject({
      atUs: failureUs,
      operation: "allocate",
      task: "logger",
      step: "tasks.logger.do[0] allocate line",
      heap: "main",
      requestBytes: 64,
      result: null,
    });
    expect(operations.at(-2)).toMatchObject({ operation: expect.stringMatching(/allocate|release/), heap: "main" });
    const times = operations.map(({ atUs }) => atUs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("shows the heap before each of the last operations", async () => {
    const { operations } = await rewound(LEAKING);
    const views = operations.map(({ before }) => before);
    expect(views.slice(0, -5).every((view) => view === null)).toBe(true);
    const last = views.at(-1);
    expect(last?.map).toHaveLength(64);
    expect(last?.picture).toMatch(/×32/); // the notes of 24 bytes that were leaked
    const holes = [...(last?.picture.matchAll(/\[(\d+)\]/g) ?? [])].map(([, bytes]) => Number(bytes));
    expect(Math.max(0, ...holes)).toBeLessThan(72); // too small for 64 bytes and a header
  });

  test("each operation leads from one picture to the next", async () => {
    const { operations } = await rewound(LEAKING);
    const tail = operations.slice(-4).map(({ step, before }) => [step?.split(" ")[1], before?.picture]);
    expect(tail).toEqual([
      ["allocate", "125×32 [88]"],
      ["free", "125×32 88"],
      ["allocate", "125×32 [88]"],
      ["allocate", "126×32 [56]"],
    ]);
  });

  test("goes back at least as far as asked, where the run is as long", async () => {
    const { fromUs, failureUs } = await rewound(LEAKING, { rewindUs: 3 * MINUTE_US });
    expect(failureUs - fromUs).toBeGreaterThanOrEqual(3 * MINUTE_US);
    expect(failureUs - fromUs).toBeLessThanOrEqual(6 * MINUTE_US);
    expect((await rewound(LEAKING, { rewindUs: 86_400e6 })).fromUs).toBe(0);
  });

  test("is the same in any batches and leaves the record alone", async () => {
    const scenario = await scenarioOf(LEAKING);
    const plain = await soak(scenario).record;
    const runs = [undefined, 11, 1_000_000].map((batch) => {
      return soak(scenario, { rewindUs: MINUTE_US, ...(batch !== undefined && { batch }) });
    });
    const [first, ...others] = await Promise.all(runs.map((run) => run.rewind));
    for (const other of others) expect(other).toEqual(first);
    expect(await runs[0]?.record).toEqual(plain);
  });

  test("finds the first failure of a device that reboots and goes on", async () => {
    const lines = LEAKING.replace("every: 1 s", "every: 1 s\n    onAllocationFailure: reboot");
    const { operations, failureUs } = await rewound(lines);
    expect(operations.at(-1)).toMatchObject({ atUs: failureUs, requestBytes: 64, result: null });
  });

  test("shows nothing of a run that did not fail", async () => {
    expect(await soak(await scenarioOf(BUSY), { rewindUs: MINUTE_US, uptimeUs: MINUTE_US }).rewind).toBeUndefined();
  });
});
