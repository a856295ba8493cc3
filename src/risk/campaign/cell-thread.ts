import { Worker } from "node:worker_threads";
import { HeapsoakError } from "../../errors.ts";
import { compiledModules, coreDigest, coreModule } from "../../wasm/module.ts";
import type { RunOutcome } from "../run/outcome.ts";
import type { PackedCells } from "./packed-cells.ts";
import type { ThreadReply, ThreadSetup } from "./thread-protocol.ts";
import type { Chunk } from "./work-list.ts";

/** What came of a chunk, in the order of its runs. */
export interface ChunkOutcome {
  readonly outcomes: readonly RunOutcome[];
  /** Time it took the worker. */
  readonly ms: number;
}

/** A worker that is gone: out of memory, or ended from outside. What it had is to be done again. */
export class ThreadDied extends Error {
  override readonly name = "ThreadDied";
}

/** Where the thread's program is. */
const PROGRAM = new URL("./thread.js", import.meta.url);

/** What all threads of a campaign share. */
export function threadSetup(cells: PackedCells, baseSeed: bigint): ThreadSetup {
  coreModule("soak");
  coreModule("exact");
  return { modules: compiledModules(), core: coreDigest(), cells, baseSeed };
}

/** A worker thread that runs one chunk after the other. */
export class CellThread {
  readonly #worker: Worker;
  #waiting: { resolve(outcome: ChunkOutcome): void; reject(error: Error): void } | undefined;
  #end: ThreadDied | undefined;

  constructor(setup: ThreadSetup, program: URL = PROGRAM) {
    this.#worker = new Worker(program, { workerData: setup });
    this.#worker.on("message", (reply: ThreadReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#die(reasonOf(error)));
    this.#worker.on("exit", (code) => this.#die(`it ended with exit code ${code}`));
  }

  get isDead(): boolean {
    return this.#end !== undefined;
  }

  /** Runs a chunk; one at a time. Rejects with `ThreadDied`, or what is wrong with the cell as `HeapsoakError`. */
  run(chunk: Chunk): Promise<ChunkOutcome> {
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(chunk);
    });
  }

  /** Ends it, also in the midst of a run. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (reply.kind === "outcomes") waiting?.resolve(reply);
    else waiting?.reject(errorOf(reply));
  }

  #die(reason: string): void {
    this.#end ??= new ThreadDied(reason);
    this.#waiting?.reject(this.#end);
    this.#waiting = undefined;
  }
}

function errorOf(reply: Exclude<ThreadReply, { kind: "outcomes" }>): Error {
  if (reply.kind === "refusal") {
    return new HeapsoakError(reply.code, reply.message, reply.hint === undefined ? {} : { hint: reply.hint });
  }
  const error = new Error("A worker thread has met a mistake of heapsoak's own.");
  error.stack = reply.stack;
  return error;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_WORKER_OUT_OF_MEMORY" ? "it ran out of memory" : `it failed: ${message}`;
}
