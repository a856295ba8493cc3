import { describe, expect, test } from "vitest";
import { firmware } from "./support/firmware.ts";
import { Terminal } from "./support/terminal.ts";
import { VirtualBoard } from "./support/virtual-board.ts";
import { until } from "./support/wait.ts";

async function shows(terminal: Terminal, pattern: RegExp): Promise<void> {
  await until(`${pattern} on the screen`, () => pattern.test(terminal.text)).catch((problem) => {
    throw new Error(`${problem.message}. It shows:\n${terminal.text}`);
  });
}

describe("heapsoak board watch", () => {
  test("shows a board's heap, stack, holders and log beside a twin that is given the same addresses", async () => {
    const elf = firmware({ workload: "on" });
    const board = await VirtualBoard.running({ firmware: elf });
    const terminal = await Terminal.open("board", "watch", "--port", board.path, "--elf", elf);
    await shows(terminal, /mps2-an385/);
    await board.reset();
    await shows(terminal, /twin: synchronised, \d[\d,]+ placements, all equal/);
    await shows(terminal, /uplink: no memory for the archive/);
    await shows(terminal, /workload_run\+0x/);
    console.log(terminal.text);
    terminal.type("q");
    expect(await terminal.ended()).toBe(0);
  });

  test("says unsynchronised where frames were lost, and never different", async () => {
    const board = await VirtualBoard.running({ firmware: firmware({ workload: "burst" }), line: "paced" });
    const terminal = await Terminal.open("board", "watch", "--port", board.path);
    await shows(terminal, /mps2-an385/);
    await board.reset();
    await shows(terminal, /frames, [1-9][\d,]* lost/);
    await shows(terminal, /twin: unsynchronised/);
    terminal.type("q");
    expect(await terminal.ended()).toBe(0);
    expect(terminal.drawn).not.toContain("DIFFERENT");
  });

  test("says that the board hangs, and goes on when it runs again", async () => {
    const board = await VirtualBoard.running({ firmware: firmware({ workload: "on" }) });
    const terminal = await Terminal.open("board", "watch", "--port", board.path);
    await shows(terminal, /line: connected/);
    await board.hang();
    await shows(terminal, /line: SILENT for \d+ s/);
    await board.run();
    await shows(terminal, /line: connected/);
    terminal.type("q");
    expect(await terminal.ended()).toBe(0);
  });

  test("says that the board was unplugged, and goes on when it is back", async () => {
    const board = await VirtualBoard.running({ firmware: firmware({ workload: "on" }) });
    const terminal = await Terminal.open("board", "watch", "--port", board.path);
    await shows(terminal, /line: connected/);
    await board.unplug();
    await shows(terminal, /NOT CONNECTED/);
    await board.plug();
    await board.run();
    await shows(terminal, /line: connected/);
    await board.reset();
    await shows(terminal, /twin: synchronised/);
    terminal.type("\x03");
    expect(await terminal.ended()).toBe(0);
  });
});
