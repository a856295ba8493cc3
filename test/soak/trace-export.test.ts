import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import { type SoakOptions, soak } from "../../src/soak/soak.ts";
import { verifyTrace } from "../../src/trace/verify.ts";
import { BUSY, scenarioOf } from "../support/run-scenarios.ts";
import { shippedScenario } from "../support/shipped-scenarios.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The run's trace, and its digest. */
async function traced(scenario: Scenario, options: SoakOptions = {}, heap?: string) {
  let text = "";
  const write = async (lines: string) => {
    text += lines;
  };
  const { digest } = await soak(scenario, { ...options, trace: { ...(heap && { heap }), write } }).record;
  return { text, digest };
}

async function verified(text: string) {
  const file = join(folder, "run.trace");
  writeFileSync(file, text);
  const { operations, mismatches, stopped } = await verifyTrace(file);
  return { operations, mismatches, stopped };
}

const HOUR = 3600e6;

describe("the trace of a run", () => {
  test.each([
    ["connected/mqtt-tls.yaml", 3728],
    ["techniques/tasks-at-run-time.yaml", 1995],
    ["ownership/ownership-counted.yaml", 5969],
    ["techniques/arduino-string.yaml", 36471],
  ])("of %s replays to the same placements", async (name, operations) => {
    const uptimeUs = name.includes("counted") ? HOUR / 36 : HOUR;
    const { text } = await traced(await loadScenario(shippedScenario(name)), { uptimeUs });
    expect(await verified(text)).toEqual({ operations, mismatches: 0, stopped: undefined });
  });

  test("leaves the run as it is without one", async () => {
    const scenario = await scenarioOf(BUSY);
    const { digest } = await soak(scenario, { uptimeUs: HOUR / 6 }).record;
    expect((await traced(scenario, { uptimeUs: HOUR / 6 })).digest).toBe(digest);
    const bounded = { uptimeUs: HOUR / 6, untilFailure: true, batch: 777 };
    expect((await traced(scenario, bounded)).text).toBe((await traced(scenario, { uptimeUs: HOUR / 6 })).text);
  });

  test("has the heap that was asked for, with its options", async () => {
    const { text } = await traced(await scenarioOf(BUSY), { uptimeUs: HOUR / 60 }, "pool");
    expect(text).toMatch(/^# allocator=fixed-pool$/m);
    expect(text).toMatch(/^# option_blockBytes=64$/m);
    expect(text).toMatch(/^a \d+ 48 \d+ t=\d+ at=tasks\.sensor\.do\[0\]\.do\[0\] task=1$/m);
    expect((await verified(text)).mismatches).toBe(0);
    expect((await verified(text.replace("option_blockBytes=64", "option_blockBytes=48"))).mismatches).toBeGreaterThan(
      0,
    );
  });

  test("has every time in order, and counts from the boot behind a reboot", async () => {
    const { text } = await traced(await scenarioOf(REBOOTS), { uptimeUs: 60e6 });
    expect(text.match(/^! boot/gm)).toHaveLength(5);
    for (const boot of text.split(/^! boot.*$/m)) {
      const times = [...boot.matchAll(/ t=(\d+)/g)].map(([, t]) => Number(t));
      expect(times.length).toBeGreaterThan(0);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.at(-1)).toBeLessThan(11e6);
    }
    expect((await verified(text)).mismatches).toBe(0);
  });

  test("keeps alignments and names the instances of a task", async () => {
    const { text } = await traced(await scenarioOf(ALIGNED), { uptimeUs: 5e6 });
    expect(text).toMatch(/^z \d+ 64 100 \d+ t=/m);
    expect(text).toMatch(/^! task task=1 text=worker#0$/m);
    expect(text).toMatch(/^! task task=2 text=worker#1$/m);
    expect((await verified(text)).mismatches).toBe(0);
  });

  test("ends with the operation that failed", async () => {
    const { text } = await traced(await scenarioOf(REBOOTS.replace("4 KiB", "300")), { untilFailure: true });
    expect(text.trimEnd().split("\n").at(-1)).toMatch(/^a \d+ \d+ -1 t=/);
  });

  test("is refused together with checkpoints", async () => {
    const checkpoint = { file: join(folder, "x.ckp"), everyUs: HOUR };
    const run = traced(await scenarioOf(BUSY), { checkpoint });
    await expect(run).rejects.toThrow("A run with checkpoints leaves no trace.");
  });

  test("that cannot be written ends the run with what it had come to", async () => {
    const write = async () => readFileSync(join(folder, "no-such-folder", "x"));
    const run = soak(await scenarioOf(BUSY), { trace: { write: async () => void (await write()) } });
    await expect(run.record).rejects.toThrow("ENOENT");
  });
});

const REBOOTS = `uptime: 1 min
heaps: { main: { allocator: newlib-nano, size: 4 KiB } }
stacks: { interrupts: { size: 1 KiB } }
tasks:
  worker: { priority: 1, stack: { size: 1 KiB }, every: 700 ms, do: [ { allocate: it, size: { uniform: [8, 99] } }, { keep: it, for: 5 s } ] }
  watchdog: { priority: 2, stack: { size: 1 KiB }, every: 10 s, start: 10 s, do: [ { reboot: warm } ] }
`;

const ALIGNED = `uptime: 1 min
heaps: { main: { allocator: tlsf, size: 8 KiB } }
stacks: { interrupts: { size: 1 KiB } }
tasks:
  worker: { priority: 1, instances: 2, stack: { size: 1 KiB }, every: 70 ms, do: [ { allocate: it, size: 100, align: 64 }, { keep: it, for: { exponential: 300 ms } } ] }
`;
