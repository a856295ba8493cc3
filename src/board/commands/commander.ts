/** Has a board's allocator carry out operations, and reads back what they left. */
import { HeapsoakError } from "../../errors.ts";
import { formatAddress } from "../../quantities.ts";
import type { BoardLink, LinkItem } from "../link/link.ts";
import type { BoardFigures, BoardIdentity, BoardOperation, BoardResult } from "../wire/messages.ts";
import type { REFUSALS } from "../wire/protocol.ts";
import { batchOperationsMost, placeOperations } from "./batches.ts";
import { Exchange, type Question, refusalOf, systemTimers, type Taken, type Timers } from "./exchange.ts";
import { noAgentError } from "./no-agent.ts";

export interface CommanderOptions {
  /** What arrives and answers no question: events of the firmware, logs, gaps, heartbeats. */
  readonly onItem?: (item: LinkItem) => void;
  readonly timers?: Timers;
}

/** Milliseconds between two `hello`, and until a board is given up that answers none. */
const HELLO_MS = 100;
const IDENTIFY_MS = 5000;
/** Until a restarted board is asked whether it has started, and how often. */
const RESTART_MS = 500;
const RESTARTS_MOST = 3;
/** Bytes asked for at a time. */
const READ_BYTES = 8192;
const BATCH_NUMBERS = 0xffff;

type Refusal = keyof typeof REFUSALS;

/** What came of a batch: its results, or that the agent has never seen it, or cannot take one as long. */
type BatchAnswer = { readonly results: readonly BoardResult[] } | "not-seen" | "too-large";

/**
 * Commands a board's agent, one command at a time. A batch has a number under which the board carries it out once,
 * however often it arrives: what the line loses is asked for again. A board that restarts meanwhile is noticed by
 * its nonce and ends what is going on with `board-rebooted`; one that stays silent, with `board-silent`; a command
 * that the agent does not take, with `board-refused`.
 */
export class BoardCommander {
  readonly #link: BoardLink;
  readonly #exchange: Exchange;
  readonly #onItem: (item: LinkItem) => void;
  readonly #unsubscribe: () => void;
  #identity: BoardIdentity | undefined;
  /** While the board may start anew, other nonces are no surprise. */
  #restarting = false;
  /** The line was interrupted: is it still the same boot of the same board? */
  #doubtful = false;
  #batch = 0;
  #batchOperations = 0;

  constructor(link: BoardLink, { onItem = () => undefined, timers = systemTimers }: CommanderOptions = {}) {
    this.#link = link;
    this.#exchange = new Exchange(link, timers);
    this.#onItem = onItem;
    this.#unsubscribe = link.subscribe((items) => {
      for (const item of items) this.#take(item);
    });
  }

  /** What the board last said of itself. Throws `no-agent` before it was identified. */
  get identity(): BoardIdentity {
    if (this.#identity) return this.#identity;
    throw new HeapsoakError("no-agent", "The board has not been identified yet.");
  }

  /** Operations in a batch, as many as the agent takes. Throws `board-refused` where it takes none. */
  get batchOperations(): number {
    this.#requireCommands();
    return this.#batchOperations;
  }

  /** Commands that were sent again because no answer came. */
  get retries(): number {
    return this.#exchange.retries;
  }

  /** Listens no more; the link stays open. */
  close(): void {
    this.#unsubscribe();
  }

  /**
   * Says hello until the board answers. Throws `no-agent` with what arrived instead: nothing, bytes that are no
   * frames, or frames of another version of the protocol.
   */
  async identify({ timeoutMs = IDENTIFY_MS }: { timeoutMs?: number } = {}): Promise<BoardIdentity> {
    const before = { ...this.#link.counters };
    const found = await this.#hello(Math.ceil(timeoutMs / HELLO_MS), this.#identity?.nonce);
    if (!found) throw noAgentError(this.#link, before, timeoutMs);
    return found;
  }

  /** Makes sure that the board has not restarted since it was identified. Throws `board-rebooted`, `board-silent`. */
  async confirm(): Promise<BoardIdentity> {
    const { nonce } = this.identity;
    return (await this.#hello(IDENTIFY_MS / HELLO_MS, nonce)) ?? this.#silent("hello");
  }

  /** Restarts the board and waits for it. Throws `board-silent`, `board-refused`. */
  async restart(): Promise<BoardIdentity> {
    const { nonce } = this.identity;
    this.#restarting = true;
    try {
      for (let attempt = 0; attempt < RESTARTS_MOST; attempt++) {
        await this.#ask({
          command: () => ({ kind: "restart" }),
          take: (item) => this.#newBoot(item, nonce),
          waitMs: RESTART_MS,
          attempts: 1,
        });
        // Asked again also where `boot` has arrived: an earlier command may restart the board once more.
        const found = await this.#hello(IDENTIFY_MS / HELLO_MS);
        if (found && found.nonce !== nonce) return found;
      }
    } finally {
      this.#restarting = false;
    }
    return this.#silent("restart");
  }

  /**
   * Runs the operations on the board's allocator, in order and each exactly once. References are indices into
   * `operations`. Throws also `board-refused` where the agent does not know an operation.
   */
  async run(operations: readonly BoardOperation[]): Promise<readonly BoardResult[]> {
    this.#requireCommands();
    const results: BoardResult[] = [];
    while (results.length < operations.length) {
      const end = Math.min(operations.length, results.length + this.#batchOperations);
      const batch = placeOperations(operations, results, end);
      const answer = await this.#runBatch(batch);
      if (answer === "too-large") this.#batchOperations = Math.ceil(batch.length / 2);
      else results.push(...answer);
    }
    return results;
  }

  /** A copy of the board's RAM. `progress` is told the bytes that have arrived. Throws `board-refused` out of range. */
  async readMemory(address: number, bytes: number, progress?: (bytes: number) => void): Promise<Uint8Array> {
    this.#requireCommands();
    const image = new Uint8Array(bytes);
    let done = 0;
    while (done < bytes) {
      const part = image.subarray(done, Math.min(bytes, done + READ_BYTES));
      done += await this.#readPart(address + done, part);
      progress?.(done);
    }
    return image;
  }

  /** The allocator's own figures; undefined where the firmware reports none. */
  async statistics(): Promise<BoardFigures | undefined> {
    return this.#figures("readStatistics", (item) => (item.kind === "statistics" ? item.figures : undefined));
  }

  /** The allocator's static variables in the order of `AllocatorEntry.statics`; undefined where the firmware gives none. */
  async statics(): Promise<readonly number[] | undefined> {
    return this.#figures("readStatics", (item) => (item.kind === "statics" ? item.words : undefined));
  }

  #take(item: LinkItem): void {
    if (item.kind === "disconnected" || (item.kind === "gap" && !item.certain)) this.#doubtful = true;
    this.#watchNonce(item);
    if (!this.#exchange.offer(item)) this.#onItem(item);
  }

  /** A boot that nobody asked for ends what is going on. */
  #watchNonce(item: LinkItem): void {
    if (item.kind !== "boot" && item.kind !== "identity" && item.kind !== "heartbeat") return;
    const known = this.#identity?.nonce;
    if (known === undefined || this.#restarting || item.nonce === known) return;
    this.#doubtful = true;
    this.#exchange.fail(rebooted(this.#link.path));
  }

  async #hello(attempts: number, nonce?: number): Promise<BoardIdentity | undefined> {
    const found = await this.#exchange.ask<BoardIdentity>({
      command: () => ({ kind: "hello" }),
      // Not `boot`: what it says may be out of date when the firmware comes to listen.
      take: (item) => (item.kind === "identity" ? { answer: item } : undefined),
      waitMs: HELLO_MS,
      attempts,
    });
    if (!found) return undefined;
    if (nonce !== undefined && found.nonce !== nonce) throw rebooted(this.#link.path);
    if (this.#identity?.nonce !== found.nonce) {
      this.#batch = 0;
      this.#batchOperations = batchOperationsMost(found);
    }
    this.#identity = found;
    this.#doubtful = false;
    return found;
  }

  #newBoot(item: LinkItem, nonce: number): Taken<true> {
    refuse(refusalOf(item, "restart"), "restart");
    const starts = item.kind === "boot" || item.kind === "identity";
    return starts && item.nonce !== nonce ? { answer: true } : undefined;
  }

  /** Asks; where the line was interrupted, makes sure first that it is still the same boot. */
  async #ask<T>(question: Question<T>): Promise<T | undefined> {
    if (this.#doubtful && !this.#restarting) await this.confirm();
    return this.#exchange.ask(question);
  }

  async #runBatch(operations: readonly BoardOperation[]): Promise<readonly BoardResult[] | "too-large"> {
    if (this.#batch === 0) this.#batch = await this.#unusedNumber();
    const batch = this.#batch;
    for (let sent = 0; sent < RESTARTS_MOST * RESTARTS_MOST; sent++) {
      const answer = await this.#askBatch(batch, operations);
      if (answer === "not-seen") {
        // Only from the same boot: a board that has restarted would carry it out on a fresh heap.
        await this.confirm();
        continue;
      }
      this.#batch = nextNumber(batch);
      if (answer === "too-large") return tooLarge(operations);
      if (answer.results.length === operations.length) return answer.results;
      throw wrongAnswer(batch, operations.length, answer.results.length);
    }
    return this.#silent("batch");
  }

  async #askBatch(batch: number, operations: readonly BoardOperation[]): Promise<BatchAnswer> {
    const answer = await this.#ask<BatchAnswer>({
      command: (attempt) =>
        attempt === 0
          ? { kind: "batch", batch, count: operations.length, reserved: 0, operations }
          : { kind: "repeatResults", batch },
      take: (item) => {
        if (item.kind === "results" && item.batch === batch) return { answer: { results: item.results } };
        const refusal = refusalOf(item, "batch") ?? refusalOf(item, "repeatResults");
        if (refusal === "batchUnknown") return { answer: "not-seen" };
        if (refusal === "tooLarge") return { answer: "too-large" };
        if (refusal === "resultsLost") throw resultsLost(this.#link.path);
        return refuse(refusal, "batch");
      },
    });
    return answer ?? this.#silent("batch");
  }

  /** A number that is not the last batch's, which an earlier session may have sent. */
  async #unusedNumber(): Promise<number> {
    const seen = await this.#ask<boolean>({
      command: () => ({ kind: "repeatResults", batch: 1 }),
      take: (item) => {
        if (item.kind === "results" && item.batch === 1) return { answer: true };
        const refusal = refusalOf(item, "repeatResults");
        if (refusal === "resultsLost") return { answer: true };
        return refusal === "batchUnknown" ? { answer: false } : refuse(refusal, "batch");
      },
    });
    if (seen === undefined) return this.#silent("repeatResults");
    return seen ? 2 : 1;
  }

  /** Fills `part` from its beginning; returns how many bytes there are without a hole, at least one. */
  async #readPart(address: number, part: Uint8Array): Promise<number> {
    const held = new Uint8Array(part.length);
    const missing = () => {
      const first = held.indexOf(0);
      return first < 0 ? part.length : first;
    };
    const done = await this.#ask<number>({
      command: () => ({ kind: "readMemory", address: address + missing(), bytes: part.length - missing() }),
      take: (item) => {
        refuse(refusalOf(item, "readMemory"), `${part.length} bytes at ${formatAddress(address)}`);
        if (item.kind !== "memory") return undefined;
        const offset = item.address - address;
        if (!keep(part, held, offset, item.data)) return undefined;
        // Frames ascend: behind the last one, what is missing was lost.
        const isLast = offset + item.data.length >= part.length;
        return isLast && missing() > 0 ? { answer: missing() } : "part";
      },
    });
    return done ?? (missing() || this.#silent("readMemory"));
  }

  async #figures<T>(
    kind: "readStatistics" | "readStatics",
    read: (item: LinkItem) => T | undefined,
  ): Promise<T | undefined> {
    this.#requireCommands();
    const found = await this.#ask<T | "none">({
      command: () => ({ kind }),
      take: (item) => {
        const refusal = refusalOf(item, kind);
        if (refusal === "unsupported" || refusal === "unknown") return { answer: "none" };
        const answer = read(item) ?? refuse(refusal, kind);
        return answer && { answer };
      },
    });
    if (found === undefined) return this.#silent(kind);
    return found === "none" ? undefined : found;
  }

  #requireCommands(): void {
    const [board = "", build = ""] = this.identity.names;
    if (this.#batchOperations > 0) return;
    throw new HeapsoakError("board-refused", `The agent on ${board || "the board"} (${build}) takes no commands.`, {
      hint: "Build the firmware with the agent's command mode: see firmware-scenarios/board-agent/README.md.",
    });
  }

  #silent(command: string): never {
    throw new HeapsoakError("board-silent", `${this.#link.path}: the board does not answer any more (${command}).`, {
      hint: "Does the firmware still run, and is the line still connected?",
    });
  }
}

/** Copies the data into the part at the offset, as far as it lies inside; whether any of it did. */
function keep(part: Uint8Array, held: Uint8Array, offset: number, data: Uint8Array): boolean {
  const from = Math.max(0, -offset);
  const inside = data.subarray(from, Math.max(from, Math.min(data.length, part.length - offset)));
  if (inside.length === 0) return false;
  part.set(inside, offset + from);
  held.fill(1, offset + from, offset + from + inside.length);
  return true;
}

const REASONS: Readonly<Record<Refusal, string>> = {
  unknown: "the agent does not know the command",
  batchUnknown: "the agent does not know the batch",
  outOfRange: "it lies outside what the firmware lets be read",
  unsupported: "the firmware was built without what it needs",
  tooLarge: "the answer would never fit the agent's ring",
  resultsLost: "it was carried out, but its results are no longer kept",
};

/** Throws `board-refused` for a refusal; without one, nothing. */
function refuse(refusal: Refusal | undefined, what: string): undefined {
  if (refusal === undefined) return undefined;
  throw new HeapsoakError("board-refused", `The board refused ${what}: ${REASONS[refusal]}.`);
}

function tooLarge(operations: readonly BoardOperation[]): "too-large" {
  if (operations.length === 1) refuse("tooLarge", "a batch of one operation");
  return "too-large";
}

function wrongAnswer(batch: number, expected: number, found: number): HeapsoakError {
  return new HeapsoakError(
    "board-refused",
    `The board answered batch ${batch} of ${expected} operations with ${found} results.`,
  );
}

/** What the board did is known to nobody then. */
function resultsLost(path: string): HeapsoakError {
  return new HeapsoakError(
    "board-silent",
    `${path}: the board has given up the results of a batch that it carried out.`,
  );
}

function rebooted(path: string): HeapsoakError {
  return new HeapsoakError("board-rebooted", `${path}: the board has restarted.`, {
    hint: "Does its watchdog need to be fed, or does its supply break down?",
  });
}

/** Batch numbers count from 1 to 65,535 and around. */
function nextNumber(batch: number): number {
  return (batch % BATCH_NUMBERS) + 1;
}
