import { describe, expect, test } from "vitest";
import { parseScenario } from "../../../src/scenario/load.ts";
import type { Scenario } from "../../../src/scenario/model.ts";
import { hyperperiodOf } from "../../../src/soak/periodic.ts";
import { soak } from "../../../src/soak/soak.ts";

const MS = 1000;

function scenario(
  uptime: string,
  lines: string,
  heap = "{ allocator: freertos-heap4, size: 4 KiB }",
): Promise<Scenario> {
  const head = ["heapsoak: 1", "title: theory", "why: test", "device: stm32f407vg", `uptime: ${uptime}`];
  return parseScenario([...head, `heaps: { main: ${heap} }`, lines].join("\n"), "theory.yaml");
}

/** A task that takes a block, works, and gives it back. */
function borrowing(name: string, every: string): string {
  const steps = "do: [{ allocate: a, size: 40 }, { work: 1 us }, { free: a }]";
  return `  ${name}: { priority: 1, stack: { size: 256 }, every: ${every}, ${steps} }`;
}

async function periodOf(subject: Scenario) {
  return (await soak(subject).record).periodic;
}

describe("the period of a run", () => {
  test.each([
    { periods: ["10 ms"], periodMs: 10 },
    { periods: ["10 ms", "15 ms"], periodMs: 30 },
    { periods: ["7 ms", "11 ms", "13 ms"], periodMs: 1001 },
    { periods: ["4 ms", "6 ms", "10 ms", "15 ms"], periodMs: 60 },
    { periods: ["31.416 ms", "27.183 ms"], periodMs: 16_744.728 }, // both are multiples of 51 us
    { periods: ["0.0625 ms", "0.006 ms"], periodMs: 0.75 }, // whole microseconds every 125
    { periods: ["141.421 ms", "100 ms"], periodMs: 14_142_100 },
  ])("of $periods is their least common multiple", async ({ periods, periodMs }) => {
    const tasks = periods.map((every, index) => borrowing(`t${index}`, every)).join("\n");
    const subject = await scenario(`${Math.ceil(3 * periodMs)} ms`, `tasks:\n${tasks}`);
    expect(hyperperiodOf(subject)).toEqual({ us: periodMs * MS });
    expect(await periodOf(subject)).toEqual({ periodUs: periodMs * MS, fromUs: periodMs * MS });
  });

  test("counts the places that blocks take in turn", async () => {
    // One block every 10 ms into a cache of three: with the newest four live during insertion, four places take turns.
    const subject = await scenario(
      "1 s",
      `caches: { ring: { slots: 3, evict: oldest } }
tasks: { t: { priority: 1, stack: { size: 256 }, every: 10 ms, do: [{ allocate: a, size: 40 }, { cache: a, in: ring }] } }`,
    );
    expect(await periodOf(subject)).toMatchObject({ periodUs: 40 * MS });
  });

  test("includes a whole round of the modes", async () => {
    const subject = await scenario(
      "10 s",
      `modes: { day: { for: 120 ms, then: night }, night: { for: 50 ms, then: day } }
tasks:
${borrowing("t", "30 ms")}
  dusk: { priority: 2, stack: { size: 256 }, on: night, do: [{ allocate: a, size: 8 }, { free: a }] }`,
    );
    expect(await periodOf(subject)).toMatchObject({ periodUs: 510 * MS });
  });

  test("is not claimed of a run that takes a block more in every period", async () => {
    const subject = await scenario(
      "1 s",
      "tasks: { t: { priority: 1, stack: { size: 256 }, every: 100 ms, do: [{ allocate: a, size: 8 }, { leak: a }] } }",
    );
    expect(await periodOf(subject)).toBeNull();
  });
});
