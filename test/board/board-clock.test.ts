import { describe, expect, test } from "vitest";
import { BoardClock } from "../../src/board/board-clock.ts";

const TURN = 2 ** 32;

describe.each([1_000_000, 25_000_000, 168_000_000])("a clock of %d Hz", (hertz) => {
  /** What the 32 bits read after so many seconds. */
  const rawAt = (seconds: number) => Math.round(seconds * hertz) % TURN;

  test("counts on over many turns, a heartbeat a second", () => {
    const clock = new BoardClock(hertz, rawAt(0), 0, true);
    const seconds = Math.ceil((3 * TURN) / hertz);
    for (let second = 1; second <= seconds; second++) {
      expect(clock.at(rawAt(second), second * 1000)).toBe(second * 1e6);
    }
  });

  test("begins at 0 where the boot was seen, else at what the clock read", () => {
    expect(new BoardClock(hertz, hertz, 0, true).at(hertz, 0)).toBe(0);
    expect(new BoardClock(hertz, hertz, 0, false).at(hertz, 0)).toBe(1e6);
  });

  test.each([0.4, 1, 2.7, 10.2])("finds %d turns that are missing in a gap by the host's clock", (turns) => {
    const clock = new BoardClock(hertz, 1000, 5000, true);
    const seconds = (turns * TURN) / hertz;
    clock.gap();
    // The host is late by a second.
    expect(clock.at((1000 + Math.round(turns * TURN)) % TURN, 5000 + seconds * 1000 + 1000)).toBeCloseTo(
      seconds * 1e6,
      -1,
    );
  });

  test("does not believe the host while nothing is missing", () => {
    const clock = new BoardClock(hertz, 0, 0, true);
    expect(clock.at(rawAt(0.5), (TURN / 4 / hertz) * 1000)).toBe(500_000);
  });

  test("takes a long silence for the turns that the host counted", () => {
    const clock = new BoardClock(hertz, 0, 0, true);
    const seconds = (5.25 * TURN) / hertz;
    expect(clock.at(rawAt(seconds), seconds * 1000)).toBeCloseTo(seconds * 1e6, -1);
  });

  test("never goes back", () => {
    const clock = new BoardClock(hertz, 0, 0, true);
    const late = clock.at(rawAt(1), 1000);
    expect(clock.at(rawAt(0.999), 1001)).toBe(late);
    expect(clock.at(rawAt(1.001), 1002)).toBe(1_001_000);
  });
});
