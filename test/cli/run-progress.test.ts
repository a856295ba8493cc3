import { describe, expect, test } from "vitest";
import { type ProgressOptions, RunProgress } from "../../src/cli/run-progress.ts";
import type { SoakProgress } from "../../src/soak/soak.ts";

const DAY_US = 86_400e6;
const ESC = "\u001b";

/** A stream that keeps what is written, with a clock that the test turns. */
function display(stream: { isTTY?: boolean; columns?: number }, options: ProgressOptions = {}) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const progress = new RunProgress(
    { ...stream, write: (text) => written.push(text) },
    { terminal: "xterm", ...options, clockMs: () => clock.ms },
  );
  return { written, clock, progress };
}

function state(simulatedUs: number, changes: Partial<SoakProgress> = {}): SoakProgress {
  return {
    simulatedUs,
    uptimeUs: 30 * DAY_US,
    steps: Math.floor(simulatedUs / 1e6),
    failure: null,
    heaps: () => [{ name: "main", freeBytes: 2048, largestFreeBytes: 1024, picture: "##..++##" }],
    ...changes,
  };
}

describe("progress on a terminal", () => {
  const terminal = { isTTY: true, columns: 80 };

  test("is one block with date, speed, share, ETA and the heaps", () => {
    const { written, clock, progress } = display(terminal);
    progress.update(state(0));
    clock.ms = 2000;
    progress.update(state(12 * DAY_US + 3 * 3600e6 + 14 * 60e6));
    expect(written).toEqual([
      `${ESC}[Jday 13, 03:14, 524,220× real time, 40 % of 30 d, ETA 3 s\n` +
        "main: 2 KiB free, largest request 1 KiB\n  ##..++##\n",
    ]);
  });

  test("is drawn over the block before it, at most ten times a second", () => {
    const { written, clock, progress } = display(terminal);
    for (let ms = 0; ms <= 1000; ms += 10) {
      clock.ms = ms;
      progress.update(state(ms * 1e6));
    }
    expect(written).toHaveLength(10);
    expect(written[1]?.startsWith(`${ESC}[3A${ESC}[J`)).toBe(true);
  });

  test("is gone at the end, where only duration and speed remain", () => {
    const { written, clock, progress } = display(terminal);
    progress.update(state(0));
    clock.ms = 2000;
    progress.update(state(DAY_US));
    progress.finish(DAY_US);
    expect(written.slice(-2)).toEqual([
      `${ESC}[3A${ESC}[J`,
      "simulated 1 d in 2 s: 43,200× real time, 43,200 steps/s\n",
    ]);
  });

  test("never wraps a line", () => {
    const { written, clock, progress } = display({ isTTY: true, columns: 20 });
    clock.ms = 500;
    progress.update(state(DAY_US));
    for (const line of (written[0] ?? "").replace(`${ESC}[J`, "").split("\n")) expect(line.length).toBeLessThan(20);
  });

  test("takes 80 columns where the terminal does not know them", () => {
    const { written, clock, progress } = display({ isTTY: true, columns: 0 });
    clock.ms = 500;
    progress.update(state(DAY_US));
    expect(written[0]).toContain("largest request 1 KiB\n");
  });
});

describe("progress elsewhere", () => {
  test.each([
    ["without a terminal", {}, "xterm"],
    ["on a dumb terminal", { isTTY: true }, "dumb"],
  ])("is a line a tenth of the run: %s", (_, stream, terminal) => {
    const { written, clock, progress } = display(stream, { terminal });
    for (let share = 0; share < 100; share++) {
      clock.ms = share * 1000;
      progress.update(state((share / 100) * 30 * DAY_US));
    }
    expect(written).toHaveLength(10);
    expect(written[1]).toBe("day 4, 00:00, 25,920× real time, 10 % of 30 d, ETA 1 min 30 s; main 2 KiB free\n");
    expect(written.join("")).not.toContain(ESC);
  });

  test("is nothing but the end for a run of a second", () => {
    const { written, clock, progress } = display({}, { label: "tlsf: " });
    progress.update(state(0));
    clock.ms = 1000;
    progress.update(state(30 * DAY_US));
    progress.finish(30 * DAY_US);
    expect(written).toEqual(["tlsf: simulated 30 d in 1 s: 2,592,000× real time, 2.6 million steps/s\n"]);
  });

  test("comes every ten seconds where a tenth takes long, and without a share where there is no end", () => {
    const { written, clock, progress } = display({});
    for (let seconds = 0; seconds <= 30; seconds++) {
      clock.ms = seconds * 1000;
      progress.update(state(seconds * 1e6, { uptimeUs: 285 * 365 * DAY_US }));
    }
    expect(written).toEqual([
      "day 1, 00:00, 1× real time; main 2 KiB free\n",
      "day 1, 00:00, 1× real time; main 2 KiB free\n",
      "day 1, 00:00, 1× real time; main 2 KiB free\n",
    ]);
  });

  test("counts the speed of a resumed run from where it went on", () => {
    const { written, clock, progress } = display({}, { resumed: true });
    progress.update(state(10 * DAY_US));
    clock.ms = 1000;
    progress.update(state(11 * DAY_US));
    progress.finish(11 * DAY_US);
    expect(written).toEqual(["simulated 1 d in 1 s: 86,400× real time, 86,400 steps/s\n"]);
  });
});
