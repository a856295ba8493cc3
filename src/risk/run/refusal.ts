/** A refused request that the firmware copes with, for campaigns in which that is a failure already. */
import type { Scenario, Step } from "../../scenario/model.ts";
import { everyStep } from "../../scenario/step-walk.ts";
import { stepText } from "../../soak/heap-of-run.ts";
import type { SoakMachine } from "../../wasm/soak-machine.ts";
import type { OutcomeFailure } from "./outcome.ts";

/** What a heap could have granted. */
export interface HeapReserve {
  readonly freeBytes: number;
  readonly largestFreeBytes: number;
}

/** What heap number `heap` could grant now; nothing where its metadata is broken. */
export function reserveOf(machine: SoakMachine, index: number): HeapReserve {
  const heap = machine.heaps[index];
  const isSound = heap !== undefined && heap.check() === undefined;
  return {
    freeBytes: machine.heapFigures(index).freeBytes,
    largestFreeBytes: isSound ? heap.summary().largestFreeBytes : 0,
  };
}

/**
 * The request that heap number `heap` has refused last, from the journal of a machine that keeps one; without it, who
 * asked is not known. `reserve`: what the heap could grant then.
 */
export function lastRefusal(machine: SoakMachine, heap: number, reserve: HeapReserve): OutcomeFailure {
  const entries = machine.journal().filter((entry) => entry.heap === heap && isRefusal(entry.operation, entry.result));
  const { atUs, context, step } = entries.at(-1) ?? { atUs: machine.nowUs, context: undefined, step: undefined };
  const { contexts, steps } = machine.compiled;
  return {
    kind: "request",
    atUs,
    heap: machine.heaps[heap]?.name ?? null,
    task: context === undefined ? null : (contexts[context]?.name ?? null),
    step: (step === undefined ? undefined : stepText(steps[step])) ?? null,
    requestBytes: machine.refusedBytes,
    ...reserve,
  };
}

function isRefusal(operation: string, result: number): boolean {
  return result === 0 && (operation === "allocate" || operation === "allocate-aligned" || operation === "reallocate");
}

/** Whether a refused request can make the device reboot: a failure that it survives. */
export function mayReboot({ tasks, interrupts }: Scenario): boolean {
  return [...tasks, ...interrupts].some(({ steps }) => [...everyStep(steps)].some(reboots));
}

function reboots(step: Step): boolean {
  if (!("policy" in step)) return false;
  const { policy } = step;
  return policy.kind === "reboot" || (policy.kind === "retry" && policy.then === "reboot");
}
