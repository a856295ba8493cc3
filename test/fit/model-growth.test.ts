import { describe, expect, test } from "vitest";
import { Random } from "../../src/statistics/random.ts";
import { fitted } from "./model-traces.ts";

const SECOND = 1e6;

/** A vector that doubles up to 64 times 16 bytes, and lines of a log between its steps or behind them all. */
function growing(isBetween: boolean): string {
  const random = new Random(3);
  const lines: string[] = [];
  let id = 0;
  for (let round = 0; round < 200; round++) {
    const us = round * 30 * SECOND;
    const kept: number[] = [];
    const say = (text: string, site: string) => lines.push(`${text} t=${us} at=${site}`);
    const log = () => {
      if (random.next() > 0.1) return;
      kept.push(id);
      say(`a ${id++} 40`, "line");
    };
    let block = -1;
    for (let step = 0, capacity = 0; step < 64; step++) {
      if (step >= capacity) {
        const before = block;
        block = id++;
        say(`a ${block} ${16 * Math.max(1, 2 * capacity)}`, "vector");
        if (before >= 0) say(`f ${before}`, "vector");
        capacity = Math.max(1, 2 * capacity);
      }
      if (isBetween) log();
    }
    for (let i = 0; i < (isBetween ? 0 : 64); i++) log();
    for (const held of [...kept, block]) lines.push(`f ${held} t=${us + SECOND} at=end`);
  }
  return `${lines.join("\n")}\n`;
}

describe("what comes while a container grows", { timeout: 120_000 }, () => {
  test("is asked for between its steps, and the rest behind them", async () => {
    const { yaml, model } = await fitted(growing(true));
    expect(yaml).toMatch(/grow: vector, by: 16, policy: double }\n +- chance: (9|10|11)\S* %/);
    expect(model.live.modelMean / model.live.traceMean).toBeCloseTo(1, 1);
  });

  test("stays behind it where it came there", async () => {
    const { yaml } = await fitted(growing(false));
    expect(yaml).toContain("grow: vector");
    expect(yaml).not.toContain("chance:");
  });
});

describe("blocks that come together", { timeout: 120_000 }, () => {
  /** Three nodes each second, freed by the end of it, or after times of their own. */
  const trio = (isHeld: boolean) => {
    const random = new Random(4);
    const lines = Array.from({ length: 300 }, (_, round) => round * SECOND).flatMap((us, round) =>
      [0, 1, 2].flatMap((node) => {
        const died = Math.round(us + (isHeld ? 0.3 + node / 10 : random.next() * 9) * SECOND);
        return [
          { us, text: `a ${round * 3 + node} 48 t=${us} at=node` },
          { us: died, text: `f ${round * 3 + node} t=${died}` },
        ];
      }),
    );
    return `${lines
      .sort((a, b) => a.us - b.us)
      .map(({ text }) => text)
      .join("\n")}\n`;
  };

  test("always so many, and gone before the next, have a name each", async () => {
    const steps = (await fitted(trio(true))).scenario.tasks[0]?.steps.map(({ step }) => step);
    expect(steps).toEqual(["allocate", "allocate", "allocate", "wait", "free", "wait", "free", "wait", "free"]);
  });

  test("and live on for as long as each does are one part that is repeated", async () => {
    expect((await fitted(trio(false))).scenario.tasks[0]?.steps.map(({ step }) => step)).toEqual(["repeat"]);
  });
});
