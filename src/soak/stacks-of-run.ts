/** The stacks of a run as its record tells them: marks, overflows, and the faults that guards in hardware raise. */
import { StackDetection } from "../../assembly/stack/stack-map.ts";
import type { Core } from "../device/description.ts";
import { coreFrames } from "../device/frames.ts";
import { planScenario } from "../scenario/layout.ts";
import type { Scenario } from "../scenario/model.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { MachineFault, SoakMachine, SoakStack } from "../wasm/soak-machine.ts";
import type { StackRecordOfRun } from "./record.ts";
import { heapBlocks } from "./rewind.ts";
import {
  type HeapPart,
  lateSymptom,
  nameOverwritten,
  overflowRecord,
  type RunEnd,
  stackFault,
} from "./stack-overflow.ts";
import { worstCaseBytes } from "./stack-worst-case.ts";

/** What stacks had overwritten when it was looked at, by the stack's name. */
export type OverwrittenBy = Readonly<Record<string, readonly string[]>>;

/** Less between two live blocks is alignment. */
const GAP_BYTES_LEAST = 8;

/** Adds what the stack has overwritten by now. Names found before stay: a block may have been given back since. */
export function withOverwritten(
  known: OverwrittenBy,
  scenario: Scenario,
  machine: SoakMachine,
  stack: SoakStack,
): OverwrittenBy {
  const { written } = machine.stackState(stack);
  if (written.length === 0) return known;
  const names = nameOverwritten(written, planScenario(scenario).placements, heapParts(machine));
  return { ...known, [stack.name]: [...new Set([...(known[stack.name] ?? []), ...names])] };
}

/** All blocks of all heaps by the engine's own records: the headers in RAM may be gone. */
function heapParts(machine: SoakMachine): HeapPart[] {
  const ledger = machine.ledgerBlocks();
  return machine.heaps.flatMap(({ name, regions }, index) => {
    const headerBytes = headerBytesOf(machine, index);
    const live = ledger
      .filter(({ heap }) => heap === index)
      .map(({ payload, requestBytes, blockBytes }) => ({
        heap: name,
        low: payload - (headerBytes ?? Math.max(0, blockBytes - requestBytes)),
        bytes: Math.max(blockBytes, requestBytes),
      }))
      .sort((a, b) => a.low - b.low);
    return [...live, ...regions.flatMap((region) => gapsBetween(live, region, name))];
  });
}

/** What lies between the start of a block and its payload, as far as a block can still be read. */
function headerBytesOf(machine: SoakMachine, heap: number): number | undefined {
  const known = heapBlocks(machine, heap).find(({ state }) => state === "live");
  return known && known.payload - known.address;
}

/** The free memory of a region: what is between its live blocks, which ascend, and is no mere alignment. */
function gapsBetween(live: readonly HeapPart[], { low, bytes }: { low: number; bytes: number }, heap: string) {
  const gaps: HeapPart[] = [];
  let end = low;
  const high = low + bytes;
  const inside = live.filter((block) => block.low >= low && block.low < high);
  for (const next of [...inside, { low: high, bytes: 0 }]) {
    if (next.low - end >= GAP_BYTES_LEAST) gaps.push({ heap, low: end, bytes: next.low - end, free: true });
    end = Math.max(end, next.low + next.bytes);
  }
  return gaps;
}

/** The stacks' part of the record. */
export function stacksOfRun(
  scenario: Scenario,
  machine: SoakMachine,
  overwritten: OverwrittenBy,
): Record<string, StackRecordOfRun> {
  const frames = coreFrames(scenario.device);
  const end = runEnd(machine, scenario.device.core);
  const records = machine.stacks.map((stack): [string, StackRecordOfRun] => {
    const state = machine.stackState(stack);
    const overflow = overflowRecord(state, {
      core: scenario.device.core,
      isMainStack: stack.task === undefined,
      overwrote: overwritten[stack.name] ?? [],
      end: end?.of && end.of !== stack ? null : end,
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

/** The stack whose own store faulted: beyond its end there was no memory. Undefined: it was another store. */
export function faultingStack(machine: SoakMachine): SoakStack | undefined {
  const [fault] = machine.faults;
  if (fault?.fault.record.access !== "store") return undefined;
  const { address } = fault.fault.record;
  return machine.stacks.find((stack) => {
    const { overrun, bytesBeyond } = machine.stackState(stack);
    return overrun !== "none" && address < stack.setup.base && address >= stack.setup.base - bytesBeyond;
  });
}

/** How the run ended; `of`: it says something of that stack alone. */
interface EndOfRun extends RunEnd {
  readonly of?: SoakStack | undefined;
}

/** What the run died of, where that can be the late symptom of an overflow. */
function runEnd(machine: SoakMachine, core: Core): EndOfRun | null {
  const failure = machine.failure();
  const [fault] = machine.faults;
  if (failure?.kind === "fault" && fault) {
    const of = faultingStack(machine);
    const step = failure.step === undefined ? undefined : machine.compiled.steps[failure.step];
    const what = lateSymptom(fault.fault.record.kind, of ? "stack" : "heap", core);
    return { atUs: failure.atUs, symptom: step ? `${what} (${step.label})` : what, of };
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
