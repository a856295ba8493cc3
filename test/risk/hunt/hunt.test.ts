import { describe, expect, test } from "vitest";
import { huntText } from "../../../src/report/hunt-text.ts";
import { Ground } from "../../../src/risk/hunt/ground.ts";
import { hunt } from "../../../src/risk/hunt/hunt.ts";
import { phaseVariants, withPhases } from "../../../src/risk/hunt/phases.ts";
import { Choices } from "../../../src/risk/hunt/random.ts";
import { playRecipe } from "../../../src/risk/hunt/recipe.ts";
import { adversary } from "../../support/adversary.ts";
import { soakScenario } from "../../support/soak-scenario.ts";

const PLAIN = { headerBytes: 0, alignment: 1 };
const BUDGET_STEPS = 3e6;
const small = () => adversary({ allocator: "first-fit", options: PLAIN, live: 5, largest: 2, heapBytes: 6 });

const GRID = `
tasks:
  fast: { priority: 2, stack: { size: 512 }, every: 10 ms, do: [ { allocate: a, size: 6 KiB }, { work: 1 ms }, { free: a } ] }
  slow: { priority: 1, stack: { size: 512 }, every: 1 s, do: [ { allocate: b, size: 6 KiB }, { wait: 300 ms }, { free: b } ] }
  late: { priority: 1, stack: { size: 512 }, every: 1 s, start: 500 ms, do: [ { allocate: c, size: 6 KiB }, { wait: 300 ms }, { free: c } ] }
`;

describe("a hunt", { timeout: 60_000 }, () => {
  test("finds the same with the same seed", async () => {
    const records = [
      await hunt(await small(), { budgetSteps: BUDGET_STEPS }),
      await hunt(await small(), { budgetSteps: BUDGET_STEPS }),
    ];
    expect(records[0]?.record.found).not.toBeNull();
    expect(records[1]?.record).toEqual(records[0]?.record);
    expect(records[1]?.trace()).toEqual(records[0]?.trace());
  });

  test("leaves a recipe that fails again in the same way, and a trace that ends with the refusal", async () => {
    const scenario = await small();
    const { record, trace } = await hunt(scenario, { budgetSteps: BUDGET_STEPS });
    const recipe = record.found?.recipe;
    if (!recipe) throw new Error("nothing was found");
    const ground = new Ground(withPhases(scenario, recipe.phasesUs), 0);
    playRecipe(ground, recipe);
    expect(ground.failure()).toEqual(record.found?.failure);
    expect(trace().join("")).toMatch(/ -1 .*\n$/);
    expect(huntText(record)).toContain("found: crash after");
  });

  test("finds phases at which tasks that never meet as written need memory together", async () => {
    const scenario = await soakScenario(GRID);
    const { record } = await hunt(scenario, { horizonUs: 5e6, budgetSteps: 20e6 });
    expect(record.plain.failure).toBeNull();
    expect(record.found?.failure).toMatchObject({ kind: "crash", heap: "main", requestBytes: 6144 });
    expect(Object.keys(record.found?.recipe.phasesUs ?? {})).not.toEqual([]);
    const asWritten = await hunt(scenario, { horizonUs: 5e6, budgetSteps: 2e6, variesPhases: false });
    expect(asWritten.record).toMatchObject({ phaseVariants: 1, found: null });
  });

  test("stays within its budget, and ends where it is when it is told to", async () => {
    const { record } = await hunt(await small(), { budgetSteps: 50_000 });
    expect(record.spentSteps).toBeLessThan(3 * 50_000);
    const stopped = new AbortController();
    stopped.abort();
    expect((await hunt(await small(), { signal: stopped.signal })).record.branches).toBe(0);
  });

  test("refuses a heap that is not there by name", async () => {
    await expect(hunt(await small(), { heap: "mian" })).rejects.toThrow(/no heap "mian"/);
  });
});

test("the first way of starting is as written, the others are later within the period", async () => {
  const scenario = await soakScenario(GRID);
  const [first, ...others] = phaseVariants(scenario, 4, new Choices(1n));
  expect(first).toEqual({});
  expect(others).toHaveLength(3);
  for (const phases of others) {
    for (const [name, us] of Object.entries(phases)) expect(us).toBeLessThan(name === "fast" ? 10_000 : 1e6);
    const later = withPhases(scenario, phases).tasks.find(({ name }) => name === "late");
    expect(later?.start).toEqual({ kind: "after", us: 500_000 + (phases.late ?? 0) });
  }
});

test("a moment that was kept goes on as if nobody had left it", async () => {
  const ground = new Ground(await small(), 0);
  ground.begin(3n);
  ground.advanceTo(20_000);
  const kept = ground.keep();
  const ends = [1, 2, 1].map((branch) => {
    ground.resume(kept);
    ground.machine.rebranch(branch);
    ground.advanceTo(60_000);
    return { look: ground.look(), failure: ground.failure(), steps: ground.machine.steps };
  });
  expect(ends[2]).toEqual(ends[0]);
  expect(ends[1]).not.toEqual(ends[0]);
});
