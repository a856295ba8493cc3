import type { HeapSummary } from "../../wasm/heap-record.ts";
import { isAllocatorEvent, type LinkItem } from "../link/link.ts";

/** What a live display needs of a twin. */
export interface HeapShadow {
  readonly state: string;
  readonly reason: string | undefined;
  readonly heap: { summary(): HeapSummary } | undefined;
}

/** The board's heap as far as it is known now. */
export type HeapGuess =
  | {
      readonly known: true;
      readonly freeBytes: number;
      /** The largest request that would succeed; undefined where the board does not say and nobody else knows. */
      readonly largestFreeBytes: number | undefined;
    }
  | { readonly known: false; readonly reason: string };

/** Figures of the board's own older than this are no news. */
const STATISTICS_MS_MOST = 5000;
/** The rate is that of the last while, at least this long. */
const RATE_MS = 1000;

/** Follows a board for a live display: the rate of its allocator's operations, and what of its heap is free. */
export class LiveFigures {
  /** Times that the line came back. */
  reconnections = 0;
  isConnected = true;
  readonly #shadow: HeapShadow | undefined;
  #statistics: { readonly free: number; readonly largest: number | undefined } | undefined;
  #statisticsMs = 0;
  #operations = 0;
  #rate = 0;
  #rateMs: number | undefined;

  /** `shadow` is kept in step by whoever made it. */
  constructor(shadow?: HeapShadow) {
    this.#shadow = shadow;
  }

  /** Takes items that arrived at `receivedMs`. */
  take(items: readonly LinkItem[], receivedMs: number): void {
    this.#rateMs ??= receivedMs;
    for (const item of items) {
      if (isAllocatorEvent(item)) this.#operations++;
      else if (item.kind === "statistics") this.#note(item.figures.free, item.figures.largest_free, receivedMs);
      else if (item.kind === "boot") this.#statistics = undefined;
      else if (item.kind === "disconnected") this.isConnected = false;
      else if (item.kind === "connected") {
        this.isConnected = true;
        this.reconnections++;
      }
    }
  }

  /** Operations a second over the last while. */
  eventsPerSecond(nowMs: number): number {
    const since = nowMs - (this.#rateMs ?? nowMs);
    if (since >= RATE_MS) {
      this.#rate = (this.#operations * 1000) / since;
      this.#operations = 0;
      this.#rateMs = nowMs;
    }
    return this.#rate;
  }

  /** The board's own figures while they are fresh, else those of the emulated heap, else why there are none. */
  heap(nowMs: number): HeapGuess {
    const { state, reason, heap } = this.#shadow ?? {};
    const summary = state === "synchronised" ? heap?.summary() : undefined;
    if (this.#statistics && nowMs - this.#statisticsMs <= STATISTICS_MS_MOST) {
      const { free, largest } = this.#statistics;
      return { known: true, freeBytes: free, largestFreeBytes: largest ?? summary?.largestFreeBytes };
    }
    if (summary) return { known: true, freeBytes: summary.freeBytes, largestFreeBytes: summary.largestFreeBytes };
    return { known: false, reason: this.#shadow ? [state, reason].filter(Boolean).join(": ") : "not followed" };
  }

  #note(free: number | undefined, largest: number | undefined, receivedMs: number): void {
    if (free === undefined) return;
    this.#statistics = { free, largest };
    this.#statisticsMs = receivedMs;
  }
}
