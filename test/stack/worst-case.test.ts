import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { coreFrames } from "../../src/device/frames.ts";
import type { Amount, InterruptModel, Step, TaskModel } from "../../src/scenario/model.ts";
import { interruptWorstCase, taskWorstCase } from "../../src/soak/stack-worst-case.ts";

const M3 = coreFrames(findDevice("stm32f103c8"));
const M4F = coreFrames(findDevice("stm32f407vg"));
const PLACE = { path: [], label: "", line: 1 };
const constant = (value: number): Amount => ({ kind: "constant", value });

function call(frame: number, ...steps: Step[]): Step {
  return { ...PLACE, step: "call", name: "f", frame, touchBytes: frame, raii: false, steps };
}
function recurse(frame: number, depth: Amount, ...steps: Step[]): Step {
  return { ...PLACE, step: "recurse", name: "f", frame, touchBytes: frame, depth, steps };
}
function sample(name: string, from: Extract<Step, { step: "sample" }>["from"]): Step {
  return { ...PLACE, step: "sample", name, from };
}
function task(steps: Step[], fpu = false): TaskModel {
  const runnable = { name: "t", path: [], priority: 1, activation: { kind: "loop" as const }, fpu, steps };
  const stack = { sizeBytes: 1024, guards: [] };
  return { ...runnable, start: { kind: "after", us: 0 }, stack, instances: 1, overrun: "skip" };
}
function interrupt(priority: number, frame: number, steps: Step[] = [], fpu = false): InterruptModel {
  const activation = { kind: "poisson" as const, perSecond: 1 };
  return { name: "i", path: [], priority, activation, start: { kind: "after", us: 0 }, fpu, frame, steps };
}

describe("the worst case of a task's stack", () => {
  test("is the deepest path, one exception frame with its padding and the saved context", () => {
    const steps = [call(100, call(40), call(60)), call(150)];
    expect(taskWorstCase(task(steps), M3)).toEqual({ bytes: 160 + 32 + 32, bounded: true });
    expect(taskWorstCase(task([call(100)]), M3).bytes).toBe(100 + 4 + 32 + 32);
    expect(taskWorstCase(task([call(100)], true), M4F).bytes).toBe(100 + 4 + 104 + 100);
  });

  test("looks into every branch", () => {
    const steps: Step[] = [
      { ...PLACE, step: "chance", probability: 0.001, steps: [call(16)], otherwise: [call(88)] },
      { ...PLACE, step: "choose", options: [{ weight: 1, steps: [call(24, call(72))] }] },
      { ...PLACE, step: "repeat", count: constant(3), steps: [call(80)] },
    ];
    expect(taskWorstCase(task(steps), M3).bytes).toBe(96 + 64);
  });

  test("counts a recursion at its greatest depth", () => {
    const depth: Amount = { kind: "uniform", low: 1, high: 12 };
    expect(taskWorstCase(task([recurse(40, depth, call(16))]), M3).bytes).toBe(12 * 40 + 16 + 64);
    const capped: Amount = { kind: "geometric", mean: 4, maximum: 9 };
    expect(taskWorstCase(task([recurse(40, capped)]), M3).bytes).toBe(9 * 40 + 64);
  });

  test("follows a depth through sampled names", () => {
    const name = { kind: "name", name: "n" } as const;
    const two = { kind: "number", value: 2 } as const;
    const depth: Amount = {
      kind: "expression",
      expression: { kind: "operation", operator: "*", left: name, right: two },
    };
    const bounded = [sample("n", { kind: "uniform", low: 1, high: 5 }), recurse(8, depth)];
    expect(taskWorstCase(task(bounded), M3)).toEqual({ bytes: 10 * 8 + 64, bounded: true });
    const unbounded = [sample("n", { kind: "exponential", mean: 5 }), recurse(8, depth)];
    expect(taskWorstCase(task(unbounded), M3)).toEqual({ bytes: 8 + 64, bounded: false });
  });
});

test("the worst case of the main stack is the sum over priorities of the largest handler, its calls and a frame", () => {
  const interrupts = [
    interrupt(1, 76, [call(20)]),
    interrupt(1, 40),
    interrupt(3, 30, [], true),
    interrupt(2, 64, [call(8), call(36)]),
  ];
  const byHand = 76 + 20 + 32 + (64 + 36 + 4 + 32) + (30 + 104 + 2);
  expect(interruptWorstCase(interrupts, M4F)).toEqual({ bytes: byHand, bounded: true });
  expect(interruptWorstCase([], M4F)).toEqual({ bytes: 0, bounded: true });
});
