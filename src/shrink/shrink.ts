/** Shrinks a trace that fails to the shortest sequence found that still fails in the same way. */
import { findAllocator } from "../allocators/catalogue.ts";
import type { OptionValues } from "../allocators/entry.ts";
import type { DeviceDescription } from "../device/description.ts";
import { HeapsoakError } from "../errors.ts";
import { recordedAllocator } from "../trace/header.ts";
import { type OpenTrace, openTrace } from "../trace/reader.ts";
import { refuseUnknownOptions, replayHeap, unlessRefused } from "../trace/replay.ts";
import {
  dropBlocks,
  dropOperations,
  dropThePast,
  isMinimal,
  keepTheLiving,
  mergeNeighbours,
  postponeFrees,
  simplifySizes,
} from "./passes.ts";
import { type FailingSequence, readSequence } from "./reading.ts";
import { rebuilt } from "./rebuild.ts";
import { type ShrinkRecord, shrinkRecord } from "./record.ts";
import { Search, type ShrinkBudget } from "./search.ts";
import { lengthOf } from "./sequence.ts";
import { Trial } from "./trial.ts";

/** What to shrink a trace on. What is left out comes from the trace's header. */
export interface ShrinkRequest {
  readonly allocator?: string;
  readonly heapBytes?: number;
  readonly device?: DeviceDescription;
  readonly options?: OptionValues;
  /** Sequences that are tried at most; 100,000 by default. */
  readonly maxReplays?: number;
  /** Called now and then. */
  readonly progress?: (search: ShrinkProgress) => void;
}

/** Where a shrinking is. */
export interface ShrinkProgress {
  readonly replays: number;
  readonly blocks: number;
  readonly operations: number;
}

export const REPLAYS_BY_DEFAULT = 100_000;
/** Operations of all replays together: about a minute. */
const OPERATIONS_MOST = 2_500_000_000;
/** Rounds of all passes: each ends with something shorter or simpler. */
const ROUNDS_MOST = 100;

/**
 * Shrinks the trace in the file. Throws `bad-trace` where nothing fails, and what `replayTrace` throws for what is
 * wrong with trace, device or options.
 */
export async function shrinkTrace(path: string, request: ShrinkRequest = {}): Promise<ShrinkRecord> {
  if (path === "-") {
    throw new HeapsoakError("bad-argument", "Standard input cannot be shrunk, for the trace is read twice.", {
      hint: "Save it to a file first.",
    });
  }
  const trace = await openTrace(path);
  const { trial, options } = await unlessRefused(trace, () => trialFor(trace, request));
  const { failure, ...read } = await readSequence(trace, trial);
  if (!failure) throw nothingFails(path, read.operations);
  const failing = { ...read, failure };
  const { best, minimal, isRebuilt } = shrinkSequence(trial, failing, budgetOf(request), request.progress);
  return await shrinkRecord({ path, trial, failing, best, minimal, isRebuilt, options });
}

function trialFor(trace: OpenTrace, request: ShrinkRequest): { trial: Trial; options: OptionValues } {
  const entry = request.allocator === undefined ? recordedAllocator(trace) : findAllocator(request.allocator);
  refuseUnknownOptions([entry], request.options ?? {});
  const { device, heap, options } = replayHeap(trace, { ...request, allocators: [] }, entry);
  return { trial: new Trial(device, heap), options };
}

/** The shortest sequence found. `minimal`: no single block of it can go. */
export interface Shrunk {
  readonly best: Search;
  readonly minimal: boolean;
  /** It begins with the failing heap laid out anew, not with operations of the trace. */
  readonly isRebuilt: boolean;
}

/**
 * Shrinks by leaving out operations of the trace; then once more from the failing heap laid out anew, and takes what
 * is shorter. Each way has half of the budget at least.
 */
export function shrinkSequence(
  trial: Trial,
  { sequence, failure }: Pick<FailingSequence, "sequence" | "failure">,
  budget: ShrinkBudget,
  progress: (search: ShrinkProgress) => void = () => {},
): Shrunk {
  const half = { replays: Math.ceil(budget.replays / 2), operations: budget.operations / 2 };
  const cut = new Search(trial, sequence, failure, half);
  const cutIsMinimal = reduce(cut, progress);
  const before = trial.replays;
  const anew = new Search(trial, cut.sequence, cut.failure, { ...half, replays: budget.replays - half.replays });
  const isRebuilt = [...rebuilt(trial, sequence)].some((layout) => anew.accept(layout));
  const anewIsMinimal = isRebuilt && reduce(anew, progress);
  progress({ replays: trial.replays - before, blocks: anew.sequence.blockCount, operations: lengthOf(anew.sequence) });
  const isShorter = isRebuilt && lengthOf(anew.sequence) < lengthOf(cut.sequence);
  return isShorter
    ? { best: anew, minimal: anewIsMinimal, isRebuilt: true }
    : { best: cut, minimal: cutIsMinimal, isRebuilt: false };
}

/** All passes until none finds anything. Whether the end is 1-minimal; false where the budget ended before. */
function reduce(search: Search, progress: (search: ShrinkProgress) => void): boolean {
  dropThePast(search);
  keepTheLiving(search);
  for (let round = 0; round < ROUNDS_MOST && !search.isSpent; round++) {
    let changed = false;
    for (const pass of [dropBlocks, dropOperations, postponeFrees, mergeNeighbours, simplifySizes]) {
      changed = pass(search) || changed;
      const { trial, sequence } = search;
      progress({ replays: trial.replays, blocks: sequence.blockCount, operations: lengthOf(sequence) });
    }
    if (!changed && isMinimal(search)) return true;
  }
  return false;
}

function budgetOf({ maxReplays = REPLAYS_BY_DEFAULT }: ShrinkRequest): ShrinkBudget {
  return { replays: maxReplays, operations: OPERATIONS_MOST };
}

function nothingFails(path: string, operations: number): HeapsoakError {
  return new HeapsoakError(
    "bad-trace",
    `${path}: none of its ${operations} operations fails on this heap: there is nothing to shrink.`,
    {
      hint: "Try a smaller heap (--heap-size) or another allocator (--allocator); `heapsoak replay` shows how close it comes.",
    },
  );
}
