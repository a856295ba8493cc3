import { describe, expect, test } from "vitest";
import type { Expectation } from "../../src/scenario/model.ts";
import { failureClasses, failureMessage, tramplingStack } from "../../src/soak/failure-text.ts";
import type { RunFailure, RunFailureKind } from "../../src/soak/record.ts";
import { judge, type RunFacts } from "../../src/soak/verdict.ts";

const DAY_US = 86_400e6;
const HEAP = {
  minimumFreeBytes: 5000,
  minimumLargestFreeBytes: 4096,
  failedRequests: 0,
  fragmentationFailures: 0,
  leaks: 0,
  visitsMost: 12,
  worstExternal: { ratio: 0.4, atUs: DAY_US },
  worstInternal: { ratio: 0.1, atUs: DAY_US },
};

function facts(changes: Partial<RunFacts> = {}): RunFacts {
  return {
    simulatedUs: 30 * DAY_US,
    horizonUs: 30 * DAY_US,
    complete: true,
    judgedFromUs: 0,
    failure: null,
    heaps: { main: HEAP },
    tasks: { boot: { lastAllocationUs: 5e6 }, can: { lastAllocationUs: undefined } },
    stacks: {
      uplink: { sizeBytes: 4096, observedBytes: 1000, worstCaseBytes: 3072, paintedBytes: 900, overflow: null },
    },
    periodicity: { kind: "open", reason: "no state repeated" },
    ...changes,
  };
}

function failed(atUs: number, kind: RunFailureKind = "crash", freeBytes = 25_344): RunFailure {
  const figures = kind === "crash" ? { requestBytes: 16_717, freeBytes, largestFreeBytes: 9120 } : undefined;
  const none = { requestBytes: null, freeBytes: null, largestFreeBytes: null };
  const failure = { atUs, kind, heap: "main", task: "connection", step: null, ...(figures ?? none) };
  return { ...failure, message: failureMessage(failure) };
}

type Wanted = Expectation extends infer E ? (E extends Expectation ? Omit<E, "path" | "text" | "line"> : never) : never;
/** The verdict, and of the one expectation whether it is met and what was observed. */
function judged(expectation: Wanted, changes: Partial<RunFacts> = {}) {
  const all = judge([{ path: [], text: "as written", line: 1, ...expectation } as Expectation], facts(changes));
  return { verdict: all.verdict, met: all.expectations[0]?.met, observed: all.expectations[0]?.observed };
}
const survives = (days: number): Wanted => ({ expect: "survives", us: days * DAY_US });
const heap = (
  figure: "largestFree" | "visits" | "externalFragmentation",
  kind: "below" | "atLeast",
  value: number,
): Wanted => ({
  expect: "heap",
  heap: "main",
  figure,
  bound: { kind, value },
});

describe("survival", () => {
  test("is met by a run as long as asked, undecided by a shorter one", () => {
    expect(judged(survives(30))).toEqual({ verdict: "pass", met: true, observed: "no failure in 30 d" });
    const short = { simulatedUs: 10 * DAY_US, horizonUs: 10 * DAY_US };
    expect(judged(survives(30), short)).toEqual({ verdict: "undecided", met: null, observed: "no failure in 10 d" });
  });

  test("is broken by a failure within the time, which is told with its figures", () => {
    expect(judged(survives(30), { failure: failed(9 * DAY_US), simulatedUs: 9 * DAY_US })).toEqual({
      verdict: "fail",
      met: false,
      observed:
        "failed after 9 d in connection: request of 16,717 B refused: 25,344 B free, largest hole 9,120 B (fragmentation)",
    });
  });

  test("is met by a failure after the time, but the run fails unless a failure is expected", () => {
    const late = { failure: failed(9 * DAY_US), simulatedUs: 9 * DAY_US };
    expect(judged(survives(1), late)).toMatchObject({ met: true, verdict: "fail" });
    const fails: Expectation = {
      path: [],
      text: "",
      line: 1,
      expect: "fails",
      byUs: 14 * DAY_US,
      with: "fragmentation",
    };
    const first: Expectation = { path: [], text: "", line: 1, expect: "survives", us: DAY_US };
    expect(judge([first, fails], facts(late)).verdict).toBe("pass");
  });

  test("of a run past its horizon, a failure behind the horizon breaks nothing", () => {
    const late = { failure: failed(40 * DAY_US), simulatedUs: 40 * DAY_US };
    expect(judged(survives(30), late)).toMatchObject({ met: true, verdict: "pass" });
  });
});

describe("a run without expectations", () => {
  test("passes without a failure, fails with one, is undecided when interrupted", () => {
    expect(judge([], facts()).verdict).toBe("pass");
    expect(judge([], facts({ failure: failed(DAY_US) })).verdict).toBe("fail");
    expect(judge([], facts({ complete: false })).verdict).toBe("undecided");
  });
});

describe("an expected failure", () => {
  const fails = (
    days: number,
    kind?: "fragmentation" | "exhaustion" | "overflow" | "corruption" | "overload",
  ): Wanted => ({
    expect: "fails",
    byUs: days * DAY_US,
    ...(kind && { with: kind }),
  });

  test("is met in time, broken by survival, open until its time has come", () => {
    expect(judged(fails(14), { failure: failed(9 * DAY_US) })).toMatchObject({ met: true, verdict: "pass" });
    expect(judged(fails(8), { failure: failed(9 * DAY_US) })).toMatchObject({ met: false, verdict: "fail" });
    expect(judged(fails(30))).toMatchObject({ met: false, verdict: "fail" });
    expect(judged(fails(31))).toMatchObject({ met: null, verdict: "undecided" });
  });

  test.each<[RunFailureKind, Parameters<typeof fails>[1], boolean]>([
    ["crash", "fragmentation", true],
    ["crash", "exhaustion", false],
    ["stack-overflow", "overflow", true],
    ["stack-corruption", "corruption", true],
    ["fault", "corruption", true],
    ["fault", "overflow", false],
    ["overload", "overload", true],
    ["deadlock", "overload", false],
  ])("%s counts as %s: %s", (kind, wanted, met) => {
    expect(judged(fails(14, wanted), { failure: failed(DAY_US, kind) }).met).toBe(met);
  });

  test("is exhaustion where less is free than was asked", () => {
    expect(judged(fails(14, "exhaustion"), { failure: failed(DAY_US, "crash", 16_716) }).met).toBe(true);
    expect(judged(fails(14, "exhaustion"), { failure: failed(DAY_US, "crash", 16_717) }).met).toBe(false);
  });
});

describe("a bound on a heap", () => {
  const interrupted = { complete: false, simulatedUs: DAY_US };

  test("includes `atLeast` and excludes `below`", () => {
    expect(judged(heap("largestFree", "atLeast", 4096))).toEqual({
      verdict: "pass",
      met: true,
      observed: "largest free request at least 4,096 B",
    });
    expect(judged(heap("largestFree", "below", 4096)).met).toBe(false);
    expect(judged(heap("visits", "below", 12)).met).toBe(false);
    expect(judged(heap("visits", "below", 13)).met).toBe(true);
  });

  test("once broken is broken, once shown is shown, and otherwise open while the run is", () => {
    expect(judged(heap("largestFree", "atLeast", 4097), interrupted).met).toBe(false);
    expect(judged(heap("largestFree", "atLeast", 4096), interrupted).met).toBeNull();
    expect(judged(heap("largestFree", "below", 5000), interrupted).met).toBe(true);
    expect(judged(heap("largestFree", "below", 4000), interrupted).met).toBeNull();
    expect(judged(heap("visits", "below", 12), interrupted).met).toBe(false);
    expect(judged(heap("visits", "below", 13), interrupted).met).toBeNull();
    expect(judged(heap("visits", "atLeast", 12), interrupted).met).toBe(true);
  });

  test("says when fragmentation was the worst, and waits for the end of the warm-up", () => {
    expect(judged(heap("externalFragmentation", "below", 0.5)).observed).toBe("worst external 40.0 %, after 1 d");
    expect(judged(heap("visits", "below", 13), { judgedFromUs: undefined })).toMatchObject({ met: null });
  });
});

describe("other expectations", () => {
  test("the head-room of a stack is that of its worst case", () => {
    const stack = (share: number): Wanted => ({ expect: "stack", stack: "uplink", headroom: { kind: "share", share } });
    expect(judged(stack(0.25))).toMatchObject({
      met: true,
      observed: "1,024 of 4,096 B left in the worst case (25.0 %)",
    });
    expect(judged(stack(0.26)).met).toBe(false);
  });

  test("a task that allocated after the warm-up is named", () => {
    const none = (...names: string[]): Wanted => ({ expect: "noAllocationIn", names });
    expect(judged(none("boot", "can"))).toMatchObject({ met: false, observed: "boot allocated" });
    expect(judged(none("boot", "can"), { judgedFromUs: 5e6 + 1 }).met).toBe(true);
    expect(judged(none("can"), { complete: false }).met).toBeNull();
  });

  test("the last allocation decides about quiet after start-up", () => {
    const quiet = (us: number): Wanted => ({ expect: "noAllocationAfter", us });
    expect(judged(quiet(5e6))).toMatchObject({ met: true, observed: "last allocation after 5 s, in boot" });
    expect(judged(quiet(5e6 - 1)).met).toBe(false);
    expect(judged(quiet(60 * DAY_US)).met).toBeNull();
  });

  test("a period is proved, impossible, or not found", () => {
    const proof = { kind: "proved", periodUs: 10_000, fromUs: 20_000 } as const;
    expect(judged({ expect: "periodic" }, { periodicity: proof })).toMatchObject({
      met: true,
      observed: "proved: repeats every 10 ms from 20 ms on",
    });
    expect(judged({ expect: "periodic" }, { periodicity: { kind: "impossible", reason: "random" } }).met).toBe(false);
    expect(judged({ expect: "periodic" }).met).toBeNull();
  });
});

describe("a refusal by a heap that a stack has overwritten", () => {
  const overflow = { atUs: 5, detectedBy: null, detectedAfterUs: null, bytesBeyond: 64 };
  const stacks = (overwrote: string[]) => ({ uplink: { overflow: { ...overflow, overwrote } } });
  const hit = stacks(["heap main: free block of 96 B at 0x20000140"]);
  const crash = failed(DAY_US);

  test("is a corruption and an overflow as well, and says whose", () => {
    expect(failureClasses(crash, hit)).toEqual(["fragmentation", "corruption", "overflow"]);
    expect(failureMessage(crash, tramplingStack(crash, hit))).toMatch(
      /\(fragmentation\); the stack of uplink had overwritten this heap before$/,
    );
  });

  test("is no corruption where the stack overwrote something else, or later", () => {
    expect(failureClasses(crash, stacks(["stack of sensor"]))).toEqual(["fragmentation"]);
    expect(failureClasses({ ...crash, atUs: 4 }, hit)).toEqual(["fragmentation"]);
    expect(tramplingStack(crash, { uplink: { overflow: null } })).toBeUndefined();
  });
});

test("a start that a step asked for is no backlog", () => {
  const none = { heap: null, task: "a", requestBytes: null, freeBytes: null, largestFreeBytes: null };
  expect(failureMessage({ ...none, atUs: 1, kind: "overload", step: "tasks.a.do[0] spawn b" })).toMatch(/instances$/);
  expect(failureMessage({ ...none, atUs: 1, kind: "overload", step: null })).toMatch(/1,000 starts/);
});

describe("an interrupted run that is proved periodic", () => {
  const proof = { kind: "proved", periodUs: 60e6, fromUs: 120e6 } as const;
  const interrupted = (simulatedUs: number, changes: Partial<RunFacts> = {}) => ({
    ...{ complete: false, simulatedUs, periodicity: proof, ...changes },
  });

  test("has settled what a whole period after the warm-up has shown", () => {
    const bound = heap("largestFree", "atLeast", 4096);
    expect(judged(bound, interrupted(180e6)).met).toBe(true);
    expect(judged(bound, interrupted(179e6)).met).toBeNull();
    expect(judged(bound, interrupted(239e6, { judgedFromUs: 180e6 })).met).toBeNull();
    expect(judged(bound, interrupted(240e6, { judgedFromUs: 180e6 })).met).toBe(true);
    expect(judged(heap("visits", "below", 20), interrupted(180e6)).met).toBe(true);
  });

  test("has not settled what was only sampled, or what adds up", () => {
    expect(judged(heap("externalFragmentation", "below", 0.5), interrupted(180e6)).met).toBeNull();
    const failures: Wanted = {
      expect: "heap",
      heap: "main",
      figure: "failedRequests",
      bound: { kind: "below", value: 9 },
    };
    expect(judged(failures, interrupted(180e6)).met).toBe(true);
    const some = { heaps: { main: { ...HEAP, failedRequests: 3 } } };
    expect(judged(failures, interrupted(180e6, some)).met).toBeNull();
  });

  test("has settled who allocates", () => {
    expect(judged({ expect: "noAllocationIn", names: ["can"] }, interrupted(180e6)).met).toBe(true);
    expect(judged({ expect: "noAllocationIn", names: ["can"] }, interrupted(170e6)).met).toBeNull();
    expect(judged({ expect: "noAllocationAfter", us: 130e6 }, interrupted(190e6)).met).toBe(true);
    expect(judged({ expect: "noAllocationAfter", us: 130e6 }, interrupted(189e6)).met).toBeNull();
  });
});
