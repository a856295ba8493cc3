import { HeapField } from "../../assembly/memory-map.ts";
import { encodeOptions, findAllocator } from "../allocators/catalogue.ts";
import { findBank, ramBanks } from "../device/description.ts";
import { Device } from "../device/device.ts";
import type { Heap } from "../device/heap.ts";
import { drawMemoryMap } from "../device/memory-drawing.ts";
import {
  type HeapRequest,
  type MemoryPlan,
  type MemoryRequest,
  planMemory,
  type StackRequest,
} from "../device/memory-plan.ts";
import { Engine } from "../wasm/engine.ts";
import { HeapRecord } from "../wasm/heap-record.ts";
import { stackAlignment } from "./guards.ts";
import type { HeapModel, Scenario, StackModel } from "./model.ts";

/** What `planScenario` and `layOut` need of a scenario. */
export type LaidOut = Pick<Scenario, "device" | "staticUse" | "heaps" | "stackRegion" | "interruptStack" | "tasks">;

/** A stack in its place. */
export interface PlacedStack {
  /** `interrupts`, or the task's name, with `#1`, `#2` … where there are several instances. */
  readonly name: string;
  /** Undefined for the main stack. */
  readonly task: string | undefined;
  /** From 0. */
  readonly instance: number;
  readonly low: number;
  readonly bytes: number;
}

/** A scenario's device with its heaps started and its stacks reserved. */
export interface Layout {
  readonly device: Device;
  /** In the order of the scenario. */
  readonly heaps: readonly Heap[];
  /** The main stack first, then the tasks' in the order written, one for each instance; spawned tasks have none here. */
  readonly stacks: readonly PlacedStack[];
  /** The memory map of every bank that holds something. */
  readonly drawing: string;
}

/** The main stack's name in layouts, records and expectations. */
const MAIN_STACK = "interrupts";

/** Where everything of the scenario lies. Throws `does-not-fit` with the map drawn, `bad-argument` for unknown regions. */
export function planScenario(scenario: LaidOut): MemoryPlan {
  return planMemory(scenario.device, memoryRequest(scenario));
}

/** What the scenario asks of the device's memory, in the order it is placed. */
export function memoryRequest(scenario: LaidOut): Required<MemoryRequest> {
  const states = stateBytes(scenario.heaps);
  return {
    static: Object.fromEntries(scenario.staticUse.map(({ bank, bytes }) => [bank, bytes])),
    staticUse: scenario.device.staticUse ?? [],
    heaps: scenario.heaps.map((heap, index): HeapRequest => {
      const { arenaAlignment } = findAllocator(heap.allocator);
      return { name: heap.name, stateBytes: states[index] ?? 0, alignment: arenaAlignment, parts: heap.parts };
    }),
    stacks: stackOwners(scenario).map(({ name, stack }) => stackRequest(scenario, name, stack)),
  };
}

/** The device of the scenario with its heaps and stacks in place. Throws as `planScenario` and `Device` do. */
export function layOut(scenario: LaidOut, options: { build?: "release" | "debug" } = {}): Layout {
  const plan = planScenario(scenario);
  const reserved = plan.placements.filter(({ kind }) => kind === "static" || kind === "stack");
  const build = options.build === "debug" ? "debug" : "soak";
  const device = new Device(scenario.device, { staticUse: reserved, build });
  const heaps = scenario.heaps.map((heap, index) => {
    const regions = plan.heaps[index]?.regions ?? [];
    return device.addHeap({
      name: heap.name,
      allocator: heap.allocator,
      parts: regions.map(({ low, bytes }) => ({ at: low, bytes })),
      options: heap.options,
      assertionsStop: heap.assertionsStop,
    });
  });
  const stacks = stackOwners(scenario).map(({ name, task, instance }, index): PlacedStack => {
    const { low, bytes } = plan.stacks[index] ?? { low: 0, bytes: 0 };
    return { name, task, instance, low, bytes };
  });
  return { device, heaps, stacks, drawing: drawScenario(scenario, plan) };
}

/** The memory maps of the banks that hold something, one below the other. */
export function drawScenario(scenario: LaidOut, plan: MemoryPlan): string {
  const maps = ramBanks(scenario.device).flatMap((bank) => {
    const inside = plan.placements.filter(({ low }) => low >= bank.low && low < bank.low + bank.bytes);
    return inside.length > 0 ? [drawMemoryMap(bank, inside)] : [];
  });
  return maps.join("\n\n");
}

interface StackOwner {
  readonly name: string;
  readonly task: string | undefined;
  readonly instance: number;
  readonly stack: StackModel;
}

/** Every stack with a place of its own, in the order in which they are placed. */
export function stackOwners(scenario: LaidOut): StackOwner[] {
  const owners: StackOwner[] = [];
  if (scenario.interruptStack) {
    owners.push({ name: MAIN_STACK, task: undefined, instance: 0, stack: scenario.interruptStack });
  }
  for (const { name, activation, instances, stack } of scenario.tasks) {
    if (activation.kind === "spawned") continue;
    for (let instance = 0; instance < instances; instance++) {
      owners.push({ name: instances === 1 ? name : `${name}#${instance + 1}`, task: name, instance, stack });
    }
  }
  return owners;
}

function stackRequest(scenario: LaidOut, name: string, stack: StackModel): StackRequest {
  const region = stack.region ?? scenario.stackRegion;
  const at = stack.at ?? (isBelowData(stack) ? baseOf(scenario, region) : undefined);
  return {
    name,
    bytes: stack.sizeBytes,
    alignment: stackAlignment(scenario.device, stack.guards),
    ...(region !== undefined && { region }),
    ...(at !== undefined && { at }),
  };
}

function isBelowData(stack: StackModel): boolean {
  return stack.guards.some(({ kind }) => kind === "stack-below-data");
}

/** Lowest address of the region: a stack below the data begins there, so that it runs off the RAM's end. */
function baseOf({ device }: LaidOut, region = device.mainBank): number | undefined {
  const lows = region.split("+").map((bank) => findBank(device, bank.trim())?.low);
  return lows.some((low) => low === undefined) ? undefined : Math.min(...lows.map((low) => low ?? 0));
}

/** Bytes of each allocator's static variables, which the core alone knows. */
function stateBytes(heaps: readonly HeapModel[]): number[] {
  const engine = measuringEngine();
  const before = engine.snapshot();
  try {
    return heaps.map((heap) => {
      const entry = findAllocator(heap.allocator);
      const arenaBytes = Math.max(...heap.parts.map(({ bytes }) => bytes));
      const record = new HeapRecord(engine, entry.kind, encodeOptions(entry, heap.options), arenaBytes);
      return record.get(HeapField.StateBytes);
    });
  } finally {
    engine.restore(before);
  }
}

let engine: Engine | undefined;

/** An engine without a device, kept because making one costs more than measuring. */
function measuringEngine(): Engine {
  engine ??= new Engine([], { unalignedFaults: false });
  return engine;
}
