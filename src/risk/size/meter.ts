/** Counts what a search takes, and ends it where that is enough. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Why a search ended before it had an answer. */
export type StopReason = "interrupted" | "runs" | "cpu";

/** Ends a search from within. */
export class SearchStopped extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`the search was ended: ${reason}`);
    this.reason = reason;
  }
}

export interface MeterOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of all allocators together; no limit by default. */
  readonly runsMost?: number | undefined;
  readonly cpuMostUs?: number | undefined;
  /** Called between batches of runs. */
  readonly onProgress?: ((runs: number) => void) | undefined;
}

/** Milliseconds after which others get their turn: signals, the progress line. */
const TURN_MS = 50;

export class Meter {
  /** Runs that were begun. */
  runs = 0;
  readonly #options: MeterOptions;
  readonly #cpuStartUs = cpuUs();
  #turnMs = performance.now();

  constructor(options: MeterOptions = {}) {
    this.#options = options;
  }

  /** Processor time since the meter was made. Decides only whether a search ends, never what it finds. */
  get cpuUs(): number {
    return cpuUs() - this.#cpuStartUs;
  }

  /** To call in front of each run. Throws `SearchStopped`. */
  beginRun(): void {
    if (this.runs >= (this.#options.runsMost ?? Number.POSITIVE_INFINITY)) throw new SearchStopped("runs");
    this.runs++;
  }

  /** To call after each batch of a run. Throws `SearchStopped`. */
  async breathe(): Promise<void> {
    const { signal, cpuMostUs, onProgress } = this.#options;
    if (performance.now() - this.#turnMs >= TURN_MS) {
      onProgress?.(this.runs);
      await nextTurn();
      this.#turnMs = performance.now();
    }
    if (signal?.aborted) throw new SearchStopped("interrupted");
    if (cpuMostUs !== undefined && this.cpuUs > cpuMostUs) throw new SearchStopped("cpu");
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
