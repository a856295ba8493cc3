import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BoardCommander } from "../../src/board/commands/commander.ts";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { BoardWatch } from "../../src/board/watch/board-watch.ts";
import { watchLoop } from "../../src/cli/watch-loop.ts";
import { plainPaint } from "../../src/report/paint.ts";
import { FakeBoard } from "../support/fake-board.ts";

class FakeTerminal extends EventEmitter {
  readonly columns = 90;
  readonly rows = 30;
  readonly isTTY: boolean;
  readonly written: string[] = [];

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }

  get text(): string {
    return this.written.join("");
  }
}

class FakeKeyboard extends EventEmitter {
  readonly isTTY = true;
  readonly raw: boolean[] = [];
  paused = false;

  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
  resume(): void {}
  pause(): void {
    this.paused = true;
  }
  press(keys: string): void {
    this.emit("data", Buffer.from(keys));
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A board that is watched over a stream as `heapsoak board watch` does it over a port. */
function watching({ isTTY = true, commandBytes = 242 } = {}) {
  const board = new FakeBoard({ ringBytes: 8192, commandBytes });
  const link = linkOver(board.stream, "/dev/ttyFAKE");
  const watch = new BoardWatch(link);
  const clockMs = () => performance.now();
  link.subscribe((items) => watch.take(items, clockMs()));
  const terminal = new FakeTerminal(isTTY);
  const keyboard = new FakeKeyboard();
  const controller = new AbortController();
  const openReader = async () => {
    const commander = new BoardCommander(link);
    await commander.identify();
    return commander;
  };
  const done = watchLoop({
    link,
    watch,
    openReader,
    output: terminal,
    keyboard,
    paint: plainPaint,
    clockMs,
    signal: controller.signal,
  });
  return { board, link, watch, terminal, keyboard, controller, done };
}

/** Time passes, and what is on its way arrives. */
async function pass(milliseconds: number): Promise<void> {
  await arrive();
  vi.advanceTimersByTime(milliseconds);
  await arrive();
}

async function arrive(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a watch on a terminal", () => {
  test("uses the other screen and leaves everything as it was when q is pressed", async () => {
    const { board, terminal, keyboard, done } = watching();
    board.boot();
    board.allocate(100);
    await pass(200);
    expect(terminal.text).toContain("\u001b[?1049h");
    expect(terminal.text).toContain("fake-board");
    expect(terminal.text).toContain("twin: synchronised, 1 placement, all equal");
    keyboard.press("q");
    await done;
    expect(terminal.written.at(-1)).toBe("\u001b[?7h\u001b[?25h\u001b[?1049l");
    expect(keyboard.raw).toEqual([true, false]);
    expect(keyboard.paused).toBe(true);
    expect(keyboard.listenerCount("data")).toBe(0);
    expect(terminal.listenerCount("resize")).toBe(0);
  });

  test.each(["\u0003", "signal"])("ends with %o as well", async (how) => {
    const { terminal, keyboard, controller, done } = watching();
    if (how === "signal") controller.abort();
    else keyboard.press(how);
    await done;
    expect(terminal.written.at(-1)).toContain("\u001b[?1049l");
  });

  test("erases in front of each line, never behind one that fills the width: that would take its last character", async () => {
    const { board, terminal, keyboard, done } = watching();
    board.boot();
    board.allocate(100);
    await pass(200);
    keyboard.press("q");
    await done;
    const lines = (terminal.written[1] ?? "").split("\r\n");
    expect(lines.length).toBe(30);
    for (const line of lines.slice(1)) expect(line.startsWith("\u001b[K")).toBe(true);
    for (const line of lines) expect(line.lastIndexOf("\u001b[K")).toBeLessThanOrEqual(line.indexOf("\u001b[K"));
  });

  test("is drawn at most ten times a second, and not at all where nothing has changed", async () => {
    const { board, terminal, keyboard, done } = watching();
    board.boot();
    for (let turn = 0; turn < 50; turn++) {
      board.allocate(16);
      await pass(20);
    }
    expect(terminal.written.length).toBeLessThanOrEqual(13);
    await pass(200);
    const drawn = terminal.written.length;
    await pass(700);
    expect(terminal.written.length - drawn).toBeLessThanOrEqual(1);
    keyboard.press("q");
    await done;
  });

  test("is drawn anew on a terminal of another size", async () => {
    const { board, terminal, keyboard, done } = watching();
    board.boot();
    await pass(200);
    terminal.emit("resize");
    expect(terminal.written.at(-1)).toBe("\u001b[2J");
    keyboard.press("q");
    await done;
  });

  test("reads memory back by itself after a gap, and goes on without a difference", async () => {
    const { board, watch, terminal, keyboard, done } = watching();
    board.boot();
    const first = board.allocate(100);
    await pass(100);
    board.line.spoilNext("drop", { count: 3 });
    for (let event = 0; event < 4; event++) board.allocate(50);
    await pass(100);
    expect(terminal.text).toContain("twin: unsynchronised: 3 frames are missing; reading memory back …");
    await pass(200);
    expect(watch.twin.state).toBe("synchronised");
    board.release(first);
    board.allocate(80);
    await pass(200);
    expect(watch.twin.comparisons).toEqual({ placements: 2, differences: 0 });
    keyboard.press("q");
    await done;
  });

  test("reads memory back for r, also after a difference", async () => {
    const { board, watch, keyboard, done } = watching();
    board.wrongAddressAt = 1;
    board.boot();
    board.allocate(100);
    board.allocate(100);
    await pass(300);
    expect(watch.twin.state).toBe("different");
    keyboard.press("r");
    await pass(300);
    expect(watch.twin.state).toBe("synchronised");
    expect(watch.twin.comparisons.differences).toBe(1);
    keyboard.press("q");
    await done;
  });

  test("says what helps where the agent takes no commands", async () => {
    const { board, terminal, keyboard, done } = watching({ commandBytes: 0 });
    board.boot();
    board.line.spoilNext("drop", { count: 1 });
    board.allocate(8);
    board.allocate(8);
    await pass(300);
    expect(terminal.text).toContain("the agent takes no commands: a reset");
    keyboard.press("q");
    await done;
  });
});

test("without a terminal a watch writes a line a second and no escape", async () => {
  const { board, terminal, controller, done } = watching({ isTTY: false });
  board.boot();
  board.allocate(100);
  for (let turn = 0; turn < 32; turn++) await pass(100);
  expect(terminal.written).toHaveLength(4);
  expect(terminal.written.at(-1)).toMatch(/twin synchronised, 1 placement, all equal\n$/);
  expect(terminal.text).not.toContain("\u001b");
  controller.abort();
  await done;
});
