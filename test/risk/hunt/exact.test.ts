import { describe, expect, test } from "vitest";
import { hunt } from "../../../src/risk/hunt/hunt.ts";
import { worstCase } from "../../../src/risk/worst/worst.ts";
import { adversary } from "../../support/adversary.ts";

const BUDGET_STEPS = 25e6;
const PLAIN = { headerBytes: 0, alignment: 1 };
const TIMEOUT_MS = 60_000;

/** Heaps of up to 12 units at their worst. */
const CASES = [
  { allocator: "first-fit", options: PLAIN, live: 6, largest: 3 },
  { allocator: "first-fit", options: PLAIN, live: 8, largest: 2 },
  { allocator: "best-fit", options: PLAIN, live: 5, largest: 3 },
  { allocator: "next-fit", options: PLAIN, live: 5, largest: 3 },
  { allocator: "worst-fit", options: PLAIN, live: 5, largest: 3 },
  { allocator: "freertos-heap4", live: 3, largest: 2 },
];

describe.each(CASES)("$allocator with $live units live, $largest at once", (budget) => {
  const exact = worstCase(budget).record;
  const scenario = (heapUnits: number) => {
    return adversary({ ...budget, unitBytes: exact.unitBytes, heapBytes: heapUnits * exact.unitBytes });
  };

  test(
    "a hunt defeats the largest heap that can be defeated, and no larger one",
    async () => {
      expect(exact).toMatchObject({ verdict: "exact", monotone: true });
      expect(exact.heapUnits).toBeLessThanOrEqual(12);
      const found = new AbortController();
      const { record } = await hunt(await scenario(exact.heapUnits - 1), {
        budgetSteps: 2 * BUDGET_STEPS,
        seed: 7n,
        signal: found.signal,
        onRound: ({ best }) => best !== undefined && found.abort(),
      });
      expect(record.found?.failure).toMatchObject({ kind: "crash", heap: "main" });
      const larger = await hunt(await scenario(exact.heapUnits), { budgetSteps: BUDGET_STEPS / 10 });
      expect(larger.record).toMatchObject({ found: null, plain: { failure: null } });
    },
    TIMEOUT_MS,
  );

  test(
    "and one for the largest heap comes to the exact worst case",
    async () => {
      const { record } = await hunt(await scenario(exact.heapUnits), { goal: "heap", budgetSteps: BUDGET_STEPS });
      expect(record.found?.neededBytes).toBe(exact.heapBytes);
    },
    TIMEOUT_MS,
  );
});
