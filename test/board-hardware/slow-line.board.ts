import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { firmware } from "./support/firmware.ts";
import { randomOperations } from "./support/operations.ts";
import type { LineFaults } from "./support/paced-bridge.ts";
import { Recording, verify } from "./support/recording.ts";
import { validate } from "./support/validation.ts";
import { VirtualBoard } from "./support/virtual-board.ts";

const HEAP_BYTES = 8192;
const { folder, write } = temporaryFolder();
const TRACE = write("slow.trace", randomOperations(1200, { allocator: "newlib-nano", heapBytes: HEAP_BYTES }));

/** Some byte in 3,000 is lost, some other has a wrong bit, and now and then the line stands still. */
const BAD: LineFaults = { dropChance: 1 / 3000, flipChance: 1 / 3000, delayChance: 1 / 4000, longestDelayMs: 200 };

describe("over a line of 115200 baud", () => {
  test("a validation is equal", async () => {
    const board = await VirtualBoard.running({ firmware: firmware({ heapBytes: HEAP_BYTES }), line: "paced" });
    const { code, text, record } = await (await validate(board.path, TRACE, folder)).finished();
    console.log(text, board.bridge);
    expect(code).toBe(0);
    expect(record).toMatchObject({ verdict: "equal", ram: { equal: true }, line: { lost: 0, corrupt: 0 } });
  });

  test("that drops, inverts and delays, each operation is still carried out once, and all is equal", async () => {
    const board = await VirtualBoard.running({
      firmware: firmware({ heapBytes: HEAP_BYTES }),
      line: "paced",
      faults: BAD,
    });
    const { code, text, record } = await (await validate(board.path, TRACE, folder)).finished();
    console.log(text, board.bridge);
    expect(code).toBe(0);
    expect(record).toMatchObject({ verdict: "equal", ram: { equal: true } });
    expect(board.bridge?.toHost.dropped).toBeGreaterThan(0);
    expect(board.bridge?.toBoard.flipped).toBeGreaterThan(0);
    expect(record?.line.retries).toBeGreaterThan(0);
    expect(record?.line.lost).toBeGreaterThan(0);
  });

  test("that drops and inverts, a recording counts what is missing, and calls none of it a mismatch", async () => {
    const board = await VirtualBoard.running({ firmware: firmware({ workload: "burst" }), line: "paced", faults: BAD });
    const recording = await Recording.start(board.path, join(folder, "bad-line.trace"));
    await recording.tells("identity");
    await board.reset();
    await recording.tells("boot");
    await recording.tells("gap", 3);
    await recording.grows(1000);
    expect(await recording.stop()).toBe(0);
    const missing = recording.reports("gap").map((line) => Number(/frames=(\d+)/.exec(line)?.[1]));
    expect(Math.min(...missing)).toBeGreaterThan(0);
    const { code, text } = await verify(recording.file);
    expect(text).toContain(" 0 mismatches");
    expect(text).toMatch(/not compared/);
    expect([0, 3]).toContain(code); // 3 where the first gap came before the first operation: nothing was compared
  });
});
