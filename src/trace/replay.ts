import { findAllocator } from "../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues } from "../allocators/entry.ts";
import type { DeviceDescription } from "../device/description.ts";
import { Device } from "../device/device.ts";
import type { Heap } from "../device/heap.ts";
import type { HeapPart } from "../device/memory-plan.ts";
import { closest, HeapsoakError } from "../errors.ts";
import type { Region } from "../wasm/heap-record.ts";
import {
  type NamedHeader,
  plainDeviceAround,
  plainDeviceFor,
  recordedAllocator,
  recordedHeapBytes,
  recordedMisalignment,
  recordedOptions,
  recordedPlace,
  recordedRegions,
  saysPlace,
} from "./header.ts";
import { type OpenTrace, openTrace } from "./reader.ts";
import type { AtEnd } from "./replay-passes.ts";
import type { ReplayResult } from "./replay-result.ts";
import { Replayer } from "./replayer.ts";

/** What to replay a trace on. What is left out comes from the trace's header. */
export interface ReplayRequest {
  /** Names or aliases; the recorded allocator with its options by default. */
  readonly allocators?: readonly string[];
  readonly heapBytes?: number;
  /** Exact regions instead of `heapBytes`. */
  readonly regions?: readonly Region[];
  /** A plain device with one bank of RAM by default. */
  readonly device?: DeviceDescription;
  /** Go to every allocator that has the option; at least one must. */
  readonly options?: OptionValues;
  /** Times to run through the trace; 1 by default. */
  readonly repeat?: number;
  /** What becomes of blocks that are live at the end of a pass; they stay by default. */
  readonly atEnd?: AtEnd;
  /** False compiles the allocators' own assertions out. */
  readonly assertionsStop?: boolean;
}

interface Contestant {
  readonly replayer: Replayer;
  readonly options: OptionValues;
}

/**
 * Replays a trace (a path, or `-` for standard input) against each allocator on a device of its own, reading it
 * once for all of them. Throws `HeapsoakError` for what is wrong with trace, device or options.
 */
export async function replayTrace(path: string, request: ReplayRequest = {}): Promise<ReplayResult[]> {
  const passes = request.repeat ?? 1;
  if (passes > 1 && path === "-") {
    throw new HeapsoakError("bad-argument", "Standard input can be read only once, so it cannot be repeated.", {
      hint: "Save it to a file first.",
    });
  }
  const trace = await openTrace(path);
  const contestants = await unlessRefused(trace, () => contestantsFor(trace, request));
  const isWhole = await runPass(trace, contestants);
  for (let pass = 1; pass < passes && contestants.some(({ replayer }) => !replayer.stopped); pass++) {
    await runPass(await openTrace(path), contestants);
  }
  const { recording } = trace;
  const passUs = isWhole ? trace.durationUs : undefined;
  return contestants.map(({ replayer, options }) => ({
    ...replayer.finish(options),
    passUs,
    ...(recording && { recording }),
  }));
}

/** Returns whether the trace was read to its end; it is not where all contestants have stopped. */
async function runPass(trace: OpenTrace, contestants: readonly Contestant[]): Promise<boolean> {
  for await (const batch of trace.batches()) {
    for (const { replayer } of contestants) replayer.push(batch);
    if (contestants.every(({ replayer }) => replayer.stopped)) return false;
  }
  for (const { replayer } of contestants) if (!replayer.stopped) replayer.endPass();
  return true;
}

/** Closes the trace when what is to replay it cannot be made. */
export async function unlessRefused<T>(trace: OpenTrace, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await trace.close();
    throw error;
  }
}

function contestantsFor(trace: NamedHeader, request: ReplayRequest): Contestant[] {
  const entries = request.allocators?.length ? request.allocators.map(findAllocator) : [recordedAllocator(trace)];
  refuseUnknownOptions(entries, request.options ?? {});
  return entries.map((entry) => contestant(trace, request, entry));
}

function contestant(trace: NamedHeader, request: ReplayRequest, entry: AllocatorEntry): Contestant {
  const { device, heap, options } = replayHeap(trace, request, entry);
  const passes = { isRepeated: (request.repeat ?? 1) > 1, atEnd: request.atEnd ?? "keep" };
  return { replayer: new Replayer(device, heap, passes), options };
}

/** A device with the heap that the trace is replayed on, and the allocator's options there. Throws as `replayTrace`. */
export function replayHeap(
  trace: NamedHeader,
  request: ReplayRequest,
  entry: AllocatorEntry,
): { device: Device; heap: Heap; options: OptionValues } {
  const options = { ...defaultOptions(trace, entry), ...ownOptions(entry, request.options ?? {}) };
  const { device: description, parts } = placeFor(trace, request, entry);
  const device = new Device(description);
  const assertionsStop = request.assertionsStop ?? true;
  const heap = device.addHeap({ allocator: entry.name, parts, options, assertionsStop });
  return { device, heap, options };
}

/** The options of the recording, where it was made with this very allocator. */
function defaultOptions(trace: NamedHeader, entry: AllocatorEntry): OptionValues {
  const recorded = trace.header.get("allocator");
  if (recorded === undefined) return {};
  const names = [entry.name, ...(entry.traceNames ?? [])];
  return names.includes(recorded) ? recordedOptions(trace, entry) : {};
}

function ownOptions(entry: AllocatorEntry, values: OptionValues): OptionValues {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(entry.options, key)));
}

function placeFor(
  trace: NamedHeader,
  request: ReplayRequest,
  entry: AllocatorEntry,
): { device: DeviceDescription; parts: readonly HeapPart[] } {
  if (request.regions) {
    const parts = request.regions.map(({ low, bytes }) => ({ at: low, bytes }));
    return { device: request.device ?? plainDeviceAround(request.regions, entry.pointerBytes), parts };
  }
  const regions = regionsFor(trace, request, entry);
  if (!request.device && saysPlace(trace) && recordedMisalignment(trace) % entry.arenaAlignment === 0) {
    return recordedPlace(trace, entry.pointerBytes, regions);
  }
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  return { device: request.device ?? plainDeviceFor(entry.pointerBytes, bytes), parts: [{ bytes }] };
}

/** The heap's regions by offset: the recorded ones where the allocator takes several, else one of the same bytes. */
function regionsFor(trace: NamedHeader, request: ReplayRequest, entry: AllocatorEntry): Region[] {
  if (request.heapBytes !== undefined) return [{ low: 0, bytes: request.heapBytes }];
  const regions = recordedRegions(trace);
  return regions.length > 1 && (!entry.manyRegions || request.device)
    ? [{ low: 0, bytes: recordedHeapBytes(trace) }]
    : regions;
}

/** Throws `unknown-option` where none of the allocators has the option. */
export function refuseUnknownOptions(entries: readonly AllocatorEntry[], values: OptionValues): void {
  const known = entries.flatMap((entry) => Object.keys(entry.options));
  for (const key of Object.keys(values)) {
    if (known.includes(key)) continue;
    const guess = closest(key, known);
    const names = entries.map(({ name }) => name).join(", ");
    throw new HeapsoakError("unknown-option", `${names}: no option is called "${key}".`, {
      hint: guess ? `Did you mean "${guess}"?` : "`heapsoak allocators NAME` shows an allocator's options.",
    });
  }
}
