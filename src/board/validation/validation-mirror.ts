/** The emulated side of a validation: carries each operation out first, and says how the board is to be asked. */
import { HeapField, VISITS_SPLIT } from "../../../assembly/memory-map.ts";
import type { BoardHeap } from "../twin/board-heap.ts";
import type { BoardOperation } from "../wire/messages.ts";
import { operationText, type SourceOperation } from "./operation-source.ts";

/** An operation for the board, and what the emulator answered to it. */
export interface PlannedOperation {
  /** References are indices into the same chunk. */
  readonly operation: BoardOperation;
  /** As a line of a trace. */
  readonly text: string;
  readonly line: number;
  /** 0: refused, or a release. */
  readonly address: number;
  /** Blocks and list nodes that the emulated allocator looked at. */
  readonly visits: number;
}

/** What of a source is not run, since firmware would not do it either. */
export interface LeftOut {
  /** Releases and reallocations of blocks that are not live: refused, freed before, or never allocated. */
  notLive: number;
  /** Alignments that are no power of two. */
  badAlignment: number;
}

/** Where an id's block lies: its address, and the operation of this chunk that returned it. */
interface Holder {
  readonly address: number;
  readonly chunk: number;
  readonly index: number;
}

/**
 * Runs a source's operations on the emulated heap. What an allocator lacks is made of what it has: a reallocation
 * becomes an allocation and a release, an aligned request a plain one. Throws `GuestFault` where the device would
 * fault; the operation is then not in the chunk.
 */
export class ValidationMirror {
  readonly leftOut: LeftOut = { notLive: 0, badAlignment: 0 };
  readonly #board: BoardHeap;
  readonly #holders = new Map<number, Holder>();
  #chunk = 0;
  #planned: PlannedOperation[] = [];

  constructor(board: BoardHeap) {
    this.#board = board;
  }

  /** Operations of the chunk so far. */
  get planned(): readonly PlannedOperation[] {
    return this.#planned;
  }

  /** Begins another chunk: what the last one returned is from now on an address. */
  beginChunk(): void {
    this.#chunk++;
    this.#planned = [];
  }

  perform(source: SourceOperation): void {
    switch (source.verb) {
      case "allocate":
        this.#allocate(source);
        break;
      case "allocateAligned":
        this.#allocateAligned(source);
        break;
      case "reallocate":
        this.#reallocate(source);
        break;
      case "release":
        this.#release(source);
        break;
    }
  }

  #allocate(source: SourceOperation): void {
    const address = this.#board.heap.allocate(source.requestBytes);
    this.#hold(source.id, address);
    this.#plan({ ...source, verb: "allocate", alignment: 0 }, address);
  }

  #allocateAligned(source: SourceOperation): void {
    const { alignment, requestBytes, id } = source;
    if (!this.#board.allocator.aligns) {
      this.#allocate(source);
      return;
    }
    if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      this.leftOut.badAlignment++;
      return;
    }
    const address = this.#board.heap.allocate(requestBytes, alignment);
    this.#hold(id, address);
    this.#plan(source, address);
  }

  #reallocate(source: SourceOperation): void {
    const held = this.#holders.get(source.id);
    // As realloc(NULL, n), which agents report as an allocation too.
    if (!held) this.#allocate(source);
    else if (this.#board.allocator.reallocates) this.#resize(source, held);
    else this.#moveByHand(source, held);
  }

  #resize(source: SourceOperation, held: Holder): void {
    const address = this.#board.heap.reallocate(held.address, source.requestBytes);
    if (address !== 0) this.#hold(source.id, address);
    else if (source.requestBytes === 0) this.#holders.delete(source.id);
    this.#plan(source, address, held);
  }

  /** Allocates, and releases the old block once there is a new one. */
  #moveByHand(source: SourceOperation, held: Holder): void {
    this.#allocate(source);
    if (!this.#holders.has(source.id)) this.#holders.set(source.id, held);
    else this.#releaseBlock(source, held);
  }

  #release(source: SourceOperation): void {
    const held = this.#holders.get(source.id);
    if (!held) {
      this.leftOut.notLive++;
      return;
    }
    this.#holders.delete(source.id);
    this.#releaseBlock(source, held);
  }

  #releaseBlock(source: SourceOperation, held: Holder): void {
    this.#board.heap.release(held.address);
    this.#plan({ ...source, verb: "release", requestBytes: 0, alignment: 0 }, 0, held);
  }

  #hold(id: number, address: number): void {
    if (address === 0) this.#holders.delete(id);
    else this.#holders.set(id, { address, chunk: this.#chunk, index: this.#planned.length });
  }

  #plan(source: SourceOperation, address: number, held?: Holder): void {
    const isReference = held?.chunk === this.#chunk;
    this.#planned.push({
      operation: {
        verb: source.verb,
        block: held ? (isReference ? held.index : held.address) : 0,
        blockIsReference: isReference,
        alignment: source.alignment,
        requestBytes: source.requestBytes,
      },
      text: operationText(source),
      line: source.line,
      address,
      visits: this.#board.device.recordOf(this.#board.heap).get(HeapField.Visits) & ~VISITS_SPLIT,
    });
  }
}
