/** Which live blocks stood in the way of the refused request that was a run's first failure. */
import { smallestSet } from "../device/smallest-set.ts";
import type { Scenario } from "../scenario/model.ts";
import { everyStep } from "../scenario/step-walk.ts";
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { LedgerEntry } from "../wasm/soak-readers.ts";
import type { CompiledScenario } from "./compiled.ts";
import { pathText } from "./compiler-numbers.ts";
import { stepText } from "./heap-of-run.ts";
import type { PinOfRun, PinsOfRun } from "./record.ts";

/** Each is a copy of the heap put back: as many take some tenths of a second at most. */
const TRIALS_MOST = 2_000;

/** Such a set, for the record, and the payloads of its blocks. */
export interface FoundPins {
  readonly pinned: PinsOfRun;
  readonly payloads: ReadonlySet<number>;
}

/**
 * Of a machine that stands at its first failure. Undefined: it is not a refused request, or no such set was found.
 * The machine stays as it is.
 */
export function pinsOfRun(machine: SoakMachine, scenario: Scenario): FoundPins | undefined {
  const failure = machine.failure();
  if (failure?.kind !== "crash" && failure?.kind !== "reboot-by-policy") return undefined;
  const heap = failure.heap === undefined ? undefined : machine.heaps[failure.heap];
  if (!heap || heap.check()) return undefined;
  const ledger = ledgerOf(machine, failure.heap);
  const found = smallestSet({
    device: machine.device,
    heap,
    requestBytes: failure.requestBytes,
    alignment: requestAlignment(scenario, machine.compiled, failure.step),
    bornAt: (payload) => ledger.get(payload)?.allocatedAtUs ?? 0,
    trialsMost: TRIALS_MOST,
  });
  if (!found || found.blocks.length === 0) return undefined;
  const { blocks, releasedBytes, largestFreeBytes } = found;
  const pins = blocks.map(({ payload, bytes }) => pinOf(machine, ledger.get(payload), bytes));
  return {
    pinned: { pins, releasedBytes, largestFreeBytes },
    payloads: new Set(blocks.map(({ payload }) => payload)),
  };
}

/** The live blocks of a heap by payload. */
export function ledgerOf(machine: SoakMachine, heap: number | undefined): Map<number, LedgerEntry> {
  const blocks = machine.ledgerBlocks().filter((block) => block.heap === heap);
  return new Map(blocks.map((block) => [block.payload, block]));
}

/** What the step asks for beside the allocator's own alignment; 0: nothing, or the step is not known. */
export function requestAlignment(scenario: Scenario, { steps }: CompiledScenario, number: number | undefined): number {
  const path = number === undefined ? undefined : steps[number]?.path;
  for (const runnable of [...scenario.tasks, ...scenario.interrupts]) {
    for (const step of everyStep(runnable.steps)) {
      if (step.step === "allocate" && pathText(step.path) === path) return step.alignment ?? 0;
    }
  }
  return 0;
}

/** Who allocated a block, or carried out an operation; nulls for the kernel. */
export function siteOfBlock(
  { contexts, steps }: CompiledScenario,
  { context, step }: Pick<LedgerEntry, "context" | "step">,
): Pick<PinOfRun, "task" | "step"> {
  return {
    task: context === undefined ? null : (contexts[context]?.name ?? null),
    step: (step === undefined ? undefined : stepText(steps[step])) ?? null,
  };
}

function pinOf({ compiled, nowUs }: SoakMachine, entry: LedgerEntry | undefined, bytes: number): PinOfRun {
  if (!entry) return { task: null, step: null, bytes, ageUs: nowUs, leaked: false };
  const leaked = entry.owner === "leaked";
  return { ...siteOfBlock(compiled, entry), bytes, ageUs: nowUs - entry.allocatedAtUs, leaked };
}
