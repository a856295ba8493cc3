import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunRecord } from "../../src/soak/record.ts";
import { type SoakOptions, soak } from "../../src/soak/soak.ts";
import { LEAKING, scenarioOf } from "../support/run-scenarios.ts";
import { soakMachine } from "../support/soak-scenario.ts";
import { WORN_TASKS } from "../support/worn-heap.ts";

const MINUTE_US = 60e6;

/** Fails after some 14 minutes for want of one large hole, reboots, and goes on for a day. */
const REBOOTING = `uptime: 1 d
heaps:
  main: { allocator: freertos-heap4, size: 4 KiB, onAllocationFailure: reboot }
  pool: { allocator: fixed-pool, size: 1 KiB, options: { blockBytes: 32 } }
tasks:
  logger:
    priority: 1
    stack: { size: 512 }
    every: 1 s
    do:
      - { allocate: line, size: { uniform: [40, 164] } }
      - { keep: line, for: { exponential: 3 s } }
      - { allocate: mark, size: 8, heap: pool }
      - { free: mark }
      - chance: 10 %
        do: [ { allocate: note, size: 24 }, { leak: note } ]`;

const WORN = `uptime: 1 min
heaps: { main: { allocator: first-fit, options: { headerBytes: 0, alignment: 4 }, size: 1000 } }
${WORN_TASKS}`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "heapsoak-moment-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function recordOf(lines: string, options: SoakOptions = {}): Promise<RunRecord> {
  return soak(await scenarioOf(lines), options).record;
}

async function momentOf(lines: string, options: SoakOptions = {}) {
  const { moment } = await recordOf(lines, options);
  if (!moment) throw new Error("the run did not fail");
  return moment;
}

describe("the blocks at the first failure", () => {
  test("are those of the heap that refused, with owner and age, and the pins among them marked", async () => {
    const { blocks } = await momentOf(WORN);
    const low = blocks?.[0]?.address ?? 0;
    expect(blocks).toEqual([
      { address: low, bytes: 400, state: "free" },
      {
        address: low + 400,
        bytes: 40,
        state: "live",
        requestBytes: 40,
        task: "setup",
        step: "tasks.setup.do[1] allocate note",
        ageUs: 2_000_000,
        leaked: false,
        pins: true,
      },
      { address: low + 440, bytes: 560, state: expect.stringMatching(/free|untouched/) },
    ]);
  });

  test("lie side by side and leave as much free as the failure says, though the device rebooted and went on", async () => {
    const { moment, failure, reboots, pinned, heaps } = await recordOf(REBOOTING);
    expect(reboots).toBeGreaterThan(10);
    const blocks = moment?.blocks ?? [];
    for (const [index, { address, bytes }] of blocks.slice(0, -1).entries()) {
      expect(blocks[index + 1]?.address).toBe(address + bytes);
    }
    const bytesOf = (wanted: typeof blocks) => wanted.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(bytesOf(blocks.filter(({ state }) => state === "free" || state === "untouched"))).toBe(failure?.freeBytes);
    expect(failure?.freeBytes).toBeLessThan(heaps.main?.freeBytes ?? 0);
    expect(pinned?.releasedBytes).toBeGreaterThan(0);
    expect(bytesOf(blocks.filter(({ pins }) => pins))).toBe(pinned?.releasedBytes);
    expect(blocks.filter(({ leaked }) => leaked).every(({ step }) => step?.endsWith("allocate note"))).toBe(true);
  });

  test("are left out where the failure is about no heap, and where there are more than a record takes", async () => {
    const deadlock = `uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 4 KiB } }
queues: { empty: { capacity: 1 } }
tasks: { t: { priority: 1, stack: { size: 512 }, loop: true, do: [ { allocate: a, size: 8 }, { receive: empty, as: b }, { free: b }, { free: a } ] } }`;
    expect(await momentOf(deadlock)).toMatchObject({ blocks: null, operations: [{ operation: "allocate" }] });
    const pool = (blocks: number) => `uptime: 1 h
heaps: { main: { allocator: fixed-pool, size: ${blocks * 16}, options: { blockBytes: 16 } } }
tasks: { t: { priority: 1, stack: { size: 512 }, at: 0 s, do: [ { repeat: 5000, do: [ { allocate: a, size: 16 }, { leak: a } ] } ] } }`;
    expect((await momentOf(pool(4096))).blocks).toHaveLength(4096);
    expect((await momentOf(pool(4097))).blocks).toBeNull();
  });

  test("are left out where the heap's metadata is broken, and the operations before the fault are told", async () => {
    const trampled = `uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 4 KiB } }
tasks:
  t:
    priority: 1
    stack: { size: 512 }
    every: 1 s
    do:
      - { allocate: a, size: 40 }
      - { allocate: b, size: 40 }
      - { allocate: c, size: 40 }
      - { free: b }
      - { misuse: overrun, of: a, bytes: 4 }
      - { allocate: e, size: 48 }
      - { wait: 1 h }`;
    const { moment, failure } = await recordOf(trampled);
    expect(failure).toMatchObject({ kind: "fault", heap: "main" });
    expect(moment?.blocks).toBeNull();
    const operations = moment?.operations.map(({ operation }) => operation);
    expect(operations).toEqual(["allocate", "allocate", "allocate", "release"]);
  });
});

describe("the moment of the first failure", () => {
  test("is the same in batches of any length, and where the run ends with it", async () => {
    const uptimeUs = 20 * MINUTE_US;
    const moment = await momentOf(REBOOTING, { uptimeUs });
    expect(await momentOf(REBOOTING, { uptimeUs, batch: 37 })).toEqual(moment);
    expect(await momentOf(REBOOTING, { untilFailure: true })).toEqual(moment);
  });

  test("survives an interruption in front of it and one behind it", async () => {
    const lines = REBOOTING.replace("uptime: 1 d", "uptime: 1 h");
    const whole = await recordOf(lines);
    const failureUs = whole.failure?.atUs ?? 0;
    for (const us of [failureUs - MINUTE_US, failureUs + MINUTE_US]) {
      const file = join(folder, `${us}.ckp`);
      const controller = new AbortController();
      const checkpoint = { file, everyUs: 1440 * MINUTE_US };
      const run = soak(await scenarioOf(lines), { batch: 100, checkpoint, signal: controller.signal });
      for await (const { simulatedUs } of run) if (simulatedUs >= us) controller.abort();
      expect((await run.record).moment === undefined).toBe(us < failureUs);
      expect(await recordOf(lines, { resume: file })).toEqual(whole);
    }
  });

  test("is not in the record of a run that did not fail", async () => {
    expect(await recordOf(REBOOTING, { uptimeUs: MINUTE_US })).not.toHaveProperty("moment");
  });
});

describe("the operations before the failure", () => {
  test("are those that a rewind finds, without its pictures", async () => {
    for (const lines of [LEAKING, REBOOTING]) {
      const run = soak(await scenarioOf(lines), { rewindUs: 10 * MINUTE_US });
      const { operations } = (await run.record).moment ?? {};
      const rewound = (await run.rewind)?.operations.slice(-32).map(({ before, ...operation }) => operation);
      expect(operations).toHaveLength(32);
      expect(operations).toEqual(rewound);
    }
  });
});

describe("the slowest operations of a heap", () => {
  const LINES = `heaps: { main: { allocator: first-fit, size: 16 KiB }, pool: { allocator: fixed-pool, size: 1 KiB, options: { blockBytes: 32 } } }
tasks:
  a: { priority: 1, stack: { size: 512 }, every: 100 ms, do: [ { allocate: x, size: { uniform: [8, 400] } }, { keep: x, for: { exponential: 2 s } } ] }
  b: { priority: 2, stack: { size: 512 }, every: 70 ms, do: [ { allocate: y, size: 8, heap: pool }, { free: y } ] }`;

  test.each([1, 2, 3])("are the first of all with the most visits, with seed %i", async (seed) => {
    const machine = await soakMachine(LINES, { seed: BigInt(seed) });
    machine.journalling = true;
    const all = [];
    for (let end = ""; end !== "horizon"; ) {
      end = machine.advance(1_000_000);
      all.push(...machine.journal());
    }
    expect(all.length).toBeGreaterThan(100_000);
    expect(machine.recentOperations()).toEqual(all.slice(-32));
    for (const heap of [0, 1]) {
      const ofHeap = all.filter((operation) => operation.heap === heap);
      const expected = ofHeap.toSorted((a, b) => b.visits - a.visits).slice(0, 8);
      expect(machine.slowestOperations(heap)).toEqual(expected);
    }
  });

  test("are in the record by task and step, those of the warm-up included, the greatest being the heap's maximum", async () => {
    const { heaps } = await recordOf(REBOOTING.replace("uptime: 1 d", "uptime: 1 d\nwarmup: 23 h"));
    const { slowest = [], visits } = heaps.main ?? {};
    expect(slowest).toHaveLength(8);
    expect(slowest[0]).toMatchObject({ visits: visits?.max, heap: "main", task: "logger" });
    expect(slowest.some(({ atUs }) => atUs < 23 * 60 * MINUTE_US)).toBe(true);
    expect(heaps.pool?.slowest?.map(({ step }) => step)).toContain("tasks.logger.do[2] allocate mark");
  });
});
