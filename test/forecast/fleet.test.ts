import { describe, expect, test } from "vitest";
import { DAY_US, judgeDevice } from "../../src/forecast/device-forecast.ts";
import { fleetForecast, pool } from "../../src/forecast/fleet.ts";
import { type SeriesOptions, trackOf } from "../support/counter-series.ts";

const QUESTION = { requestBytes: 1024, horizonUs: 90 * DAY_US, confidence: 0.95 };

function devices(count: number, options: Omit<SeriesOptions, "seed">) {
  return Array.from({ length: count }, (_, i) => judgeDevice(trackOf({ ...options, seed: i + 1 }), QUESTION));
}

describe("a fleet", () => {
  // 39,000 bytes at 1,000 a day last 39 days: 9.4 exhaustions a device-year.
  test("that leaks alike fails as often as its memory lasts", () => {
    const fleet = fleetForecast(devices(8, { days: 14, leak: 1000 }), 100, 0.95);
    expect(fleet.failuresPerYear).toBeGreaterThan(850);
    expect(fleet.failuresPerYear).toBeLessThan(1000);
    expect(fleet.low).toBeLessThan(936);
    expect(fleet.high).toBeGreaterThan(936);
    expect(fleet.high / fleet.low).toBeLessThan(2);
  });

  test("without a sick device has a bound, and never none at all", () => {
    const fleet = fleetForecast(devices(4, { days: 14, noiseBytes: 5, correlation: 0 }), 100, 0.95);
    expect(fleet.failuresPerYear === null || fleet.low === 0).toBe(true);
    expect(fleet.high).toBeGreaterThan(0);
  });

  test("pools the slopes of its devices", () => {
    const pooled = pool(devices(6, { days: 14, leak: 400 }), 0.95);
    expect(pooled.verdicts.leak).toBeGreaterThanOrEqual(5);
    expect(pooled.free?.low).toBeLessThan(-400);
    expect(pooled.free?.high).toBeGreaterThan(-400);
    expect(pooled.free?.high).toBeLessThan(-300);
  });

  test("of three devices has no pooled slope", () => {
    expect(pool(devices(3, { days: 7 }), 0.95)).toMatchObject({ devices: 3, free: null, largest: null });
  });
});
