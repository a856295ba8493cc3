import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { StreamLink } from "../../src/board/link/stream-link.ts";
import { type RecordingSummary, recordBoard } from "../../src/board/recording/record-session.ts";
import { openRecording } from "../../src/board/recording/recording-file.ts";
import { verifyTrace } from "../../src/trace/verify.ts";
import { FakeBoard } from "../support/fake-board.ts";
import { QuickTimers } from "../support/quick-timers.ts";
import { churn, newPath, START, settle } from "../support/recorded.ts";

/** A recording over a line that can be cut and joined again. */
async function begun(board: FakeBoard) {
  const path = newPath();
  const link = new StreamLink("fake");
  const controller = new AbortController();
  const join = () => link.attach(board.stream, () => {});
  join();
  const recording = await openRecording(path, false);
  const session = recordBoard({ link, recording, start: START, signal: controller.signal });
  await settle();
  return {
    /** The line is away while `work` moves the board: what it sends is lost. Then the board is asked what it is. */
    away: async (work: () => void) => {
      await link.detach("unplugged");
      work();
      board.stream.read();
      const before = board.commands.length;
      join();
      await expect.poll(() => board.commands.length, { interval: 10 }).toBeGreaterThan(before);
      await settle();
    },
    ended: async (): Promise<{ path: string; summary: RecordingSummary; text: string }> => {
      await settle();
      controller.abort();
      const summary = await session.finally(() => link.close());
      return { path, summary, text: readFileSync(path, "utf8") };
    },
  };
}

describe("a line that comes back during a recording", () => {
  test("is asked again what the board is, and what was missed is a gap and no difference", async () => {
    const board = new FakeBoard();
    const { away, ended } = await begun(board);
    const live = churn(board, 100);
    await settle();
    await away(() => live.splice(0, 5).forEach((address) => void board.release(address)));
    churn(board, 50, 3);
    board.boot();
    churn(board, 50, 4);
    const { text, path, summary } = await ended();
    expect(summary).toMatchObject({ disconnections: 1, boots: 2, operations: 200 });
    expect(text).toMatch(/\n! disconnected text=unplugged\n! connected\n(?:.*\n)*! identity /);
    const result = await verifyTrace(path);
    expect(result).toMatchObject({ mismatches: 0, operations: 200 + summary.lostFrees });
    expect(result.operations - result.notCompared).toBe(150);
  });

  test("finds a board that has rebooted and allocated nothing since in a known state", async () => {
    const board = new FakeBoard();
    const { away, ended } = await begun(board);
    churn(board, 40);
    await settle();
    await away(() => board.boot());
    churn(board, 60, 2);
    const { path, summary } = await ended();
    expect(summary.boots).toBe(2);
    expect(await verifyTrace(path)).toMatchObject({ mismatches: 0, notCompared: 0, operations: 100 });
  });

  test("finds a board that has rebooted and worked since in a state that nobody knows", async () => {
    const board = new FakeBoard();
    const { away, ended } = await begun(board);
    churn(board, 40);
    await settle();
    await away(() => {
      board.boot();
      churn(board, 20, 5);
    });
    churn(board, 60, 2);
    const { path, text, summary } = await ended();
    expect(summary.boots).toBe(2);
    expect(text).toMatch(/\n! boot (?:.*)\n! joined captured=20\n/);
    expect(await verifyTrace(path)).toMatchObject({ mismatches: 0, notCompared: 60, operations: 100 });
  });
});

test("a port that goes away before the board has said what it is, is waited for, however long that takes", async () => {
  const path = newPath();
  const timers = new QuickTimers();
  const controller = new AbortController();
  const link = new StreamLink("fake");
  link.attach(new PassThrough({ read: () => {}, write: (_chunk, _encoding, done) => done() }), () => {});
  const recording = await openRecording(path, false);
  const session = recordBoard({ link, recording, start: START, signal: controller.signal, timers });
  await link.detach("unplugged");
  while (timers.nowMs() < 60_000) await settle();
  const board = new FakeBoard();
  link.attach(board.stream, () => {});
  churn(board, 10);
  await settle();
  controller.abort();
  expect(await session).toMatchObject({ operations: 10, names: ["fake-board", "build-1", "newlib-nano", "3.3.0"] });
  expect(readFileSync(path, "utf8")).toContain("\n# arena_base=0x20004000\n");
  await link.close();
});
