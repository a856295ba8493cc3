import { REGIONS_MOST } from "../../assembly/memory-map.ts";
import { encodeOptions, findAllocator } from "../allocators/catalogue.ts";
import { pointerBytes } from "../device/description.ts";
import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import { buildExpectations } from "./build-expectations.ts";
import { buildInterrupt, buildTask } from "./build-tasks.ts";
import { buildStack, defaultStack } from "./guards.ts";
import type { FailurePolicy, HeapModel, ModeModel, Scenario, StackModel } from "./model.ts";
import { TIME_MOST_US } from "./quantities.ts";
import type { Reading } from "./reading.ts";
import type { HeapDocument } from "./schema.ts";

const DAY_US = 86_400e6;

/** The model of a document, complete but for what the checks of the whole scenario may still refuse. */
export function buildScenario(reading: Reading, origin: { file: string; source: string; raw: unknown }): Scenario {
  const { document, device, warnings } = reading;
  const heaps = entriesOf(document.heaps).map(([name, heap]) => buildHeap(reading, name, heap));
  const heapPolicies = new Map(
    heaps.flatMap(({ name, onAllocationFailure }): [string, FailurePolicy][] =>
      onAllocationFailure ? [[name, onAllocationFailure]] : [],
    ),
  );
  const tasks = entriesOf(document.tasks).map(([name, task]) => buildTask(reading, heapPolicies, name, task));
  const interrupts = entriesOf(document.interrupts).map(([name, interrupt]) =>
    buildInterrupt(reading, heapPolicies, name, interrupt),
  );
  const interruptStack = mainStack(reading);
  const expect = buildExpectations(reading, origin.raw);
  const stackRegion = document.stacks.region;
  return {
    file: origin.file,
    source: origin.source,
    title: document.title ?? titleOf(origin.file),
    why: document.why,
    device,
    uptimeUs: document.uptime ?? longestExpected(expect),
    warmupUs: document.warmup,
    seed: document.seed ?? 1n,
    bootTimeUs: document.bootTime,
    staticUse: entriesOf(document.static).map(([bank, bytes]) => ({ bank, bytes })),
    heaps,
    ...(stackRegion !== undefined && { stackRegion }),
    ...(interruptStack && { interruptStack }),
    queues: entriesOf(document.queues).map(([name, queue]) => ({ name, ...queue })),
    caches: entriesOf(document.caches).map(([name, cache]) => ({ name, ...cache })),
    modes: reading.names("modes").map((name) => buildMode(reading, name)),
    tasks,
    interrupts,
    expect,
    ...(document.mutant && { mutant: document.mutant }),
    warnings,
  };
}

function buildHeap(reading: Reading, name: string, heap: HeapDocument): HeapModel {
  const path = ["heaps", name];
  const policy = reading.policy(heap.onAllocationFailure, [...path, "onAllocationFailure"]);
  const parts = heapParts(reading, name, heap);
  const allocator = allocatorOf(reading, name, heap, parts.length);
  for (const [index, part] of parts.entries()) {
    if (part.bytes > 0) continue;
    reading.issues.add([...path, ...(heap.regions && !heap.size ? ["regions", index, "size"] : ["size"])], "is 0");
  }
  return {
    name,
    allocator,
    options: heap.options,
    parts,
    isrSafe: heap.isrSafe,
    ownership: heap.ownership,
    ...(policy && { onAllocationFailure: policy }),
    assertionsStop: heap.assertionsStop,
  };
}

/** One `size` in `region`, or `regions`: maps with their own sizes, or names with a list of sizes beside them. */
function heapParts(reading: Reading, name: string, heap: HeapDocument): HeapModel["parts"] {
  const path = ["heaps", name];
  const { size, region, at } = heap;
  if (!heap.regions) {
    if (size === undefined) reading.issues.add(path, "size is missing");
    if (Array.isArray(size)) reading.issues.add([...path, "size"], "a list of sizes needs `regions`, one for each");
    const bytes = typeof size === "number" ? size : 1;
    return [{ bytes, ...(region !== undefined && { region }), ...(at !== undefined && { at }) }];
  }
  if (region !== undefined) reading.issues.add([...path, "region"], "region and regions exclude each other");
  if (at !== undefined) reading.issues.add([...path, "at"], "with `regions`, write { region: …, size: …, at: … }");
  const maps = heap.regions.filter((part) => typeof part !== "string");
  if (size !== undefined && maps.length > 0) {
    reading.issues.add([...path, "size"], "the regions have their own sizes; write the size there");
  }
  const sizes = Array.isArray(size) ? size : size === undefined ? [] : [size];
  if (maps.length === 0 && sizes.length !== heap.regions.length) {
    reading.issues.add([...path, "size"], `expected a list of ${heap.regions.length} sizes, one for each region`);
  }
  return heap.regions.map((part, index) => {
    if (typeof part === "string") {
      if (maps.length > 0) reading.issues.add([...path, "regions", index], "expected { region: BANK, size: SIZE }");
      return { region: part, bytes: sizes[index] ?? 1 };
    }
    const { region: bank, size: bytes, at: low } = part;
    return { bytes, ...(bank !== undefined && { region: bank }), ...(low !== undefined && { at: low }) };
  });
}

/** The allocator's own name, after a check that it takes the options, the regions and the device. */
function allocatorOf(reading: Reading, name: string, heap: HeapDocument, parts: number): string {
  const path = ["heaps", name];
  try {
    const entry = findAllocator(heap.allocator);
    for (const [option, value] of Object.entries(heap.options)) {
      collect(reading, [...path, "options", option], () => encodeOptions(entry, { [option]: value }));
    }
    if (parts > (entry.manyRegions ? REGIONS_MOST : 1)) {
      const limit = entry.manyRegions ? `at most ${REGIONS_MOST}` : "one (freertos-heap5 takes several)";
      reading.issues.add([...path, "regions"], `${parts} regions, and ${entry.name} takes ${limit}`);
    }
    const { device } = reading;
    if (entry.pointerBytes < pointerBytes(device.core)) {
      reading.issues.add(
        [...path, "allocator"],
        `${entry.name} has pointers of 2 bytes; ${device.id} has an address space of 4`,
      );
    } else if (entry.pointerBytes > pointerBytes(device.core)) {
      reading.warn(
        [...path, "allocator"],
        `${entry.name} is exact for pointers of 4 bytes, and those of ${device.id} have 2: a build for it places otherwise`,
      );
    }
    return entry.name;
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    reading.issues.add([...path, "allocator"], oneLine(error));
    return heap.allocator;
  }
}

function collect(reading: Reading, path: readonly string[], run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    reading.issues.add(path, oneLine(error));
  }
}

/** Message and hint of an error as an issue's message. */
export function oneLine(error: HeapsoakError): string {
  return (error.hint ? `${error.message} ${error.hint}` : error.message).replace(/\.$/, "");
}

/** The main stack: as written, and where there are interrupts, 1 KiB (256 bytes on AVR) unless written. */
function mainStack(reading: Reading): StackModel | undefined {
  const { stacks } = reading.document;
  if (stacks.interrupts) return buildStack(reading, stacks.interrupts, ["stacks", "interrupts"]);
  return reading.names("interrupts").length > 0 ? defaultStack(reading) : undefined;
}

/** A mode without `for` and `then` is never left. */
function buildMode(reading: Reading, name: string): ModeModel {
  const path = ["modes", name];
  const mode = reading.document.modes[name] ?? {};
  if ((mode.for === undefined) !== (mode.then === undefined)) {
    reading.issues.add(path, "expected both `for` and `then`, or neither for a mode that is never left");
  }
  const forUs = mode.for ? reading.draw(mode.for, [...path, "for"]) : undefined;
  const then = mode.then ?? name;
  const successors = typeof then === "string" ? [[then, 1] as const] : Object.entries(then);
  if (!successors.some(([, weight]) => weight > 0)) reading.issues.add([...path, "then"], "expected a weight above 0");
  return {
    name,
    forUs: forUs ?? { kind: "constant", value: TIME_MOST_US },
    // biome-ignore lint/suspicious/noThenProperty: the format's word; nothing awaits the map.
    then: successors.map(([mode, weight]) => ({
      mode: reading.resolved("modes", mode, typeof then === "string" ? [...path, "then"] : [...path, "then", mode]),
      weight,
    })),
  };
}

/** The horizon of a scenario that names none: what its expectations need, or a day. */
function longestExpected(expect: Scenario["expect"]): number {
  const times = expect.map((expectation) => {
    if (expectation.expect === "survives") return expectation.us;
    return expectation.expect === "fails" ? expectation.byUs : 0;
  });
  return Math.max(0, ...times) || DAY_US;
}

function titleOf(file: string): string {
  return baseName(file).replace(/\.(ya?ml|json)$/i, "");
}

function entriesOf<Value>(map: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(map);
}
