import { describe, expect, test } from "vitest";
import { diffRecords } from "../../../src/report/diff/diff.ts";
import type { DiffRecord, FigureChange } from "../../../src/report/diff/diff-record.ts";
import { Thresholds } from "../../../src/report/diff/thresholds.ts";
import type { CompareRecord, ReportRecord } from "../../../src/report/report-record.ts";
import type { RiskCell, RiskRecord } from "../../../src/risk/record.ts";
import { clopperPearson } from "../../../src/risk/statistics/clopper-pearson.ts";
import type { HeapRecordOfRun, RunRecord } from "../../../src/soak/record.ts";
import { failedRecord, heapRecord, runRecord, stackRecord } from "../../support/run-records.ts";

const DAY_US = 86_400e6;

function diff(old: ReportRecord, fresh: ReportRecord, ...thresholds: string[]): DiffRecord {
  return diffRecords({ name: "old", record: old }, { name: "new", record: fresh }, new Thresholds(thresholds));
}

/** `status name` of each change. */
function told(record: DiffRecord): string[] {
  return record.changes.map(
    ({ status, subject, name }) => `${status} ${subject === "" ? name : `${subject}: ${name}`}`,
  );
}

function withHeap(changes: Partial<HeapRecordOfRun>): RunRecord {
  return runRecord({ heaps: { main: heapRecord(changes) } });
}

describe("two runs", () => {
  test("that are the same have no changes", () => {
    const record = diff(runRecord(), runRecord());
    expect(record).toMatchObject({ kind: "heapsoak.run", worse: 0, changes: [], remarks: [] });
    expect(record.compared).toBe(record.same);
    expect(record.compared).toBeGreaterThan(20);
  });

  test("are told apart by verdict, expectation, failure and figures, words before figures, the largest share first", () => {
    const heaps = { main: heapRecord({ minimumFreeBytes: 5480, minimumLargestFreeBytes: 3000, failedRequests: 1 }) };
    expect(told(diff(runRecord(), failedRecord({ heaps })))).toEqual([
      "worse verdict",
      "worse expectation survives: 30 d",
      "worse failure crash",
      "worse heaps.main.failedRequests",
      "worse heaps.main.minimumLargestFreeBytes",
      "worse heaps.main.minimumFreeBytes",
    ]);
  });

  test("of which the new one is better has nothing that is worse", () => {
    const record = diff(failedRecord(), runRecord());
    expect(record.worse).toBe(0);
    expect(told(record)).toEqual(["better verdict", "better expectation survives: 30 d", "better failure crash"]);
  });

  test("tell the change in its own unit and as a share of the old value", () => {
    const [change] = diff(withHeap({ minimumFreeBytes: 8000 }), withHeap({ minimumFreeBytes: 6000 })).changes;
    expect(change).toMatchObject({
      old: 8000,
      new: 6000,
      change: -2000,
      changeRatio: -0.25,
      threshold: { share: 0.05 },
    });
  });

  test("have no share of a value that was 0", () => {
    const [change] = diff(withHeap({ failedRequests: 0 }), withHeap({ failedRequests: 3 })).changes;
    expect(change).toMatchObject({ status: "worse", changeRatio: null });
  });

  test.each([
    ["at its threshold is not worse", 9500, "within-threshold"],
    ["beyond it is", 9499, "worse"],
    ["better by less than it is neither", 10_400, "within-threshold"],
    ["better by more is better", 10_600, "better"],
  ])("a figure %s", (_, now, status) => {
    const [change] = diff(withHeap({ minimumFreeBytes: 10_000 }), withHeap({ minimumFreeBytes: now })).changes;
    expect(change?.status).toBe(status);
  });

  test("an expectation that is new and not met is worse; one that is gone is told", () => {
    const unmet = { text: "periodic: true", met: false, observed: "it draws" };
    const record = diff(runRecord(), runRecord({ expectations: [unmet] }));
    expect(told(record)).toEqual(["worse expectation periodic: true", "changed expectation survives: 30 d"]);
  });

  test("an overflow and broken metadata that did not happen before are worse", () => {
    const overflow = { atUs: 1, detectedBy: null, detectedAfterUs: null, bytesBeyond: 4, overwrote: [] };
    const fresh = runRecord({
      heaps: { main: heapRecord({ inconsistentUs: 5 }) },
      stacks: { uplink: stackRecord({ overflow }) },
    });
    expect(told(diff(runRecord(), fresh))).toEqual([
      "worse broken metadata of heap main",
      "worse overflow of stack uplink",
    ]);
  });

  test("a trend is worse only where the intervals lie apart", () => {
    const drift = (bytesPerDay: number, low: number, high: number) => {
      const trend = { bytesPerDay, low, high, shrinking: high < 0, exhaustionUs: null, steadyFromUs: null };
      return withHeap({ drift: trend });
    };
    expect(diff(drift(-10, -20, -5), drift(-18, -30, -9)).changes[0]?.status).toBe("within-chance");
    expect(diff(drift(-10, -20, -5), drift(-40, -50, -30)).changes[0]?.status).toBe("worse");
    // Memory that comes back is no loss, however much of it.
    expect(diff(drift(30, 20, 40), drift(2, 1, 3)).changes).toEqual([]);
  });

  test("that were not run alike say so, and are compared all the same", () => {
    const { scenario, provenance } = runRecord();
    const fresh = runRecord({
      scenario: { ...scenario, seed: 2, device: "rp2040" },
      provenance: { ...provenance, scenario: "0ther", heapsoak: "0.3.0" },
      heaps: { radio: heapRecord() },
    });
    const record = diff(runRecord(), fresh);
    expect(record.remarks).toEqual([
      "not the same scenario: 5ce0, now 0ther",
      "not the same device: stm32f407vg, now rp2040",
      "not the same seed: 1, now 2",
      "not the same version of heapsoak: 0.1.0, now 0.3.0",
      "only in the old record: heaps.main",
      "only in the new record: heaps.radio",
    ]);
    expect(record.worse).toBe(0);
  });
});

describe("thresholds", () => {
  const old = runRecord({ heaps: { main: heapRecord({ holes: 10 }), radio: heapRecord() } });
  const worse = { minimumFreeBytes: 10_000, holes: 30 };
  const fresh = runRecord({ heaps: { main: heapRecord(worse), radio: heapRecord({ ...worse, holes: 12 }) } });

  test.each([
    [[], ["worse heaps.main.minimumFreeBytes", "worse heaps.radio.minimumFreeBytes"]],
    [["minimumFreeBytes=10%"], []],
    [["10%"], []],
    [["minimumFreeBytes=1KiB"], []],
    [["minimumFreeBytes=512B"], ["worse heaps.main.minimumFreeBytes", "worse heaps.radio.minimumFreeBytes"]],
    [["minimumFreeBytes=off"], []],
    [["minimumFreeBytes=off", "radio.minimumFreeBytes=0"], ["worse heaps.radio.minimumFreeBytes"]],
    [["10%", "heaps.main.holes=5"], ["worse heaps.main.holes"]],
  ])("%j make worse %j", (thresholds, expected) => {
    expect(told(diff(old, fresh, ...thresholds)).filter((line) => line.startsWith("worse"))).toEqual(expected);
  });

  test.each([
    ["minimumFreeByts=5%", /no figure "minimumFreeByts"/],
    ["constructor=5%", /no figure "constructor"/],
    ["minimumFreeBytes=five", /expected a size/],
    ["minimumFreeBytes=-1", /expected a size/],
    ["visitsMax=1KiB", /expected a number/],
    ["visitsMax=", /expected a number/],
    ["5", /expected 10% or FIGURE=10%/],
    ["messages.holes=3", /the records have no figure "messages.holes" in common/],
  ])("%s is refused", (threshold, message) => {
    expect(() => diff(old, fresh, threshold)).toThrow(message);
  });

  test("given twice are refused", () => {
    expect(() => new Thresholds(["holes=1", "holes=2"])).toThrow(/"holes" is given twice/);
    expect(() => new Thresholds(["1%", "2%"])).toThrow(/given twice/);
  });
});

/** A campaign of one scenario: failures of 200 runs by allocator. */
function campaign(failures: Readonly<Record<string, number>>, changes: Partial<RiskRecord> = {}): RiskRecord {
  const cells = Object.entries(failures).map(([allocator, failed]): RiskCell => {
    return {
      allocator,
      arenaBytes: 36_864,
      heap: "main",
      runs: 200,
      failures: failed,
      probability: failed / 200,
      interval: clopperPearson(failed, 200),
      upperBound95: 1,
      method: "runs",
      intervalMethod: "clopper-pearson",
      medianTimeToFailureUs: null,
      kinds: failed > 0 ? { crash: failed } : {},
      earliest: null,
      survival: [],
      margins: { heaps: {}, stacks: {} },
      steps: 1,
    };
  });
  return {
    format: "heapsoak.risk",
    version: 1,
    provenance: { heapsoak: "0.1.0", core: "c0de", plan: "91a2" },
    scenario: { title: "A gateway", path: "gateway.yaml", device: "stm32f407vg" },
    fit: null,
    horizonUs: 2 * DAY_US,
    failOn: "failure",
    seeds: { first: "1", most: 200 },
    precision: null,
    maxRisk: null,
    verdict: "pass",
    complete: true,
    drawsNothing: false,
    cells,
    refused: [],
    paired: [],
    monotone: [],
    recommended: null,
    cost: { runs: 200, steps: 1, simulatedUs: 1 },
    ...changes,
  };
}

describe("two campaigns", () => {
  test("differ by chance where the intervals of a cell overlap, however large the share", () => {
    const record = diff(campaign({ tlsf: 2 }), campaign({ tlsf: 6 }), "probability=1%");
    expect(told(record)).toEqual([
      "within-chance tlsf 36 KiB: probability",
      "within-chance tlsf 36 KiB: failures.crash.kindProbability",
    ]);
    expect(record.worse).toBe(0);
  });

  test("differ really where they lie apart", () => {
    const record = diff(campaign({ tlsf: 2, newlib: 9 }), campaign({ tlsf: 40, newlib: 9 }));
    expect(told(record)).toEqual([
      "worse tlsf 36 KiB: probability",
      "worse tlsf 36 KiB: failures.crash.kindProbability",
    ]);
    expect((record.changes[0] as FigureChange).intervals?.new[0]).toBeCloseTo(0.146, 2);
  });

  test("a pass that became undecided is no evidence; a fail is", () => {
    expect(diff(campaign({ tlsf: 0 }), campaign({ tlsf: 0 }, { verdict: "undecided" })).worse).toBe(0);
    expect(diff(campaign({ tlsf: 0 }), campaign({ tlsf: 0 }, { verdict: "fail" })).worse).toBe(1);
  });

  test("without a cell in common are refused, with what each has", () => {
    expect(() => diff(campaign({ tlsf: 0 }), campaign({ newlib: 0 }))).toThrow(
      "The records have nothing in common: tlsf 36 KiB; now newlib 36 KiB.",
    );
  });

  test("a cell that only one of them has is told, and one that is now refused is worse", () => {
    const refused = [{ allocator: "newlib", heap: "main", arenaBytes: 36_864, reason: "too small" }];
    const record = diff(campaign({ tlsf: 0, newlib: 0, bump: 0 }), campaign({ tlsf: 0 }, { refused }));
    expect(record.remarks).toContain("only in the old record: bump 36 KiB");
    expect(told(record)).toEqual(["worse newlib 36 KiB: runs"]);
  });
});

describe("two comparisons", () => {
  const candidate = (allocator: string, record: RunRecord) => {
    return { scenario: "gateway", heap: "main", allocator, size: null, record };
  };
  const comparison = (...runs: CompareRecord["runs"]): CompareRecord => ({
    format: "heapsoak.compare",
    version: 1,
    runs,
  });

  test("are held against each other by candidate, in whatever order", () => {
    const old = comparison(candidate("tlsf", runRecord()), candidate("newlib", runRecord()));
    const fresh = comparison(candidate("newlib", withHeap({ failedRequests: 2 })), candidate("tlsf", runRecord()));
    expect(told(diff(old, fresh))).toEqual(["worse newlib: heaps.main.failedRequests"]);
  });

  test("a candidate that is refused now is worse, and the reason is told", () => {
    const refused = { scenario: "gateway", heap: "main", allocator: "tlsf", size: null, refused: "does not fit" };
    const record = diff(comparison(candidate("tlsf", runRecord())), comparison(refused));
    expect(record.changes[0]).toMatchObject({ status: "worse", name: "runs", new: "refused: does not fit" });
  });
});

test("records of different kinds are refused", () => {
  expect(() => diff(runRecord(), campaign({ tlsf: 0 }))).toThrow(
    "old is a record heapsoak.run, new one of another kind: heapsoak.risk.",
  );
});

test("the old and the new record change places: what was worse is better", () => {
  const [good, bad] = [runRecord(), failedRecord({ heaps: { main: heapRecord({ minimumFreeBytes: 100 }) } })];
  const forth = diff(good, bad);
  const back = diff(bad, good);
  expect(forth.worse).toBeGreaterThan(3);
  expect(back.changes.filter(({ status }) => status === "better")).toHaveLength(forth.worse);
});
