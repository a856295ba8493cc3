import type { DocumentPath } from "../yaml-document.ts";
import { upperBound } from "./draws.ts";
import { Holdings, type Runnable } from "./holdings.ts";
import { checkInterrupt } from "./interrupt-checks.ts";
import { shown, suggestion } from "./issues.ts";
import { checkMemory } from "./memory-checks.ts";
import type { Scenario, Step, TaskModel } from "./model.ts";
import type { Reading } from "./reading.ts";
import { amountsOf, everyStep, namesIn } from "./step-walk.ts";
import { warnOf } from "./warnings.ts";

/** The kernel keeps one queue of ready tasks a priority. */
const PRIORITIES_MOST = 64;

/**
 * Everything that only the whole scenario can tell: what is refused, then what is worth a warning. Without
 * `memory` it is not laid out.
 */
export function checkScenario(reading: Reading, scenario: Scenario, { memory }: { memory: boolean }): void {
  const runnables: Runnable[] = [...scenario.tasks, ...scenario.interrupts];
  const holdings = new Holdings(scenario);
  checkPriorities(reading, scenario);
  checkModes(reading, scenario);
  checkNames(reading, scenario);
  for (const runnable of runnables) {
    checkSampledNames(reading, runnable);
    checkOwnership(reading, scenario, holdings, runnable);
  }
  for (const task of scenario.tasks) checkTask(reading, scenario, task);
  for (const interrupt of scenario.interrupts) checkInterrupt(reading, scenario, holdings, interrupt);
  if (runnables.length === 0) reading.issues.add([], "nothing happens: there are no tasks and no interrupts");
  if (memory && !reading.issues.list.some(({ path }) => concernsMemory(path))) checkMemory(reading, scenario);
  if (reading.issues.list.length === 0) warnOf(reading, scenario, holdings);
}

/** Whether what is wrong at the path leaves nothing to lay out. */
function concernsMemory(path: DocumentPath): boolean {
  return ["heaps", "stacks", "static"].includes(String(path[0])) || path[2] === "stack";
}

function checkPriorities(reading: Reading, scenario: Scenario): void {
  for (const kind of ["tasks", "interrupts"] as const) {
    const priorities = new Set(scenario[kind].map(({ priority }) => priority));
    if (priorities.size > PRIORITIES_MOST) {
      reading.issues.add([kind], `${priorities.size} different priorities, expected at most ${PRIORITIES_MOST}`);
    }
  }
}

/** A world that changes without end at one instant never gets on: every mode must reach one that lasts. */
function checkModes(reading: Reading, { modes }: Scenario): void {
  const known = new Set(modes.map(({ name }) => name));
  const lasting = new Set(modes.filter(({ forUs }) => upperBound(forUs) >= 1).map(({ name }) => name));
  for (let grown = true; grown; ) {
    const reaching = modes.filter(
      ({ name, then }) =>
        !lasting.has(name) && then.some(({ mode, weight }) => weight > 0 && (lasting.has(mode) || !known.has(mode))),
    );
    for (const { name } of reaching) lasting.add(name);
    grown = reaching.length > 0;
  }
  const stuck = modes.filter(({ name }) => !lasting.has(name)).map(({ name }) => name);
  if (stuck[0] === undefined) return;
  reading.issues.add(["modes", stuck[0], "then"], `${stuck.join(" and ")} follow each other without time passing`);
}

/** Tasks and interrupts share one space of names in reports; `interrupts` is the main stack's. */
function checkNames(reading: Reading, scenario: Scenario): void {
  const tasks = new Set(scenario.tasks.map(({ name }) => name));
  if (tasks.has("interrupts")) {
    reading.issues.add(["tasks", "interrupts"], 'the name "interrupts" is the main stack\'s; choose another');
  }
  for (const { name, path } of scenario.interrupts) {
    if (tasks.has(name)) reading.issues.add(path, `there is a task "${name}" too; reports could not tell them apart`);
  }
  for (const { expect, path, ...rest } of scenario.expect) {
    if (expect !== "stack" || !("stack" in rest) || rest.stack !== "interrupts" || scenario.interruptStack) continue;
    reading.issues.add([...path, "stack"], "the scenario has no interrupts and no `stacks.interrupts`");
  }
}

/** Expressions read what a `sample` of the same task writes. */
function checkSampledNames(reading: Reading, { steps }: Runnable): void {
  const all = [...everyStep(steps)];
  const sampled = new Set(all.flatMap((step) => (step.step === "sample" ? [step.name] : [])));
  for (const step of all) {
    if (step.step === "sample" && !/^[A-Za-z]\w*(-[A-Za-z]\w*)*$/.test(step.name)) {
      reading.issues.add([...step.path, "sample"], `"${step.name}" reads as a subtraction in an expression; use _`);
    }
    for (const [key, amount] of amountsOf(step)) {
      if (amount.kind !== "expression") continue;
      for (const name of namesIn(amount.expression)) {
        if (sampled.has(name)) continue;
        reading.issues.add([...step.path, key], `no sample "${shown(name)}" in this task${sampleHint(name, sampled)}`);
      }
    }
  }
}

function sampleHint(name: string, sampled: ReadonlySet<string>): string {
  const minus = name.split("-");
  if (minus.length > 1 && minus.every((part) => sampled.has(part))) return `; put blanks around the minus`;
  return suggestion(name, sampled) || (sampled.size === 0 ? "; write { sample: NAME, from: DRAW } before it" : "");
}

/** Which ownership lets a block have several holders, by step. */
const OWNERSHIP_OF: Readonly<Record<string, readonly string[]>> = {
  share: ["counted", "traced"],
  refer: ["counted", "traced"],
  drop: ["counted"],
};

/** Further owners and references exist on the heaps that keep track of them. */
function checkOwnership(reading: Reading, scenario: Scenario, holdings: Holdings, runnable: Runnable): void {
  const ownership = new Map(scenario.heaps.map((heap) => [heap.name, heap.ownership]));
  for (const step of everyStep(runnable.steps)) {
    const needed = OWNERSHIP_OF[step.step];
    if (!needed || !("name" in step)) continue;
    const names = step.step === "refer" ? [step.name, step.to] : [step.name];
    const heaps = new Set(names.flatMap((name) => [...(holdings.heapsOf(runnable, name) ?? [])]));
    const wrong = [...heaps].find((heap) => ownership.has(heap) && !needed.includes(ownership.get(heap) ?? ""));
    if (wrong === undefined) continue;
    reading.issues.add(
      step.path,
      `"${step.step}" needs a heap with \`ownership: ${needed.join(" or ")}\`; "${wrong}" has not`,
    );
  }
}

function checkTask(reading: Reading, scenario: Scenario, task: TaskModel): void {
  if (task.activation.kind === "loop" && !mayTakeTime(scenario, task.steps)) {
    reading.issues.add(
      [...task.path, "loop"],
      "the loop can never take time: it needs work, wait, until, receive or a send that blocks",
    );
  }
  const targets = new Map(scenario.tasks.map((other) => [other.name, other]));
  for (const step of everyStep(task.steps)) {
    if (step.step === "exit" && task.activation.kind !== "spawned") {
      reading.issues.add(step.path, "only a spawned task exits; this one starts by itself and ends with its steps");
    }
    if (step.step === "spawn") checkSpawn(reading, step, targets.get(step.task));
  }
}

export function checkSpawn(reading: Reading, step: Step & { step: "spawn" }, target: TaskModel | undefined): void {
  if (!target || target.activation.kind === "spawned") return;
  const path = [...step.path, "spawn"];
  reading.issues.add(path, `"${target.name}" starts by itself (${target.activation.kind}); only others are spawned`);
}

/** Whether any path through the steps can let time pass, or end the task. */
function mayTakeTime(scenario: Scenario, steps: readonly Step[]): boolean {
  const blocking = new Set(scenario.queues.filter(({ whenFull }) => whenFull === "block").map(({ name }) => name));
  for (const step of everyStep(steps)) {
    if ((step.step === "work" || step.step === "wait") && upperBound(step.us) > 0) return true;
    if (step.step === "receive" && (!step.timeoutUs || upperBound(step.timeoutUs) > 0)) return true;
    if (step.step === "send" && blocking.has(step.to)) return true;
    if (step.step === "until" || step.step === "reboot" || step.step === "exit") return true;
  }
  return false;
}
