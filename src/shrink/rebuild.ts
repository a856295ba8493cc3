/** The heap of a failure built anew on a fresh one: its blocks in address order, then what became holes is freed. */
import { Opcode } from "../../assembly/memory-map.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { HeapBlock } from "../wasm/heap-record.ts";
import { lengthOf, type Sequence, SequenceBuilder } from "./sequence.ts";
import type { Trial } from "./trial.ts";

/** More blocks than this are not built anew. */
const BLOCKS_MOST = 20_000;

/**
 * Sequences that allocate everything in address order, a block for each hole too, free the holes and ask again. They
 * differ in how much smaller than its hole such a block is asked for. None where the heap before the failing request
 * cannot be walked. Whether they fail is for the trial to say: allocators that do not serve a fresh heap from one end
 * on will lay it out differently.
 */
export function* rebuilt(trial: Trial, sequence: Sequence): Generator<Sequence> {
  const layout = layoutBefore(trial, sequence);
  if (!layout) return;
  const spare = layout.blocks
    .filter(({ state }) => state === "live")
    .map(({ bytes, requestBytes }) => bytes - requestBytes);
  const overheads = new Set([Math.max(0, Math.min(16, ...spare)), 8, 4, 16, 0]);
  for (const overheadBytes of overheads) yield built(layout, sequence, overheadBytes);
}

/** The heap when the last operation of a sequence is about to run. */
interface Layout {
  /** Live and free ones, in address order. */
  readonly blocks: readonly HeapBlock[];
  /** Lines of the allocations by payload. */
  readonly lines: ReadonlyMap<number, number>;
  /** Payload that the last operation works on, or 0. */
  readonly payload: number;
}

function layoutBefore(trial: Trial, sequence: Sequence): Layout | undefined {
  const last = lengthOf(sequence) - 1;
  const lines = new Map<number, number>();
  try {
    trial.watch(sequence, last, (index) => {
      const address = trial.addressOf(index);
      if (address !== 0) lines.set(address, sequence.lines[index] ?? 0);
    });
  } catch (fault) {
    if (fault instanceof GuestFault) return undefined;
    throw fault;
  }
  const { blocks: all, complete } = trial.record.blocksUntilFault();
  const blocks = all.filter(({ state }) => state === "live" || state === "free");
  if (!complete || blocks.length === 0 || blocks.length > BLOCKS_MOST) return undefined;
  const isReallocation = sequence.opcodes[last] === Opcode.Reallocate;
  return { blocks, lines, payload: isReallocation ? trial.addressOf(last) : 0 };
}

function built({ blocks, lines, payload }: Layout, sequence: Sequence, holeOverheadBytes: number): Sequence {
  const last = lengthOf(sequence) - 1;
  const builder = new SequenceBuilder();
  const numbers = blocks.map(({ state, bytes, payload, requestBytes }) => {
    if (state === "live") return builder.allocate(requestBytes, 0, lines.get(payload));
    return builder.allocate(Math.max(1, bytes - holeOverheadBytes));
  });
  for (const [index, { state }] of blocks.entries()) if (state === "free") builder.release(numbers[index] ?? 0);
  const requestBytes = sequence.requestBytes[last] ?? 0;
  const grown = payload === 0 ? -1 : blocks.findIndex((block) => block.state === "live" && block.payload === payload);
  if (grown >= 0) builder.reallocate(numbers[grown] ?? 0, requestBytes, sequence.lines[last]);
  else builder.allocate(requestBytes, sequence.alignments[last], sequence.lines[last]);
  return builder.build();
}
