import { expect, test } from "vitest";
import { LiveLine } from "../../src/cli/live-line.ts";

const ESC = "\u001b";

/** A stream that keeps what is written, with a clock that the test turns. */
function display(stream: { isTTY?: boolean; columns?: number }, terminal = "xterm") {
  const written: string[] = [];
  const clock = { ms: 0 };
  const target = { ...stream, write: (text: string) => written.push(text) };
  const line = new LiveLine(target, { terminal, clockMs: () => clock.ms });
  return { written, clock, line };
}

test("on a terminal the line is drawn anew ten times a second, within the width, and removed at the end", () => {
  const { written, clock, line } = display({ isTTY: true, columns: 11 });
  for (clock.ms = 0; clock.ms <= 250; clock.ms += 50) line.update(() => `${clock.ms} 0123456789`);
  line.clear();
  line.clear();
  expect(written).toEqual([`\r${ESC}[K100 012345`, `\r${ESC}[K200 012345`, `\r${ESC}[K`]);
});

test("a terminal that does not know its width has 80 columns", () => {
  const { written, clock, line } = display({ isTTY: true, columns: 0 });
  clock.ms = 100;
  line.update(() => "x".repeat(200));
  expect(written[0]).toBe(`\r${ESC}[K${"x".repeat(79)}`);
});

test.each([
  ["elsewhere", {}, "xterm"],
  ["on a dumb terminal", { isTTY: true, columns: 80 }, "dumb"],
])("%s a line is written ever more seldom, up to once a minute", (_where, stream, terminal) => {
  const { written, clock, line } = display(stream, terminal);
  for (clock.ms = 0; clock.ms <= 240_000; clock.ms += 100) line.update(() => `${clock.ms / 1000} s`);
  line.clear();
  expect(written).toEqual(["2 s\n", "6 s\n", "14 s\n", "30 s\n", "62 s\n", "122 s\n", "182 s\n"]);
});

test("what the board calls itself does not make two lines of one", () => {
  const { written, clock, line } = display({ isTTY: true, columns: 80 });
  clock.ms = 100;
  line.update(() => "free unknown (allocator\n\tx)");
  expect(written).toEqual([`\r${ESC}[Kfree unknown (allocator  x)`]);
});
