/**
 * The worst case of a stack, from the program alone: an interrupt can fall on the deepest call, whether or not
 * it did in the run.
 */
import type { CoreFrames } from "../device/frames.ts";
import type { Amount, Draw, Expression, InterruptModel, Scenario, Step, TaskModel } from "../scenario/model.ts";
import { nestedSteps } from "../scenario/step-walk.ts";

/** The worst case of a stack, in bytes. */
export interface StackWorstCase {
  readonly bytes: number;
  /** False where a recursion's depth has no largest value: then the depth of the recursion is not in `bytes`. */
  readonly bounded: boolean;
}

/** The task's deepest path, one exception frame and the saved context. */
export function taskWorstCase(task: TaskModel, frames: CoreFrames): StackWorstCase {
  const pathBytes = deepestPath(task.steps);
  const interrupted = exceptionEnd(pathBytes, frames, task.fpu);
  return result(interrupted + (task.fpu ? frames.contextFpuBytes : frames.contextBytes), task.steps);
}

/**
 * The main stack with a handler of every priority nested in the one below, each at its deepest call and with an
 * exception frame on top.
 */
export function interruptWorstCase(interrupts: readonly InterruptModel[], frames: CoreFrames): StackWorstCase {
  const priorities = [...new Set(interrupts.map(({ priority }) => priority))].sort((a, b) => a - b);
  let depthBytes = 0;
  for (const priority of priorities) {
    const level = interrupts.filter((interrupt) => interrupt.priority === priority);
    const ends = level.map((interrupt) => {
      return exceptionEnd(depthBytes + interrupt.frame + deepestPath(interrupt.steps), frames, interrupt.fpu);
    });
    depthBytes = Math.max(...ends);
  }
  return result(
    depthBytes,
    interrupts.flatMap(({ steps }) => steps),
  );
}

/**
 * The worst case of the task called `name`, or of the main stack (undefined). Where a recursion is unbounded, what
 * was observed counts when it is more.
 */
export function worstCaseBytes(
  scenario: Scenario,
  name: string | undefined,
  frames: CoreFrames,
  observedBytes: number,
) {
  const task = scenario.tasks.find((candidate) => candidate.name === name);
  const worst = task ? taskWorstCase(task, frames) : interruptWorstCase(scenario.interrupts, frames);
  return worst.bounded ? worst.bytes : Math.max(worst.bytes, observedBytes);
}

/** Bytes in use after an exception at a depth of `depthBytes`: its frame and the padding that aligns it. */
function exceptionEnd(depthBytes: number, frames: CoreFrames, fpu: boolean): number {
  const end = depthBytes + (fpu ? frames.exceptionFpuBytes : frames.exceptionBytes);
  return Math.ceil(end / frames.stackAlignment) * frames.stackAlignment;
}

function result(bytes: number, steps: readonly Step[]): StackWorstCase {
  return { bytes, bounded: isBounded(steps, sampledMost(steps)) };
}

/** Bytes of frames on the deepest path; a recursion without a largest depth counts one level. */
function deepestPath(steps: readonly Step[]): number {
  const most = sampledMost(steps);
  const depth = (list: readonly Step[]): number => Math.max(0, ...list.map((step) => own(step) + inner(step)));
  const own = (step: Step): number => {
    if (step.step === "call") return step.frame;
    if (step.step !== "recurse") return 0;
    const levels = greatest(step.depth, most);
    return step.frame * (Number.isFinite(levels) ? levels : 1);
  };
  const inner = (step: Step): number => Math.max(0, ...nestedSteps(step).map(depth));
  return depth(steps);
}

function isBounded(steps: readonly Step[], most: SampledMost): boolean {
  return steps.every((step) => {
    if (step.step === "recurse" && !Number.isFinite(greatest(step.depth, most))) return false;
    return nestedSteps(step).every((branch) => isBounded(branch, most));
  });
}

interface Range {
  readonly low: number;
  readonly high: number;
}
type SampledMost = ReadonlyMap<string, Range>;

/** The range of every sampled name of a program; 0 as well, which a name holds before it is sampled. */
function sampledMost(steps: readonly Step[], ranges = new Map<string, Range>()): Map<string, Range> {
  for (const step of steps) {
    if (step.step === "sample") {
      const before = ranges.get(step.name) ?? { low: 0, high: 0 };
      const range = drawRange(step.from);
      ranges.set(step.name, { low: Math.min(before.low, range.low), high: Math.max(before.high, range.high) });
    }
    for (const branch of nestedSteps(step)) sampledMost(branch, ranges);
  }
  return ranges;
}

/** The largest whole value of an amount; Infinity where there is none. */
function greatest(amount: Amount, most: SampledMost): number {
  const { high } = amount.kind === "expression" ? expressionRange(amount.expression, most) : drawRange(amount);
  return Math.max(0, Math.round(high));
}

function drawRange(draw: Draw): Range {
  const { low, high } = naturalRange(draw);
  return { low: Math.max(low, draw.minimum ?? -Infinity), high: Math.min(high, draw.maximum ?? Infinity) };
}

function naturalRange(draw: Draw): Range {
  switch (draw.kind) {
    case "constant":
      return { low: draw.value, high: draw.value };
    case "uniform":
      return { low: draw.low, high: draw.high };
    case "choice":
    case "empirical":
      return { low: least(draw.values), high: largest(draw.values) };
    case "pareto":
      return { low: draw.least, high: Infinity };
    case "geometric":
      return { low: 1, high: Infinity };
    case "normal":
    case "lognormal":
    case "exponential":
      return { low: 0, high: Infinity };
  }
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
function least(values: readonly number[]): number {
  return values.reduce((most, value) => Math.min(most, value), Infinity);
}

function expressionRange(expression: Expression, most: SampledMost): Range {
  if (expression.kind === "number") return { low: expression.value, high: expression.value };
  if (expression.kind === "name") return most.get(expression.name) ?? { low: 0, high: 0 };
  const left = expressionRange(expression.left, most);
  const right = expressionRange(expression.right, most);
  const ends = [left.low, left.high].flatMap((a) =>
    [right.low, right.high].map((b) => apply(expression.operator, a, b)),
  );
  // A divisor around 0 has no bound, and so has 0 × Infinity, which is not a number.
  if (expression.operator === "/" && right.low <= 0 && right.high >= 0) return { low: -Infinity, high: Infinity };
  if (ends.some(Number.isNaN)) return { low: -Infinity, high: Infinity };
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

function apply(operator: "+" | "-" | "*" | "/", a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
  }
}
