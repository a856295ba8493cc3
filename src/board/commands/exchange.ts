/** One command and its answer over a line that loses, damages and delays. */
import { HeapsoakError } from "../../errors.ts";
import type { BoardLink, LinkItem } from "../link/link.ts";
import type { BoardCommand, FrameOf } from "../wire/messages.ts";
import { FRAME_TYPES, REFUSALS } from "../wire/protocol.ts";

/** Time, to be replaced in tests. */
export interface Timers {
  /** Milliseconds from any origin. */
  nowMs(): number;
  /** Calls back once after the time; the returned function calls it off. */
  after(ms: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** What an item is to a question: its answer, a part of it (the wait begins anew), or nothing to do with it. */
export type Taken<T> = { readonly answer: T } | "part" | undefined;

/** A command that is repeated until it is answered. What `take` throws, `ask` rejects with. */
export interface Question<T> {
  /** The command to send; asked anew for each attempt, from 0. */
  readonly command: (attempt: number) => BoardCommand;
  readonly take: (item: LinkItem) => Taken<T>;
  /** Fixed milliseconds between attempts; by default as answers to such commands have taken so far. */
  readonly waitMs?: number;
  /** Attempts; 8 by default. */
  readonly attempts?: number;
}

const ATTEMPTS = 8;
const FIRST_WAIT_MS = 1000;
const LEAST_WAIT_MS = 150;
const MOST_WAIT_MS = 4000;

/**
 * Asks questions one at a time. How long it waits for an answer follows from how long answers took (the mean and
 * four times the mean deviation, as RFC 6298 does for TCP); a wait that was in vain doubles the next one.
 */
export class Exchange {
  /** Commands that were sent again. */
  retries = 0;
  readonly #link: BoardLink;
  readonly #timers: Timers;
  readonly #waits = new Map<string, AnswerTime>();
  #offer: ((item: LinkItem) => boolean) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(link: BoardLink, timers: Timers) {
    this.#link = link;
    this.#timers = timers;
  }

  /** Shows an item to the question that waits; whether it was an answer or a part of one. */
  offer(item: LinkItem): boolean {
    try {
      return this.#offer?.(item) ?? false;
    } catch (error) {
      // What a question makes of an answer concerns who asked, not who read the line.
      this.fail(error as Error);
      return true;
    }
  }

  /** Ends the question that waits. */
  fail(error: Error): void {
    this.#fail?.(error);
  }

  /** The answer, or undefined where no attempt brought one. Rejects with what `fail` or the link says. */
  async ask<T>(question: Question<T>): Promise<T | undefined> {
    const { attempts = ATTEMPTS } = question;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) this.retries++;
      const answer = await this.#attempt(question, attempt);
      if (answer) return answer.answer;
    }
    return undefined;
  }

  async #attempt<T>({ command, take, waitMs }: Question<T>, attempt: number): Promise<{ answer: T } | undefined> {
    const sent = command(attempt);
    const time = this.#timeOf(sent.kind);
    const startMs = this.#timers.nowMs();
    const answer = await this.#wait(sent, take, waitMs ?? time.waitMs);
    if (!answer) time.missed();
    // An answer to a repeated command may be that to the first one.
    else if (attempt === 0) time.took(this.#timers.nowMs() - startMs);
    return answer;
  }

  #wait<T>(command: BoardCommand, take: (item: LinkItem) => Taken<T>, waitMs: number) {
    return new Promise<{ answer: T } | undefined>((resolve, reject) => {
      const end = () => {
        cancel();
        this.#offer = undefined;
        this.#fail = undefined;
      };
      const wait = () =>
        this.#timers.after(waitMs, () => {
          end();
          resolve(undefined);
        });
      let cancel = wait();
      this.#fail = (error) => {
        end();
        reject(error);
      };
      this.#offer = (item) => {
        const taken = take(item);
        if (taken === "part") {
          cancel();
          cancel = wait();
        } else if (taken) {
          end();
          resolve(taken);
        }
        return taken !== undefined;
      };
      this.#link.send(command).catch((error: Error) => {
        // A port that is away may come back: then the next attempt reaches the board.
        if (!(error instanceof HeapsoakError && error.code === "board-unreachable")) this.#fail?.(error);
      });
    });
  }

  #timeOf(kind: string): AnswerTime {
    const known = this.#waits.get(kind) ?? new AnswerTime();
    this.#waits.set(kind, known);
    return known;
  }
}

/** How long answers take. */
class AnswerTime {
  #meanMs: number | undefined;
  #deviationMs = 0;
  #waitMs = FIRST_WAIT_MS;

  get waitMs(): number {
    return this.#waitMs;
  }

  took(ms: number): void {
    const meanMs = this.#meanMs ?? ms;
    const deviationMs = this.#meanMs === undefined ? ms / 2 : Math.abs(ms - meanMs);
    this.#deviationMs += (deviationMs - this.#deviationMs) / 4;
    this.#meanMs = meanMs + (ms - meanMs) / 8;
    this.#waitMs = within(this.#meanMs + 4 * this.#deviationMs);
  }

  missed(): void {
    this.#waitMs = within(2 * this.#waitMs);
  }
}

function within(ms: number): number {
  return Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, ms));
}

/** The refusal of a command of that kind, or undefined. */
export function refusalOf(item: LinkItem, kind: BoardCommand["kind"]): keyof typeof REFUSALS | undefined {
  if (item.kind !== "refusal" || item.command !== FRAME_TYPES[kind]) return undefined;
  return reasonOf(item);
}

function reasonOf({ reason }: FrameOf<"refusal">): keyof typeof REFUSALS {
  const names = Object.keys(REFUSALS) as (keyof typeof REFUSALS)[];
  return names.find((name) => REFUSALS[name] === reason) ?? "unknown";
}
