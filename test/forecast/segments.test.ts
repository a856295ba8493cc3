import { describe, expect, test } from "vitest";
import { DeviceTrack } from "../../src/forecast/device-track.ts";
import { blankSample, type Sample } from "../../src/forecast/sample.ts";

const START_MS = Date.UTC(2026, 2, 1);
const MINUTE_MS = 60e3;

/** A track of samples, a minute apart unless they say otherwise. */
function track(count: number, change: (sample: Sample, i: number) => void): ReturnType<DeviceTrack["record"]> {
  const found = new DeviceTrack("a", 1024);
  for (let i = 0; i < count; i++) {
    const sample = { ...blankSample(), wallMs: START_MS + i * MINUTE_MS, freeBytes: 5000 };
    change(sample, i);
    found.add(sample);
  }
  return found.record();
}

describe("stretches between reboots", () => {
  test("an uptime that goes back is a reboot", () => {
    const record = track(100, (sample, i) => {
      sample.uptimeMs = (i % 40) * MINUTE_MS;
    });
    expect(record).toMatchObject({ reboots: 2, segments: 3, gaps: 0, clockJumps: 0, rebootsToldBy: ["uptime"] });
    expect(record.observedUs).toBe(97 * 60e6);
  });

  test("an uptime without a date that goes back is one too", () => {
    const record = track(100, (sample, i) => {
      sample.wallMs = Number.NaN;
      sample.uptimeMs = (i % 40) * MINUTE_MS;
    });
    expect(record).toMatchObject({ reboots: 2, segments: 3, lastAt: null });
  });

  test("an uptime that is larger than before, but smaller than what has passed, shows a reboot within the gap", () => {
    const record = track(100, (sample, i) => {
      sample.uptimeMs = (i < 50 ? i : i + 100) * MINUTE_MS;
      if (i >= 50) sample.wallMs += 3000 * MINUTE_MS;
    });
    expect(record).toMatchObject({ reboots: 1, segments: 2 });
  });

  test("32 bits of milliseconds that start again are none", () => {
    const record = track(100, (sample, i) => {
      sample.uptimeMs = (2 ** 32 - 50 * MINUTE_MS + i * MINUTE_MS) % 2 ** 32;
    });
    expect(record).toMatchObject({ reboots: 0, segments: 1 });
  });

  test("a least-free counter that rises is a reboot, and across a gap one that does not rise is none", () => {
    const record = track(100, (sample, i) => {
      sample.minimumFreeBytes = 4000 - (i < 60 ? i : i - 55);
      if (i >= 30) sample.wallMs += 600 * MINUTE_MS;
    });
    expect(record).toMatchObject({ reboots: 1, segments: 2, gaps: 1, rebootsToldBy: ["the least-free counter"] });
  });

  test("a count of boots that changes is a reboot", () => {
    const record = track(100, (sample, i) => {
      sample.boot = String(Math.floor(i / 25));
    });
    expect(record).toMatchObject({ reboots: 3, segments: 4 });
  });

  test("a gap alone tells of no reboot, and is not bridged", () => {
    const record = track(100, (sample, i) => {
      if (i >= 50) sample.wallMs += 600 * MINUTE_MS;
    });
    expect(record).toMatchObject({ reboots: 0, gaps: 1, segments: 2, rebootsToldBy: [] });
    expect(record.observedUs).toBe(98 * 60e6);
  });

  test("a clock that is set is no reboot where the uptime goes on", () => {
    const record = track(100, (sample, i) => {
      sample.uptimeMs = i * MINUTE_MS;
      if (i < 20) sample.wallMs = i * MINUTE_MS; // 1970
      if (i >= 60) sample.wallMs -= 3600e3;
    });
    expect(record).toMatchObject({ reboots: 0, segments: 1, clockJumps: 2 });
    expect(record.observedUs).toBe(99 * 60e6);
  });

  test("samples twice and late ones are counted", () => {
    const record = track(100, (sample, i) => {
      if (i === 50) sample.wallMs -= MINUTE_MS;
      if (i === 80) sample.wallMs -= 3 * MINUTE_MS;
    });
    expect(record).toMatchObject({ duplicates: 1, outOfOrder: 1, segments: 1, reboots: 0 });
  });

  test("a reboot right after too little memory is an exhaustion", () => {
    const record = track(100, (sample, i) => {
      sample.uptimeMs = (i % 50) * MINUTE_MS;
      sample.freeBytes = 5000 - (i % 50) * 100;
    });
    expect(record).toMatchObject({ reboots: 1, exhaustions: 1 });
  });

  test("a device that reboots every minute for a year needs no more memory than one that does not", () => {
    const found = new DeviceTrack("a", 1024);
    for (let i = 0; i < 200_000; i++) {
      found.add({ ...blankSample(), wallMs: START_MS + i * MINUTE_MS, uptimeMs: (i % 3) * MINUTE_MS, freeBytes: 5000 });
    }
    expect(found.record().reboots).toBe(66_666);
    expect(found.series.windows.key.length).toBeLessThanOrEqual(256);
    expect(found.series.segments.length).toBeLessThanOrEqual(256);
  });
});
