import type { Snapshot } from "../../wasm/engine.ts";
import type { BoardHeap } from "./board-heap.ts";
import type { AllocatorEvent } from "./twin.ts";

/** Events between two snapshots: the more RAM a snapshot copies, the more. */
const EVENTS_LEAST = 4096;
const EVENTS_MOST = 65_536;
/** Bytes of a snapshot that cost about as much as an event. */
const SNAPSHOT_BYTES_AN_EVENT = 256;

/** A board's heap that follows events and can take back the last one: a snapshot now and then, and the events since. */
export class Rewindable {
  readonly board: BoardHeap;
  readonly #eventsMost: number;
  readonly #since: AllocatorEvent[] = [];
  #snapshot: Snapshot;
  #before = 0;

  constructor(board: BoardHeap) {
    this.board = board;
    this.#snapshot = board.device.snapshot();
    const share = Math.floor(this.#snapshot.bytes.length / SNAPSHOT_BYTES_AN_EVENT);
    this.#eventsMost = Math.min(EVENTS_MOST, Math.max(EVENTS_LEAST, share));
  }

  /** Events followed, the one under way included. */
  get operations(): number {
    return this.#before + this.#since.length;
  }

  /** Carries the event out as the board did. The address that the emulated allocator gives; 0: refused, or a release. Throws `GuestFault`. */
  follow(event: AllocatorEvent): number {
    if (this.#since.length === this.#eventsMost) this.#keep();
    this.#since.push(event);
    return carryOut(this.board, event);
  }

  /** Takes the last event back. */
  backOne(): void {
    this.#since.pop();
    this.board.device.restore(this.#snapshot);
    for (const event of this.#since) carryOut(this.board, event);
  }

  #keep(): void {
    this.#snapshot = this.board.device.snapshot(this.#snapshot);
    this.#before += this.#since.length;
    this.#since.length = 0;
  }
}

function carryOut(board: BoardHeap, event: AllocatorEvent): number {
  const { heap } = board;
  switch (event.kind) {
    case "allocate":
      return heap.allocate(board.requestBytes(event.requestBytes));
    case "allocateAligned":
      return heap.allocate(board.requestBytes(event.requestBytes), event.alignment);
    case "reallocate":
      return heap.reallocate(event.address, board.requestBytes(event.requestBytes));
    case "release":
      heap.release(event.address);
      return 0;
  }
}
