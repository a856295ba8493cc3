import { describe, expect, test } from "vitest";
import type { LineFigures } from "../../src/board/link/line-quality.ts";
import type { LinkItem } from "../../src/board/link/link.ts";
import { BoardHeap } from "../../src/board/twin/board-heap.ts";
import { BoardWatch } from "../../src/board/watch/board-watch.ts";
import type { WatchState } from "../../src/board/watch/watch-state.ts";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { type Paint, plainPaint } from "../../src/report/paint.ts";
import { ramBars } from "../../src/report/ram-bar.ts";
import { watchLine, watchScreen, watchSummary } from "../../src/report/watch-screen.ts";
import { allocateFrame, bootFrame, firmwareLife } from "../support/board-life.ts";

const LINE: LineFigures = {
  bytes: 40_000,
  frames: 1234,
  lost: 12,
  repeated: 0,
  corrupt: 3,
  strayBytes: 0,
  otherVersion: 0,
  unknownType: 0,
  printableBytes: 0,
  lastOtherVersion: undefined,
};
const SIZE = { width: 100, height: 40 };
const BOOT = bootFrame({ names: ["stm32f407vg", "1.4.2-g3f1c", "newlib-nano", "3.3.0"], heapLow: 0x2000_4000 });

/** A watch of a board that has lived for two minutes. */
function watched(items: readonly LinkItem[] = [], boot = BOOT) {
  const link = { path: "/dev/ttyACM0", connected: true, counters: LINE };
  const device = { ...findDevice("stm32f407vg"), staticUse: [{ name: ".bss", low: 0x2000_0000, bytes: 0x3f00 }] };
  const watch = new BoardWatch(link, { device });
  const board = new BoardHeap(boot);
  const life = firmwareLife(board.heap, 21, { moves: true });
  watch.take([boot, { kind: "task", task: 1, name: "mqtt" }, { kind: "task", task: 2, name: "shell" }], 0);
  for (let second = 1; second <= 120; second++) {
    const events = Array.from({ length: 20 }, () => ({ ...life.next().value, task: 1 + (second % 2) }));
    const heartbeat = { kind: "heartbeat", nonce: 1, time: second * 1e6, frames: 0, captured: 0, dropped: 4 } as const;
    watch.take([...events, heartbeat], second * 1000);
    watch.sample(second * 1000);
  }
  watch.take(items, 120_000);
  return { watch, board, state: () => watch.state(120_500) };
}

function screenOf(state: WatchState, size = SIZE): string {
  return watchScreen(state, size)
    .map((line) => line.trimEnd())
    .join("\n");
}

const STORY: readonly LinkItem[] = [
  { kind: "stack", time: 0, task: 1, bytes: 4096, unusedBytes: 1024 },
  { kind: "stack", time: 0, task: 2, bytes: 1024, unusedBytes: 40 },
  { kind: "log", time: 0, text: "mqtt: connected" },
  { kind: "log", time: 0, text: "shell: ready" },
  { kind: "allocate", time: 0, address: 0, requestBytes: 60_000, site: 0x0800_1235, task: 1 },
];

describe("the screen of a board", () => {
  test("that is followed is the text on file", async () => {
    await expect(screenOf(watched(STORY).state())).toMatchFileSnapshot("screens/synchronised.txt");
  });

  test("with a gap says that memory could be read back", async () => {
    const { state } = watched([{ kind: "gap", frames: 12, certain: true }]);
    await expect(screenOf(state())).toMatchFileSnapshot("screens/unsynchronised.txt");
  });

  test("with another address than the emulator's shows both, and the heap before it", async () => {
    const { state } = watched([allocateFrame(0x2000_4004, 24)]);
    await expect(screenOf(state())).toMatchFileSnapshot("screens/different.txt");
  });

  test("that is gone says so, and why", async () => {
    const { state } = watched([{ kind: "disconnected", reason: "the port went away" }]);
    await expect(screenOf(state())).toMatchFileSnapshot("screens/disconnected.txt");
  });

  test("that hangs says for how long nothing has come", () => {
    const { watch } = watched();
    expect(screenOf(watch.state(123_000))).toContain("line: connected, ");
    const hanging = watch.state(123_001);
    expect(screenOf(hanging)).toContain("line: SILENT for 3 s: the board hangs, or was halted, ");
    expect(watchLine(hanging)).toContain("SILENT for 3 s");
  });

  test("that cannot be emulated shows what it reports itself", async () => {
    const boot = bootFrame({ names: ["widget", "7", "malloc9000", "1"] });
    const watch = new BoardWatch({ path: "/dev/ttyUSB0", connected: true, counters: LINE });
    watch.take([boot, { kind: "statistics", time: 0, figures: { free: 4096, used: 12_288 } }], 0);
    await expect(screenOf(watch.state(1000), { width: 80, height: 12 })).toMatchFileSnapshot("screens/waiting.txt");
  });

  test.each([
    [1, 1],
    [20, 3],
    [40, 10],
    [79, 24],
    [200, 60],
    [0, 0],
  ])("fits %i columns and %i rows", (width, height) => {
    const lines = watchScreen(watched(STORY).state(), { width, height });
    expect(lines).toHaveLength(Math.max(1, height));
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(Math.max(1, width));
  });

  test("shows nothing that a terminal would obey, whatever the board says", () => {
    const evil = "\u001b[2J\u202e\u0007a\nb\u2028c";
    const { state } = watched(
      [
        { kind: "log", time: 0, text: evil },
        { kind: "stack", time: 0, task: 9, bytes: 0, unusedBytes: 0xffff_ffff },
        { kind: "disconnected", reason: evil },
      ],
      { ...BOOT, names: [evil, evil, "newlib-nano", evil] },
    );
    const text = [...watchScreen(state(), SIZE), watchLine(state()), ...watchSummary(state())].join("");
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(text).toContain("\\x1b[2J");
  });

  test("is coloured outside its text: without the colours it is the same", () => {
    const mark = (text: string) => `<${text}>`;
    const paint: Paint = { ...plainPaint, strong: mark, bad: mark, good: mark, dim: mark };
    const state = watched(STORY).state();
    const painted = watchScreen(state, SIZE, paint).map((line) => line.replaceAll(/[<>]/g, ""));
    expect(painted).toEqual(watchScreen(state, SIZE));
  });
});

describe("without a terminal", () => {
  test("a line has the rate, the heap and the twin", () => {
    expect(watchLine(watched().state())).toMatch(
      /^up 2 min; 20 events\/s; \d+(\.\d)? KiB free, largest \d+(\.\d)? KiB, \d+ holes; twin synchronised, [\d,]+ placements, all equal; 12 frames lost$/,
    );
  });

  test("the summary names the first difference", () => {
    const { state } = watched([allocateFrame(0x2000_4004, 24)]);
    const lines = watchSummary(state());
    expect(lines[0]).toBe("stm32f407vg on /dev/ttyACM0: 1,234 frames, 12 lost, 3 corrupt");
    expect(lines[2]).toMatch(/^first difference: operation 2401, an allocation of 24 bytes .* gave 0x20004004/);
    expect(lines[3]).toMatch(/^heap before it: /);
  });
});

test("a heap that is small beside its bank is seen in the map of the RAM all the same", () => {
  const bank = { name: "SRAM", low: 0x2000_0000, bytes: 4 * 1024 * 1024, kind: "ram" } as const;
  const device = { ...findDevice("stm32f407vg"), banks: [bank] };
  const staticUse = [{ name: ".bss", low: bank.low, bytes: 8192 }];
  const cells = (low: number) => ramBars({ device, staticUse, heap: { low, bytes: 4096 } }, 10)[0]?.cells;
  expect(cells(bank.low + 8192)).toBe("#.........");
  expect(cells(bank.low + bank.bytes - 4096)).toBe("s........#");
});

test("where the boot was not seen the time since is said to be the least", () => {
  const watch = new BoardWatch({ path: "/dev/ttyUSB0", connected: true, counters: LINE });
  watch.take([{ ...BOOT, kind: "identity", captured: 500, time: 5e6 }], 0);
  expect(watchScreen(watch.state(0), SIZE)[0]).toContain("up at least 5 s");
});
