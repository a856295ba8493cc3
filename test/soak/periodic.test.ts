import { describe, expect, test } from "vitest";
import { findPeriod, type RunState } from "../../src/soak/periodic.ts";

const STEP_US = 1000;

/** One whose head is the first byte. */
function stateOf(bytes: Uint8Array): RunState {
  return { head: bytes.subarray(0, 1), whole: () => bytes };
}

/** A run whose state at boundary n is `at(n)`. */
function subject(at: (boundary: number) => number, failsAt = Number.POSITIVE_INFINITY) {
  let boundary = 0;
  let looks = 0;
  return {
    advanceTo(us: number): boolean {
      boundary = us / STEP_US;
      return boundary < failsAt;
    },
    state(): RunState {
      looks++;
      return stateOf(new Uint8Array(new Uint32Array([at(boundary), 7]).buffer));
    },
    get looks() {
      return looks;
    },
  };
}

describe("the search for a period", () => {
  test.each([
    { tail: 0, period: 1 },
    { tail: 3, period: 5 },
    { tail: 40, period: 12 },
    { tail: 5, period: 100 },
  ])("finds period $period behind a tail of $tail", ({ tail, period }) => {
    const run = subject((n) => (n < tail ? n : tail + ((n - tail) % period)));
    const found = findPeriod(run, STEP_US, 10_000 * STEP_US);
    if (found.kind !== "proved") throw new Error(found.reason);
    expect(found.periodUs).toBe(period * STEP_US);
    expect(found.fromUs).toBeGreaterThanOrEqual(tail * STEP_US);
  });

  test("proves a multiple of the period where boundaries are skipped", () => {
    const found = findPeriod(
      subject((n) => (n < 2000 ? n : 2000 + (n % 3))),
      STEP_US,
      1e6 * STEP_US,
    );
    if (found.kind !== "proved") throw new Error(found.reason);
    expect((found.periodUs / STEP_US) % 3).toBe(0);
    expect(found.fromUs).toBeGreaterThanOrEqual(2000 * STEP_US);
  });

  test("claims nothing of a run that never repeats, and looks at it seldom", () => {
    const run = subject((n) => n);
    const found = findPeriod(run, STEP_US, 1e6 * STEP_US);
    expect(found).toMatchObject({ kind: "open", reason: expect.stringContaining("no state repeated in 16 min 40 s") });
    expect(run.looks).toBeLessThan(4000);
  });

  test("claims nothing of a run that fails first, or is too short", () => {
    expect(
      findPeriod(
        subject(() => 1, 2),
        STEP_US,
        10 * STEP_US,
      ),
    ).toMatchObject({
      kind: "open",
      reason: "the run failed before it repeated",
    });
    expect(
      findPeriod(
        subject(() => 1),
        STEP_US,
        STEP_US,
      ),
    ).toMatchObject({
      kind: "open",
      reason: "1 ms are shorter than twice the hyperperiod of 1 ms",
    });
  });

  test("a state with another end behind the same head is another", () => {
    let end = 0;
    const changing = { advanceTo: () => true, state: () => stateOf(Uint8Array.of(1, end++)) };
    expect(findPeriod(changing, STEP_US, 50 * STEP_US).kind).toBe("open");
  });

  test("a state that only begins alike is another", () => {
    let length = 1;
    const growing = { advanceTo: () => true, state: () => stateOf(new Uint8Array(length++)) };
    expect(findPeriod(growing, STEP_US, 50 * STEP_US).kind).toBe("open");
  });
});
