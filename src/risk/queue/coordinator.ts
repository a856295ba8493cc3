import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Queue } from "bullmq";
import { HeapsoakError } from "../../errors.ts";
import type { QueuedWork, QueueRunner } from "../campaign/executor.ts";
import { campaignDigest } from "../campaign/identity.ts";
import type { FinishedRun } from "../campaign/result-lines.ts";
import type { Chunk } from "../campaign/work-list.ts";
import { KEY_PREFIX, Noticeboard, queueName, SIGN_MS } from "./noticeboard.ts";
import type { QueueAddress } from "./queue-address.ts";
import { type LinkOptions, loadBullmq, RedisLink } from "./redis-link.ts";
import { settlesWithin } from "./settles-within.ts";

/** What a worker is given. */
export type JobData = Chunk;

const LOOK_MS = 100;
/** Chunks that wait or are being run, for each thread of the workers. */
const CHUNKS_EACH = 3;
const CHUNKS_LEAST = 16;
/** A chunk is given to so many workers, one after the other, before it counts as impossible. */
const ATTEMPTS = 3;
const LONELY_MS = 10_000;

/** Hands the runs of a campaign to the workers of the queue, and collects what they finish. */
export function queueRunner(address: QueueAddress, options: LinkOptions): QueueRunner {
  return async (work) => {
    const link = await RedisLink.open(address, options);
    try {
      await new Coordinator(link, work, options).run(await loadBullmq());
    } catch (error) {
      throw link.lost(error);
    } finally {
      link.close();
    }
  };
}

/** Without its server BullMQ may wait for ever. */
const FAREWELL_MS = 3000;

/** One campaign on the queue. */
class Coordinator {
  readonly #work: QueuedWork;
  readonly #board: Noticeboard;
  readonly #link: RedisLink;
  readonly #digest: string;
  readonly #token = randomUUID();
  readonly #tell: (remark: string) => void;
  /** Chunks that are not finished, by job. */
  readonly #outstanding = new Map<string, Chunk>();
  #signedMs = Number.NEGATIVE_INFINITY;
  #threads = 0;
  #lonelySinceMs: number | undefined;

  constructor(link: RedisLink, work: QueuedWork, { tell }: LinkOptions) {
    this.#link = link;
    this.#work = work;
    this.#board = new Noticeboard(link.redis);
    this.#digest = campaignDigest(work.identity);
    this.#tell = tell;
  }

  async run({ Queue }: typeof import("bullmq")): Promise<void> {
    await this.#takeOver();
    const queue = new Queue<JobData>(queueName(this.#digest), {
      connection: this.#link.redis,
      prefix: KEY_PREFIX,
      defaultJobOptions: { attempts: ATTEMPTS, removeOnComplete: true, removeOnFail: false },
    });
    queue.on("error", () => {}); // the link tells
    try {
      await queue.obliterate({ force: true }); // what an earlier coordinator has left
      for await (const runs of this.#board.allOutcomes(this.#digest)) await this.#collect(runs);
      await this.#handOut(queue);
      await queue.obliterate({ force: true });
      if (this.#work.signal.aborted) await this.#board.pause(this.#digest);
      else await this.#board.remove(this.#digest);
    } finally {
      await settlesWithin(FAREWELL_MS, queue.close());
    }
  }

  /** Waits until no other process coordinates this campaign. */
  async #takeOver(): Promise<void> {
    let told = false;
    while (!(await this.#board.coordinate(this.#digest, this.#token, this.#work)) && !this.#work.signal.aborted) {
      if (!told) this.#tell("another process runs this campaign on the queue, or did just now; waiting for its end.");
      told = true;
      await sleep(1000);
    }
  }

  async #handOut(queue: Queue<JobData>): Promise<void> {
    while (!this.#work.signal.aborted) {
      await this.#sign(queue);
      await this.#fill(queue);
      if (this.#outstanding.size === 0) return;
      if ((await this.#collectDone()) === 0) await sleep(LOOK_MS);
    }
  }

  async #fill(queue: Queue<JobData>): Promise<void> {
    const most = Math.max(CHUNKS_LEAST, CHUNKS_EACH * this.#threads);
    const added: { name: string; data: JobData; opts: { jobId: string } }[] = [];
    while (this.#outstanding.size < most) {
      const chunk = this.#work.list.next(Math.max(this.#threads, 1));
      if (!chunk) break;
      const job = jobId(chunk);
      this.#outstanding.set(job, chunk);
      added.push({ name: "runs", data: chunk, opts: { jobId: job } });
    }
    if (added.length > 0) await queue.addBulk(added);
  }

  async #collectDone(): Promise<number> {
    const done = await this.#board.takeDone(this.#digest);
    for (const { job, ms } of done) {
      const chunk = this.#outstanding.get(job);
      if (!chunk) continue;
      this.#work.list.timed(chunk, ms);
      await this.#collectChunk(job, chunk);
    }
    return done.length;
  }

  /** Takes what there is of a chunk; what is missing is handed out again. */
  async #collectChunk(job: string, { cell, runs }: Chunk): Promise<void> {
    this.#outstanding.delete(job);
    const found = await this.#board.outcomes(this.#digest, cell, runs);
    await this.#collect(found);
    const present = new Set(found.map(({ run }) => run));
    const missing = runs.filter((run) => !present.has(run));
    if (missing.length > 0) this.#work.list.giveBack({ cell, runs: missing });
  }

  async #collect(runs: readonly FinishedRun[]): Promise<void> {
    this.#work.deliver(runs);
    if (this.#work.keepsRuns) await this.#board.forget(this.#digest, runs);
  }

  /** Now and then: a sign of life, who else is there, and what has gone wrong. */
  async #sign(queue: Queue<JobData>): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#signedMs < SIGN_MS) return;
    this.#signedMs = nowMs;
    if (!(await this.#board.coordinate(this.#digest, this.#token, this.#work))) throw this.#displaced();
    this.#threads = await this.#board.threads(this.#digest);
    this.#work.setWorkers(this.#threads);
    this.#sayLonely(nowMs);
    for (const job of await queue.getFailed()) if (job) throw refusal(job.failedReason);
    await this.#findLost(queue);
  }

  /** A server that was started anew has forgotten its jobs. */
  async #findLost(queue: Queue<JobData>): Promise<void> {
    for (const [job, chunk] of [...this.#outstanding]) {
      if ((await queue.getJob(job)) === undefined) await this.#collectChunk(job, chunk);
    }
  }

  #sayLonely(nowMs: number): void {
    if (this.#threads > 0) this.#lonelySinceMs = undefined;
    else if (this.#lonelySinceMs === undefined) this.#lonelySinceMs = nowMs;
    else if (nowMs - this.#lonelySinceMs >= LONELY_MS) {
      this.#tell(`no worker is at the queue. Start some: heapsoak worker --queue ${this.#link.address.shown}`);
      this.#lonelySinceMs = Number.POSITIVE_INFINITY; // said once
    }
  }

  #displaced(): HeapsoakError {
    return new HeapsoakError("queue-lost", "Another process has taken this campaign over.", {
      hint: "What was finished is kept.",
    });
  }
}

/** The same chunk has the same name, whoever makes it. */
function jobId({ cell, runs }: Chunk): string {
  const digest = createHash("sha256").update(runs.join(" ")).digest("hex");
  return `${cell}-${runs[0]}-${digest.slice(0, 16)}`;
}

function refusal(reason: string): HeapsoakError {
  return new HeapsoakError("worker-died", `The workers cannot run a part of this campaign: ${reason}`, {
    hint: "What was finished is kept.",
  });
}
