/** What a shrinking came to, as plain data: reports, C code and the shrunk trace are made from it alone. */
import { HeapField, Opcode } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../allocators/entry.ts";
import { heapPicture } from "../report/picture.ts";
import { unlessFault } from "../trace/replay-result.ts";
import type { Region } from "../wasm/heap-record.ts";
import { type LineLabel, lineLabels } from "./line-labels.ts";
import type { FailingSequence } from "./reading.ts";
import type { Search } from "./search.ts";
import { lengthOf, NO_SOURCE, type Sequence } from "./sequence.ts";
import type { ShrinkKind, Trial } from "./trial.ts";

export const SHRINK_FORMAT = "heapsoak.shrink";
export const SHRINK_VERSION = 1;

/** One operation of the shrunk sequence. */
export interface ShrunkStep {
  readonly verb: "allocate" | "reallocate" | "free";
  /** Of the block: `a` to `z`, then `b26` and so on. */
  readonly block: string;
  /** 0 of frees. */
  readonly requestBytes: number;
  /** What the trace asked for in that line; null where it did not, or nothing. */
  readonly tracedBytes: number | null;
  /** 0: none was asked for. */
  readonly alignment: number;
  /** From the arena's base; null: refused, or a free. */
  readonly offset: number | null;
  /** The heap behind it in one line; empty where it cannot be walked. */
  readonly picture: string;
  /** Where it comes from; null: it stands for the past of the trace. */
  readonly line: number | null;
  readonly site: string | null;
  readonly task: string | null;
}

export interface ShrinkRecord {
  readonly format: typeof SHRINK_FORMAT;
  readonly version: typeof SHRINK_VERSION;
  readonly trace: string;
  readonly allocator: string;
  readonly options: OptionValues;
  readonly device: string;
  readonly regions: readonly Region[];
  readonly failure: {
    readonly kind: ShrinkKind;
    /** Which fault, or which invariant is broken; empty for refusals. */
    readonly detail: string;
    readonly requestBytes: number;
    /** At the failure of the shrunk sequence; null where the heap cannot be walked. */
    readonly freeBytes: number | null;
    readonly largestFreeBytes: number | null;
  };
  /** The trace up to the failure. */
  readonly before: {
    readonly operations: number;
    readonly blocks: number;
    readonly boots: number;
    readonly line: number;
  };
  readonly after: { readonly operations: number; readonly blocks: number };
  /** Frees of blocks that the trace never allocated: left out. */
  readonly unknownFrees: number;
  /** No single block can be left out: tried for each. False: the budget ended first. */
  readonly minimal: boolean;
  /** It begins with the failing heap laid out anew. */
  readonly rebuilt: boolean;
  /** Sequences that were tried, and their operations. */
  readonly replays: number;
  readonly replayedOperations: number;
  readonly steps: readonly ShrunkStep[];
}

/** What `shrinkRecord` is made from. */
export interface ShrinkMaterial {
  readonly path: string;
  readonly trial: Trial;
  readonly failing: FailingSequence;
  readonly best: Search;
  readonly minimal: boolean;
  readonly isRebuilt: boolean;
  readonly options: OptionValues;
}

const PICTURE_CHARACTERS = 160;
const VERBS = {
  [Opcode.Allocate]: "allocate",
  [Opcode.AllocateAligned]: "allocate",
  [Opcode.Reallocate]: "reallocate",
  [Opcode.Release]: "free",
} as const satisfies { readonly [K in Opcode]: ShrunkStep["verb"] };

/** The record. Reads the trace once more, for the names of sites and tasks. */
export async function shrinkRecord(material: ShrinkMaterial): Promise<ShrinkRecord> {
  const { path, trial, failing, best, minimal, isRebuilt, options } = material;
  const { replays, operations: replayedOperations } = trial;
  const { sequence, failure } = best;
  const labels = await lineLabels(path, new Set([...sequence.lines].filter((line) => line !== NO_SOURCE)));
  const { steps, freeBytes, largestFreeBytes } = stepsOf(trial, sequence, labels);
  return {
    format: SHRINK_FORMAT,
    version: SHRINK_VERSION,
    trace: path,
    allocator: trial.heap.allocator.name,
    options,
    device: trial.device.description.id,
    regions: trial.heap.regions,
    failure: {
      kind: failure.kind,
      detail: failure.detail,
      requestBytes: failure.requestBytes,
      freeBytes,
      largestFreeBytes,
    },
    before: {
      operations: failing.operations,
      blocks: failing.sequence.blockCount,
      boots: failing.boots,
      line: failing.sequence.lines.at(-1) ?? 0,
    },
    after: { operations: lengthOf(sequence), blocks: sequence.blockCount },
    unknownFrees: failing.unknownFrees,
    minimal,
    rebuilt: isRebuilt,
    replays,
    replayedOperations,
    steps,
  };
}

function stepsOf(trial: Trial, sequence: Sequence, labels: ReadonlyMap<number, LineLabel>) {
  const steps: ShrunkStep[] = [];
  const names = Array.from({ length: sequence.blockCount }, (_, block) => blockName(block));
  const note = (index: number, picture: string, offset: number | null) => {
    const block = sequence.blocks[index] ?? 0;
    const opcode = (sequence.opcodes[index] ?? 0) as Opcode;
    const line = sequence.lines[index] || null;
    const label = line === null ? undefined : labels.get(line);
    steps.push({
      verb: VERBS[opcode],
      block: names[block] ?? "",
      requestBytes: sequence.requestBytes[index] ?? 0,
      tracedBytes: label?.requestBytes ?? null,
      alignment: sequence.alignments[index] ?? 0,
      offset,
      picture,
      line,
      site: label?.site ?? null,
      task: label?.task ?? null,
    });
  };
  const held = new Map<number, string>();
  unlessFault(() =>
    trial.watch(sequence, lengthOf(sequence), (index) => {
      const isFree = sequence.opcodes[index] === Opcode.Release;
      const address = trial.addressOf(index);
      if (address !== 0) held.set(address, names[sequence.blocks[index] ?? 0] ?? "");
      note(index, picture(trial, held), isFree ? null : (trial.resultOffset() ?? null));
    }),
  );
  // The operation during which the device stopped has no heap behind it.
  if (steps.length < lengthOf(sequence)) note(steps.length, "", null);
  const summary =
    trial.record.get(HeapField.FailedRequests) > 0 ? unlessFault(() => trial.record.summary()) : undefined;
  return { steps, freeBytes: summary?.freeBytes ?? null, largestFreeBytes: summary?.largestFreeBytes ?? null };
}

/** Live blocks with the names of those that hold them. */
function picture(trial: Trial, held: ReadonlyMap<number, string>): string {
  const label = ({ payload }: { payload: number }) => {
    const name = held.get(payload);
    return name === undefined ? "" : `${name}:`;
  };
  return unlessFault(() => heapPicture(trial.record.blocks(), { label, width: PICTURE_CHARACTERS })) ?? "";
}

function blockName(block: number): string {
  return block < 26 ? String.fromCharCode(97 + block) : `b${block}`;
}
