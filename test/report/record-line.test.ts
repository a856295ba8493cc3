import { expect, test } from "vitest";
import type { RecordProgress } from "../../src/board/recording/record-session.ts";
import { recordLine } from "../../src/report/record-line.ts";

const PROGRESS: RecordProgress = {
  elapsedMs: 3_723_999,
  eventsPerSecond: 1203.6,
  operations: 50_000,
  heap: { known: true, freeBytes: 34_918, largestFreeBytes: 20_480 },
  lostFrames: 1200,
  ringDropped: 17,
  reconnections: 2,
  isConnected: true,
  silentMs: undefined,
  isWaiting: false,
};

test("the line of a recording has time, rate, free, largest hole and losses", () => {
  expect(recordLine(PROGRESS)).toBe(
    "01:02:03  1,204 events/s  free 34.1 KiB, largest 20 KiB  lost 1,200, ring 17, reconnected 2",
  );
  expect(recordLine({ ...PROGRESS, elapsedMs: 100 * 3600e3 })).toMatch(/^100:00:00 /);
});

test.each([
  ["the port is gone, waiting for it", { isConnected: false, isWaiting: true }],
  ["SILENT for 12 s: the board hangs, or was halted", { silentMs: 12_345 }],
  ["waiting for the board to say what it is", { isWaiting: true }],
  [
    "1,204 events/s  free unknown (unsynchronised: 3 frames are missing)",
    { heap: { known: false, reason: "unsynchronised: 3 frames are missing" } },
  ],
  [
    "1,204 events/s  free 34.1 KiB, largest unknown",
    { heap: { known: true, freeBytes: 34_918, largestFreeBytes: undefined } },
  ],
] as const)("it says: %s", (words, changes) => {
  expect(recordLine({ ...PROGRESS, ...changes })).toBe(`01:02:03  ${words}  lost 1,200, ring 17, reconnected 2`);
});
