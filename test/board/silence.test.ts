import { expect, test } from "vitest";
import type { LinkItem } from "../../src/board/link/link.ts";
import { Silence } from "../../src/board/silence.ts";

const HEARTBEAT: LinkItem = { kind: "heartbeat", nonce: 1, time: 0, frames: 0, captured: 0, dropped: 0 };

test("a board is silent once three heartbeats have not come", () => {
  const silence = new Silence();
  silence.take([HEARTBEAT], 10_000);
  expect(silence.silentMs(13_000)).toBeUndefined();
  expect(silence.silentMs(13_001)).toBe(3001);
  silence.take([HEARTBEAT], 14_000);
  expect(silence.silentMs(14_500)).toBeUndefined();
});

test("what was never heard is not called silent", () => {
  expect(new Silence().silentMs(60_000)).toBeUndefined();
});

test("a port that is gone is not called silent, and one that is back has time to speak", () => {
  const silence = new Silence();
  silence.take([HEARTBEAT, { kind: "disconnected", reason: "pulled out" }], 0);
  expect(silence.silentMs(60_000)).toBeUndefined();
  silence.take([{ kind: "connected" }], 60_000);
  expect(silence.silentMs(62_000)).toBeUndefined();
  expect(silence.silentMs(64_000)).toBe(4000);
});
