import { describe, expect, test } from "vitest";
import { fitted, MadeFirmware } from "./model-traces.ts";

const SECOND = 1e6;
const HOUR = 3600 * SECOND;
const SITES = ["tasks.page", "tasks.socket", "tasks.settings"];

/** Starts of something that comes every hour or so. */
function startsOf(firmware: MadeFirmware, hours: number): number[] {
  const starts: number[] = [];
  for (let us = HOUR; us < hours * HOUR; us += HOUR / 4 + firmware.exponential(HOUR)) starts.push(us);
  return starts;
}

describe("tasks that start together", { timeout: 120_000 }, () => {
  test("wait for one mode, each as late as it was, and stay as close as they were", async () => {
    const firmware = new MadeFirmware();
    for (const us of startsOf(firmware, 60)) {
      for (const site of SITES) firmware.hold(site, 4000, us + firmware.uniform(0, 20) * SECOND, 2 * SECOND);
    }
    const { scenario } = await fitted(firmware.trace(60 * HOUR, true));
    expect(scenario.modes.map(({ name }) => name)).toEqual(["pause", "episode"]);
    expect(scenario.tasks).toHaveLength(SITES.length);
    for (const { activation, steps } of scenario.tasks) {
      expect(activation).toEqual({ kind: "on", mode: "episode" });
      expect(steps.map(({ step }) => step)).toEqual(["wait", "allocate", "wait", "free"]);
    }
  });

  test("and let go together wait for the mode's end", async () => {
    const firmware = new MadeFirmware();
    const starts = startsOf(firmware, 120);
    starts.forEach((us, index) => {
      const next = starts[index + 1] ?? 121 * HOUR;
      for (const site of SITES) {
        const bornUs = us + firmware.uniform(0, 20) * SECOND;
        firmware.hold(site, 4000, bornUs, next - 100 * SECOND - bornUs);
      }
    });
    const { scenario } = await fitted(firmware.trace(120 * HOUR, true));
    expect(scenario.modes).toHaveLength(2);
    for (const { steps } of scenario.tasks) {
      expect(steps.map(({ step }) => step)).toEqual(["wait", "allocate", "until", "free"]);
    }
  });

  test("only by the same clock or the same rate have no mode", async () => {
    const firmware = new MadeFirmware();
    for (let i = 1; i < 100; i++) for (const site of SITES) firmware.hold(site, 50, i * 60 * SECOND, SECOND);
    for (const site of ["tasks.a", "tasks.b"]) {
      for (const us of startsOf(firmware, 60)) firmware.hold(site, 50, us, SECOND);
    }
    expect((await fitted(firmware.trace(60 * HOUR, true))).scenario.modes).toEqual([]);
  });
});
