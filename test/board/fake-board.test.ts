import { describe, expect, test } from "vitest";
import { encodeFrame } from "../../src/board/wire/frame-codec.ts";
import { FrameDecoder } from "../../src/board/wire/frame-decoder.ts";
import type { BoardCommand, BoardItem, BoardOperation, FrameOf } from "../../src/board/wire/messages.ts";
import { REFUSALS } from "../../src/board/wire/protocol.ts";
import { numbersOf } from "../support/board-frames.ts";
import { FakeBoard, type FakeBoardOptions } from "../support/fake-board.ts";

const REQUEST: BoardOperation = {
  verb: "allocate",
  block: 0,
  blockIsReference: false,
  alignment: 1,
  requestBytes: 24,
};

/** A board, and a host that collects what comes from it. */
function connected(options: FakeBoardOptions = {}) {
  const board = new FakeBoard(options);
  const decoder = new FrameDecoder();
  const items: BoardItem[] = [];
  decoder.on("data", (some: readonly BoardItem[]) => items.push(...some));
  board.stream.pipe(decoder);
  let sent = 0;
  return {
    board,
    decoder,
    /** What came since the last call. */
    taken: async () => {
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      return items.splice(0);
    },
    send: (command: BoardCommand) => board.stream.write(encodeFrame(command, sent++)),
  };
}

function batch(number: number, ...operations: readonly BoardOperation[]): FrameOf<"batch"> {
  return { kind: "batch", batch: number, count: operations.length, reserved: 0, operations };
}

describe("the fake board", () => {
  test("reports what its allocator did, in order", async () => {
    const { board, taken } = connected();
    board.boot();
    const first = board.allocate(100, { site: 0x0800_0101, task: 2 });
    board.release(first);
    board.release(0);
    const second = board.reallocate(0, 20);
    const [boot, ...events] = await taken();
    expect(boot).toMatchObject({ kind: "boot", nonce: board.nonce, captured: 0, heapLow: 0x2000_4000 });
    expect(events).toEqual([
      { kind: "allocate", time: 100, address: first, requestBytes: 100, site: 0x0800_0101, task: 2 },
      { kind: "release", time: 200, address: first, site: 0, task: 0 },
      { kind: "allocate", time: 300, address: second, requestBytes: 20, site: 0, task: 0 },
    ]);
  });

  test("carries a batch out once and repeats its results", async () => {
    const { board, taken, send } = connected();
    const operations = [REQUEST, { ...REQUEST, verb: "release", blockIsReference: true } as const, REQUEST];
    send(batch(1, ...operations));
    send(batch(1, ...operations));
    send({ kind: "repeatResults", batch: 1 });
    const results = await taken();
    expect(results).toHaveLength(3);
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect([...board.heap.blocks()].filter(({ state }) => state === "live")).toHaveLength(1);
  });

  test("refuses what the agent refuses", async () => {
    const { taken, send } = connected({ ringBytes: 100 });
    send({ kind: "repeatResults", batch: 9 });
    send({ kind: "readMemory", address: 0x1000, bytes: 4 });
    send({ ...batch(1, REQUEST), count: 2 });
    send(batch(2, { ...REQUEST, verb: "release", blockIsReference: true }));
    send(batch(3, ...Array.from({ length: 12 }, () => REQUEST)));
    expect((await taken()).map((item) => item.kind === "refusal" && item.reason)).toEqual([
      REFUSALS.batchUnknown,
      REFUSALS.outOfRange,
      REFUSALS.unknown,
      REFUSALS.unknown,
      REFUSALS.tooLarge,
    ]);
  });

  test("gives numbers to frames that its ring has no room for", async () => {
    const { board, decoder, taken } = connected({ ringBytes: 60 });
    board.allocate(8);
    board.line.hold();
    for (let i = 0; i < 5; i++) board.allocate(8);
    board.line.resume();
    board.heartbeat();
    expect(board.dropped).toBe(3);
    expect(numbersOf(await taken())).toEqual(["allocate", "allocate", "allocate", "gap 3", "heartbeat"]);
    expect(decoder.counters.lost).toBe(3);
  });

  test("reads memory back as its ring drains", async () => {
    const { board, taken, send } = connected({ ringBytes: 256 });
    board.poke(0x2000_4100, Uint8Array.of(1, 2, 3));
    board.wrongByteAt = 0x2000_4101;
    board.line.hold();
    send({ kind: "readMemory", address: 0x2000_4000, bytes: 600 });
    for (let i = 0; i < 10; i++) {
      board.line.resume();
      board.line.hold();
    }
    const data = (await taken()).flatMap((item) => (item.kind === "memory" ? [...item.data] : []));
    expect(data).toHaveLength(600);
    expect(data.slice(256, 259)).toEqual([1, 2 ^ 0xff, 3]);
  });

  test("spoils frames on the line as it is told", async () => {
    const { board, decoder, taken } = connected();
    board.allocate(8);
    board.line.spoilNext("drop");
    board.allocate(8);
    board.line.spoilNext("corrupt", { kind: "log" });
    board.line.spoilNext("duplicate", { kind: "heartbeat" });
    board.allocate(8);
    board.log("hello");
    board.heartbeat();
    expect(numbersOf(await taken())).toEqual(["allocate", "gap 1", "allocate", "gap 1", "heartbeat"]);
    expect(decoder.counters).toMatchObject({ lost: 2, corrupt: 1, repeated: 1 });
  });

  test("reports a wrong address where it is told to, and keeps the right one", async () => {
    const { board, taken } = connected();
    board.wrongAddressAt = 1;
    const right = [board.allocate(8), board.allocate(8), board.allocate(8)];
    const reported = (await taken()).map((item) => item.kind === "allocate" && item.address);
    expect(reported).toEqual([right[0], (right[1] ?? 0) + 8, right[2]]);
  });

  test("speaks another version where it is told to", async () => {
    const { board, decoder, taken } = connected({ protocolVersion: 2 });
    board.boot();
    expect(await taken()).toEqual([]);
    expect(decoder.counters.otherVersion).toBe(1);
    expect(decoder.lastOtherVersion).toBe(2);
  });

  test("keeps its RAM over a restart, forgets its batches and sends another nonce", async () => {
    const { board, taken, send } = connected();
    const before = board.nonce;
    board.poke(0x2000_5000, Uint8Array.of(77));
    send(batch(1, REQUEST));
    send({ kind: "restart" });
    send({ kind: "repeatResults", batch: 1 });
    send({ kind: "readMemory", address: 0x2000_5000, bytes: 1 });
    const [, boot, refusal, memory] = await taken();
    expect(boot).toMatchObject({ kind: "boot", captured: 0 });
    expect(board.nonce).not.toBe(before);
    expect(refusal).toMatchObject({ kind: "refusal", reason: REFUSALS.batchUnknown });
    expect(memory).toMatchObject({ kind: "memory", data: Uint8Array.of(77) });
  });

  test("hangs when an operation makes it fault, until it is reset", async () => {
    const { board, taken, send } = connected({ allocator: "freertos-heap4" });
    send(batch(1, { ...REQUEST, verb: "release", block: 0x1000_0000 }));
    send({ kind: "hello" });
    expect(await taken()).toEqual([]);
    expect(board.hasCrashed).toBe(true);
    board.boot();
    expect(numbersOf(await taken())).toEqual(["boot"]);
  });
});
