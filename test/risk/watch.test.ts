import { describe, expect, test } from "vitest";
import { CellRunner } from "../../src/risk/run/cell-runner.ts";
import { lossCell } from "../support/loss-cell.ts";
import { gatewayCell } from "../support/small-gateway.ts";
import { soakMachine } from "../support/soak-scenario.ts";

const NO_LEVEL = Number.POSITIVE_INFINITY;

describe("a watched heap", () => {
  test("stops the run at the very operation that reaches the level", async () => {
    const { machine } = new CellRunner((await lossCell(14)).cell);
    machine.forgetImportance(0);
    for (const blocks of [3, 4, 7]) {
      machine.watch(0, "live-bytes", blocks * 16);
      expect(machine.advance(1e6)).toBe("level-reached");
      expect(machine.heapFigures(0).liveBlocks).toBe(blocks);
      expect(machine.importanceMost(0)).toBe(blocks * 16);
    }
  });

  test.each(["live-bytes", "shortfall"] as const)(
    "by %s leaves the run as it is, however often it stops",
    async (by) => {
      const runner = new CellRunner(await gatewayCell(14336));
      const { machine } = runner;
      for (const seed of [1n, 2n, 3n, 20n]) {
        const plain = runner.run(seed);
        runner.start(seed);
        machine.forgetImportance(0);
        let stops = 0;
        for (;;) {
          machine.watch(0, by, machine.importanceMost(0) + 1);
          const end = machine.advance(1e6);
          if (end !== "level-reached") break;
          stops++;
        }
        expect(stops).toBeGreaterThan(5);
        expect(runner.outcome()).toEqual(plain);
      }
    },
  );

  test("knows the tightest request of the run", async () => {
    const { machine } = new CellRunner(await gatewayCell(14336));
    machine.journalling = true;
    machine.forgetImportance(0);
    machine.watch(0, "shortfall", NO_LEVEL);
    let tightest = Number.NEGATIVE_INFINITY;
    let largestFreeBytes = machine.heaps[0]?.summary().largestFreeBytes ?? 0;
    for (let step = 0; step < 4000 && machine.advance(1) === "continue"; step++) {
      for (const { operation, requestBytes } of machine.journal()) {
        if (operation === "allocate") tightest = Math.max(tightest, requestBytes - largestFreeBytes);
      }
      largestFreeBytes = machine.heaps[0]?.summary().largestFreeBytes ?? 0;
    }
    expect(machine.importanceMost(0)).toBe(tightest);
  });

  test("stops the run where it refuses a request", async () => {
    const machine = await soakMachine("tasks: { t: { every: 1 s, do: [ { allocate: a, size: 20000, orElse: [] } ] } }");
    machine.watch(0, "live-bytes", NO_LEVEL);
    expect(machine.advance(1000)).toBe("level-reached");
    expect(machine.failedRequests(0)).toBe(1);
  });
});

describe("a renewed run", () => {
  const LIVES =
    "tasks: { t: { at: 0 s, do: [ { repeat: 400, do: [ { allocate: a, size: 8 }, { keep: a, for: LIFE } ] } ] } }";
  const liveAfter = async (life: string, renews: boolean) => {
    const machine = await soakMachine(LIVES.replace("LIFE", life));
    machine.setHorizon(500_000);
    machine.advance(1e6);
    const before = machine.snapshot();
    const { liveBlocks } = machine.heapFigures(0);
    return Array.from({ length: 40 }, (_, branch) => {
      machine.restore(before);
      machine.rebranch(branch + 1);
      if (renews) machine.renew();
      machine.setHorizon(1_500_000);
      machine.advance(1e6);
      return machine.heapFigures(0).liveBlocks / liveBlocks;
    });
  };

  test("draws the rest of exponential lives anew, as long as the whole on average", async () => {
    const shares = await liveAfter("{ exponential: 1 s }", true);
    expect(new Set(shares).size).toBeGreaterThan(10);
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    expect(mean).toBeCloseTo(Math.exp(-1), 1.5);
  });

  test("leaves lives that have a memory as they are", async () => {
    expect(new Set(await liveAfter("{ uniform: [0 s, 2 s] }", true)).size).toBe(1);
    expect(new Set(await liveAfter("{ exponential: 1 s, max: 3 s }", true)).size).toBe(1);
    expect(new Set(await liveAfter("{ exponential: 1 s }", false)).size).toBe(1);
  });
});
