/** The same heap twice, on the board and in the emulator, from the same beginning. */
import { HeapsoakError } from "../../errors.ts";
import type { BoardCommander } from "../commands/commander.ts";
import { BoardHeap, type BoardHeapOptions } from "../twin/board-heap.ts";
import type { BoardIdentity } from "../wire/messages.ts";
import { ValidationMirror } from "./validation-mirror.ts";

export interface ValidationProgress {
  readonly phase: "reading" | "running" | "reading-back" | "looking-closer";
  /** Operations, or bytes of RAM. */
  readonly done: number;
  readonly total: number;
}

/** How the emulator's side is made. */
export interface RunSettings extends BoardHeapOptions {
  /** Emulate this one, whatever the board says. */
  readonly allocator?: string;
  readonly progress?: (progress: ValidationProgress) => void;
}

/** One side-by-side run: where it stands. */
export interface Run {
  readonly board: BoardHeap;
  readonly mirror: ValidationMirror;
  readonly start: "fresh" | "adopted";
  readonly identity: BoardIdentity;
  /** Operations that were carried out and were equal. */
  operations: number;
  /** Operations that were sent. */
  sent: number;
}

/** Begins runs, and reads what they leave on the board. */
export class RunStarter {
  readonly commander: BoardCommander;
  readonly #settings: RunSettings;

  constructor(commander: BoardCommander, settings: RunSettings) {
    this.commander = commander;
    this.#settings = settings;
  }

  /** Restarts the board where that is wanted, and gives the emulator the same heap. `restarted` is called in between. */
  async begin(restart: boolean, restarted: () => void = () => undefined): Promise<Run> {
    const identity = await (restart ? this.commander.restart() : this.commander.confirm());
    restarted();
    const image = await this.readHeap(identity, "reading");
    const board = this.emulate(identity);
    const isFresh = restart && identity.captured === 0;
    if (isFresh) board.restartIn(image);
    else await this.#takeOver(board, image);
    const start = isFresh ? "fresh" : "adopted";
    return { board, mirror: new ValidationMirror(board), start, identity, operations: 0, sent: 0 };
  }

  /** The heap that emulates the board's. Throws as `BoardHeap`. */
  emulate(identity: BoardIdentity): BoardHeap {
    const { allocator } = this.#settings;
    if (allocator === undefined) return new BoardHeap(identity, this.#settings);
    const [board = "", build = "", , version = ""] = identity.names;
    return new BoardHeap({ ...identity, names: [board, build, allocator, version] }, this.#settings);
  }

  async readHeap({ heapLow, heapBytes }: BoardIdentity, phase: ValidationProgress["phase"]): Promise<Uint8Array> {
    return this.commander.readMemory(heapLow, heapBytes, (done) => this.report(phase, done, heapBytes));
  }

  report(phase: ValidationProgress["phase"], done: number, total: number): void {
    this.#settings.progress?.({ phase, done, total });
  }

  /** A heap that was never used need not look like one: then it is started like the board's. */
  async #takeOver(board: BoardHeap, image: Uint8Array): Promise<void> {
    try {
      board.adopt(image, await this.commander.statics());
    } catch (error) {
      const isUnused = board.identity.captured === 0;
      if (!(error instanceof HeapsoakError) || error.code !== "bad-image" || !isUnused) throw error;
      board.restartIn(image);
    }
  }
}

/** What the emulated heap's memory holds. */
export function ramOf({ device, identity }: BoardHeap): Uint8Array {
  return device.readRam(identity.heapLow, identity.heapBytes);
}
