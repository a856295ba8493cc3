import { expect, test } from "vitest";
import { rewindLines } from "../../src/report/rewind-text.ts";
import type { RewoundOperation } from "../../src/soak/rewind.ts";

const operation: RewoundOperation = {
  atUs: 9_000_000,
  operation: "allocate",
  task: "uplink",
  step: "tasks.uplink.do[0] allocate packet",
  heap: "main",
  requestBytes: 1200,
  address: null,
  result: null,
  visits: 7,
  before: { map: "##..", picture: "2×16 [32]" },
};

test("a rewind shows the last operations with what they returned and the heap before them", () => {
  const operations: RewoundOperation[] = [
    { ...operation, atUs: 8_500_000, result: 0x20001000, before: null },
    { ...operation, atUs: 8_999_000, operation: "release", address: 0x20001000, before: null },
    { ...operation, visits: 1 },
  ];
  expect(rewindLines({ fromUs: 1_000_000, failureUs: 9_000_000, operationCount: 1234, operations }).join("\n")).toBe(
    `Rewound to 8 s before the failure: 1,234 heap operations, the last 3 of them
  −500 ms  main  allocate 1,200 B → 0x20001000  7 visits  tasks.uplink.do[0] allocate packet
  −1 ms    main  release 0x20001000             7 visits  tasks.uplink.do[0] allocate packet
    [##..]
    2×16 [32]
  0 s      main  allocate 1,200 B REFUSED       1 visit   tasks.uplink.do[0] allocate packet`,
  );
});
