import type { Holdings } from "./holdings.ts";
import type { InterruptModel, Scenario, Step } from "./model.ts";
import type { Reading } from "./reading.ts";
import { everyStep } from "./step-walk.ts";

/** An interrupt never waits, and touches only heaps that are made for it. */
export function checkInterrupt(
  reading: Reading,
  scenario: Scenario,
  holdings: Holdings,
  interrupt: InterruptModel,
): void {
  const unsafeHeaps = new Set(scenario.heaps.filter(({ isrSafe }) => !isrSafe).map(({ name }) => name));
  for (const step of everyStep(interrupt.steps)) {
    const waits = waitingProblem(scenario, step);
    if (waits) reading.issues.add(step.path, waits);
    const unsafe = [...heapsTouched(scenario, holdings, interrupt, step)].find((heap) => unsafeHeaps.has(heap));
    if (unsafe === undefined) continue;
    reading.issues.add(
      step.path,
      `"${step.label}" works on heap "${unsafe}" in an interrupt; say \`isrSafe: true\` there if its lock allows that`,
    );
  }
}

/** Why the step cannot stand in an interrupt, or undefined. */
function waitingProblem(scenario: Scenario, step: Step): string | undefined {
  switch (step.step) {
    case "wait":
    case "until":
    case "receive":
      return `"${step.step}" in an interrupt: interrupts cannot wait`;
    case "send": {
      const queue = scenario.queues.find(({ name }) => name === step.to);
      if (queue?.whenFull !== "block") return undefined;
      return `a send to "${step.to}" waits while it is full, and interrupts cannot wait; choose another whenFull`;
    }
    case "exit":
      return "an interrupt is not a task that could exit";
    case "spawn": {
      const target = scenario.tasks.find(({ name }) => name === step.task);
      if (target && target.activation.kind !== "spawned")
        return `"${target.name}" starts by itself; only others are spawned`;
      return retryProblem(step);
    }
    case "allocate":
      return step.orElse ? undefined : retryProblem(step);
    case "reallocate":
    case "grow":
      return retryProblem(step);
    default:
      return undefined;
  }
}

function retryProblem({ policy }: { readonly policy: { readonly kind: string } }): string | undefined {
  if (policy.kind !== "retry") return undefined;
  return "its failure policy waits for another attempt, and interrupts cannot wait; give the step its own";
}

/** Heaps whose allocator runs in the step. */
function heapsTouched(scenario: Scenario, holdings: Holdings, interrupt: InterruptModel, step: Step): Iterable<string> {
  const held = (name: string) => holdings.heapsOf(interrupt, name) ?? [];
  switch (step.step) {
    case "allocate":
    case "reallocate":
    case "grow":
      return step.heaps;
    case "spawn":
      return [step.from];
    case "free":
    case "drop":
    case "cache":
      return held(step.name);
    case "send": {
      const whenFull = scenario.queues.find(({ name }) => name === step.to)?.whenFull;
      if (whenFull === "drop-newest") return held(step.name);
      return whenFull === "drop-oldest" ? holdings.heapsIn(step.to) : [];
    }
    default:
      return [];
  }
}
