import type { Timers } from "../../src/board/commands/exchange.ts";

/** Turns of the event loop in which nothing happened: then whoever waits has waited long enough. */
const IDLE_TURNS = 12;

interface Due {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that jumps to the next timer once everything in the process has come to rest. */
export class QuickTimers implements Timers {
  #nowMs = 0;
  #due: Due[] = [];
  #turns = 0;
  #isRunning = false;

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const due = { atMs: this.#nowMs + ms, callback };
    this.#due.push(due);
    this.#turns = 0;
    if (!this.#isRunning) setImmediate(() => this.#turn());
    this.#isRunning = true;
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  #turn(): void {
    if (++this.#turns >= IDLE_TURNS) this.#jump();
    this.#isRunning = this.#due.length > 0;
    if (this.#isRunning) setImmediate(() => this.#turn());
  }

  #jump(): void {
    const [next] = this.#due.toSorted((a, b) => a.atMs - b.atMs);
    if (!next) return;
    this.#due = this.#due.filter((other) => other !== next);
    this.#nowMs = next.atMs;
    this.#turns = 0;
    next.callback();
  }
}
