import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteTicks, countTicks, timeTicks } from "../../src/page/ticks.ts";

const MINUTE_US = 60e6;
const DAY_US = 86_400e6;

describe("ticks", () => {
  test("of time stand at round seconds, minutes, hours and days", () => {
    expect(timeTicks(0, 30 * DAY_US, 8)).toEqual([0, 5, 10, 15, 20, 25, 30].map((day) => day * DAY_US));
    expect(timeTicks(0, DAY_US, 8)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24].map((hour) => hour * 60 * MINUTE_US));
    expect(timeTicks(MINUTE_US, 2 * MINUTE_US, 4)).toEqual([60e6, 75e6, 90e6, 105e6, 120e6]);
    expect(timeTicks(0, 1000, 4)).toEqual([0, 500, 1000]);
  });

  test("of bytes stand at powers of two", () => {
    expect(byteTicks(0x20000400, 0x20001400, 4)).toEqual([0x20000400, 0x20000800, 0x20000c00, 0x20001000, 0x20001400]);
  });

  test("of counts stand at whole numbers", () => {
    expect(countTicks(0, 1, 3)).toEqual([0, 1]);
    expect(countTicks(0, 20, 3)).toEqual([0, 10, 20]);
  });

  test("lie within, ascend, and are few, however long the axis is", () => {
    const span = fc.double({ min: 1, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e15, noNaN: true }),
        span,
        fc.integer({ min: 1, max: 20 }),
        (low, length, most) => {
          for (const ticksOf of [timeTicks, byteTicks, countTicks]) {
            const ticks = ticksOf(low, low + length, most);
            expect(ticks.length).toBeLessThanOrEqual(most + 1);
            expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
          }
        },
      ),
    );
  });
});
