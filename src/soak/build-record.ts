/** The record of a run, from the machine as it stands. */
import type { Device } from "../device/device.ts";
import type { Scenario } from "../scenario/model.ts";
import type { MachineFault, SoakMachine } from "../wasm/soak-machine.ts";
import type { HeapTelemetry } from "../wasm/soak-telemetry.ts";
import type { CompiledScenario } from "./compiled.ts";
import { runDigest } from "./digest.ts";
import { heapFactsOf } from "./failure-heap.ts";
import { failureMessage, tramplingStack } from "./failure-text.ts";
import { heapOfRun, stepText } from "./heap-of-run.ts";
import { memoryOfRun } from "./memory-of-run.ts";
import type { AtFailure } from "./moment-of-failure.ts";
import { operationOfRun } from "./operation-of-run.ts";
import type { Periodicity } from "./periodic.ts";
import {
  type FaultRecordOfRun,
  type HeapRecordOfRun,
  type HistoryOfRun,
  RUN_FORMAT,
  RUN_VERSION,
  type RunFailure,
  type RunRecord,
  type StackRecordOfRun,
  type TaskRecordOfRun,
} from "./record.ts";
import { judge, type RunFacts } from "./verdict.ts";

/** A run that is to be recorded. */
export interface RunMaterial {
  readonly scenario: Scenario;
  readonly machine: SoakMachine;
  /** The seed of this run. */
  readonly seed: bigint;
  /** The uptime that was asked for. */
  readonly horizonUs: number;
  /** Whether the run reached its horizon or failed for good; false: it was interrupted. */
  readonly complete: boolean;
  readonly provenance: RunRecord["provenance"];
  readonly stacks: Readonly<Record<string, StackRecordOfRun>>;
  readonly faults: readonly MachineFault[];
  readonly periodicity: Periodicity;
  /** What was seen at the first failure; undefined: the run has not failed. */
  readonly atFailure: AtFailure | undefined;
  readonly history?: HistoryOfRun;
}

/** The record of the run as it stands: final, or partial where the run was interrupted. Changes nothing in the machine. */
export function buildRecord(run: RunMaterial): RunRecord {
  const { scenario, machine, periodicity } = run;
  const telemetry = machine.telemetry.read();
  const failure = failureOf(machine, scenario, run.stacks);
  const facts = factsOf(run, telemetry, failure);
  const { verdict, expectations } = judge(scenario.expect, facts);
  const record: RunRecord = {
    format: RUN_FORMAT,
    version: RUN_VERSION,
    provenance: run.provenance,
    scenario: {
      title: scenario.title,
      path: scenario.file,
      device: scenario.device.id,
      seed: seedOf(run.seed),
      uptimeUs: run.horizonUs,
    },
    verdict,
    digest: "",
    expectations,
    simulatedUs: machine.nowUs,
    reboots: machine.reboots,
    periodic: periodicity.kind === "proved" ? { periodUs: periodicity.periodUs, fromUs: periodicity.fromUs } : null,
    failure,
    ...run.atFailure,
    heaps: heapsOf(run, telemetry, facts.judgedFromUs),
    tasks: tasksOf(machine),
    stacks: run.stacks,
    faults: faultsOf(machine, run.faults),
    memory: memoryOfRun(scenario),
    ...(run.history && { history: run.history }),
  };
  return { ...record, digest: runDigest(record, ramOf(machine.device)) };
}

/** What the verdict goes by. */
function factsOf(run: RunMaterial, telemetry: readonly HeapTelemetry[], failure: RunFailure | null): RunFacts {
  const { scenario, machine, horizonUs, stacks, periodicity } = run;
  const { compiled } = machine;
  const lastAllocations = new Map<string, number | undefined>();
  for (const [index, { lastAllocationUs }] of machine.contexts().entries()) {
    const name = compiled.contexts[index]?.name ?? "";
    const known = lastAllocations.get(name);
    lastAllocations.set(name, laterOf(known, lastAllocationUs));
  }
  const tasks = [...lastAllocations].map(([name, lastAllocationUs]) => [name, { lastAllocationUs }] as const);
  return {
    simulatedUs: machine.nowUs,
    horizonUs,
    complete: run.complete,
    judgedFromUs: machine.telemetry.judgedFromUs(scenario.warmupUs),
    failure,
    heaps: Object.fromEntries(telemetry.map(({ judged }, index) => [compiled.heaps[index]?.name ?? "", judged])),
    tasks: Object.fromEntries(tasks),
    stacks,
    periodicity,
  };
}

function laterOf(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

/** The run's first failure in the terms of the scenario, or null. `stacks`: what is known of overflows. */
export function failureOf(
  machine: SoakMachine,
  scenario: Scenario,
  stacks: RunMaterial["stacks"] = {},
): RunFailure | null {
  const failure = machine.failure();
  if (!failure) return null;
  const { compiled } = machine;
  const facts = {
    atUs: failure.atUs,
    kind: failure.kind,
    ...heapFactsOf(failure, machine, scenario),
    task: contextName(compiled, failure.context),
    step: stepName(compiled, failure.step),
  };
  const line = (failure.step !== undefined && compiled.steps[failure.step]?.line) || null;
  return { ...facts, message: failureMessage(facts, tramplingStack(facts, stacks)), line };
}

function contextName({ contexts }: CompiledScenario, index: number | undefined): string | null {
  return index === undefined ? null : (contexts[index]?.name ?? null);
}

function stepName({ steps }: CompiledScenario, index: number | undefined): string | null {
  return stepText(index === undefined ? undefined : steps[index]) ?? null;
}

function heapsOf(
  { machine, seed }: RunMaterial,
  telemetry: readonly HeapTelemetry[],
  judgedFromUs: number | undefined,
): Record<string, HeapRecordOfRun> {
  const { compiled } = machine;
  const blocks = machine.ledgerBlocks();
  const heaps = machine.heaps.flatMap(({ name, allocator, regions }, index) => {
    const known = telemetry[index];
    if (!known) return [];
    const heap = {
      allocator: allocator.name,
      arenaBytes: regions.reduce((sum, { bytes }) => sum + bytes, 0),
      figures: machine.heapFigures(index),
      telemetry: known,
      slowest: machine.slowestOperations(index).map((entry) => operationOfRun(machine, entry)),
      blocks: blocks.filter((block) => block.heap === index),
    };
    return [[name, heapOfRun(heap, { compiled, seed, judgedFromUs })] as const];
  });
  return Object.fromEntries(heaps);
}

/** Tasks and interrupts by name, instances added up. */
function tasksOf(machine: SoakMachine): Record<string, TaskRecordOfRun> {
  const { compiled } = machine;
  const tasks: Record<string, TaskRecordOfRun> = {};
  for (const [index, figures] of machine.contexts().entries()) {
    const name = contextName(compiled, index) ?? "";
    const before = tasks[name];
    const leakStep = before?.leakStep ?? stepName(compiled, figures.firstLeakStep);
    tasks[name] = {
      activations: (before?.activations ?? 0) + figures.activations,
      skipped: (before?.skipped ?? 0) + figures.skipped,
      allocations: (before?.allocations ?? 0) + figures.allocations,
      failedRequests: (before?.failedRequests ?? 0) + figures.failedRequests,
      leaks: (before?.leaks ?? 0) + figures.leaks,
      ...(leakStep !== null && { leakStep }),
    };
  }
  return tasks;
}

function faultsOf(machine: SoakMachine, faults: readonly MachineFault[]): FaultRecordOfRun[] {
  return faults.map(({ fault, atUs, context, step }) => {
    const { exception, registers } = machine.device.describeFault(fault);
    return {
      atUs,
      kind: fault.record.kind,
      address: hexadecimal(fault.record.address),
      access: fault.record.access,
      exception,
      registers: registers.map(({ name, value, meaning }) => ({ name, value: hexadecimal(value), meaning })),
      task: contextName(machine.compiled, context),
      step: stepName(machine.compiled, step),
    };
  });
}

function hexadecimal(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}

/** A number where JSON keeps it exactly. */
function seedOf(seed: bigint): number | string {
  return seed >= 0n && seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seed) : String(seed);
}

/** The device's RAM, bank by bank in the description's order, aliases left out. */
export function ramOf(device: Device): Uint8Array[] {
  const banks = device.description.banks.filter(({ kind, aliasOf }) => kind === "ram" && !aliasOf);
  return banks.map(({ low, bytes }) => device.engine.bytes.subarray(low, low + bytes));
}
