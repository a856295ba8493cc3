import { describe, expect, test } from "vitest";
import { runText } from "../../src/report/run-text.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import { soak } from "../../src/soak/soak.ts";
import { scenarioOf } from "../support/run-scenarios.ts";
import { WORN_TASKS } from "../support/worn-heap.ts";

/** 1,000 bytes without headers: three blocks, of which the one in the middle stays. */
function worn(onAllocationFailure: string, lastBytes = 600): Promise<Scenario> {
  return scenarioOf(`uptime: 1 min
heaps: { main: { allocator: first-fit, options: { headerBytes: 0, alignment: 4 }, size: 1000, onAllocationFailure: ${onAllocationFailure} } }
${WORN_TASKS.replace("600", String(lastBytes))}`);
}

describe("a run that a refused request ends", () => {
  test("says which block stood in the way, how old it was and what would fit without it", async () => {
    const record = await soak(await worn("crash")).record;
    expect(record.failure).toMatchObject({ kind: "crash", requestBytes: 600, freeBytes: 960 });
    expect(record.pinned).toMatchObject({
      pins: [{ task: "setup", bytes: 40, ageUs: 2_000_000, leaked: false }],
      releasedBytes: 40,
      largestFreeBytes: 1000,
    });
    expect(record.pinned?.pins[0]?.step).toContain("allocate note");
    expect(runText(record)).toMatch(/^ {2}pinned {2}by 1 block of 40 B: without it 1,000 B fit, tried$/m);
  });

  test("names nobody where no release would help, and nobody where the firmware went on", async () => {
    expect(await soak(await worn("crash", 1200)).record).not.toHaveProperty("pinned");
    expect(await soak(await worn("drop")).record).not.toHaveProperty("pinned");
  });
});
