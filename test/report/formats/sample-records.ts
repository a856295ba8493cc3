/** A small record of each kind that the machine formats take; texts that a test chooses stand wherever a record has one. */
import type { ValidationRecord } from "../../../src/board/validation/validation-record.ts";
import type { StackBoundRecord } from "../../../src/firmware-stack/stack-record.ts";
import type { CompareRecord, NamedRecord } from "../../../src/report/report-record.ts";
import type { RiskCell, RiskRecord } from "../../../src/risk/record.ts";
import type { SearchedAllocator, SizeEvidence, SizeRecord } from "../../../src/risk/size/record.ts";
import type { OperationOfRun, RunRecord } from "../../../src/soak/record.ts";
import { failedRecord, heapRecord, runRecord, stackRecord } from "../../support/run-records.ts";

const PROVENANCE = { heapsoak: "0.2.0", core: "c0de", scenario: "5ce0" };

/** The last operations before a failure, that of a task and one of the kernel. */
export function operations(text: string): OperationOfRun[] {
  const step = `tasks.connection.do[0] allocate ${text}`;
  const own = { operation: "allocate", heap: text, task: text, step, requestBytes: 16_717, visits: 3 } as const;
  return [
    {
      ...own,
      atUs: 10,
      operation: "release",
      task: null,
      step: null,
      requestBytes: 0,
      address: 0x20000040,
      result: null,
    },
    { ...own, atUs: 12, address: null, result: null },
  ];
}

/** A run that failed, every text of it `text`. */
export function textedRun(text: string): RunRecord {
  const failed = failedRecord();
  const heap = heapRecord({
    allocator: text,
    holders: [{ task: text, step: text, blocks: 1, bytes: 8, oldestUs: 1, leaked: true }],
  });
  const overflow = { atUs: 5, detectedBy: text, detectedAfterUs: 1, bytesBeyond: 8, overwrote: [text] };
  return {
    ...failed,
    provenance: { heapsoak: text, core: text, scenario: text },
    scenario: { ...failed.scenario, title: text, path: text, device: text, seed: text },
    digest: text,
    expectations: [{ text, met: false, observed: text, line: 7 }],
    failure: { ...(failed.failure ?? neverFailed()), heap: text, task: text, step: text, message: text, line: 12 },
    heaps: { [text]: heap },
    tasks: { [text]: { activations: 1, skipped: 0, allocations: 1, failedRequests: 1, leaks: 0 } },
    stacks: { [text]: stackRecord({ overflow }) },
    moment: { blocks: null, operations: operations(text) },
  };
}

function neverFailed(): never {
  throw new Error("failedRecord has a failure");
}

export function compareRecord(text = "mqtt-tls"): CompareRecord {
  const own = { scenario: text, heap: "main", size: "40KiB" };
  return {
    format: "heapsoak.compare",
    version: 1,
    runs: [
      { ...own, allocator: "tlsf", record: runRecord() },
      { ...own, allocator: "newlib-nano", record: failedRecord() },
      { ...own, allocator: "buddy", refused: `${text} does not fit` },
    ],
  };
}

function cell(allocator: string, changes: Partial<RiskCell>): RiskCell {
  return {
    allocator,
    heap: "main",
    arenaBytes: 40_960,
    runs: 60,
    failures: 0,
    probability: 0,
    interval: [0, 0.06],
    upperBound95: 0.049,
    method: "runs",
    intervalMethod: "clopper-pearson",
    medianTimeToFailureUs: null,
    kinds: {},
    earliest: null,
    survival: [],
    margins: {
      heaps: { main: { leastFree: { bytes: 200, seed: "4" }, leastLargestFree: { bytes: 48, seed: "9" } } },
      stacks: {},
    },
    steps: 1000,
    ...changes,
  };
}

export function riskRecord(text = "tlsf"): RiskRecord {
  const bad = { failures: 60, probability: 1, interval: [0.94, 1] as const, upperBound95: 1, kinds: { crash: 60 } };
  return {
    format: "heapsoak.risk",
    version: 1,
    provenance: { heapsoak: "0.2.0", core: "c0de", plan: "91a4" },
    scenario: { title: text, path: "gateway.yaml", device: "stm32f407vg" },
    fit: null,
    horizonUs: 43_200e6,
    failOn: "failure",
    seeds: { first: "4", most: 60 },
    precision: null,
    maxRisk: 0.05,
    verdict: "pass",
    complete: true,
    drawsNothing: false,
    cells: [
      cell(text, {}),
      cell("first-fit", bad),
      cell("buddy", { upperBound95: 0.2, failures: 2, probability: 0.03 }),
    ],
    refused: [{ allocator: "bump", heap: "main", arenaBytes: 8, reason: text }],
    paired: [],
    monotone: [],
    recommended: null,
    cost: { runs: 180, steps: 3000, simulatedUs: 1 },
  };
}

export function sizeRecord(text = "tlsf"): SizeRecord {
  const at: SizeEvidence = {
    heapBytes: 27_176,
    runs: 59,
    failures: 0,
    kinds: {},
    probability: 0,
    interval: [0, 0.06],
    upperBound: 0.0495,
  };
  const found: SearchedAllocator = {
    allocator: text,
    verdict: "found",
    stepBytes: 8,
    mostBytes: 112_608,
    heapBytes: 27_176,
    steadyBytes: 27_176,
    at,
    below: at,
    above: at,
    most: at,
    refutedBytes: null,
    candidateBytes: null,
    peakLiveBytes: 26_632,
    largestBlockBytes: 16_728,
    unavoidable: { bytes: 156_792, formula: "M", source: "Robson" },
    policy: null,
    monotone: {
      monotone: true,
      sizesTried: 85,
      seedsCompared: 59,
      seedsNotMonotone: 0,
      examples: [],
      smallerMeet: [],
      largerFail: [],
    },
    runsTaken: 372,
    steps: 9,
    gridSizes: 100,
    gridRuns: 5900,
  };
  return {
    format: "heapsoak.size",
    version: 1,
    provenance: PROVENANCE,
    scenario: { title: text, path: "gateway.yaml", device: "stm32f407vg" },
    heap: "main",
    nowBytes: 40_960,
    horizonUs: 21_600e6,
    failOn: "failure",
    risk: 0.05,
    confidence: 0.95,
    runs: 59,
    failuresMost: 0,
    baseSeed: "4",
    stopped: null,
    allocators: [
      found,
      { ...found, allocator: "first-fit", verdict: "none", heapBytes: null, at: null },
      { allocator: "bump", verdict: "refused", reason: text },
    ],
    stacks: [
      { name: text, sizeBytes: 1024, observedBytes: 400, worstCaseBytes: 512, guardBytes: 32, recommendedBytes: 544 },
    ],
    runsTaken: 372,
  };
}

export function validationRecord(text = "bench"): ValidationRecord {
  return {
    format: "heapsoak.validation",
    version: 1,
    verdict: "different",
    reason: null,
    board: text,
    buildId: text,
    allocator: "newlib-nano",
    allocatorVersion: "3.3.0",
    emulatedAs: "newlib-nano",
    options: {},
    versionsExactFor: "newlib 3.3.0",
    heap: { address: 0x20000000, bytes: 16_384 },
    start: "fresh",
    source: { name: text, digest: "6a33" },
    operations: 2000,
    leftOut: 0,
    compared: { placements: 1124, refusals: 0, statistics: 6 },
    ram: { bytes: 16_384, equal: false },
    firstDifference: { kind: "ram", operation: 2000, address: 0x200000d8, board: 0, emulated: 24, differingBytes: 8 },
    calibration: null,
    line: { retries: 0, lost: 0, corrupt: 0 },
    heapsoak: "0.2.0",
  };
}

export function stackBoundRecord(text = "reset"): StackBoundRecord {
  const own = { floatingPoint: false, path: [], unknowns: [] };
  return {
    format: "heapsoak.stack-bound",
    version: 1,
    elf: "build/firmware.elf",
    core: "Armv7-M",
    frames: {
      exceptionBytes: 32,
      exceptionFpuBytes: 104,
      lazyBytes: 72,
      contextBytes: 32,
      contextFpuBytes: 96,
      stackAlignment: 8,
    },
    verdict: "fail",
    limits: [
      { name: "main-stack", limitBytes: 400, bytes: 488, bounded: false, verdict: "fail" },
      { name: text, limitBytes: 400, bytes: 352, bounded: true, verdict: "pass" },
    ],
    entries: [
      {
        ...own,
        name: text,
        function: text,
        kind: "reset",
        pathBytes: 352,
        savedBytes: 0,
        bytes: 352,
        bounded: true,
        stackBytes: null,
      },
    ],
    interrupts: [{ ...own, name: "uart", exceptions: [16], priority: null, bytes: 36, bounded: true, trap: false }],
    mainStack: { bytes: 488, bounded: false, thread: text, threadBytes: 352, nested: [] },
    unknowns: [],
    notes: [],
    functions: { compiler: 0, code: 2, none: 0 },
    comparison: null,
  };
}

/** A record of each kind that every tabular format takes, `text` wherever they have one. */
export function everyRecord(text: string): NamedRecord[] {
  return [
    { name: text, record: textedRun(text) },
    { name: text, record: compareRecord(text) },
    { name: text, record: riskRecord(text) },
    { name: text, record: sizeRecord(text) },
    { name: text, record: validationRecord(text) },
    { name: text, record: stackBoundRecord(text) },
  ];
}
