import { expect, test } from "vitest";
import { compareText } from "../../src/report/compare-text.ts";
import { failedRecord, heapRecord, runRecord } from "../support/run-records.ts";

test("a comparison is one table with a row a candidate, and says why one was refused", () => {
  const passed = runRecord({ heaps: { main: heapRecord({ allocator: "tlsf" }) } });
  const failed = failedRecord({ heaps: { main: heapRecord({ failedRequests: 1, fragmentationFailures: 1 }) } });
  const text = compareText("main", [
    { allocator: "freertos-heap4", size: "40KiB", result: { record: failed } },
    { allocator: "tlsf", size: "40KiB", result: { record: passed } },
    { allocator: "tlsf", size: "400KiB", result: { refused: "It does not fit." } },
  ]);
  expect(text).toMatch(/^A gateway: heap main on stm32f407vg, seed 1\n\n {2,}SIZE +VERDICT +SURVIVED +FAILED/);
  expect(text).toMatch(/^freertos-heap4 +40 KiB +FAIL +11 d 3 h 14 min +1 +1 +30,000 +9,000 +25\.0 % +17 \/ 40$/m);
  expect(text).toMatch(/^tlsf +40 KiB +PASS +30 d +0 +0 +30,000 +9,000 +25\.0 % +17 \/ 40$/m);
  expect(text).toMatch(/^tlsf +400KiB +refused$/m);
  expect(text).toMatch(/\n\ntlsf 400KiB: It does not fit\.\n$/);
});
