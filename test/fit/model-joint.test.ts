import { describe, expect, test } from "vitest";
import { fitted, MadeFirmware } from "./model-traces.ts";

const SECOND = 1e6;
const STARTS = 1200;

/** A request and its answer each 10 s or so, as large and for as long as `blocks` says. */
async function fittedStarts(
  blocks: (firmware: MadeFirmware) => { bytes: readonly [number, number]; lives: readonly [number, number] },
) {
  const firmware = new MadeFirmware();
  for (let i = 0, us = 0; i < STARTS; i++, us += firmware.uniform(5, 15) * SECOND) {
    const { bytes, lives } = blocks(firmware);
    firmware.hold("request", bytes[0], us, lives[0] * SECOND);
    firmware.hold("answer", bytes[1], us, lives[1] * SECOND);
  }
  return fitted(firmware.trace(STARTS * 20 * SECOND));
}

describe("sizes of one start", { timeout: 120_000 }, () => {
  test("that lie on a line come of one draw, and what rounding makes is no other law", async () => {
    const { yaml, scenario } = await fittedStarts((firmware) => {
      const length = firmware.uniform(50, 500);
      return { bytes: [length, length * 2 + 32], lives: [1, 3] };
    });
    expect(scenario.tasks[0]?.steps.slice(0, 3).map(({ step }) => step)).toEqual(["sample", "allocate", "allocate"]);
    expect(yaml).toMatch(/sample: answer_size, from: \{ uniform: \[13\d, 103\d\] \}/);
    expect(yaml).toContain("size: answer_size,");
    expect(yaml).toMatch(/size: answer_size \* 0\.5 - 1[56](\.\d+)?,/);
  });

  test("that are equal are one size", async () => {
    const { yaml } = await fittedStarts((firmware) => {
      const bytes = firmware.uniform(50, 500);
      return { bytes: [bytes, bytes], lives: [1, 3] };
    });
    expect(yaml.match(/size: request_size,/g)).toHaveLength(2);
  });

  test("that depend on each other by another rule are drawn together, case by case", async () => {
    const { scenario, model } = await fittedStarts((firmware) => {
      const kind = firmware.random.below(3);
      return { bytes: [[100, 40, 300][kind] ?? 0, [20, 900, 50][kind] ?? 0], lives: [1, 3] };
    });
    expect(scenario.tasks[0]?.steps[0]).toMatchObject({ step: "choose", options: { length: 3 } });
    const draw = model.activities[0]?.steps[0];
    const cases = draw?.step === "draw" ? draw.joint.cases : [];
    const sizes = cases.map(({ draws }) => [...draws.values()].map((of) => (of.kind === "constant" ? of.value : 0)));
    expect(sizes).toEqual([
      [20, 100],
      [50, 300],
      [900, 40],
    ]);
  });

  test("that do not depend on each other are drawn one by one", async () => {
    const { yaml } = await fittedStarts((firmware) => ({
      bytes: [firmware.uniform(50, 500), firmware.uniform(50, 500)],
      lives: [1, 3],
    }));
    expect(yaml).not.toContain("sample:");
  });

  test("may decide how long another block lives", async () => {
    const { yaml, model } = await fittedStarts((firmware) => {
      const isLong = firmware.random.next() < 0.4;
      return { bytes: [isLong ? 400 : 60, 100], lives: [1, firmware.exponential(isLong ? 40 : 2)] };
    });
    expect(yaml).toContain("repeat: request_size_case_1");
    expect(model.live.modelMean / model.live.traceMean).toBeCloseTo(1, 1);
  });
});
