/** From a trace to a scenario that makes the heap look like it, and the test whether it does. */
import { existsSync } from "node:fs";
import { basename, isAbsolute, relative } from "node:path";
import { findAllocator } from "../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues } from "../allocators/entry.ts";
import { lookUpDevice } from "../device/catalogue/devices.ts";
import { HeapsoakError } from "../errors.ts";
import { type NamedHeader, recordedAllocator, recordedHeapBytes, recordedOptions } from "../trace/header.ts";
import { packageVersion } from "../version.ts";
import { type EvaluationProgress, evaluate } from "./evaluation/evaluate.ts";
import { type BlockTable, Ending } from "./history/block-table.ts";
import { readHistory, type TraceHistory } from "./history/history.ts";
import { fitModel } from "./model/fit-model.ts";
import type { FitPlace, FitRecord, FittedTrace } from "./record.ts";
import { scenarioOf } from "./scenario/write.ts";

/** For traces that do not say: a heap that newlib-nano, the C library's usual one on small devices, would have. */
const DEFAULT_ALLOCATOR = "newlib-nano";
const HEADROOM = 1.5;
const HEADER_BYTES = 8;
const HEAP_STEP = 1024;

export interface FitRequest {
  /** A file, plain or gzip: it is read more than once. */
  readonly trace: string;
  /** The recorded one by default, and newlib-nano where the trace does not say. */
  readonly allocator?: string;
  readonly options?: OptionValues;
  /** The recorded size by default, and one and a half times the peak where the trace does not say. */
  readonly heapBytes?: number;
  /** The scenario's device, as `resolveDevice` takes it. */
  readonly device?: string;
  /** Where the scenario will lie, for the paths in `device`; the working directory by default. */
  readonly folder?: string;
  readonly title?: string;
  /** Write the scenario that was tested, fitted on the first half, and not one fitted on the whole. */
  readonly half?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FitProgress) => void;
}

export type FitProgress = EvaluationProgress | { readonly phase: "reading" | "fitting" };

export interface Fit {
  readonly record: FitRecord;
  /** The scenario as YAML. */
  readonly scenario: string;
}

/**
 * Fits a scenario on the first half of the trace, tests it on the second, and fits the one that is returned on the
 * whole. Throws `HeapsoakError` for what is wrong with the trace or the heap.
 */
export async function fitTrace(request: FitRequest): Promise<Fit> {
  if (request.trace === "-") {
    throw new HeapsoakError("bad-argument", "Standard input can be read only once, and a fit reads the trace again.", {
      hint: "Save it to a file first.",
    });
  }
  request.onProgress?.({ phase: "reading" });
  const history = await readHistory(request.trace);
  const place = placeOf(history, request);
  request.onProgress?.({ phase: "fitting" });
  const splitUs = splitOf(history);
  const fittedUntil = (untilUs: number) => {
    const model = fitModel(history, { untilUs });
    return { yaml: scenarioOf(model, { ...place, ...sourceOf(request, history) }), remarks: model.remarks };
  };
  const tested = fittedUntil(splitUs);
  const evaluation = await evaluate({
    trace: request.trace,
    history,
    splitUs,
    scenario: tested.yaml,
    place,
    ...(request.device !== undefined && { device: request.device }),
    ...(request.signal && { signal: request.signal }),
    ...(request.onProgress && { onProgress: request.onProgress }),
  });
  // What happened at the last instant belongs to the whole, too.
  const written = request.half ? tested : fittedUntil(history.durationUs + 1);
  const record: FitRecord = {
    format: "heapsoak.fit",
    version: 1,
    heapsoak: packageVersion(),
    trace: traceOf(history),
    place,
    fittedOn: request.half ? "first-half" : "whole",
    evaluation,
    remarks: [...history.remarks, ...written.remarks],
  };
  return { record, scenario: written.yaml };
}

function sourceOf({ device, folder = ".", title }: FitRequest, { name }: TraceHistory) {
  const source = basename(name);
  const placed = device !== undefined && { device: deviceFrom(folder, device) };
  return { source, title: title ?? `Fitted to ${source}`, ...placed };
}

/** The device's text with its paths, alone or joined by `+`, counted from the folder. */
function deviceFrom(folder: string, device: string): string {
  if (lookUpDevice(device)) return device;
  const parts = existsSync(device) ? [device] : device.split("+").map((part) => part.trim());
  return parts
    .map((part) => (lookUpDevice(part) || isAbsolute(part) ? part : relative(folder, part).replaceAll("\\", "/")))
    .join("+");
}

function traceOf(history: TraceHistory): FittedTrace {
  const { name, operations, blocks, durationUs, timed, sites, tasks, boots, gaps, unmatchedFrees, refused } = history;
  // The first of each stands for what the trace does not say.
  const named = { sites: sites.length - 1, tasks: tasks.length - 1 };
  const granted = blocks.ending.subarray(0, blocks.count).filter((ending) => ending !== Ending.Refused).length;
  return { name, operations, blocks: granted, durationUs, timed, ...named, boots, gaps, unmatchedFrees, refused };
}

function splitOf({ name, durationUs }: TraceHistory): number {
  if (durationUs >= 2) return Math.floor(durationUs / 2);
  throw new HeapsoakError(
    "bad-trace",
    `${name}: all of it happens at one instant, so that there is no half to test on.`,
  );
}

function placeOf(history: TraceHistory, request: FitRequest): FitPlace {
  const trace = { name: history.name, header: history.header };
  const { allocator, from } = allocatorOf(trace, request);
  const { heapBytes, heapBytesFrom } = sizeOf(trace, history.blocks, request);
  const recorded = from === "trace" || isRecorded(trace, allocator) ? recordedOptions(trace, allocator) : {};
  return {
    allocator: allocator.name,
    allocatorFrom: from,
    options: { ...recorded, ...request.options },
    heapBytes,
    heapBytesFrom,
  };
}

function allocatorOf(
  trace: NamedHeader,
  { allocator }: FitRequest,
): { allocator: AllocatorEntry; from: FitPlace["allocatorFrom"] } {
  if (allocator !== undefined) return { allocator: findAllocator(allocator), from: "option" };
  if (trace.header.has("allocator")) return { allocator: recordedAllocator(trace), from: "trace" };
  return { allocator: findAllocator(DEFAULT_ALLOCATOR), from: "default" };
}

function isRecorded({ header }: NamedHeader, { name, traceNames = [] }: AllocatorEntry): boolean {
  return [name, ...traceNames].includes(header.get("allocator") ?? "");
}

function sizeOf(
  trace: NamedHeader,
  blocks: BlockTable,
  { heapBytes }: FitRequest,
): Pick<FitPlace, "heapBytes" | "heapBytesFrom"> {
  if (heapBytes !== undefined) return { heapBytes, heapBytesFrom: "option" };
  if (trace.header.has("heap_size")) return { heapBytes: recordedHeapBytes(trace), heapBytesFrom: "trace" };
  const wanted = HEADROOM * peakBytes(blocks);
  return { heapBytes: Math.max(1, Math.ceil(wanted / HEAP_STEP)) * HEAP_STEP, heapBytesFrom: "default" };
}

/** The most that was live at once, with a usual header each. */
function peakBytes({ count, requestBytes, bornOrder, diedUs, diedOrder }: BlockTable): number {
  const births = bornOrder.subarray(0, count);
  const deaths = Array.from({ length: count }, (_, row) => row)
    .filter((row) => Number.isFinite(diedUs[row]))
    .sort((a, b) => (diedOrder[a] ?? 0) - (diedOrder[b] ?? 0));
  let live = 0;
  let peak = 0;
  let next = 0;
  for (const [row, order] of births.entries()) {
    for (let dead = deaths[next]; dead !== undefined && (diedOrder[dead] ?? 0) <= order; dead = deaths[++next]) {
      live -= (requestBytes[dead] ?? 0) + HEADER_BYTES;
    }
    live += (requestBytes[row] ?? 0) + HEADER_BYTES;
    peak = Math.max(peak, live);
  }
  return peak;
}
