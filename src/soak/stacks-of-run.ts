/** The stacks of a run as its record tells them: marks, overflows, and the faults that guards in hardware raise. */
import { StackDetection } from "../../assembly/soak-map.ts";
import { coreFrames } from "../device/frames.ts";
import { planScenario } from "../scenario/layout.ts";
import type { Scenario } from "../scenario/model.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { MachineFault, SoakMachine, SoakStack } from "../wasm/soak-machine.ts";
import type { StackRecordOfRun } from "./record.ts";
import { nameOverwritten, overflowRecord, type RunEnd, stackFault } from "./stack-overflow.ts";
import { worstCaseBytes } from "./stack-worst-case.ts";

/** What stacks had overwritten when it was looked at, by the stack's name. */
export type OverwrittenBy = Readonly<Record<string, readonly string[]>>;

/** Adds what the stack has overwritten by now. Names found before stay: a block may have been given back since. */
export function withOverwritten(
  known: OverwrittenBy,
  scenario: Scenario,
  machine: SoakMachine,
  stack: SoakStack,
): OverwrittenBy {
  const { written } = machine.stackState(stack);
  if (written.length === 0) return known;
  const blocks = machine.ledgerBlocks().map(({ heap, payload, requestBytes, blockBytes }) => ({
    heap: machine.heaps[heap]?.name ?? "",
    // Where the header lies is the allocator's business; the block reaches from it to the end of the payload.
    low: payload - Math.max(0, blockBytes - requestBytes),
    bytes: Math.max(blockBytes, requestBytes),
  }));
  const names = nameOverwritten(written, planScenario(scenario).placements, blocks);
  return { ...known, [stack.name]: [...new Set([...(known[stack.name] ?? []), ...names])] };
}

/** The stacks' part of the record. */
export function stacksOfRun(
  scenario: Scenario,
  machine: SoakMachine,
  overwritten: OverwrittenBy,
): Record<string, StackRecordOfRun> {
  const frames = coreFrames(scenario.device);
  const end = runEnd(machine);
  const records = machine.stacks.map((stack): [string, StackRecordOfRun] => {
    const state = machine.stackState(stack);
    const overflow = overflowRecord(state, {
      core: scenario.device.core,
      isMainStack: stack.task === undefined,
      overwrote: overwritten[stack.name] ?? [],
      end,
    });
    const { observedBytes, paintedBytes } = state;
    const worst = worstCaseBytes(scenario, stack.task, frames, observedBytes);
    return [stack.name, { sizeBytes: stack.setup.bytes, observedBytes, worstCaseBytes: worst, paintedBytes, overflow }];
  });
  return Object.fromEntries(records);
}

/** The device's faults, those included that the guard of a stack raised. */
export function faultsOfRun(machine: SoakMachine): readonly MachineFault[] {
  const failure = machine.failure();
  if (failure?.kind !== "stack-overflow") return machine.faults;
  const stack = machine.stacks.find(({ record }) => record === failure.detail);
  const record = stack && stackFault(machine.stackState(stack));
  if (!record) return machine.faults;
  const { atUs, context, step } = failure;
  return [...machine.faults, { fault: new GuestFault(record), atUs, context, step }];
}

/** What the run died of, where that can be the late symptom of an overflow. */
function runEnd(machine: SoakMachine): RunEnd | null {
  const failure = machine.failure();
  if (failure?.kind === "fault") {
    const step = failure.step === undefined ? undefined : machine.compiled.steps[failure.step];
    return { atUs: failure.atUs, symptom: step ? `fault in heap walk (${step.label})` : "fault in heap walk" };
  }
  if (failure?.kind === "crash" && failure.heap !== undefined)
    return brokenHeapEnd(machine, failure.heap, failure.atUs);
  if (failure?.kind !== "stack-corruption") return null;
  const victim = machine.stacks.find(({ record }) => record === failure.detail);
  if (!victim) return null;
  const savedContext = machine.stackState(victim).detection === StackDetection.SavedContext;
  const what = savedContext ? "saved registers" : "return address";
  return { atUs: failure.atUs, symptom: `${what} of ${victim.name} overwritten` };
}

/** A request refused by a heap whose metadata was found broken before. */
function brokenHeapEnd(machine: SoakMachine, heap: number, atUs: number): RunEnd | null {
  const overran = machine.stacks.some((stack) => machine.stackState(stack).overrun === "written");
  if (!overran || machine.telemetry.read()[heap]?.inconsistentUs === undefined) return null;
  return { atUs, symptom: `request refused by the corrupted heap ${machine.heaps[heap]?.name ?? ""}` };
}
