/** From a scenario and its layout to the stacks of a run. */
import { type CoreFrames, coreFrames, interruptedBytes } from "../device/frames.ts";
import { stackAlignment } from "../scenario/guards.ts";
import type { PlacedStack } from "../scenario/layout.ts";
import type { Scenario, StackModel } from "../scenario/model.ts";
import type { StackSetup } from "../wasm/stack-record.ts";

/** A stack of the run; the order is that of the kernel's records. */
export interface RunStack {
  /** As in the record of the run: `interrupts`, `uplink`, `uplink#2`. */
  readonly name: string;
  /** Undefined for the main stack. */
  readonly task: string | undefined;
  readonly setup: StackSetup;
}

/** All stacks of a run. */
export interface StackSetups {
  readonly frames: CoreFrames;
  readonly main: RunStack | undefined;
  /** One for each task context: tasks in the order written, instances in order. */
  readonly tasks: readonly RunStack[];
}

/** The stacks of a scenario whose layout put them at `placed`. Spawned tasks have no place until they are created. */
export function stackSetups(scenario: Scenario, placed: readonly PlacedStack[]): StackSetups {
  const frames = coreFrames(scenario.device);
  const lowOf = (task: string | undefined, instance: number) =>
    placed.find((stack) => stack.task === task && stack.instance === instance)?.low ?? 0;
  const priorities = new Set(scenario.interrupts.map(({ priority }) => priority)).size;
  const fpuHandlers = scenario.interrupts.some(({ fpu }) => fpu);
  const main = scenario.interruptStack && {
    name: "interrupts",
    task: undefined,
    setup: setupOf(scenario, scenario.interruptStack, frames, {
      base: lowOf(undefined, 0),
      fromHeap: false,
      exceptionsMost: Math.max(1, priorities),
      fpu: fpuHandlers,
    }),
  };
  const tasks = scenario.tasks.flatMap(({ name, instances, activation, stack, fpu }) =>
    Array.from({ length: instances }, (_, instance): RunStack => {
      const fromHeap = activation.kind === "spawned";
      const base = fromHeap ? 0 : lowOf(name, instance);
      const setup = setupOf(scenario, stack, frames, { base, fromHeap, exceptionsMost: 1, fpu });
      return { name: instances === 1 ? name : `${name}#${instance + 1}`, task: name, setup };
    }),
  );
  return { frames, main, tasks };
}

function setupOf(
  scenario: Scenario,
  model: StackModel,
  frames: CoreFrames,
  place: { base: number; fromHeap: boolean; exceptionsMost: number; fpu: boolean },
): StackSetup {
  const { base, fromHeap, exceptionsMost, fpu } = place;
  const segmented = model.guards.find((guard) => guard.kind === "segmented");
  const regions = model.guards.filter(({ kind }) => kind === "mpu");
  return {
    base,
    bytes: model.sizeBytes,
    fromHeap,
    guards: model.guards,
    guardAlignment: stackAlignment(scenario.device, regions),
    exceptionsMost,
    stackletHeap: Math.max(
      0,
      scenario.heaps.findIndex(({ name }) => name === segmented?.heap),
    ),
    stackletReserve: interruptedBytes(frames, fpu),
  };
}
