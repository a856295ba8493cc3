import { HeapsoakError } from "../../errors.ts";
import type { BoardHeap } from "./board-heap.ts";
import type { Twin } from "./twin.ts";

/** Reads a board's memory while its firmware runs. `BoardCommander` is one. */
export interface MemoryReader {
  readMemory(address: number, bytes: number): Promise<Uint8Array>;
  /** The allocator's static variables in the order of `AllocatorEntry.statics`; undefined where the agent has none. */
  statics(): Promise<readonly number[] | undefined>;
}

/** How often the heap is read before it is given up. */
const ATTEMPTS_MOST = 10;
/** Read last, for its answer alone: what happened before it has arrived then. */
const MARK_BYTES = 4;

/** Names of the static variables that hold the break of sbrk. */
const BREAKS = ["heap_end", "brk", "__brkval"];

/** What came of reading memory back. */
export type Resync = { readonly synchronised: true } | { readonly synchronised: false; readonly why: string };

/**
 * Reads the board's heap back and lets the twin go on from it. The image counts only where nothing was allocated or
 * released, and no frame was lost, while it was read: the agent sends events and answers in the order in which they
 * happened, so that all that happened before the last answer has arrived with it. Otherwise it is read again. Never
 * throws for what the board does or says.
 */
export async function resynchronise(twin: Twin, reader: MemoryReader): Promise<Resync> {
  for (let attempt = 0; attempt < ATTEMPTS_MOST; attempt++) {
    const { board } = twin;
    if (!board) return { synchronised: false, why: twin.reason ?? "the board is not known" };
    try {
      if (await readOnce(twin, reader)) return resultOf(twin);
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      return { synchronised: false, why: error.message };
    }
  }
  return {
    synchronised: false,
    why: `the heap was never quiet: something was allocated or released, or a frame was lost, in each of ${ATTEMPTS_MOST} readings`,
  };
}

/** False where the image is not of one moment. */
async function readOnce(twin: Twin, reader: MemoryReader): Promise<boolean> {
  const { board } = twin;
  if (!board) return false;
  const { heapLow, heapBytes } = board.identity;
  const hasStatics = (board.allocator.statics ?? []).length > 0;
  const before = hasStatics ? await reader.statics() : await reader.readMemory(heapLow, MARK_BYTES);
  const changes = twin.changes;
  const image = new Uint8Array(heapBytes);
  image.set(await reader.readMemory(heapLow, takenBytes(board, before)));
  const after = hasStatics ? await reader.statics() : await reader.readMemory(heapLow, MARK_BYTES);
  if (twin.changes !== changes || twin.board !== board || String(before) !== String(after)) return false;
  twin.adopt(image, hasStatics ? (after as readonly number[] | undefined) : undefined);
  return true;
}

/** Bytes of the heap that have been taken from sbrk; all of it where there is no break. What lies behind says nothing. */
function takenBytes({ allocator, identity }: BoardHeap, statics: ArrayLike<number> | undefined): number {
  const { heapLow, heapBytes } = identity;
  const index = (allocator.statics ?? []).findIndex((name) => BREAKS.includes(name));
  const bytes = (index < 0 ? 0 : (statics?.[index] ?? 0)) - heapLow;
  return bytes > 0 && bytes <= heapBytes ? bytes : heapBytes;
}

function resultOf({ state, reason }: Twin): Resync {
  return state === "synchronised" ? { synchronised: true } : { synchronised: false, why: reason ?? state };
}
