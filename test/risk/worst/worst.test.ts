import { describe, expect, test } from "vitest";
import { UNAVOIDABLE } from "../../../src/allocators/bounds.ts";
import { worstText } from "../../../src/report/worst-text.ts";
import { arrangements } from "../../../src/risk/worst/affordable.ts";
import { worstCase } from "../../../src/risk/worst/worst.ts";
import { ListModel, type ListRules } from "../../support/list-model.ts";

const FITS = ["first-fit", "next-fit", "best-fit", "worst-fit"] as const;
const BUDGETS = [
  { live: 3, largest: 2 },
  { live: 4, largest: 2 },
  { live: 4, largest: 4 },
  { live: 5, largest: 3 },
];
const cases = FITS.flatMap((allocator) => BUDGETS.map((budget) => ({ allocator, ...budget })));

/**
 * Whether some sequence defeats a heap of `units`, by the most direct search: states are moves played anew on the
 * textbook's definition, told apart by its blocks and the last block handed out.
 */
function isDefeated(policy: ListRules["policy"], units: number, live: number, largest: number): boolean {
  const rules: ListRules = { policy, headerBytes: 0, alignment: 1, coalesce: true, splitThreshold: 0 };
  const seen = new Set<string>();
  let front: { moves: [number, boolean][]; key: string }[] = [{ moves: [], key: "" }];
  while (front.length > 0) {
    const next: typeof front = [];
    for (const { moves } of front) {
      const play = () => {
        const model = new ListModel(rules, 1000, units);
        let last = 0;
        for (const [value, isRequest] of moves) {
          if (!isRequest) model.release(value);
          else last = model.allocate(value) + value;
        }
        return { model, last };
      };
      const blocks = play().model.blocks();
      const used = blocks.reduce((sum, [, bytes, isLive]) => sum + (isLive ? bytes : 0), 0);
      const choices: [number, boolean][] = blocks.flatMap(([at, , isLive]) => (isLive ? [[at, false]] : []));
      for (let size = 1; size <= Math.min(largest, live - used); size++) choices.push([size, true]);
      for (const choice of choices) {
        const { model, last } = play();
        const [value, isRequest] = choice;
        const placed = isRequest ? model.allocate(value) : 0;
        if (!isRequest) model.release(value);
        else if (placed === 0) return true;
        const resume = policy !== "next-fit" ? 0 : isRequest ? placed + value : last;
        const key = JSON.stringify([model.blocks(), resume]);
        if (!seen.has(key)) {
          seen.add(key);
          next.push({ moves: [...moves, choice], key });
        }
      }
    }
    front = next;
  }
  return false;
}

describe("the textbook's lists", () => {
  test.each(cases.filter(({ live }) => live < 5))(
    "$allocator with $live live and $largest at once: the definition says so too",
    ({ allocator, live, largest }) => {
      const { record } = worstCase({ allocator, live, largest });
      expect(record).toMatchObject({ verdict: "exact", monotone: true });
      expect(isDefeated(allocator, record.heapUnits - 1, live, largest)).toBe(true);
      expect(isDefeated(allocator, record.heapUnits, live, largest)).toBe(false);
    },
  );

  test.each(cases)("$allocator with $live live and $largest at once: model and allocator agree", (budget) => {
    const outcomes = [true, false].map((withoutModel) => {
      const { record } = worstCase({ ...budget, withoutModel });
      return { ...record, sizes: record.sizes.map(({ heapUnits, outcome, moves }) => ({ heapUnits, outcome, moves })) };
    });
    expect({ ...outcomes[1], sequence: null }).toEqual({ ...outcomes[0], sequence: null });
  });

  test.each(cases)("$allocator with $live live and $largest at once: not below Robson's bound", (budget) => {
    const { heapUnits, bounds } = worstCase(budget).record;
    expect(heapUnits).toBeGreaterThanOrEqual(bounds.unavoidable.units);
    if (budget.allocator === "first-fit") expect(heapUnits).toBeLessThanOrEqual(bounds.policy?.units ?? 0);
  });

  test("blocks of one size never fragment", () => {
    for (const allocator of FITS) {
      expect(worstCase({ allocator, live: 6, largest: 1 }).record).toMatchObject({ verdict: "exact", heapUnits: 6 });
    }
  });

  test("three live units of which two may be together need four: A B C, without A and C, refuses two", () => {
    const { record } = worstCase({ allocator: "first-fit", live: 3, largest: 2 });
    expect(record.heapUnits).toBe(4);
    expect(record.sequence?.steps.map(({ map }) => map)).toEqual(["A..", "AB.", ".B.", ".B."]);
    expect(record.sequence?.steps.at(-1)).toMatchObject({ units: 2, refused: true });
  });

  test("Knuth's N(16, 2) = 23 is what the lower bound says of 16 live units", () => {
    expect(UNAVOIDABLE.granules(16, 2)).toBe(23);
    const { record } = worstCase({ allocator: "first-fit", live: 16, largest: 2, statesMost: 1000 });
    expect(record).toMatchObject({ verdict: "undecided", bounds: { unavoidable: { units: 23 } } });
  });
});

describe("allocators as they are shipped", () => {
  test("an allocator that takes nothing back is defeated on every heap", () => {
    const { record } = worstCase({ allocator: "bump", live: 2, largest: 1 });
    expect(record).toMatchObject({ verdict: "no-heap", monotone: null });
    expect(worstText(record)).toContain("can be defeated; no larger one was tried");
  });

  test("one that asserts against every release only ever fills", () => {
    const { record } = worstCase({ allocator: "freertos-heap1", live: 3, largest: 2, options: { releaseAsserts: 1 } });
    expect(record).toMatchObject({ verdict: "exact", heapBytes: 3 * 8 + 8 + 8 }); // aligned, and never full
  });

  test("without merging a heap is worn down to small blocks", () => {
    const budget = { allocator: "first-fit", live: 4, largest: 2 };
    const merging = worstCase(budget).record.heapUnits;
    const { record } = worstCase({ ...budget, options: { coalesce: 0 } });
    expect(record.heapUnits).toBeGreaterThan(merging);
  });

  test("an allocator that is not monotone in the size says so", () => {
    const { record } = worstCase({ allocator: "rust-linked-list-allocator", live: 5, largest: 2 });
    expect(record).toMatchObject({ verdict: "exact", monotone: false });
    expect(worstText(record)).toContain("A larger heap is not always a better one");
  });
});

describe("a search beyond its bound", () => {
  const { record } = worstCase({ allocator: "best-fit", live: 12, largest: 4, statesMost: 2000 });

  test("says what is known, and what would be affordable", () => {
    expect(record.verdict).toBe("undecided");
    expect(record.sizes.at(-1)?.outcome).toBe("beyond");
    expect(worstText(record)).toMatch(/Every heap below \d+ units .* Affordable: --live \d+ --largest 4/);
    const { liveUnits = 0, largestUnits = 0 } = record.affordable ?? {};
    const again = worstCase({ allocator: "best-fit", live: liveUnits, largest: largestUnits, statesMost: 2000 });
    expect(again.record.verdict).toBe("exact");
  });

  test("is counted as the arrangements of blocks, which no search exceeds", () => {
    expect(arrangements(3, 3, 3)).toBe(13); // by hand: 1 empty, 3 + 2 + 1 of one block, 3 + 2 of two, 1 of three
    const { sizes } = worstCase({ allocator: "first-fit", live: 4, largest: 2 }).record;
    for (const { heapUnits, states } of sizes) expect(states).toBeLessThanOrEqual(arrangements(heapUnits, 4, 2));
  });
});

test.each([
  ["a largest request above what is live", { live: 2, largest: 3 }, /--largest is at most --live/],
  ["no live units", { live: 0, largest: 0 }, /live: got 0/],
  ["more than can be searched at all", { live: 1000, largest: 2 }, /from 1 to 127/],
  ["a fraction", { live: 2.5, largest: 1 }, /whole number/],
  ["a unit of nothing", { live: 2, largest: 1, unitBytes: 0 }, /unit: got 0/],
  ["requests that the allocator never serves", { allocator: "fixed-pool", live: 40, largest: 40 }, /refuses 160 bytes/],
])("%s is refused", (_what, request, message) => {
  expect.assertions(1);
  try {
    worstCase({ allocator: "first-fit", ...request });
  } catch (error) {
    const { message: said, hint } = error as { message: string; hint?: string };
    expect(`${said} ${hint}`).toMatch(message);
  }
});

test("an unknown allocator or option is refused by name", () => {
  expect(() => worstCase({ allocator: "firstfitt", live: 2, largest: 1 })).toThrow(/firstfitt/);
  expect(() => worstCase({ allocator: "tlsf", live: 2, largest: 1, options: { colour: 1 } })).toThrow(/colour/);
});
