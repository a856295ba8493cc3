import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { layOut } from "../../src/scenario/layout.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import { type DriverOptions, SoakDriver } from "../../src/soak/driver.ts";
import type { RunRecord } from "../../src/soak/record.ts";
import type { LedgerEntry } from "../../src/wasm/soak-readers.ts";
import { randomScenario, type ScenarioText } from "../support/random-scenario.ts";

const UPTIME_US = 250_000;
/** More than any of these scenarios can do in its time. */
const STEPS_MOST = 30_000_000;
/** More runs with other seeds: HEAPSOAK_RANDOM_RUNS=900 HEAPSOAK_RANDOM_SEED=2. */
const RUNS = Number(process.env.HEAPSOAK_RANDOM_RUNS ?? 25);
const SEED = Number(process.env.HEAPSOAK_RANDOM_SEED ?? 7);

const HARMLESS = new Set(["assertion", "stack-guard", "stack-guard-stacking", "watchpoint"]);

const folder = mkdtempSync(join(tmpdir(), "heapsoak-random-"));
const file = join(folder, "run.ckp");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Driven {
  readonly driver: SoakDriver;
  readonly record: RunRecord;
}

/** The run to its end, in batches of `budget`. */
function driven(scenario: Scenario, budget: number, options: DriverOptions = {}): Driven {
  const driver = new SoakDriver(scenario, options);
  while (!driver.ended) {
    driver.advance(budget);
    if (driver.machine.steps > STEPS_MOST) throw new Error(`does not end: ${driver.machine.nowUs} us`);
  }
  return { driver, record: driver.record() };
}

/** The same run in small batches, put back from a snapshot in its middle and then carried on by another process. */
function brokenOff(scenario: Scenario): RunRecord {
  const first = new SoakDriver(scenario, { checkpoint: { file, everyUs: 10 * UPTIME_US } });
  for (let batch = 0; batch < 5 && !first.ended; batch++) first.advance(300);
  const middle = first.machine.snapshot();
  if (!first.ended) first.machine.advance(500);
  first.machine.restore(middle);
  if (first.ended) return first.record();
  first.interrupt();
  return driven(scenario, 777, { resume: file }).record;
}

/** What the kernel believes of its heaps, held against the blocks it has records of. */
function expectSound({ driver: { machine }, record }: Driven, scenario: ScenarioText): void {
  const blocks = machine.ledgerBlocks();
  for (const [index, { name }] of machine.heaps.entries()) {
    const own = blocks.filter(({ heap }) => heap === index);
    const figures = machine.heapFigures(index);
    expect(figures.liveBlocks, `${name}: live blocks`).toBe(own.length);
    expect(figures.liveBytes, `${name}: live bytes`).toBe(own.reduce((sum, { blockBytes }) => sum + blockBytes, 0));
    expect(figures.requestedBytes).toBe(own.reduce((sum, { requestBytes }) => sum + requestBytes, 0));
  }
  if (record.failure === null) expect(record.simulatedUs).toBe(UPTIME_US);
  const overran = machine.stacks.some((stack) => machine.stackState(stack).overrun !== "none");
  if (overran || JSON.stringify(scenario).includes('"misuse"')) return;
  expectUntouched(blocks, record);
}

/** Nobody has written where he must not: no two blocks overlap, and no fault but an assertion or a guard that was hit. */
function expectUntouched(blocks: readonly LedgerEntry[], record: RunRecord): void {
  const held = blocks.filter(({ requestBytes }) => requestBytes > 0).sort((a, b) => a.payload - b.payload);
  for (const [index, { payload, requestBytes }] of held.entries()) {
    const next = held[index + 1];
    if (next) expect(payload + requestBytes, "blocks overlap").toBeLessThanOrEqual(next.payload);
  }
  expect(record.failure?.kind).not.toBe("stack-corruption");
  expect(record.faults.filter(({ kind }) => !HARMLESS.has(kind))).toEqual([]);
  for (const heap of Object.values(record.heaps)) expect(heap.inconsistentUs).toBeNull();
}

/** The scenario, or undefined where it is refused: a heap too small for its allocator, say. */
async function accepted(text: ScenarioText): Promise<Scenario | undefined> {
  try {
    const scenario = await parseScenario(JSON.stringify(text), "random.yaml");
    layOut(scenario);
    return scenario;
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    return undefined;
  }
}

test(
  "whatever a scenario does, its run ends, in words, the same in every build and in batches of any size",
  async () => {
    let ran = 0;
    await fc.assert(
      fc.asyncProperty(randomScenario(), async (text) => {
        const scenario = await accepted(text);
        if (!scenario) return;
        ran++;
        const whole = driven(scenario, 1_000_000);
        expectSound(whole, text);
        const { digest } = whole.record;
        expect(driven(scenario, 1000).record.digest, "in batches of 1,000").toBe(digest);
        expect(driven(scenario, 1_000_000, { build: "debug" }).record.digest, "in the debug build").toBe(digest);
        expect(brokenOff(scenario).digest, "broken off").toBe(digest);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: RUNS > 100 },
    );
    expect(ran).toBeGreaterThan(RUNS / 2);
  },
  120_000 + RUNS * 5_000,
);
