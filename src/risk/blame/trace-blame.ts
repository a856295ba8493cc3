/** Blame in a trace: at its failure or behind an operation, and over the whole trace. */
import { findAllocator } from "../../allocators/catalogue.ts";
import type { OptionValues } from "../../allocators/entry.ts";
import type { DeviceDescription } from "../../device/description.ts";
import { keptForOther, type SmallestSet, smallestSet } from "../../device/smallest-set.ts";
import { HeapsoakError } from "../../errors.ts";
import { heapMap } from "../../report/picture.ts";
import { type LineLabel, lineLabels } from "../../shrink/line-labels.ts";
import { readSequence, type TraceSequence } from "../../shrink/reading.ts";
import { lengthOf, type Sequence } from "../../shrink/sequence.ts";
import { Trial } from "../../shrink/trial.ts";
import { recordedAllocator } from "../../trace/header.ts";
import { type OpenTrace, openTrace } from "../../trace/reader.ts";
import { refuseUnknownOptions, replayHeap, unlessRefused } from "../../trace/replay.ts";
import type { HeapBlock } from "../../wasm/heap-record.ts";
import { PinningCount, SAMPLES } from "./pinning.ts";
import { BLAME_FORMAT, BLAME_VERSION, type BlameRecord, type PinRecord, type PinSet, type Site } from "./record.ts";

/** Which moment of a trace is looked at, and on what heap; what is left out comes from the trace's header. */
export interface TraceBlameRequest {
  /** Behind so many operations since the last boot; right before the refused request by default. */
  readonly operation?: number;
  /** What is asked for; what was refused by default, or the largest request so far. */
  readonly requestBytes?: number;
  readonly allocator?: string;
  readonly heapBytes?: number;
  readonly device?: DeviceDescription;
  readonly options?: OptionValues;
}

const MAP_CHARACTERS = 64;

/** A heap at a moment of a trace, blocks by their birth: the index of the operation that allocated them. */
interface View {
  readonly index: number;
  readonly blocks: readonly HeapBlock[];
  readonly births: ReadonlyMap<number, number>;
  readonly set: SmallestSet | undefined;
  readonly fits: boolean;
}

/**
 * Replays the trace to the moment and looks who stands in the way there, and at samples on the way. Throws
 * `bad-argument` for a moment that the trace does not reach, and what `replayTrace` throws.
 */
export async function blameTrace(path: string, request: TraceBlameRequest = {}): Promise<BlameRecord> {
  if (path === "-") {
    throw new HeapsoakError("bad-argument", "Standard input cannot be looked at, for the trace is read twice.", {
      hint: "Save it to a file first.",
    });
  }
  const trace = await openTrace(path);
  const trial = await unlessRefused(trace, () => trialFor(trace, request));
  const read = await readSequence(trace, trial);
  const question = questionOf(read, request);
  const watched = watch(trial, read.sequence, question);
  const labels = await labelsOf(path, read.sequence, watched);
  return recordOf(path, trial, read.sequence, question, watched, labels);
}

function trialFor(trace: OpenTrace, request: TraceBlameRequest): Trial {
  const entry = request.allocator === undefined ? recordedAllocator(trace) : findAllocator(request.allocator);
  refuseUnknownOptions([entry], request.options ?? {});
  const { device, heap } = replayHeap(trace, { ...request, allocators: [] }, entry);
  return new Trial(device, heap);
}

interface Question {
  readonly kind: "failure" | "asked";
  /** The moment is right behind so many operations. */
  readonly operations: number;
  readonly requestBytes: number;
  readonly alignment: number;
  /** Index of the refused request. */
  readonly refused: number | undefined;
}

function questionOf({ sequence, failure }: TraceSequence, request: TraceBlameRequest): Question {
  const { operation, requestBytes } = request;
  if (operation === undefined) {
    if (failure && failure.kind !== "fragmentation" && failure.kind !== "exhaustion") throw noRefusal(failure.kind);
    if (!failure && requestBytes === undefined) throw nothingRefused();
    const refused = failure?.index;
    return {
      kind: failure ? "failure" : "asked",
      operations: refused ?? lengthOf(sequence),
      requestBytes: requestBytes ?? failure?.requestBytes ?? 0,
      alignment: (refused === undefined ? undefined : sequence.alignments[refused]) ?? 0,
      refused,
    };
  }
  if (operation > lengthOf(sequence)) {
    throw new HeapsoakError("bad-argument", `--at: the trace ends or fails behind operation ${lengthOf(sequence)}.`);
  }
  const largest = sequence.requestBytes.subarray(0, operation).reduce((most, bytes) => Math.max(most, bytes), 0);
  return {
    kind: "asked",
    operations: operation,
    requestBytes: requestBytes ?? largest,
    alignment: 0,
    refused: undefined,
  };
}

function noRefusal(kind: string): HeapsoakError {
  return new HeapsoakError("bad-argument", `The trace does not fail by a refused request, but by ${kind}.`, {
    hint: "Say behind which operation which request is asked for: --at OPERATION --request SIZE.",
  });
}

function nothingRefused(): HeapsoakError {
  return new HeapsoakError("bad-argument", "No request of the trace is refused on this heap.", {
    hint: "Say which one to look at (--request SIZE), or try a smaller heap (--heap-size).",
  });
}

interface Watched {
  readonly moment: View;
  readonly other: SmallestSet | undefined;
  readonly samples: readonly View[];
}

/** Replays up to the moment and looks at the heap on the way. */
function watch(trial: Trial, sequence: Sequence, question: Question): Watched {
  const births = new Map<number, number>();
  const samples: View[] = [];
  const every = Math.max(1, Math.floor(question.operations / SAMPLES));
  trial.watch(sequence, question.operations, (index) => {
    const address = trial.addressOf(index);
    if (address !== 0 && trial.resultOffset() !== undefined) births.set(address, index);
    if ((index + 1) % every === 0 && samples.length < SAMPLES) samples.push(viewOf(trial, index, births, question));
  });
  const moment = viewOf(trial, question.operations, births, question, false);
  const { set } = moment;
  const other =
    set && set.blocks.length > 0
      ? setAt(trial, births, question, keptForOther(trial.heap, question.requestBytes, set))
      : undefined;
  return { moment, other, samples };
}

/** `growing`: where the request fits, the set for one byte more than would fit. */
function viewOf(
  trial: Trial,
  index: number,
  births: ReadonlyMap<number, number>,
  question: Question,
  growing = true,
): View {
  const { blocks: all } = trial.record.blocksUntilFault();
  const blocks = all.filter(({ state }) => state === "live");
  const bornLive = new Map(blocks.map(({ payload }) => [payload, births.get(payload) ?? 0] as const));
  let set = setAt(trial, births, question);
  const fits = set?.blocks.length === 0;
  if (set && fits && growing) set = setAt(trial, births, { ...question, requestBytes: set.largestFreeBytes + 1 });
  return { index, blocks, births: bornLive, set, fits };
}

function setAt(
  trial: Trial,
  births: ReadonlyMap<number, number>,
  { requestBytes, alignment }: Pick<Question, "requestBytes" | "alignment">,
  kept: ReadonlySet<number> = new Set(),
): SmallestSet | undefined {
  const { device, heap } = trial;
  if (heap.check()) return undefined; // nothing can be released on broken metadata
  return smallestSet({ device, heap, requestBytes, alignment, bornAt: (payload) => births.get(payload) ?? 0, kept });
}

/** What the trace says of all operations that gave birth to a block seen. */
async function labelsOf(path: string, sequence: Sequence, { moment, samples }: Watched) {
  const lines = [moment, ...samples].flatMap(({ births }) =>
    [...births.values()].map((index) => sequence.lines[index] ?? 0),
  );
  const moments = [moment.index, moment.index - 1].map((index) => sequence.lines[index] ?? 0);
  return lineLabels(path, new Set([...lines, ...moments]));
}

function recordOf(
  path: string,
  trial: Trial,
  sequence: Sequence,
  question: Question,
  { moment, other, samples }: Watched,
  labels: ReadonlyMap<number, LineLabel>,
): BlameRecord {
  const labelAt = (index: number | undefined) => labels.get((index === undefined ? 0 : sequence.lines[index]) ?? 0);
  const siteAt = (index: number | undefined): Site => {
    const label = labelAt(index);
    return { task: label?.task ?? null, step: label?.site ?? null };
  };
  const nowUs = (labelAt(moment.index) ?? labelAt(moment.index - 1))?.timeUs ?? null;
  const pin = (block: HeapBlock): PinRecord => {
    const birth = moment.births.get(block.payload) ?? 0;
    const bornUs = labelAt(birth)?.timeUs ?? null;
    return {
      ...siteAt(birth),
      address: block.payload,
      bytes: block.bytes,
      requestBytes: block.requestBytes,
      ageUs: nowUs === null || bornUs === null ? null : nowUs - bornUs,
      ageOperations: question.operations - birth,
      owner: null,
    };
  };
  const setRecord = (set: SmallestSet | undefined): PinSet | null =>
    set ? { ...figures(set), pins: set.blocks.map(pin) } : null;
  const count = new PinningCount(question.requestBytes);
  for (const { births, blocks, fits, set } of samples) {
    count.add({
      span: question.operations / SAMPLES,
      live: blocks.map(({ bytes, payload }) => [bytes, siteAt(births.get(payload))]),
      fits,
      set: (set?.blocks ?? []).map(({ payload }) => siteAt(births.get(payload))),
    });
  }
  const { freeBytes, largestFreeBytes, liveBlocks } = trial.heap.summary();
  return {
    format: BLAME_FORMAT,
    version: BLAME_VERSION,
    source: { kind: "trace", path, title: path, device: trial.device.description.id, seed: null, uptimeUs: null },
    heap: trial.heap.name,
    allocator: trial.heap.allocator.name,
    arenaBytes: trial.heap.regions.reduce((sum, { bytes }) => sum + bytes, 0),
    moment: {
      atUs: nowUs,
      operation: question.operations,
      kind: question.kind,
      requestBytes: question.requestBytes,
      by: siteAt(question.refused),
      freeBytes,
      largestFreeBytes,
      liveBlocks,
      map: heapMap(trial.heap.blocks(), MAP_CHARACTERS),
      set: setRecord(moment.set),
      otherSet: setRecord(other),
    },
    wholeRun: samples.length > 0 ? count.record() : null,
    remedies: null,
  };
}

function figures({ releasedBytes, largestFreeBytes, tried }: SmallestSet) {
  return { releasedBytes, largestFreeBytes, tried };
}
