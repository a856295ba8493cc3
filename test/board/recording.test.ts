import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LinkItem } from "../../src/board/link/link.ts";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { recordBoard } from "../../src/board/recording/record-session.ts";
import { Recorder } from "../../src/board/recording/recorder.ts";
import { type AppendTarget, openRecording, RecordingFile } from "../../src/board/recording/recording-file.ts";
import { recordSummaryText } from "../../src/report/record-summary.ts";
import { verificationText } from "../../src/report/verify-text.ts";
import { openTrace } from "../../src/trace/reader.ts";
import { replayTrace } from "../../src/trace/replay.ts";
import { verifyTrace } from "../../src/trace/verify.ts";
import { FakeBoard } from "../support/fake-board.ts";
import { churn, newPath, recorded, START, settle } from "../support/recorded.ts";
import { rowsOf, temporaryFolder } from "../support/traces.ts";

const { folder } = temporaryFolder();

describe("a recording", () => {
  test.each(["newlib-nano", "newlib", "freertos-heap4", "tlsf"])(
    "of %s replays to the same places",
    async (allocator) => {
      const { path, summary } = await recorded((board) => void churn(board, 600), { board: { allocator } });
      expect(summary).toMatchObject({ operations: 600, gaps: 0, unmatchedFrees: 0 });
      const result = await verifyTrace(path);
      expect(result).toMatchObject({ operations: 600, notCompared: 0, mismatches: 0 });
      const [other] = await replayTrace(path, { allocators: ["tlsf"] });
      expect(other?.operations).toBe(600);
    },
  );

  test("says in its header and records what a reader needs", async () => {
    const { text } = await recorded((board) => {
      board.boot();
      board.nameTask(3, "uplink");
      const address = board.allocate(100, { site: 0x0800_0123, task: 3 });
      board.reallocate(address, 200);
      board.stack(3, 1024, 412);
      board.log("hello");
      board.heartbeat();
    });
    expect(text).toMatch(
      /^# recording=1\n# heapsoak=0\.0\.0\n# started=2026-11-21T10:00:00\.000Z\n# board=fake-board\n/,
    );
    expect(text).toMatch(
      /\n# allocator=newlib-nano\n.*\n# heap_size=16384\n# arena_base=0x20004000\n# clock_hz=1000000\n/,
    );
    expect(text).toMatch(/\n! boot t=0 nonce=0x[0-9a-f]{8} board=fake-board /);
    expect(text).toContain("\n! task task=3 text=uplink\n");
    expect(text).toMatch(/\na 0 100 \d+ t=\d+ at=0x8000123 task=3\nr 0 200 \d+ t=\d+\n/);
    expect(text).toMatch(/\n! stack t=\d+ task=3 bytes=1024 unused=412\n! log t=\d+ text=hello\n! heartbeat t=\d+ /);
    expect(text).toMatch(/\n! end operations=2 .*\n$/);
  });

  test("of a wrong address does not verify", async () => {
    const { path } = await recorded((board) => {
      board.wrongAddressAt = 5;
      for (let i = 0; i < 10; i++) board.allocate(24);
    });
    expect((await verifyTrace(path)).mismatches).toBeGreaterThan(0);
  });

  test("starts the heap anew at a reboot, and the counts go on", async () => {
    const { path, summary } = await recorded((board) => {
      churn(board, 200);
      board.boot();
      churn(board, 200, 2);
    });
    expect(summary).toMatchObject({ boots: 2, operations: 400 });
    expect(await verifyTrace(path)).toMatchObject({ mismatches: 0, notCompared: 0, operations: 400 });
    const [result] = await replayTrace(path);
    expect(result).toMatchObject({ recording: { boots: 2 }, operations: 400, unknownIds: 0 });
    expect(result?.inconsistency).toBeUndefined();
  });

  test("with a gap is compared up to it and again from the next boot", async () => {
    const { path, summary } = await recorded((board) => {
      churn(board, 100);
      board.line.spoilNext("drop", { count: 3 });
      churn(board, 100, 2);
      board.boot();
      churn(board, 50, 3);
    });
    expect(summary).toMatchObject({ gaps: 1, missingFrames: 3 });
    const result = await verifyTrace(path);
    expect(result).toMatchObject({ mismatches: 0 });
    expect(result.operations - result.notCompared).toBe(150);
    expect(verificationText(result)).toContain(
      `behind a gap: ${result.notCompared} of ${result.operations} operations`,
    );
  });

  test("notes a free that was lost when its place is handed out again", async () => {
    const { text, summary } = await recorded((board) => {
      const address = board.allocate(64);
      board.line.spoilNext("drop");
      board.release(address);
      board.allocate(64);
    });
    expect(summary.lostFrees).toBe(1);
    expect(text).toMatch(/\na 0 64 (\d+) t=\d+\n! gap frames=1 certain=1\nf 0 lost=1\na 1 64 \1 t=\d+\n/);
  });

  test("counts frees of blocks that were born before it", async () => {
    const board = new FakeBoard();
    const early = board.allocate(40);
    const path = newPath();
    const recording = await openRecording(path, false);
    const controller = new AbortController();
    // What was sent before is thrown away, as a port does that nobody has open.
    board.stream.read();
    const link = linkOver(board.stream, "fake");
    const session = recordBoard({ link, recording, start: START, signal: controller.signal });
    await settle();
    board.release(early);
    await settle();
    controller.abort();
    expect(await session).toMatchObject({ unmatchedFrees: 1, operations: 1 });
    expect(readFileSync(path, "utf8")).toMatch(/\n! joined captured=1\n(?:.*\n)*! unmatched-free t=\d+ address=0x2000/);
  });

  test("keeps refused requests and aligned ones as they were", async () => {
    const { text, path } = await recorded((board) => {
      board.boot();
      board.allocate(1_000_000);
      board.allocateAligned(64, 100);
    });
    expect(text).toMatch(/\na 0 1000000 -1 t=\d+\nz 1 64 100 \d+ t=\d+\n/);
    expect(await verifyTrace(path)).toMatchObject({ mismatches: 0, operations: 2 });
  });

  test("ends with an unplugged board, and says so", async () => {
    const { text, summary } = await recorded(async (board) => {
      churn(board, 10);
      await settle();
      board.stream.destroy();
    });
    expect(summary.disconnections).toBe(1);
    expect(text).toMatch(/\n! disconnected text=.*\n! end .*\n$/);
  });

  test("goes on in the same file where that is asked for", async () => {
    const { path, text } = await recorded((board) => void churn(board, 50));
    await expect(openRecording(path, false)).rejects.toMatchObject({ code: "cannot-write" });
    const second = await recorded((board) => void churn(board, 50, 7), { path, append: true });
    expect(second.text.startsWith(text)).toBe(true);
    expect(second.text.slice(text.length)).toMatch(/^! appended started=/);
    expect(await verifyTrace(path)).toMatchObject({ operations: 100, mismatches: 0 });
    await expect(recorded(() => {}, { path, append: true, board: { heapBytes: 8192 } })).rejects.toMatchObject({
      code: "bad-board",
    });
  });

  test("is not made of a board that never answers", { timeout: 120_000 }, async () => {
    const path = newPath();
    await expect(
      recorded(() => new Promise((resolve) => setTimeout(resolve, 5400)), { path, board: { protocolVersion: 2 } }),
    ).rejects.toMatchObject({ code: "no-agent" });
    expect(existsSync(path)).toBe(false);
  });

  test("cut anywhere reads up to its last whole line", { timeout: 120_000 }, async () => {
    const { text } = await recorded((board) => {
      churn(board, 12);
      board.log("näher\n# x=1");
    });
    const first = text.indexOf("\n") + 1;
    const bytes = Buffer.from(text);
    for (let end = first; end <= bytes.length; end++) {
      const path = join(folder, "cut.trace");
      writeFileSync(path, bytes.subarray(0, end));
      const trace = await openTrace(path);
      let count = 0;
      for await (const batch of trace.batches()) count += batch.count;
      const whole = bytes.subarray(0, end).lastIndexOf(10) + 1;
      const records = bytes
        .subarray(0, whole)
        .toString()
        .split("\n")
        .filter((line) => /^[afrz] /.test(line));
      expect(count).toBe(records.length);
      expect(trace.recording?.tornBytes).toBe(end - whole);
    }
  });

  test("that lost power and ends in zeros reads up to its last whole line, and goes on from there", async () => {
    const { path, text } = await recorded((board) => void churn(board, 12));
    appendFileSync(path, Buffer.alloc(600_000));
    const trace = await openTrace(path);
    for await (const { count } of trace.batches()) expect(count).toBe(12);
    expect(trace.recording?.tornBytes).toBe(600_000);
    const second = await recorded((board) => void churn(board, 12), { path, append: true });
    expect(second.text.slice(text.length)).toMatch(/^! appended started=\S+ torn=600000\n/);
    appendFileSync(path, `${"x".repeat(600_000)}\n`);
    await expect(verifyTrace(path)).rejects.toMatchObject({
      message: expect.stringContaining("longer than 4096 bytes"),
    });
  });

  test("begins its ids anew behind the largest, also in a file that goes on", async () => {
    const { path } = await recorded((board) => void board.allocate(8));
    appendFileSync(path, "a 4294967294 8 8\n");
    const { text } = await recorded((board) => void board.allocate(8), { path, append: true });
    expect(text).toMatch(/\n! appended (?:.*\n)+a 0 8 /);
    expect(await verifyTrace(path)).toMatchObject({ operations: 3 });
  });

  test("does not count a block that realloc frees as refused", async () => {
    const { summary, path } = await recorded((board) => void board.reallocate(board.allocate(24), 0));
    expect(summary).toMatchObject({ operations: 2, refused: 0, liveBlocks: 0 });
    expect(await verifyTrace(path)).toMatchObject({ mismatches: 0, notCompared: 0 });
  });

  test("keeps hostile text on one line", async () => {
    const { text, path } = await recorded((board) => {
      board.log("a\nf 0\r\n! boot\u001b[2J\u202e\u2028\\");
      board.nameTask(1, "x\n! gap frames=9");
      board.allocate(8);
    });
    expect(text).toContain("text=a\\nf 0\\r\\n! boot\\x1b[2J\\u{202e}\\u{2028}\\\\\n");
    expect(text.split("\n").filter((line) => line.startsWith("! boot"))).toHaveLength(1);
    expect(await verifyTrace(path)).toMatchObject({ recording: { gaps: 0, boots: 1 }, operations: 1 });
  });

  test("is summed up in a few lines", async () => {
    const { summary } = await recorded((board) => void churn(board, 30));
    const text = recordSummaryText({
      ...summary,
      file: "board.trace",
      fileBytes: 1024,
      durationMs: 61_000,
      peakLiveBytes: 512,
      refused: 0,
    });
    expect(text).toBe(
      "board.trace: 30 operations in 1 min 01 s, 1 KiB\n" +
        "  board      fake-board build-1, newlib-nano 3.3.0, 1 boot\n" +
        "  heap       at most 512 B asked for at once, 0 requests refused\n" +
        "  losses     none\n",
    );
  });
});

describe("a full disk", () => {
  /** Takes `room` bytes, then fails; writes come in pieces. */
  function small(room: number) {
    const held: Buffer[] = [];
    const total = () => held.reduce((sum, { length }) => sum + length, 0);
    const target: AppendTarget = {
      write: async (buffer, offset, length) => {
        const bytesWritten = Math.min(length, 100, room - total());
        if (bytesWritten === 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
        held.push(Buffer.from(buffer.subarray(offset, offset + bytesWritten)));
        return { bytesWritten };
      },
      datasync: async () => {},
      truncate: async (bytes) => void held.splice(0, held.length, Buffer.concat(held).subarray(0, bytes)),
      close: async () => {},
    };
    return { target, text: () => Buffer.concat(held).toString() };
  }

  test("ends the recording with everything before intact and whole", async () => {
    const { target, text } = small(1500);
    const board = new FakeBoard();
    const link = linkOver(board.stream, "fake");
    const session = recordBoard({ link, recording: { path: "full.trace", target, bytes: 0 }, start: START });
    await settle();
    churn(board, 200);
    await expect(session).rejects.toMatchObject({
      code: "cannot-write",
      message: expect.stringContaining("the disk is full"),
    });
    await link.close();
    expect(text().length).toBeGreaterThan(1400);
    expect(text().endsWith("\n")).toBe(true);
    expect((await rowsOf(text())).length).toBeGreaterThan(10);
  });
});

/** A recorder whose file is in memory. */
function inMemory() {
  const held: Uint8Array[] = [];
  const write = async (buffer: Uint8Array) => {
    held.push(buffer.slice());
    return { bytesWritten: buffer.length };
  };
  const nothing = async () => {};
  const target = { write, datasync: nothing, truncate: nothing, close: nothing };
  const file = new RecordingFile({ path: "x", target, bytes: 0 }, () => {});
  const recorder = new Recorder(file, START);
  const ended = async () => {
    await file.close();
    return Buffer.concat(held).toString();
  };
  return { recorder, ended };
}

test.each([
  ["control characters, as long as a frame has room for,", Array<string>(4).fill("\u0001".repeat(244))],
  ["words with blanks around them", ["", " b ", " tlsf ", "\t"]],
])("names that are %s give lines that readers take, and are one heap each time", async (_what, names) => {
  const { recorder, ended } = inMemory();
  const place = {
    clockHz: 0xffff_ffff,
    cycleHz: 0,
    heapLow: 0xf000_0000,
    heapBytes: 0x1000_0000,
    allocatorState: 0,
    captured: 0,
  };
  const rest = { nonce: 0xffff_ffff, time: 0, ringBytes: 64, commandBytes: 0, sizeMeaning: 0, names };
  recorder.take([{ kind: "boot", ...place, ...rest }], 0);
  recorder.take([{ kind: "boot", ...place, ...rest }], 1e12);
  const text = await ended();
  expect(await rowsOf(text)).toEqual([]);
  expect(text.match(/^! [a-z-]+/gm)).toEqual(["! boot", "! boot"]);
});

test("any items make a file that readers accept", async () => {
  const u32 = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 8, 0x2000_4000, 0x2000_4010, 0x2000_7ff8, 0xffff_ffff));
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "binary", maxLength: 1015 }));
  const stamp = { time: u32, site: u32, task: fc.nat(0xffff) };
  const identity = {
    ...{ nonce: u32, time: u32, clockHz: u32, cycleHz: u32, heapLow: u32, heapBytes: u32, allocatorState: u32 },
    ...{ captured: u32, ringBytes: u32, commandBytes: fc.nat(0xffff), sizeMeaning: fc.nat(4) },
    names: fc.array(text, { maxLength: 5 }),
  };
  const item = fc.oneof(
    fc.record({ kind: fc.constant("allocate" as const), ...stamp, address: u32, requestBytes: u32 }),
    fc.record({
      kind: fc.constant("allocateAligned" as const),
      ...stamp,
      address: u32,
      requestBytes: u32,
      alignment: u32,
    }),
    fc.record({ kind: fc.constant("release" as const), ...stamp, address: u32 }),
    fc.record({ kind: fc.constant("reallocate" as const), ...stamp, address: u32, requestBytes: u32, result: u32 }),
    fc.record({ kind: fc.constant("log" as const), time: u32, text }),
    fc.record({ kind: fc.constant("task" as const), task: fc.nat(0xffff), name: text }),
    fc.record({ kind: fc.constantFrom("boot" as const, "identity" as const), ...identity }),
    fc.record({
      kind: fc.constant("heartbeat" as const),
      nonce: u32,
      time: u32,
      frames: u32,
      captured: u32,
      dropped: u32,
    }),
    fc.record({ kind: fc.constant("gap" as const), frames: fc.nat(0xffff), certain: fc.boolean() }),
    fc.record({ kind: fc.constant("disconnected" as const), reason: text }),
    fc.constant({ kind: "connected" as const }),
  ) as fc.Arbitrary<LinkItem>;
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 60 }), async (items) => {
      const { recorder, ended } = inMemory();
      for (const [index, one] of items.entries()) recorder.take([one], 1.7e12 + index * 1000);
      recorder.beginWithoutIdentity();
      const rows = await rowsOf(await ended());
      expect(rows.length).toBeLessThanOrEqual((recorder.counts?.operations ?? 0) + (recorder.counts?.lostFrees ?? 0));
    }),
    { seed: 20261121, numRuns: 300 },
  );
});
