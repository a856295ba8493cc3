import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { firmware } from "./support/firmware.ts";
import { randomOperations } from "./support/operations.ts";
import { Recording, verify } from "./support/recording.ts";
import { type Validating, validate } from "./support/validation.ts";
import { VirtualBoard } from "./support/virtual-board.ts";
import { until } from "./support/wait.ts";

const HEAP_BYTES = 32_768;
const { folder, write } = temporaryFolder();
const equal = { code: 0, text: expect.stringContaining(" 0 mismatches") };

/** A board with newlib-nano and a recording of it, both going. */
async function recorded(name: string, line: "pty" | "socat"): Promise<[VirtualBoard, Recording]> {
  const board = await VirtualBoard.running({ firmware: firmware({ workload: "on" }), line });
  const recording = await Recording.start(board.path, join(folder, `${name}.trace`));
  await recording.tells("identity");
  await board.reset();
  await recording.tells("boot");
  await recording.grows(60);
  return [board, recording];
}

describe("a recording of a board", () => {
  test("tells that the reset button was pressed, three times, and replays equal", async () => {
    const [board, recording] = await recorded("reset", "pty");
    for (let boots = 2; boots <= 4; boots++) {
      await board.reset();
      await recording.tells("boot", boots);
      await recording.grows(60);
    }
    expect(await recording.stop()).toBe(0);
    expect(recording.reports("disconnected")).toEqual([]);
    expect(await verify(recording.file)).toMatchObject(equal);
  });

  test("misses no boot where the reset cuts the board off in the middle of a frame", async () => {
    const board = await VirtualBoard.running({ firmware: firmware({ workload: "flood" }) });
    const recording = await Recording.start(board.path, join(folder, "reset-flood.trace"));
    await recording.tells("identity");
    for (let boots = 1; boots <= 6; boots++) {
      await board.reset();
      await recording.tells("boot", boots);
      await recording.grows(500);
    }
    expect(await recording.stop()).toBe(0);
    const sinceBoot = recording.text.slice(recording.text.indexOf("! boot"));
    expect(sinceBoot).not.toMatch(/^! (gap|joined|unmatched)/m);
    expect((await verify(recording.file)).text).toContain(" 0 mismatches");
  });

  test("goes on after the board hung, with nothing lost", async () => {
    const [board, recording] = await recorded("hang", "pty");
    await board.hang();
    await delay(3000); // longer than a heartbeat
    await board.run();
    await recording.grows(60);
    expect(await recording.stop()).toBe(0);
    expect(recording.reports("boot")).toHaveLength(1);
    expect(recording.reports("disconnected")).toEqual([]);
    expect(await verify(recording.file)).toMatchObject(equal);
  });

  test.each(["pty", "socat"] as const)(
    "tells that the board was unplugged, goes on when it is back, and replays equal (%s)",
    async (line) => {
      const [board, recording] = await recorded(`unplug-${line}`, line);
      await board.unplug();
      await recording.tells("disconnected");
      await board.plug();
      await board.run();
      await recording.tells("connected");
      await recording.grows(60);
      await board.reset();
      await recording.grows(60);
      expect(await recording.stop()).toBe(0);
      expect(await verify(recording.file)).toMatchObject(equal);
    },
  );
});

describe("a validation of a board", () => {
  const trace = write("long.trace", randomOperations(20_000, { allocator: "newlib-nano", heapBytes: HEAP_BYTES }));

  /** A validation that has come far enough for the board to be busy with it, and not to its end. */
  async function underWay(line: "pty" | "socat"): Promise<[VirtualBoard, Validating]> {
    const board = await VirtualBoard.running({ firmware: firmware({ heapBytes: HEAP_BYTES }), line });
    const validating = await validate(board.path, trace, folder, "--operations", "20000");
    await until("progress", () => /^[1-9][\d,]* of 20,000/m.test(validating.child.printed.err));
    return [board, validating];
  }

  test.each([
    ["is reset", (board: VirtualBoard) => board.reset()],
    ["is unplugged", (board: VirtualBoard) => board.unplug()],
    ["hangs for good", (board: VirtualBoard) => board.hang()],
  ])("that %s ends undecided, and says why", async (_what, interrupt) => {
    const [board, validating] = await underWay("socat");
    await interrupt(board);
    const { code, text, record } = await validating.finished();
    console.log(text.split("\n")[0]);
    expect(code).toBe(3);
    expect(record?.verdict).toBe("undecided");
    expect(record?.reason).toBeTruthy();
    expect(text).not.toMatch(/^\s+at /m);
  });

  test("that hangs for a moment goes on, carries out nothing twice and is equal", async () => {
    const [board, validating] = await underWay("socat");
    await board.hang();
    await delay(1500);
    await board.run();
    const { code, record } = await validating.finished();
    expect(code).toBe(0);
    expect(record).toMatchObject({ verdict: "equal", ram: { equal: true } });
  });
});
