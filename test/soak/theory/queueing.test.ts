import { describe, expect, test } from "vitest";
import { chiSquaredScore, mean, SCORE_MOST, variance } from "../../support/goodness-of-fit.ts";
import { figuresEvery, goTo, theoryMachine } from "../../support/theory.ts";

const SECOND_US = 1e6;

/** Requests at random moments for blocks that live as long as `lifetime` says, whatever else happens. */
function arrivals(perSecond: number, lifetime: string): string {
  const task = "priority: 1, stack: { size: 1 KiB }, onAllocationFailure: drop";
  const steps = `do: [{ allocate: a, size: 24 }, { keep: a, for: ${lifetime} }]`;
  return `tasks: { client: { ${task}, poisson: ${perSecond}/s, ${steps} } }`;
}

/** Lifetimes of one mean: what Poisson arrivals leave behind depends on nothing else of them. */
function lifetimes(meanMs: number) {
  return [
    { name: "exponential", lifetime: `{ exponential: ${meanMs} ms }` },
    { name: "constant", lifetime: `${meanMs} ms` },
    { name: "uniform", lifetime: `{ uniform: [0 ms, ${2 * meanMs} ms] }` },
  ];
}

/** Probability of `count` blocks where `load` are expected. */
function poissonProbability(count: number, load: number): number {
  let probability = Math.exp(-load);
  for (let k = 1; k <= count; k++) probability *= load / k;
  return probability;
}

/** Probabilities of `low` or fewer, of each number between, and of `high` or more. */
function poissonCells(load: number, low: number, high: number): Map<number, number> {
  const cells = new Map<number, number>();
  for (let count = low; count < high; count++) cells.set(count, poissonProbability(count, load));
  for (let count = 0; count < low; count++) cells.set(low, (cells.get(low) ?? 0) + poissonProbability(count, load));
  cells.set(high, 1 - [...cells.values()].reduce((sum, probability) => sum + probability, 0));
  return cells;
}

describe.each(lifetimes(1000))("live blocks under Poisson arrivals and $name lifetimes", ({ lifetime }) => {
  test("are Poisson distributed", async () => {
    const load = 20;
    const heap = "heaps: { main: { allocator: freertos-heap4, size: 64 KiB } }";
    const machine = await theoryMachine(`${heap}\n${arrivals(load, lifetime)}`);
    goTo(machine, 20 * SECOND_US);
    const figures = figuresEvery(machine, 5 * SECOND_US, 4000);
    const live = Float64Array.from(figures, ({ liveBlocks }) => liveBlocks);
    expect(figures.at(-1)?.failedRequests).toBe(0);
    expect(Math.abs(mean(live) - load) / Math.sqrt(load / live.length)).toBeLessThan(SCORE_MOST);
    const spreadOfVariance = Math.sqrt((load + 2 * load * load) / live.length);
    expect(Math.abs(variance(live) - load) / spreadOfVariance).toBeLessThan(SCORE_MOST);
    const clamped = live.map((count) => Math.min(Math.max(count, 8), 33));
    expect(chiSquaredScore(clamped, poissonCells(load, 8, 33))).toBeLessThan(SCORE_MOST);
  });
});

/** Erlang's first formula: the share of requests that find all `servers` taken. */
function erlangB(load: number, servers: number): number {
  let share = 1;
  for (let count = 1; count <= servers; count++) share = (load * share) / (count + load * share);
  return share;
}

test("Erlang's formula gives the tables' values", () => {
  expect(erlangB(8, 10)).toBeCloseTo(0.121661, 6);
  expect(erlangB(1, 1)).toBe(0.5);
  expect(erlangB(100, 120)).toBeCloseTo(0.0057, 4);
});

describe.each(lifetimes(400))("a pool of ten blocks, eight in demand, with $name lifetimes", ({ lifetime }) => {
  test("loses Erlang B's share of the requests", async () => {
    const pool = "heaps: { main: { allocator: fixed-pool, size: 320, options: { blockBytes: 32 } } }";
    const machine = await theoryMachine(`${pool}\n${arrivals(20, lifetime)}`);
    const batches = figuresEvery(machine, 500 * SECOND_US, 41);
    const shares = Float64Array.from(batches.slice(1), (batch, index) => {
      const before = batches[index] ?? batch;
      return (batch.failedRequests - before.failedRequests) / (batch.requests - before.requests);
    });
    const standardError = Math.sqrt(variance(shares) / (shares.length - 1));
    expect(standardError).toBeLessThan(0.001);
    expect(Math.abs(mean(shares) - erlangB(8, 10)) / standardError).toBeLessThan(SCORE_MOST);
  });
});
