import type { DeviceDescription, StaticUse } from "../../device/description.ts";
import type { HeapBlock, HeapCounters, HeapSummary } from "../../wasm/heap-record.ts";
import type { LineFigures } from "../link/line-quality.ts";
import type { BoardNames } from "../twin/board-heap.ts";
import type { TwinDifference, TwinState } from "../twin/twin.ts";
import type { BoardFigures } from "../wire/messages.ts";

/** Everything that a screen shows of a board, as it is at one moment. Texts from the board are as it sent them. */
export interface WatchState {
  readonly port: string;
  /** Why there is no connection; undefined while there is one. */
  readonly disconnected: string | undefined;
  /** How long nothing has come although a heartbeat is overdue; undefined while the board talks. */
  readonly silentMs: number | undefined;
  readonly line: LineFigures;
  readonly eventsPerSecond: number;
  /** Frames for which the board's ring had no room since its boot; undefined before the first heartbeat. */
  readonly dropped: number | undefined;
  readonly board: BoardNames | undefined;
  /** By the board's clock; undefined where it has none. */
  readonly uptimeUs: number | undefined;
  /** Whether it counts from the boot; else from where the clock began anew, an unknown time after it. */
  readonly sinceBoot: boolean;
  readonly twin: WatchedTwin;
  readonly ram: WatchedRam | undefined;
  readonly heap: WatchedHeap | undefined;
  /** The allocator's own figures, as last sent. */
  readonly figures: BoardFigures | undefined;
  readonly stacks: readonly WatchedStack[];
  readonly holders: readonly WatchedHolder[];
  readonly tasks: readonly WatchedHolder[];
  /** Requests that the board refused: how many, and the last ones, the latest last. */
  readonly refusals: { readonly count: number; readonly last: readonly string[] };
  readonly log: readonly string[];
}

export interface WatchedTwin {
  readonly state: TwinState;
  readonly reason: string | undefined;
  /** What is being done about it. */
  readonly remedy: string | undefined;
  readonly placements: number;
  readonly differences: number;
  readonly firstDifference: TwinDifference | undefined;
  readonly warnings: readonly string[];
}

export interface WatchedRam {
  readonly device: DeviceDescription;
  readonly staticUse: readonly StaticUse[];
  readonly heap: { readonly low: number; readonly bytes: number };
}

export interface WatchedHeap {
  readonly low: number;
  readonly bytes: number;
  readonly blocks: readonly HeapBlock[];
  readonly summary: HeapSummary;
  readonly counters: HeapCounters;
  /** False where it is only as it last was. */
  readonly current: boolean;
  /** A sample a second, the latest last. */
  readonly history: readonly HeapSample[];
}

export interface HeapSample {
  readonly freeBytes: number;
  readonly largestFreeBytes: number;
}

export interface WatchedStack {
  readonly name: string;
  readonly bytes: number;
  readonly unusedBytes: number;
}

export interface WatchedHolder {
  readonly name: string;
  readonly blocks: number;
  readonly bytes: number;
  /** Age of its oldest block. */
  readonly oldestUs: number;
}
