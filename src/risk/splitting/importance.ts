/** How near a cell's heap is to failure, as a whole number that the engine watches at every operation. */
import { HeapsoakError } from "../../errors.ts";
import type { SoakMachine, WatchedImportance } from "../../wasm/soak-machine.ts";
import type { Cell } from "../run/cell.ts";

const FIXED_POOL = "fixed-pool";

/**
 * - `occupied-blocks`: of a fixed pool.
 * - `live-bytes`: headers included.
 * - `shortfall`: of each request, what it asks for less the largest request that would succeed at that moment; below 0
 *   while requests are granted. The tightest request of a run says how near it came, whatever its size.
 */
export type ImportanceKind = "occupied-blocks" | "live-bytes" | "shortfall";

/** The importance of one heap of a machine. Levels are in blocks, or in bytes. */
export class Importance {
  readonly kind: ImportanceKind;
  readonly #machine: SoakMachine;
  readonly #heap: number;
  readonly #watched: WatchedImportance;
  /** What one more stands for in the engine's measure. */
  readonly #unitBytes: number;

  constructor(machine: SoakMachine, cell: Cell, kind: ImportanceKind) {
    this.kind = kind;
    this.#machine = machine;
    this.#heap = machine.heaps.findIndex(({ name }) => name === cell.heap);
    this.#watched = kind === "shortfall" ? "shortfall" : "live-bytes";
    this.#unitBytes = kind === "occupied-blocks" ? blockBytesOf(machine, this.#heap) : 1;
  }

  /** A run begins: it has not had any importance yet. */
  forget(): void {
    this.#machine.forgetImportance(this.#heap);
  }

  /** From now on the machine stops where the importance reaches the level for the first time in the run. */
  watch(level: number): void {
    this.#machine.watch(this.#heap, this.#watched, level * this.#unitBytes);
  }

  /** The greatest importance of the run so far. */
  get most(): number {
    return Math.floor(this.#machine.importanceMost(this.#heap) / this.#unitBytes);
  }

  /** Whether the heap has refused a request. */
  get hasRefused(): boolean {
    return this.#machine.failedRequests(this.#heap) > 0;
  }
}

/**
 * The kinds that may lead up to a cell's failures. A pool is exhausted block by block. Of other heaps no one kind is the
 * best: where failures come from many live bytes the tightest request says little of what comes next, and the other way
 * round where holes are what is missing.
 */
export function likelyKinds({ allocator }: Cell): readonly [ImportanceKind, ...ImportanceKind[]] {
  return allocator === FIXED_POOL ? ["occupied-blocks"] : ["live-bytes", "shortfall"];
}

/** The pool must be as it is at the start: free, in blocks of equal size. Throws `bad-argument` for another heap. */
function blockBytesOf(machine: SoakMachine, index: number): number {
  const heap = machine.heaps[index];
  if (heap?.allocator.name !== FIXED_POOL) {
    throw new HeapsoakError(
      "bad-argument",
      "Occupied blocks say how near a fixed pool is to failure, and no other heap.",
    );
  }
  for (const { state, bytes } of heap.blocks()) if (state === "free") return bytes;
  return 1;
}
