import { describe, expect, test } from "vitest";
import { drawMean, inShares } from "../../src/fit/model/draw.ts";
import { lifetimeOf } from "../../src/fit/model/lifetime.ts";
import { Random } from "../../src/statistics/random.ts";
import { fitted, historyOf, MadeFirmware } from "./model-traces.ts";

const SECOND = 1e6;
const HOUR = 3600 * SECOND;

/** A share by which two numbers differ. */
function difference(got: number, expected: number): number {
  return Math.abs(got / expected - 1);
}

describe("when something starts", () => {
  test("is a period where a clock starts it, with the jitter around it", async () => {
    const firmware = new MadeFirmware();
    for (let i = 0; i < 500; i++) {
      firmware.hold(
        "sample",
        48,
        (i + 0.5) * SECOND + firmware.uniform(-40_000, 40_000),
        firmware.uniform(2, 5) * SECOND,
      );
    }
    const { scenario } = await fitted(firmware.trace(HOUR));
    const activation = scenario.tasks[0]?.activation;
    expect(activation).toMatchObject({ kind: "every", gapUs: { kind: "constant", value: SECOND } });
    expect(activation?.kind === "every" && activation.jitter).toBeCloseTo(0.04, 2);
  });

  test("is a rate where nothing but chance does", async () => {
    const firmware = new MadeFirmware();
    for (let us = 0; us < HOUR; us += firmware.exponential(SECOND))
      firmware.hold("x", 100, us, firmware.exponential(5 * SECOND));
    const { scenario, model } = await fitted(firmware.trace(HOUR));
    const activation = scenario.tasks[0]?.activation;
    expect(activation?.kind).toBe("poisson");
    expect(activation?.kind === "poisson" ? difference(activation.perSecond, 1) : 1).toBeLessThan(0.05);
    expect(difference(model.live.modelMean, model.live.traceMean)).toBeLessThan(0.02);
  });

  test("follows the hours of the day where the trace has several days of it", async () => {
    const firmware = new MadeFirmware();
    for (let us = 0; us < 96 * HOUR; us += firmware.exponential(20 * SECOND)) {
      const isDay = Math.floor(us / HOUR) % 24 >= 8;
      if (isDay || firmware.random.next() < 0.1) firmware.hold("x", 100, us, firmware.exponential(60 * SECOND));
    }
    const { scenario } = await fitted(firmware.trace(96 * HOUR));
    const hourly = scenario.tasks[0]?.hourly ?? [];
    expect(hourly).toHaveLength(24);
    expect(Math.max(...hourly.slice(0, 8))).toBeLessThan(0.4);
    expect(Math.min(...hourly.slice(8))).toBeGreaterThan(1);
  });

  test("is a group where blocks come in regular numbers", async () => {
    const firmware = new MadeFirmware();
    for (let us = 0; us < 100 * HOUR; us += firmware.exponential(HOUR)) {
      const count = 20 + firmware.random.below(11);
      for (let i = 0; i < count; i++) firmware.hold("x", 64, us + i * 10_000, firmware.uniform(1, 3) * SECOND);
    }
    const { scenario } = await fitted(firmware.trace(200 * HOUR));
    expect(scenario.tasks[0]?.steps[0]?.step).toBe("repeat");
  });
});

test("a rate that switches becomes two parts in turn, each with its own gaps", async () => {
  const firmware = new MadeFirmware();
  for (let us = 0, phase = 0; phase < 40; phase++) {
    const mean = (phase % 2 === 0 ? 0.2 : 4) * SECOND;
    const end = us + firmware.uniform(200, 400) * SECOND;
    for (; us < end; us += firmware.exponential(mean)) firmware.hold("x", 100, us, firmware.exponential(10 * SECOND));
  }
  const { scenario, model } = await fitted(firmware.trace(100 * HOUR));
  expect(scenario.tasks[0]?.steps.map(({ step }) => step)).toEqual(["repeat", "repeat"]);
  expect(difference(model.live.modelMean, model.live.traceMean)).toBeLessThan(0.02);
});

describe("what is asked for together", () => {
  test("becomes one activity with its steps in order", async () => {
    const firmware = new MadeFirmware();
    for (let us = 0; us < 40 * HOUR; us += HOUR / 2 + firmware.exponential(HOUR)) {
      firmware.hold("in", 16_717, us, HOUR / 3);
      firmware.hold("out", 2381, us, HOUR / 3);
      for (let i = 0; i < 30 + firmware.random.below(20); i++) {
        firmware.hold("number", 64, us + i * 2000, firmware.exponential(80_000));
      }
    }
    const { scenario } = await fitted(firmware.trace(80 * HOUR));
    expect(scenario.tasks).toHaveLength(1);
    expect(scenario.tasks[0]?.steps.map(({ label }) => label.split(" ")[0])).toEqual([
      "allocate",
      "allocate",
      "repeat",
      "wait",
      "free",
      "free",
      "wait",
    ]);
  });

  test("stays apart where it only happens at the same rate", async () => {
    const firmware = new MadeFirmware();
    for (const site of ["a", "b"]) {
      for (let us = 0; us < HOUR; us += firmware.exponential(5 * SECOND))
        firmware.hold(site, 40, us, firmware.exponential(SECOND * 9));
    }
    expect((await fitted(firmware.trace(HOUR))).scenario.tasks).toHaveLength(2);
  });
});

describe("how blocks leave", () => {
  test("is a cache where each new one pushes out the oldest", async () => {
    const firmware = new MadeFirmware();
    const births: number[] = [];
    for (let us = 0; us < HOUR; us += firmware.exponential(4 * SECOND)) births.push(us);
    births.forEach((us, i) => void firmware.hold("x", 80, us, (births[i + 12] ?? 9e9) + 2 - us));
    const { scenario } = await fitted(firmware.trace(HOUR));
    expect(scenario.caches).toMatchObject([{ slots: 12, evict: "oldest" }]);
  });

  test("is a name that takes another block where the next start frees it", async () => {
    const firmware = new MadeFirmware();
    for (let i = 0; i < 400; i++) firmware.hold("text", firmware.uniform(8, 40), i * SECOND, SECOND);
    const { scenario } = await fitted(firmware.trace(400 * SECOND));
    expect(scenario.tasks[0]?.steps.map(({ step }) => step)).toEqual(["free", "allocate"]);
  });

  test("is a queue where they leave in order, each behind the one before", async () => {
    const firmware = new MadeFirmware();
    let free = 0;
    for (let us = 0; us < HOUR; us += firmware.exponential(SECOND)) {
      free = Math.max(us, free) + firmware.exponential(0.7 * SECOND);
      firmware.hold("packet", 200, us, free - us);
    }
    const { scenario } = await fitted(firmware.trace(HOUR));
    expect(scenario.queues).toHaveLength(1);
    const server = scenario.tasks.find(({ steps }) => steps[0]?.step === "receive");
    expect(server?.steps.map(({ step }) => step)).toEqual(["receive", "wait", "free"]);
  });

  test("is never for blocks of the start-up", async () => {
    const firmware = new MadeFirmware();
    firmware.hold("settings", 3000, 0, Number.POSITIVE_INFINITY);
    firmware.hold("network", 4200, SECOND, Number.POSITIVE_INFINITY);
    for (let us = 0; us < HOUR; us += firmware.exponential(SECOND)) firmware.hold("x", 50, us, SECOND * 3);
    const { scenario } = await fitted(firmware.trace(HOUR));
    expect(scenario.tasks[0]?.activation).toEqual({ kind: "at", atUs: 0 });
    expect(scenario.tasks[0]?.steps.map(({ step }) => step)).toEqual(["allocate", "wait", "allocate"]);
  });

  test("depends on the size where the trace says so, and not otherwise", async () => {
    const dependent = new MadeFirmware();
    const plain = new MadeFirmware();
    for (let us = 0; us < 2 * HOUR; us += dependent.exponential(SECOND)) {
      const isLarge = dependent.random.next() < 0.3;
      dependent.hold("x", isLarge ? 900 : 40, us, dependent.exponential((isLarge ? 60 : 2) * SECOND));
      plain.hold("x", isLarge ? 900 : 40, us, dependent.exponential(10 * SECOND));
    }
    const joint = await fitted(dependent.trace(2 * HOUR));
    expect(joint.scenario.tasks[0]?.steps[0]?.step).toBe("choose");
    expect(difference(joint.model.live.modelMean, joint.model.live.traceMean)).toBeLessThan(0.02);
    expect((await fitted(plain.trace(2 * HOUR))).scenario.tasks[0]?.steps[0]?.step).toBe("allocate");
  });
});

describe("lives", () => {
  const random = new Random(5);
  const exponential = (mean: number) => -Math.log(1 - random.next()) * mean;

  test("that the trace's end cuts off count for what was seen of them", () => {
    const lives = Array.from({ length: 4000 }, () => exponential(100));
    const seen = lives.map(() => random.next() * 150);
    const us = Float64Array.from(lives, (life, i) => Math.min(life, seen[i] ?? 0));
    const { draw, leakRatio } = lifetimeOf({
      us,
      isEnded: Uint8Array.from(lives, (life, i) => (life < (seen[i] ?? 0) ? 1 : 0)),
    });
    expect(leakRatio).toBe(0);
    expect(difference(drawMean(draw), 100)).toBeLessThan(0.06);
  });

  test("that never end are the share that leaks", () => {
    const lives = Array.from({ length: 3000 }, () =>
      random.next() < 0.1 ? Number.POSITIVE_INFINITY : exponential(20),
    );
    const us = Float64Array.from(lives, (life) => Math.min(life, 1000 + random.next() * 1000));
    const { draw, leakRatio } = lifetimeOf({ us, isEnded: Uint8Array.from(lives, (life) => (life < 1000 ? 1 : 0)) });
    expect(leakRatio).toBeGreaterThan(0.08);
    expect(leakRatio).toBeLessThan(0.12);
    expect(difference(drawMean(draw), 20)).toBeLessThan(0.06);
  });
});

test("shares keep the mean, and the few values that are most of the sum", () => {
  const values = [...Array.from({ length: 999 }, (_, i) => 1 + i / 1000), 50_000];
  const { values: means, weights } = inShares(values, () => 1);
  const total = values.reduce((sum, value) => sum + value, 0);
  expect(means.reduce((sum, mean, i) => sum + mean * (weights[i] ?? 0), 0)).toBeCloseTo(total, 3);
  expect(means.at(-1)).toBeGreaterThan(20_000);
  expect(means.length).toBeLessThanOrEqual(60);
});

describe("a scenario comes of", () => {
  test.each([
    ["one event", "a 1 48 t=5\n"],
    ["no frees", "a 1 8 t=1\na 2 9 t=2\na 3 10 t=3\n"],
    ["equal times", "a 1 8 t=0\nf 1 t=0\na 2 8 t=0\nf 2 t=0\n"],
    ["no times", "a 1 8\nf 1\na 2 8\nf 2\n"],
    ["boots and gaps", "a 1 8 t=1\n! boot\na 1 8 t=1\n! gap frames=1 certain=1\nf 1 t=9\na 2 7 t=10\n"],
    ["the largest size", "a 1 4294967295 t=1\nf 1 t=2\na 2 4294967295 t=4\nf 2 t=9\n"],
    ["a site that means to break out", 'a 1 8 t=1 at="]}\\u001b[2J{evil:\nf 1 t=2\na 2 8 t=3 at=...\n'],
  ])("%s", async (_, text) => {
    const { scenario } = await fitted(text);
    expect(scenario.tasks.length).toBeGreaterThan(0);
  });

  test("what happened before the time that is looked at, and of nothing else", async () => {
    const firmware = new MadeFirmware();
    for (let i = 0; i < 100; i++) firmware.hold("early", 10, i * SECOND, SECOND / 2);
    for (let i = 100; i < 200; i++) firmware.hold("late", 10, i * SECOND, SECOND / 2);
    const { fitModel } = await import("../../src/fit/model/fit-model.ts");
    const model = fitModel(await historyOf(firmware.trace(HOUR)), { untilUs: 100 * SECOND });
    expect(model.activities.map(({ leader }) => leader.site)).toEqual(["early"]);
  });
});

describe("requests that the trace refused", () => {
  /** Asks each second, every fifth time for more than there is. */
  function refusing(isRefused: (index: number) => boolean): string {
    return Array.from({ length: 300 }, (_, index) => {
      const us = index * SECOND;
      if (isRefused(index)) return `a ${index} 400 -1 t=${us} at=x\n`;
      return `a ${index} 100 t=${us} at=x\nf ${index} t=${us + SECOND / 2} at=x\n`;
    }).join("");
  }

  test("are asked for as often as they were, and live as long as the others", async () => {
    const { scenario, model } = await fitted(refusing((index) => index % 5 === 4));
    expect(scenario.tasks[0]?.activation).toMatchObject({ kind: "every", gapUs: { value: SECOND } });
    expect(model.activities[0]?.steps).toMatchObject([
      { step: "allocate", size: { kind: "table", values: [100, 400], weights: [240, 60] } },
      { step: "wait", us: { kind: "constant", value: SECOND / 2 } },
      { step: "free" },
    ]);
    expect(model.live.traceMean).toBeCloseTo(40, 0);
  });

  test("are freed at once where none was ever granted", async () => {
    const { model, yaml } = await fitted(refusing(() => true));
    expect(model.activities[0]?.steps.map(({ step }) => step)).toEqual(["allocate", "free"]);
    expect(yaml).toContain("orElse: []");
  });
});

test("a full queue that drops its oldest is one, with what it has room for", async () => {
  const firmware = new MadeFirmware();
  const waiting: number[] = [];
  let servedUs: number | undefined;
  const hold = (bornUs: number, diedUs: number) => firmware.hold("answer", 200, bornUs, diedUs - bornUs);
  const inWork = { bornUs: 0 };
  const serve = (us: number) => {
    for (; servedUs !== undefined && servedUs <= us; ) {
      hold(inWork.bornUs, servedUs);
      const next = waiting.shift();
      if (next !== undefined) inWork.bornUs = next;
      servedUs = next === undefined ? undefined : servedUs + firmware.uniform(0.6, 1.6) * SECOND;
    }
  };
  for (let us = 0; us < HOUR / 2; us += firmware.uniform(0.7, 1.3) * SECOND) {
    serve(us);
    if (servedUs === undefined) {
      inWork.bornUs = us;
      servedUs = us + SECOND;
    } else {
      waiting.push(us);
      if (waiting.length > 4) hold(waiting.shift() ?? 0, us + 1);
    }
  }
  const { scenario } = await fitted(firmware.trace(HOUR));
  expect(scenario.queues).toMatchObject([{ capacity: 4, whenFull: "drop-oldest" }]);
});
