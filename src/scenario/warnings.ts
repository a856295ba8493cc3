import { formatBytes } from "../quantities.ts";
import type { DocumentPath } from "../yaml-document.ts";
import { lowerBound } from "./draws.ts";
import { type Holdings, namesUsed, type Runnable } from "./holdings.ts";
import { suggestion } from "./issues.ts";
import type { Guard, Scenario, StackModel, Step } from "./model.ts";
import { formatDuration } from "./quantities.ts";
import type { Reading } from "./reading.ts";
import { everyStep } from "./step-walk.ts";

/** What is not wrong enough to refuse, but hardly meant. */
export function warnOf(reading: Reading, scenario: Scenario, holdings: Holdings): void {
  const runnables: Runnable[] = [...scenario.tasks, ...scenario.interrupts];
  const steps = runnables.flatMap(({ steps }) => [...everyStep(steps)]);
  for (const runnable of runnables) {
    warnOfEmptyNames(reading, holdings, runnable);
    warnOfHopelessRequests(reading, scenario, runnable);
  }
  warnOfUnused(reading, scenario, steps);
  warnOfGuards(reading, scenario);
  warnOfExpectations(reading, scenario);
}

/** A name that is used but can never hold anything: once for each name of a task, where it is first used. */
function warnOfEmptyNames(reading: Reading, holdings: Holdings, runnable: Runnable): void {
  const all = [...everyStep(runnable.steps)];
  const filled = all.flatMap((step) => ("as" in step ? [step.as] : "heaps" in step ? [step.name] : []));
  const warned = new Set<string>();
  for (const step of all) {
    for (const name of namesUsed(step)) {
      if (holdings.heapsOf(runnable, name) || warned.has(name)) continue;
      warned.add(name);
      reading.warn(step.path, `"${name}" can never hold anything in ${runnable.name}${suggestion(name, filled)}`);
    }
  }
}

/** Requests that no heap they go to could ever serve, empty as it may be. */
function warnOfHopelessRequests(reading: Reading, scenario: Scenario, runnable: Runnable): void {
  const largest = new Map(
    scenario.heaps.map(({ name, parts }) => [name, Math.max(...parts.map(({ bytes }) => bytes))]),
  );
  for (const step of everyStep(runnable.steps)) {
    if (step.step !== "allocate" || step.size.kind === "expression") continue;
    const least = lowerBound(step.size);
    const most = Math.max(...step.heaps.map((heap) => largest.get(heap) ?? 0));
    if (least <= most) continue;
    reading.warn(
      step.path,
      `asks for at least ${formatBytes(least)}, and ${step.heaps.join(", ")} has ${formatBytes(most)}`,
    );
  }
}

function warnOfUnused(reading: Reading, scenario: Scenario, steps: readonly Step[]): void {
  const usedHeaps = new Set(
    steps.flatMap((step) => ("heaps" in step ? step.heaps : step.step === "spawn" ? [step.from] : [])),
  );
  for (const stack of stacksOf(scenario)) {
    for (const guard of stack.model.guards) if (guard.kind === "segmented") usedHeaps.add(guard.heap);
  }
  for (const { name } of scenario.heaps) {
    if (!usedHeaps.has(name)) reading.warn(["heaps", name], `nothing is ever allocated from "${name}"`);
  }
  const sent = new Set(steps.flatMap((step) => (step.step === "send" ? [step.to] : [])));
  const received = new Set(steps.flatMap((step) => (step.step === "receive" ? [step.queue] : [])));
  for (const { name } of scenario.queues) {
    if (!received.has(name)) reading.warn(["queues", name], `nobody receives from "${name}"`);
    else if (!sent.has(name)) reading.warn(["queues", name], `nobody sends to "${name}"`);
  }
  const cached = new Set(steps.flatMap((step) => (step.step === "cache" ? [step.in] : [])));
  for (const { name } of scenario.caches) {
    if (!cached.has(name)) reading.warn(["caches", name], `nothing is ever put into "${name}"`);
  }
  const spawned = new Set(steps.flatMap((step) => (step.step === "spawn" ? [step.task] : [])));
  for (const { name, activation, path } of scenario.tasks) {
    if (activation.kind !== "spawned" || spawned.has(name)) continue;
    reading.warn(path, `"${name}" never runs`, "Give it one of every, poisson, at, on or loop, or spawn it.");
  }
}

interface GuardedStack {
  readonly model: StackModel;
  readonly path: DocumentPath;
  readonly runnables: readonly Runnable[];
}

function stacksOf(scenario: Scenario): GuardedStack[] {
  const tasks = scenario.tasks.map((task) => ({ model: task.stack, path: [...task.path, "stack"], runnables: [task] }));
  if (!scenario.interruptStack) return tasks;
  const path = ["stacks", "interrupts"];
  return [{ model: scenario.interruptStack, path, runnables: scenario.interrupts }, ...tasks];
}

/** Guards that a frame can step over without touching them. */
function warnOfGuards(reading: Reading, scenario: Scenario): void {
  for (const { model, path, runnables } of stacksOf(scenario)) {
    const probe = model.guards.find((guard) => guard.kind === "probe");
    const untouched = largestUntouched(runnables.flatMap(({ steps }) => [...everyStep(steps)]));
    for (const guard of model.guards) {
      const message = guardWarning(guard, probe !== undefined, untouched);
      if (message) reading.warn([...path, "guard"], message);
    }
  }
}

function guardWarning(guard: Guard, probed: boolean, untouched: { label: string; bytes: number }): string | undefined {
  if (guard.kind === "probe" && guard.bytes < guard.interval) {
    const sizes = `${formatBytes(guard.bytes)}, and frames are probed every ${formatBytes(guard.interval)}`;
    return `the guard has ${sizes}: it can still be stepped over`;
  }
  if (probed || (guard.kind !== "mpu" && guard.kind !== "watchpoint") || untouched.bytes <= guard.bytes)
    return undefined;
  return `"${untouched.label}" leaves ${formatBytes(untouched.bytes)} untouched and can step over the guard of ${formatBytes(guard.bytes)}`;
}

function largestUntouched(steps: readonly Step[]): { label: string; bytes: number } {
  return steps.reduce(
    (most, step) => {
      if (step.step !== "call" && step.step !== "recurse") return most;
      const bytes = step.frame - step.touchBytes;
      return bytes > most.bytes ? { label: step.label, bytes } : most;
    },
    { label: "", bytes: 0 },
  );
}

function warnOfExpectations(reading: Reading, scenario: Scenario): void {
  for (const expectation of scenario.expect) {
    if (expectation.expect === "periodic" && isDrawn([scenario.tasks, scenario.interrupts, scenario.modes])) {
      reading.warn(expectation.path, "only a scenario without draws can be proved periodic, and this one draws");
    }
    const needed = expectation.expect === "survives" ? expectation.us : 0;
    if (needed > scenario.uptimeUs) {
      const times = `${formatDuration(needed)}, and \`uptime\` is ${formatDuration(scenario.uptimeUs)}`;
      reading.warn(expectation.path, `asks for ${times}: it stays undecided`);
    }
  }
  if (scenario.warmupUs >= scenario.uptimeUs) reading.warn(["warmup"], "the run ends before the warm-up does");
}

const DRAWN_KINDS: ReadonlySet<unknown> = new Set([
  "uniform",
  "normal",
  "lognormal",
  "exponential",
  "pareto",
  "geometric",
  "choice",
  "empirical",
  "poisson",
  "random",
]);

/** Whether anything in this part of a model is left to chance. */
function isDrawn(part: unknown): boolean {
  if (typeof part !== "object" || part === null) return false;
  if ("kind" in part && DRAWN_KINDS.has(part.kind)) return true;
  if ("jitter" in part && part.jitter !== 0) return true;
  if ("probability" in part && part.probability !== 0 && part.probability !== 1) return true;
  if ("options" in part && Array.isArray(part.options) && part.options.length > 1) return true;
  return Object.values(part).some(isDrawn);
}
