import { describe, expect, test } from "vitest";
import { runToEnd, soakMachine } from "../support/soak-scenario.ts";

const STACK = "stack: { size: 1 KiB }";

describe("requests of a run", () => {
  test("try the heaps of a list in order", async () => {
    const machine = await soakMachine(`
heaps:
  small: { allocator: freertos-heap4, size: 1 KiB }
  large: { allocator: tlsf, size: 16 KiB }
tasks: { t: { priority: 1, ${STACK}, at: 0 s, do: [{ repeat: 3, do: [{ allocate: a, size: 400, heap: [small, large] }, { leak: a }] }] } }`);
    runToEnd(machine);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 3, failedRequests: 1, liveBlocks: 2 });
    expect(machine.heapFigures(1)).toMatchObject({ requests: 1, failedRequests: 0, liveBlocks: 1 });
    expect(machine.contexts()[0]).toMatchObject({ allocations: 3, failedRequests: 0, leaks: 3 });
  });

  test("take orElse instead of the policy, and go on behind the request", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 20000, orElse: [{ allocate: a, size: 100 }] }, { wait: 100 ms }, { free: a }] } }`,
    );
    expect(runToEnd(machine)).toBe("horizon");
    expect(machine.heapFigures(0)).toMatchObject({ requests: 7200, failedRequests: 3600, frees: 3600 });
  });

  test("of size 0 that return nothing are counted apart", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 0 }, { free: a }] } }`,
    );
    expect(runToEnd(machine)).toBe("horizon");
    expect(machine.heapFigures(0)).toMatchObject({ zeroSizeRequests: 3600, requests: 0, failedRequests: 0 });
  });

  test("keep the old block where a reallocation is refused", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, onAllocationFailure: drop, do: [{ allocate: a, size: 100 }, { reallocate: a, size: 200 }, { reallocate: a, size: 50000 }, { free: a }] } }`,
      { heap: "{ allocator: tlsf, size: 16 KiB }" },
    );
    machine.setHorizon(1e6);
    runToEnd(machine);
    expect(machine.ledgerBlocks()).toMatchObject([{ requestBytes: 200, owner: "name" }]);
    expect(machine.heapFigures(0)).toMatchObject({ liveBlocks: 1, failedRequests: 1 });
  });

  test("grow a vector by doubling, with both blocks alive while it moves, and start over at `until`", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ grow: v, by: 100, policy: double, until: 800 }] } }`,
    );
    machine.setHorizon(8e6);
    runToEnd(machine);
    // 100, 200, 400, 800: four blocks; the peak is 400 and 800 side by side.
    expect(machine.heapFigures(0)).toMatchObject({ requests: 4, frees: 3, liveBlocks: 1, peakLiveBytes: 408 + 808 });
    expect(machine.ledgerBlocks()).toMatchObject([{ requestBytes: 800 }]);
    machine.setHorizon(9e6);
    runToEnd(machine);
    expect(machine.heapFigures(0).liveBlocks).toBe(0);
  });

  test("draw sampled sizes once and compute with them", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ sample: n, from: { choice: { 10: 1, 20: 1 } } }, { allocate: a, size: n * 3 + 2 }, { wait: 10 ms }, { free: a }] } }`,
    );
    machine.journalling = true;
    machine.setHorizon(1000e6);
    runToEnd(machine);
    const sizes = machine.journal().flatMap((entry) => (entry.operation === "allocate" ? [entry.requestBytes] : []));
    expect([...new Set(sizes)].sort()).toEqual([32, 62]);
    expect(Math.abs(sizes.filter((size) => size === 32).length - 500)).toBeLessThan(80);
  });
});

describe("ownership", () => {
  const heap = (ownership: string) => `{ allocator: freertos-heap4, size: 16 KiB, ownership: ${ownership} }`;

  test("counted: the last owner gives the block back, header included", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 24 }, { share: a, as: b }, { drop: a }, { wait: 100 ms }, { drop: b }] } }`,
      { heap: heap("counted") },
    );
    machine.setHorizon(10.05e6);
    runToEnd(machine);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 11, frees: 10, liveBytes: 24 + 8 + 8 });
    machine.setHorizon(10.2e6);
    runToEnd(machine);
    expect(machine.heapFigures(0)).toMatchObject({ frees: 11, liveBlocks: 0 });
  });

  test("counted: a cycle keeps itself alive", async () => {
    const cycle =
      "{ allocate: a, size: 24 }, { allocate: b, size: 24 }, { refer: a, to: b }, { refer: b, to: a }, { drop: a }, { drop: b }";
    const chain = "{ allocate: a, size: 24 }, { allocate: b, size: 24 }, { refer: a, to: b }, { drop: b }, { drop: a }";
    for (const [steps, live] of [
      [cycle, 20],
      [chain, 0],
    ] as const) {
      const machine = await soakMachine(`tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [${steps}] } }`, {
        heap: heap("counted"),
      });
      machine.setHorizon(10e6);
      runToEnd(machine);
      expect(machine.heapFigures(0).liveBlocks).toBe(live);
    }
  });

  test("traced: a collection gives back what nothing reaches, cycles included", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 1000 }, { allocate: b, size: 1000 }, { refer: a, to: b }, { refer: b, to: a }] } }`,
      { heap: heap("traced") },
    );
    expect(runToEnd(machine)).toBe("horizon");
    const figures = machine.heapFigures(0);
    expect(figures).toMatchObject({ requests: 7200, failedRequests: 0 });
    expect(figures.collections).toBeGreaterThan(400);
    expect(figures.liveBlocks).toBe(figures.requests - figures.collectedBlocks);
  });
});

describe("times of a run", () => {
  test("fractional periods keep their rate", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 0.0333 ms, do: [{ work: 1 us }] } }`,
    );
    machine.setHorizon(333e6);
    runToEnd(machine);
    // The fraction is summed in floating point: the start due at 333 s may fall a microsecond early.
    expect(Math.abs((machine.contexts()[0]?.activations ?? 0) - 10_000_000)).toBeLessThanOrEqual(1);
  });

  test("drawn gaps keep their mean though each is whole microseconds", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: { uniform: [1 us, 2 us] }, overrun: skip, do: [{ chance: 0, do: [{ work: 1 us }] }] } }`,
    );
    machine.setHorizon(3e6);
    runToEnd(machine);
    expect(Math.abs((machine.contexts()[0]?.activations ?? 0) - 2e6)).toBeLessThan(2000);
  });

  test("hours of the day scale a rate", async () => {
    const hourly = Array.from({ length: 24 }, (_, hour) => (hour === 0 ? 2 : 0)).join(", ");
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, poisson: 1/s, rate: { hourly: [${hourly}] }, do: [{ work: 1 us }] } }`,
    );
    machine.setHorizon(24 * 3600e6);
    runToEnd(machine);
    expect(Math.abs((machine.contexts()[0]?.activations ?? 0) - 7200)).toBeLessThan(5 * Math.sqrt(7200));
    expect(machine.nowUs).toBe(24 * 3600e6);
  });

  test("jitter shifts starts about the grid, not cumulatively", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 10 s, jitter: 5 %, do: [{ allocate: a, size: 8 }, { free: a }] } }`,
    );
    machine.journalling = true;
    runToEnd(machine);
    const starts = machine.journal().flatMap(({ operation, atUs }) => (operation === "allocate" ? [atUs] : []));
    const shifts = starts.map((atUs) => atUs - Math.round(atUs / 10e6) * 10e6);
    expect(starts.length).toBeGreaterThan(355);
    expect(Math.max(...shifts.map(Math.abs))).toBeLessThanOrEqual(0.5e6);
    expect(new Set(shifts).size).toBeGreaterThan(300);
  });

  test("instances draw independently, and a random start falls within the first period", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, instances: 4, every: 100 s, start: random, do: [{ allocate: a, size: 8 }, { free: a }] } }`,
    );
    machine.journalling = true;
    machine.setHorizon(100e6);
    runToEnd(machine);
    const starts = machine.journal().flatMap(({ operation, atUs }) => (operation === "allocate" ? [atUs] : []));
    expect(new Set(starts).size).toBe(4);
    expect(starts.every((atUs) => atUs < 100e6)).toBe(true);
  });
});
