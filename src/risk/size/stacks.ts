/** What the stacks need: what was seen, and what the program can do at worst. */
import { coreFrames } from "../../device/frames.ts";
import { stackAlignment } from "../../scenario/guards.ts";
import type { Guard, Scenario } from "../../scenario/model.ts";
import { stackSetups } from "../../soak/stack-setup.ts";
import { interruptWorstCase, taskWorstCase } from "../../soak/stack-worst-case.ts";
import type { StackSize } from "./record.ts";

/** Stacks are declared in steps of this. */
const STACK_STEP_BYTES = 8;

/** The stacks of the scenario; `deepest`: the most bytes in use in any run, by name. */
export function stackSizes(scenario: Scenario, deepest: ReadonlyMap<string, number>): StackSize[] {
  const frames = coreFrames(scenario.device);
  const { main, tasks } = stackSetups(scenario, []);
  return [...(main ? [main] : []), ...tasks].map(({ name, task: taskName, setup }) => {
    const task = scenario.tasks.find((candidate) => candidate.name === taskName);
    const worst = task ? taskWorstCase(task, frames) : interruptWorstCase(scenario.interrupts, frames);
    const observedBytes = deepest.get(name) ?? 0;
    const step = Math.max(STACK_STEP_BYTES, stackAlignment(scenario.device, setup.guards));
    const guardBytes = Math.max(0, ...setup.guards.map(guardedBytes));
    const usedBytes = worst.bounded ? worst.bytes : Math.max(worst.bytes, observedBytes);
    return {
      name,
      sizeBytes: setup.bytes,
      observedBytes,
      worstCaseBytes: worst.bounded ? worst.bytes : null,
      guardBytes,
      recommendedBytes: Math.ceil((usedBytes + guardBytes) / step) * step,
    };
  });
}

/** Bytes at the low end of the stack that the guard keeps the firmware from using. */
function guardedBytes(guard: Guard): number {
  switch (guard.kind) {
    case "mpu":
    case "probe":
    case "watchpoint":
      return guard.bytes;
    case "freertos-2":
      return 16;
    case "zephyr-sentinel":
      return 4;
    case "freertos-1":
    case "stack-protector":
    case "limit-register":
    case "segmented":
    case "stack-below-data":
      return 0;
  }
}
