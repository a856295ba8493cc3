import { HeapsoakError } from "../../errors.ts";
import { CellThread, type ChunkOutcome, ThreadDied } from "./cell-thread.ts";
import type { ThreadSetup } from "./thread-protocol.ts";
import type { Chunk, WorkList } from "./work-list.ts";

export interface LaneOptions {
  readonly setup: ThreadSetup;
  readonly jobs: number;
  readonly work: WorkList;
  readonly deliver: (chunk: Chunk, outcome: ChunkOutcome) => void;
  /** What the user is to know, a line each. */
  readonly tell: (remark: string) => void;
  readonly signal: AbortSignal;
  /** The threads' program; heapsoak's own by default. */
  readonly program?: URL;
}

/** A chunk that takes its worker with it so many times is not tried again. */
const DEATHS_MOST = 3;

/** Worker threads side by side, until the work is done or the signal comes. */
export class Lanes {
  readonly #options: LaneOptions;
  readonly #threads = new Set<CellThread>();
  /** By the first run of the chunk. */
  readonly #deaths = new Map<string, number>();
  #failure: unknown;
  #open = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Throws what a worker refuses to do, and `worker-died` where the same runs take one worker after the other. */
  async run(): Promise<void> {
    const { jobs, signal } = this.#options;
    const stop = () => this.#terminateAll();
    signal.addEventListener("abort", stop);
    try {
      this.#open = jobs;
      await Promise.all(Array.from({ length: jobs }, () => this.#runLane()));
    } finally {
      signal.removeEventListener("abort", stop);
      await this.#terminateAll();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #runLane(): Promise<void> {
    let thread: CellThread | undefined;
    let before: number | undefined;
    while (this.#goesOn) {
      const chunk = this.#options.work.next(this.#open, before);
      if (!chunk) break;
      thread = thread && !thread.isDead ? thread : this.#startThread();
      before = chunk.cell;
      if (!(await this.#runChunk(thread, chunk))) break;
    }
    this.#open--;
  }

  get #goesOn(): boolean {
    return this.#failure === undefined && !this.#options.signal.aborted;
  }

  #startThread(): CellThread {
    const thread = new CellThread(this.#options.setup, this.#options.program);
    this.#threads.add(thread);
    return thread;
  }

  /** Whether the lane goes on. */
  async #runChunk(thread: CellThread, chunk: Chunk): Promise<boolean> {
    try {
      const outcome = await thread.run(chunk);
      this.#options.work.timed(chunk, outcome.ms);
      this.#options.deliver(chunk, outcome);
      return true;
    } catch (error) {
      if (!this.#goesOn) return false;
      if (error instanceof ThreadDied) return this.#outlive(thread, chunk, error);
      if (isForWantOfMemory(error) && this.#open > 1) return this.#giveUpLane(chunk, error);
      await this.#fail(error);
      return false;
    }
  }

  /** The chunk is done again, on a new thread. */
  #outlive(thread: CellThread, chunk: Chunk, { message }: ThreadDied): boolean {
    this.#threads.delete(thread);
    const key = `${chunk.cell} ${chunk.runs[0]}`;
    const deaths = (this.#deaths.get(key) ?? 0) + 1;
    this.#deaths.set(key, deaths);
    if (deaths >= DEATHS_MOST) {
      void this.#fail(diedAgain(chunk, message));
      return false;
    }
    this.#options.tell(
      `a worker is gone (${message}); its ${runsText(chunk)} ${chunk.runs.length === 1 ? "is" : "are"} run again.`,
    );
    this.#options.work.giveBack(chunk);
    return true;
  }

  #giveUpLane(chunk: Chunk, { message }: HeapsoakError): boolean {
    this.#options.tell(`${message} Going on with ${this.#open - 1} workers.`);
    this.#options.work.giveBack(chunk);
    return false;
  }

  async #fail(error: unknown): Promise<void> {
    this.#failure ??= error;
    await this.#terminateAll();
  }

  async #terminateAll(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }
}

function isForWantOfMemory(error: unknown): error is HeapsoakError {
  return error instanceof HeapsoakError && error.code === "cannot-reserve-memory";
}

function diedAgain(chunk: Chunk, reason: string): HeapsoakError {
  return new HeapsoakError(
    "worker-died",
    `${DEATHS_MOST} workers have come to their end at the ${runsText(chunk)} of cell ${chunk.cell}: ${reason}.`,
    { hint: "Fewer --jobs leave more memory for each." },
  );
}

function runsText({ runs }: Chunk): string {
  const [first] = runs;
  return runs.length === 1 ? `run ${first}` : `${runs.length} runs from ${first} on`;
}
