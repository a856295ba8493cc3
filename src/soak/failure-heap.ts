/** Which heap a failure is about, where the kernel does not say: a fault in the allocator, a stacklet that was refused. */
import { StackDetection } from "../../assembly/stack/stack-map.ts";
import { Holdings, namesUsed, type Runnable } from "../scenario/holdings.ts";
import type { Scenario, Step } from "../scenario/model.ts";
import { everyStep } from "../scenario/step-walk.ts";
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { MachineFailure } from "../wasm/soak-readers.ts";
import { pathText } from "./compiler-numbers.ts";
import type { RunFailure } from "./record.ts";
import { faultingStack } from "./stacks-of-run.ts";

export type HeapFacts = Pick<RunFailure, "heap" | "requestBytes" | "freeBytes" | "largestFreeBytes">;

const NOTHING: HeapFacts = { heap: null, requestBytes: null, freeBytes: null, largestFreeBytes: null };

/** The heap of a failure, and what was asked of it where a request failed. */
export function heapFactsOf(failure: MachineFailure, machine: SoakMachine, scenario: Scenario): HeapFacts {
  const { requestBytes, freeBytes, largestFreeBytes } = failure;
  const heap = failure.heap === undefined ? undefined : machine.heaps[failure.heap];
  if (heap) return { heap: heap.name, requestBytes, freeBytes, largestFreeBytes };
  if (failure.kind === "fault") return { ...NOTHING, heap: faultyHeap(failure, machine, scenario) };
  if (failure.kind === "stack-overflow") return refusedStacklet(failure, machine);
  return NOTHING;
}

/** The run ended with the refusal, so the heap is as it was then. */
function refusedStacklet({ detail }: MachineFailure, machine: SoakMachine): HeapFacts {
  const stack = machine.stacks.find(({ record }) => record === detail);
  if (!stack || machine.stackState(stack).detection !== StackDetection.NoStacklet) return NOTHING;
  const index = stack.setup.stackletHeap;
  const heap = machine.heaps[index];
  if (!heap) return NOTHING;
  return {
    heap: heap.name,
    requestBytes: machine.refusedBytes,
    freeBytes: machine.heapFigures(index).freeBytes,
    largestFreeBytes: heap.check() ? 0 : heap.summary().largestFreeBytes,
  };
}

/** The one heap that the step works on; of several, the one whose metadata is broken. Null: that cannot be told. */
function faultyHeap(failure: MachineFailure, machine: SoakMachine, scenario: Scenario): string | null {
  if (faultingStack(machine)) return null;
  const touched = failure.step === undefined ? [] : heapsOfStep(failure.step, machine, scenario);
  const names = touched.length > 0 ? touched : machine.heaps.map(({ name }) => name);
  if (names.length === 1) return names[0] ?? null;
  const broken = machine.heaps.filter((heap) => names.includes(heap.name) && heap.check() !== undefined);
  return broken.length === 1 ? (broken[0]?.name ?? null) : null;
}

function heapsOfStep(number: number, machine: SoakMachine, scenario: Scenario): string[] {
  const compiled = machine.compiled.steps[number];
  const runnable = [...scenario.tasks, ...scenario.interrupts].find(({ name }) => name === compiled?.task);
  if (!compiled || !runnable) return [];
  const step = [...everyStep(runnable.steps)].find(({ path }) => pathText(path) === compiled.path);
  return step ? [...new Set(heapsTouched(step, runnable, new Holdings(scenario)))] : [];
}

function heapsTouched(step: Step, runnable: Runnable, holdings: Holdings): string[] {
  switch (step.step) {
    case "allocate":
    case "reallocate":
    case "grow":
      return [...step.heaps];
    case "spawn":
      return [step.from];
    default:
      return namesUsed(step).flatMap((name) => [...(holdings.heapsOf(runnable, name) ?? [])]);
  }
}
