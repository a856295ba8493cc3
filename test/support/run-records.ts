import type { HeapRecordOfRun, RunRecord, StackRecordOfRun } from "../../src/soak/record.ts";

const DAY_US = 86_400e6;

/** A column of a series of one window. */
const column = (min: number, max: number, last: number) => ({ min: [min], max: [max], last: [last] });

/** A heap of 40 KiB with nothing remarkable, and what a test changes of it. */
export function heapRecord(changes: Partial<HeapRecordOfRun> = {}): HeapRecordOfRun {
  return {
    allocator: "freertos-heap4",
    arenaBytes: 40_960,
    requests: 1_234_567,
    zeroSizeRequests: 0,
    frees: 1_234_500,
    failedRequests: 0,
    fragmentationFailures: 0,
    liveBlocks: 67,
    liveBytes: 20_480,
    requestedBytes: 19_000,
    peakLiveBytes: 30_000,
    freeBytes: 20_480,
    minimumFreeBytes: 10_960,
    largestFreeBytes: 15_360,
    minimumLargestFreeBytes: 9_000,
    holes: 12,
    externalFragmentationRatio: 0.25,
    internalFragmentationRatio: 0.0722,
    splitRatio: 0.4,
    visits: { p50: 2, p99: 17, max: 40 },
    holders: [
      {
        task: "uplink",
        step: "tasks.uplink.do[2] allocate packet",
        blocks: 3,
        bytes: 4128,
        oldestUs: 5,
        leaked: false,
      },
      {
        task: "sensor",
        step: "tasks.sensor.do[0] allocate reading",
        blocks: 12,
        bytes: 768,
        oldestUs: 9,
        leaked: true,
      },
    ],
    inconsistentUs: null,
    drift: null,
    largestFreeDrift: null,
    series: {
      atUs: [30 * DAY_US],
      freeBytes: column(10_960, 40_900, 20_480),
      largestFreeBytes: column(9_000, 40_900, 15_360),
      holes: column(1, 14, 12),
      liveBlocks: column(0, 80, 67),
      requestedBytes: column(0, 28_000, 19_000),
      failedRequests: [0],
      visitsMax: [40],
      map: [`${"9".repeat(20)}5${"0".repeat(43)}`],
    },
    ...changes,
  };
}

/** A stack of 1 KiB, and what a test changes of it. */
export function stackRecord(changes: Partial<StackRecordOfRun> = {}): StackRecordOfRun {
  return { sizeBytes: 1024, observedBytes: 400, worstCaseBytes: 512, paintedBytes: 380, overflow: null, ...changes };
}

/** A run of 30 days that passed, and what a test changes of it. */
export function runRecord(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    format: "heapsoak.run",
    version: 1,
    provenance: { heapsoak: "0.1.0", core: "c0de", scenario: "5ce0" },
    scenario: { title: "A gateway", path: "gateway.yaml", device: "stm32f407vg", seed: 1, uptimeUs: 30 * DAY_US },
    verdict: "pass",
    digest: "0123abcd",
    expectations: [{ text: "survives: 30 d", met: true, observed: "no failure in 30 d" }],
    simulatedUs: 30 * DAY_US,
    reboots: 0,
    periodic: null,
    failure: null,
    heaps: { main: heapRecord() },
    tasks: { uplink: { activations: 43_200, skipped: 3, allocations: 86_400, failedRequests: 0, leaks: 0 } },
    stacks: { uplink: stackRecord() },
    faults: [],
    ...changes,
  };
}

/** The same run, ended on its twelfth day by a request that no hole could serve. */
export function failedRecord(changes: Partial<RunRecord> = {}): RunRecord {
  const atUs = 11 * DAY_US + 3 * 3600e6 + 14 * 60e6 + 7.250113e6;
  return runRecord({
    verdict: "fail",
    simulatedUs: atUs,
    expectations: [{ text: "survives: 30 d", met: false, observed: "failed after 11 d 3 h 14 min" }],
    failure: {
      atUs,
      kind: "crash",
      heap: "main",
      task: "connection",
      step: "tasks.connection.do[0].do[0] allocate record-in",
      requestBytes: 16_717,
      freeBytes: 20_480,
      largestFreeBytes: 15_360,
      message: "request of 16,717 B refused: 20,480 B free, largest hole 15,360 B (fragmentation)",
    },
    ...changes,
  });
}
