import { expect, test } from "vitest";
import { compareText } from "../../src/report/compare-text.ts";
import { failedRecord, heapRecord, runRecord, stackRecord } from "../support/run-records.ts";

const candidate = { scenario: "gateway", heap: "main" };

test("a comparison is one table with a row a candidate, and says why one was refused", () => {
  const passed = runRecord({ heaps: { main: heapRecord({ allocator: "tlsf" }) } });
  const failed = failedRecord({ heaps: { main: heapRecord({ failedRequests: 1, fragmentationFailures: 1 }) } });
  const text = compareText({
    runs: [
      { ...candidate, allocator: "freertos-heap4", size: "40KiB", record: failed },
      { ...candidate, allocator: "tlsf", size: "40KiB", record: passed },
      { ...candidate, allocator: "tlsf", size: "400KiB", refused: "It does not fit." },
    ],
  });
  expect(text).toMatch(/^A gateway: heap main on stm32f407vg, seed 1\n\n {2,}SIZE +VERDICT +SURVIVED +FAILED/);
  expect(text).toMatch(/^freertos-heap4 +40 KiB +FAIL +11 d 3 h 14 min +1 +1 +30,000 +9,000 +25\.0 % +17 \/ 40$/m);
  expect(text).toMatch(/^tlsf +40 KiB +PASS +30 d +0 +0 +30,000 +9,000 +25\.0 % +17 \/ 40$/m);
  expect(text).toMatch(/^tlsf +400KiB +refused$/m);
  expect(text).toMatch(/\n\ngateway tlsf 400KiB: It does not fit\.\n$/);
});

test("several scenarios have a row each, and one stack of them is compared on request", () => {
  const overflow = { atUs: 1e6, detectedBy: "mpu", detectedAfterUs: 0, bytesBeyond: 96, overwrote: ["stack of b"] };
  const guarded = runRecord({ stacks: { a: stackRecord({ overflow }) } });
  const runs = [
    { ...candidate, allocator: "tlsf", size: null, record: guarded },
    { ...candidate, scenario: "other", heap: null, allocator: null, size: null, record: runRecord() },
  ];
  const text = compareText({ runs, stack: { task: "a", protections: ["mpu 32 B", "none"] } });
  expect(text).toMatch(/^2 scenarios, seed 1\n\n +ALLOCATOR +SIZE +VERDICT /);
  expect(text).toMatch(/^gateway +freertos-heap4 +40 KiB +PASS +30 d +0 /m);
  expect(text).toMatch(/^other +PASS +30 d$/m);
  expect(text).toMatch(/^stack a\n.*\nmpu 32 B +mpu +at once +96 B +stack of b +/m);
});

test("the longest collection has a column where a heap is collected", () => {
  const heap = heapRecord({ collections: { count: 3, longestVisits: 1234, blocks: 99 } });
  const text = compareText({
    runs: [
      { ...candidate, allocator: "tlsf", size: null, record: runRecord({ heaps: { main: heap } }) },
      { ...candidate, allocator: "bump", size: null, record: runRecord() },
    ],
  });
  expect(text).toMatch(
    /VISITS P99 \/ MAX {2}LONGEST COLLECTION\nfreertos-heap4 .* 1,234\nfreertos-heap4 .* 17 \/ 40\n$/,
  );
});
