import type { LinkItem } from "./link/link.ts";
import { HEARTBEAT_MS } from "./wire/protocol.ts";

/** Heartbeats that must fail to come before a board counts as silent: one may be lost, one late. */
const HEARTBEATS_MISSED = 3;

/** Notices a board that has stopped talking over a line that is there: it hangs, or it was halted. */
export class Silence {
  #heardMs: number | undefined;

  /** Takes what a link's subscribers get. A line that comes or goes begins the wait anew. */
  take(items: readonly LinkItem[], nowMs: number): void {
    if (items.length > 0) this.#heardMs = items.at(-1)?.kind === "disconnected" ? undefined : nowMs;
  }

  /** Milliseconds since the last frame where a heartbeat is overdue; undefined where the board talks or was never heard. */
  silentMs(nowMs: number): number | undefined {
    const ms = nowMs - (this.#heardMs ?? nowMs);
    return ms > HEARTBEATS_MISSED * HEARTBEAT_MS ? ms : undefined;
  }
}
