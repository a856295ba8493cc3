import type { Heap } from "../../device/heap.ts";
import { HeapsoakError } from "../../errors.ts";
import { formatAddress } from "../../quantities.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import type { LinkItem } from "../link/link.ts";
import type { BoardIdentity, FrameOf } from "../wire/messages.ts";
import { BoardHeap, type BoardHeapOptions } from "./board-heap.ts";
import { Rewindable } from "./rewindable.ts";

/**
 * `waiting`: nothing is known of the board yet, or it cannot be emulated. `synchronised`: the emulated heap is the
 * board's, and every placement is compared. `unsynchronised`: events are missing. `different`: a placement was not
 * the board's. `faulted`: the emulated board took a fault.
 */
export type TwinState = "waiting" | "synchronised" | "unsynchronised" | "different" | "faulted";

/** An event of the board's allocator. */
export type AllocatorEvent =
  | FrameOf<"allocate">
  | FrameOf<"allocateAligned">
  | FrameOf<"release">
  | FrameOf<"reallocate">;
/** An event with a placement that can be compared. */
export type PlacementEvent = Exclude<AllocatorEvent, FrameOf<"release">>;

/** The first placement that was not the board's. */
export interface TwinDifference {
  readonly message: string;
  /** Which allocator event it was, from 1, since the boot or since memory was read back. */
  readonly operation: number;
  readonly event: PlacementEvent;
  /** What the board was given; 0: refused. */
  readonly boardAddress: number;
  /** What the emulated allocator gives; 0: refused. */
  readonly emulatedAddress: number;
  /** The emulated heap before the operation, in one line. */
  readonly picture: string;
}

/** How a twin is made. */
export type TwinOptions = BoardHeapOptions;

/**
 * An emulated heap that follows a board's: it is given the same operations in the same order, and each address is
 * compared with the board's. What is lost on the line is never called a difference: the twin then stops until the
 * board boots, or its memory is read back.
 */
export class Twin {
  readonly #options: TwinOptions;
  #state: TwinState = "waiting";
  #reason: string | undefined = "no board has introduced itself yet";
  #board: BoardHeap | undefined;
  #identity: BoardIdentity | undefined;
  #history: Rewindable | undefined;
  #firstDifference: TwinDifference | undefined;
  #placements = 0;
  #differences = 0;
  #changes = 0;

  constructor(options: TwinOptions = {}) {
    this.#options = options;
  }

  get state(): TwinState {
    return this.#state;
  }

  /** Why the state is not `synchronised`, in words; undefined where it is. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Placements compared since the beginning, over all boots, and how many were different. */
  get comparisons(): { readonly placements: number; readonly differences: number } {
    return { placements: this.#placements, differences: this.#differences };
  }

  get firstDifference(): TwinDifference | undefined {
    return this.#firstDifference;
  }

  /** The emulated heap: as the board's while `synchronised`, as it last was otherwise. */
  get heap(): Heap | undefined {
    return this.#board?.heap;
  }

  /** The emulated heap with what the board said of it. */
  get board(): BoardHeap | undefined {
    return this.#board;
  }

  get identity(): BoardIdentity | undefined {
    return this.#identity;
  }

  /** Allocator events followed since the boot, or since memory was read back. */
  get operations(): number {
    return this.#history?.operations ?? 0;
  }

  /** Counts what makes memory that is being read back out of date: allocator events, gaps, boots, lost connections. */
  get changes(): number {
    return this.#changes;
  }

  /** Takes the next item of the board's stream. Never throws for what a board sends. */
  apply(item: LinkItem): void {
    switch (item.kind) {
      case "allocate":
      case "allocateAligned":
      case "release":
      case "reallocate":
        this.#changes++;
        if (this.#state === "synchronised") this.#follow(item);
        return;
      case "boot":
        this.#changes++;
        this.#identity = item;
        this.#begin(item);
        return;
      case "identity":
        this.#introduce(item);
        return;
      case "heartbeat":
        if (this.#identity && item.nonce !== this.#identity.nonce) this.#lose("the board has restarted unseen");
        return;
      case "results":
        if (item.results.length > 0) this.#lose("the board has carried out operations that it was sent");
        return;
      case "gap":
        this.#lose(gapReason(item.frames, item.certain));
        return;
      case "disconnected":
        this.#lose("the connection was lost");
        return;
    }
  }

  /**
   * Takes over the heap as it was read back from the board, at a moment at which no event is under way. Where the
   * image cannot be taken over the twin stays unsynchronised and `reason` says why.
   */
  adopt(image: Uint8Array, statics: readonly number[] | undefined): void {
    const board = this.#board;
    if (!board) return;
    try {
      board.adopt(image, statics);
      this.#synchronise(board);
    } catch (error) {
      this.#stop("unsynchronised", wordsOf(error));
    }
  }

  #introduce(identity: BoardIdentity): void {
    const same = this.#identity?.nonce === identity.nonce;
    if (same && this.#board) {
      if (identity.captured === 0 && this.#state === "unsynchronised") this.#begin(identity);
      return;
    }
    this.#changes++;
    this.#identity = identity;
    this.#begin(identity);
    if (identity.captured === 0 || this.#state !== "synchronised") return;
    this.#stop("unsynchronised", `the board had served ${identity.captured} events before it was listened to`);
  }

  /** A fresh heap, as after a boot. */
  #begin(identity: BoardIdentity): void {
    try {
      if (this.#board?.serves(identity)) this.#board.restart();
      else this.#board = new BoardHeap(identity, this.#options);
      this.#synchronise(this.#board);
    } catch (error) {
      this.#board = undefined;
      this.#stop("waiting", wordsOf(error));
    }
  }

  #synchronise(board: BoardHeap): void {
    this.#state = "synchronised";
    this.#reason = undefined;
    this.#history = new Rewindable(board);
  }

  #stop(state: TwinState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
  }

  /** Events are missing: a twin that has found something stays with what it has found. */
  #lose(reason: string): void {
    this.#changes++;
    if (this.#state === "synchronised" || this.#state === "unsynchronised") this.#stop("unsynchronised", reason);
  }

  #follow(event: AllocatorEvent): void {
    const history = this.#history;
    if (!history) return;
    try {
      const emulated = history.follow(event);
      if (event.kind === "release") return;
      this.#placements++;
      const address = event.kind === "reallocate" ? event.result : event.address;
      if (emulated !== address) this.#differ(history, event, address, emulated);
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      const place = placeOf(event);
      history.backOne();
      this.#stop(
        "faulted",
        `the emulated board faults at operation ${history.operations + 1}${place}: ${error.message}`,
      );
    }
  }

  #differ(history: Rewindable, event: PlacementEvent, boardAddress: number, emulatedAddress: number): void {
    const operation = history.operations;
    history.backOne();
    this.#differences++;
    const request = `${verbOf(event)}${placeOf(event)}`;
    const message = `operation ${operation}, ${request}: the board ${given(boardAddress)}, the emulator ${given(emulatedAddress)}`;
    this.#firstDifference ??= {
      message,
      operation,
      event,
      boardAddress,
      emulatedAddress,
      picture: history.board.heap.picture(),
    };
    this.#stop("different", message);
  }
}

/** Why a gap stops the twin. */
function gapReason(frames: number, certain: boolean): string {
  if (!certain) return "an unknown number of frames is missing, or the board has restarted";
  return frames === 1 ? "a frame is missing" : `${frames} frames are missing`;
}

function verbOf(event: PlacementEvent): string {
  const bytes = `${event.requestBytes} bytes`;
  if (event.kind === "allocate") return `an allocation of ${bytes}`;
  if (event.kind === "allocateAligned") return `an allocation of ${bytes} aligned to ${event.alignment}`;
  return `a reallocation of ${formatAddress(event.address)} to ${bytes}`;
}

function placeOf({ site, task }: AllocatorEvent): string {
  const from = site === 0 ? "" : ` called from ${formatAddress(site)}`;
  return task === 0 ? from : `${from} in task ${task}`;
}

function given(address: number): string {
  return address === 0 ? "refused it" : `gave ${formatAddress(address)}`;
}

function wordsOf(error: unknown): string {
  if (error instanceof HeapsoakError) return error.hint ? `${error.message} ${error.hint}` : error.message;
  if (error instanceof GuestFault) return `the emulated board faults: ${error.message}`;
  throw error;
}
