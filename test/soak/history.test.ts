import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Scenario } from "../../src/scenario/model.ts";
import { type DriverOptions, SoakDriver } from "../../src/soak/driver.ts";
import { siteOfBlock } from "../../src/soak/pins-of-run.ts";
import type { BlocksOverTime, HistoryOfRun, RunRecord } from "../../src/soak/record.ts";
import { heapBlocks } from "../../src/soak/rewind.ts";
import type { SoakMachine } from "../../src/wasm/soak-machine.ts";
import { BUSY, LEAKING, overflowing, scenarioOf } from "../support/run-scenarios.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-history-"));
const file = join(folder, "run.ckp");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As many moments as a record has at most, and rows. */
const MOMENTS_MOST = 512;
const ROWS_MOST = 12_000;

/** A hundred blocks, none of which is there for long. */
const CHURNING = `uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 32 KiB } }
tasks:
  worker:
    priority: 1
    stack: { size: 1 KiB }
    every: 10 ms
    do: [ { allocate: item, size: { uniform: [16, 64] } }, { keep: item, for: 1 s } ]`;

/** More blocks in one heap than a history lists, and a few in another. */
const CROWDED = `uptime: 1 min
heaps: { many: { allocator: freertos-heap4, size: 96 KiB }, few: { allocator: tlsf, size: 8 KiB } }
tasks:
  hoarder:
    priority: 1
    stack: { size: 1 KiB }
    at: 20 s
    do: [ { repeat: 3500, do: [ { allocate: crumb, size: 8, heap: many }, { leak: crumb } ] } ]
  other:
    priority: 2
    stack: { size: 1 KiB }
    every: 1 s
    do: [ { allocate: item, size: 40, heap: few }, { keep: item, for: 3 s } ]`;

function driven(scenario: Scenario, options: DriverOptions = {}, budget = 1_000_000): SoakDriver {
  const driver = new SoakDriver(scenario, options);
  while (!driver.ended) driver.advance(budget);
  return driver;
}

function historyOf({ history }: RunRecord): HistoryOfRun {
  if (!history) throw new Error("a record of today has a history");
  return history;
}

function rowCount({ heaps }: HistoryOfRun): number {
  return Object.values(heaps).reduce((sum, { first }) => sum + first.length, 0);
}

/** A heap at a moment of the history, as text: one line a block, in address order. */
function toldAt({ atUs, sites }: HistoryOfRun, rows: BlocksOverTime, moment: number): string[] {
  const value = (column: readonly number[], row: number) => column[row] ?? Number.NaN;
  const seen = rows.first.flatMap((first, row) => (first <= moment && moment <= value(rows.last, row) ? [row] : []));
  const lines = seen.map((row) => {
    const bornUs = value(atUs, value(rows.first, row)) - value(rows.ageUs, row);
    const { task, step } = sites[value(rows.site, row)] ?? {};
    const block = [value(rows.address, row), value(rows.bytes, row), value(rows.requestBytes, row)];
    return [...block, bornUs, task, step].join(" ");
  });
  return lines.sort();
}

/** The same by the walk of the heap and the engine's ledger. */
function foundNow(machine: SoakMachine, heap: number): string[] {
  const ledger = new Map(machine.ledgerBlocks().map((entry) => [entry.payload, entry]));
  const live = heapBlocks(machine, heap).filter(({ state }) => state === "live");
  const lines = live.map(({ address, bytes, payload }) => {
    const entry = ledger.get(payload);
    if (!entry) throw new Error("the ledger knows every live block");
    const { task, step } = siteOfBlock(machine.compiled, entry);
    return [address, bytes, entry.requestBytes, entry.allocatedAtUs, task, step].join(" ");
  });
  return lines.sort();
}

/** The machine of another driver, taken to the time. */
function runTo(driver: SoakDriver, us: number): void {
  driver.machine.setHorizon(us);
  while (driver.machine.nowUs < us) driver.machine.advance(1_000_000);
}

describe("the history of a run", () => {
  test("is at every moment what a walk of the heaps finds, with owner and age", async () => {
    const scenario = await scenarioOf(BUSY);
    const history = historyOf(driven(scenario).record());
    const again = new SoakDriver(scenario);
    for (const [moment, us] of history.atUs.slice(0, -1).entries()) {
      runTo(again, us);
      for (const [index, { name }] of again.machine.heaps.entries()) {
        const rows = history.heaps[name];
        if (!rows) throw new Error("every heap is listed");
        expect(toldAt(history, rows, moment), `${name} at ${us} us`).toEqual(foundNow(again.machine, index));
      }
    }
  });

  test("ends with the end of the run, on a grid from time 0", async () => {
    const driver = driven(await scenarioOf(BUSY));
    const history = historyOf(driver.record());
    const [zero, gapUs = 0] = history.atUs;
    expect(zero).toBe(0);
    expect(history.atUs.slice(0, -1)).toEqual(history.atUs.slice(0, -1).map((_, index) => index * gapUs));
    expect(history.atUs.at(-1)).toBe(driver.machine.nowUs);
    expect(history.atUs.length).toBeGreaterThan(MOMENTS_MOST / 2);
    for (const [index, { name }] of driver.machine.heaps.entries()) {
      const rows = history.heaps[name];
      expect(rows && toldAt(history, rows, history.atUs.length - 1)).toEqual(foundNow(driver.machine, index));
    }
  });

  test("begins with the first block, and keeps a block that stays in one row", async () => {
    const lines = `uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 4 KiB } }
tasks: { t: { priority: 1, stack: { size: 512 }, at: 10 min, do: [ { allocate: a, size: 100 }, { wait: 2 h } ] } }`;
    const history = historyOf(driven(await scenarioOf(lines)).record());
    const { main } = history.heaps;
    const gapUs = history.atUs[1] ?? 0;
    const first = Math.ceil(600e6 / gapUs);
    expect(main).toMatchObject({
      bytes: [112],
      requestBytes: [100],
      site: [0],
      ageUs: [first * gapUs - 600e6],
      first: [first],
      last: [history.atUs.length - 1],
      leaked: [],
    });
    expect(history.sites).toEqual([{ task: "t", step: "tasks.t.do[0] allocate a" }]);
  });

  test("says which blocks nobody will free", async () => {
    const history = historyOf(driven(await scenarioOf(LEAKING)).record());
    const { main } = history.heaps;
    const notes = main?.leaked.map((row) => history.sites[main.site[row] ?? -1]?.step);
    expect(new Set(notes)).toEqual(new Set(["tasks.logger.do[2].do[0] allocate note"]));
    expect(main?.leaked.length).toBeGreaterThan(50);
    expect(main?.leaked).toEqual(main?.leaked.toSorted((a, b) => a - b));
  });

  test("of a run that fails early is close: a hundred moments up to a tenth of the uptime", async () => {
    const driver = driven(await scenarioOf(LEAKING.replace("uptime: 1 d", "uptime: 4 h")));
    expect(driver.machine.failure()?.atUs).toBeLessThan(0.1 * 4 * 3600e6);
    expect(historyOf(driver.record()).atUs.length).toBeGreaterThan(100);
  });

  test("has its last moment at the failure that ends the run, whose blocks are those of the moment", async () => {
    const driver = driven(await scenarioOf(LEAKING));
    const record = driver.record();
    const history = historyOf(record);
    expect(history.atUs.at(-1)).toBe(record.failure?.atUs);
    const rows = history.heaps.main;
    expect(rows && toldAt(history, rows, history.atUs.length - 1)).toEqual(foundNow(driver.machine, 0));
  });

  test("has fewer moments where many blocks come and go", async () => {
    const history = historyOf(driven(await scenarioOf(CHURNING)).record());
    expect(rowCount(history)).toBeLessThanOrEqual(ROWS_MOST);
    expect(rowCount(history)).toBeGreaterThan(ROWS_MOST / 4);
    expect(history.atUs.length).toBeLessThan(MOMENTS_MOST / 2);
    expect(history.atUs.length).toBeGreaterThan(30);
  });

  test("leaves out a heap with too many blocks, and none beside it", async () => {
    const driver = driven(await scenarioOf(CROWDED));
    const history = historyOf(driver.record());
    expect(driver.machine.heapFigures(0).liveBlocks).toBeGreaterThan(3_000);
    expect(Object.keys(history.heaps)).toEqual(["few"]);
    expect(history.heaps.few?.first.length).toBeGreaterThan(50);
  });

  test("of a heap whose metadata was overwritten lists the blocks where the firmware has them", async () => {
    const driver = driven(await scenarioOf(overflowing()));
    const history = historyOf(driver.record());
    const { address = [], requestBytes = [] } = history.heaps.main ?? {};
    expect(driver.record().stacks.deep?.overflow).not.toBeNull();
    expect(address.length).toBeGreaterThan(50);
    for (const [row, low] of address.entries()) {
      expect(low).toBeGreaterThanOrEqual(0x20000400);
      expect(low + (requestBytes[row] ?? 0)).toBeLessThanOrEqual(0x20001400);
    }
  });
});

describe("a history does not depend on", () => {
  test.each([
    ["a busy run", BUSY],
    ["one with many blocks", CHURNING],
    ["one that leaves a heap out", CROWDED],
    ["one that fails", LEAKING],
  ])("batches, checkpoints or resuming: %s", async (_what, lines) => {
    const scenario = await scenarioOf(lines);
    const record = driven(scenario).record();
    const whole = historyOf(record);
    expect(historyOf(driven(scenario, {}, 9_973).record())).toEqual(whole);
    const everyUs = Math.ceil(record.simulatedUs / 7);
    expect(historyOf(driven(scenario, { checkpoint: { file, everyUs } }).record())).toEqual(whole);
    for (const share of [0.1, 0.6]) {
      const first = new SoakDriver(scenario, { checkpoint: { file, everyUs: scenario.uptimeUs * 10 } });
      while (first.machine.nowUs < share * record.simulatedUs) first.advance(701);
      expect(first.ended).toBe(false);
      first.interrupt();
      const resumed = driven(scenario, { resume: file }).record();
      expect(historyOf(resumed), `resumed after ${share}`).toEqual(whole);
    }
  });

  test("its being asked for on the way", async () => {
    const scenario = await scenarioOf(BUSY);
    const asked = new SoakDriver(scenario);
    const early: RunRecord[] = [];
    while (!asked.ended) {
      asked.advance(300_000);
      if (early.length < 20) early.push(asked.record());
    }
    expect(asked.record()).toEqual(driven(scenario).record());
    expect(early.map((record) => historyOf(record).atUs.at(-1))).toEqual(early.map(({ simulatedUs }) => simulatedUs));
  });
});
