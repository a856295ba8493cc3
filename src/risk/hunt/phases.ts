/** The scenario with other phases: what nobody has written down, and every device has otherwise. */
import type { Activation, InterruptModel, Scenario, TaskModel } from "../../scenario/model.ts";
import type { Choices } from "./random.ts";

/** First starts later than written, in microseconds by name. */
export type PhasesUs = Readonly<Record<string, number>>;

/** Every other variant only changes the order of what starts together. */
const ORDER_US = 1;

/**
 * Ways of starting, the first as written. In the others the first starts of whatever runs on a fixed grid lie
 * anywhere in its period, or a few microseconds apart, so that what starts together comes in another order.
 */
export function phaseVariants(scenario: Scenario, count: number, choices: Choices): PhasesUs[] {
  const periodic = [...scenario.tasks, ...scenario.interrupts].flatMap(({ name, activation, start }) => {
    const periodUs = gridUs(activation);
    return periodUs !== undefined && start.kind === "after" ? [{ name, periodUs }] : [];
  });
  if (periodic.length < 2) return [{}];
  const others = Array.from({ length: count - 1 }, (_, variant) =>
    Object.fromEntries(
      periodic.flatMap(({ name, periodUs }) => {
        const us = choices.below(variant % 2 === 0 ? Math.floor(periodUs) : periodic.length * ORDER_US);
        return us > 0 ? [[name, us] as const] : [];
      }),
    ),
  );
  return [{}, ...others];
}

/** The scenario with its first starts later by so much. */
export function withPhases(scenario: Scenario, phases: PhasesUs): Scenario {
  return {
    ...scenario,
    tasks: scenario.tasks.map((task): TaskModel => ({ ...task, start: later(task, phases) })),
    interrupts: scenario.interrupts.map(
      (interrupt): InterruptModel => ({
        ...interrupt,
        start: later(interrupt, phases),
      }),
    ),
  };
}

function later({ name, start }: Pick<TaskModel, "name" | "start">, phases: PhasesUs): TaskModel["start"] {
  return start.kind === "after" ? { kind: "after", us: start.us + (phases[name] ?? 0) } : start;
}

/** The period of a grid; undefined where starts are drawn, or follow something else. */
function gridUs(activation: Activation): number | undefined {
  if (activation.kind !== "every" || activation.gapUs.kind !== "constant") return undefined;
  return activation.gapUs.value;
}
