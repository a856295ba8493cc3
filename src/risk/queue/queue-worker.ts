import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Worker } from "bullmq";
import { z } from "zod";
import { HeapsoakError } from "../../errors.ts";
import { packageVersion } from "../../version.ts";
import { coreDigest } from "../../wasm/module.ts";
import { CellThread, threadSetup } from "../campaign/cell-thread.ts";
import { campaignDigest, identityOf, shortDigest } from "../campaign/identity.ts";
import type { PackedCells } from "../campaign/packed-cells.ts";
import type { ThreadSetup } from "../campaign/thread-protocol.ts";
import type { JobData } from "./coordinator.ts";
import { KEY_PREFIX, Noticeboard, type PostedCampaign, queueName, SIGN_MS } from "./noticeboard.ts";
import type { QueueAddress } from "./queue-address.ts";
import { type LinkOptions, loadBullmq, RedisLink } from "./redis-link.ts";
import { settlesWithin } from "./settles-within.ts";

export interface QueueWorkerOptions extends LinkOptions {
  /** Threads. */
  readonly jobs: number;
  /** End with the first campaign, instead of waiting for more. */
  readonly once: boolean;
  readonly signal: AbortSignal;
}

const LOOK_MS = 500;
/** A worker that has not renewed its hold on a job for so long is dead; another one takes the job. */
const HOLD_MS = 10_000;
const TAKE_OVER_MS = 5000;
const TAKEN_OVER_MOST = 3;
/** What an interrupted worker has to finish its chunks before they are left to others. */
const FAREWELL_MS = 3000;

const jobSchema = z.object({
  cell: z.int().nonnegative(),
  runs: z.array(z.int().nonnegative()).min(1).max(100_000),
});

/**
 * Takes part in the campaigns of a queue until the signal. Returns the runs it did. Throws `queue-unreachable`,
 * `queue-lost`, and `core-mismatch` where all there is to do is for another build of heapsoak.
 */
export async function runQueueWorker(address: QueueAddress, options: QueueWorkerOptions): Promise<number> {
  const link = await RedisLink.open(address, options);
  try {
    return await new QueueWorker(link, options, await loadBullmq()).run();
  } catch (error) {
    throw link.lost(error);
  } finally {
    link.close();
  }
}

class QueueWorker {
  readonly #link: RedisLink;
  readonly #board: Noticeboard;
  readonly #options: QueueWorkerOptions;
  readonly #bullmq: typeof import("bullmq");
  /** Campaigns of other builds, which were told. */
  readonly #refused = new Set<string>();
  #runs = 0;

  constructor(link: RedisLink, options: QueueWorkerOptions, bullmq: typeof import("bullmq")) {
    this.#link = link;
    this.#board = new Noticeboard(link.redis);
    this.#options = options;
    this.#bullmq = bullmq;
  }

  async run(): Promise<number> {
    const { once, signal } = this.#options;
    const first = await this.#board.campaigns();
    if (first.length > 0 && !first.some(isOfThisBuild)) throw otherBuild(first);
    this.#options.tell(`waiting for campaigns at ${this.#link.address.shown}.`);
    while (!signal.aborted) {
      const campaign = await this.#find();
      if (campaign) await this.#takePart(campaign);
      if (campaign && once) break;
      if (!campaign) await sleep(LOOK_MS);
    }
    return this.#runs;
  }

  async #find(): Promise<PostedCampaign | undefined> {
    const campaigns = await this.#board.campaigns();
    for (const campaign of campaigns.filter((posted) => !isOfThisBuild(posted) && !this.#refused.has(posted.digest))) {
      this.#refused.add(campaign.digest);
      this.#options.tell(otherBuild([campaign]).message);
    }
    return campaigns.find((posted) => isOfThisBuild(posted) && !this.#refused.has(posted.digest));
  }

  async #takePart({ digest }: PostedCampaign): Promise<void> {
    const work = await this.#board.work(digest);
    const setup = work && setupOf(work.cells, work.identity.firstSeed, digest);
    if (!setup) {
      this.#refused.add(digest);
      this.#options.tell(`campaign ${shortDigest(digest)} is not what heapsoak posts, and is left alone.`);
      return;
    }
    const before = this.#runs;
    const { jobs, tell } = this.#options;
    tell(`takes part in campaign ${shortDigest(digest)} (${setup.cells.cells.length} cells) with ${jobs} threads.`);
    await this.#serve(digest, setup);
    tell(`leaves campaign ${shortDigest(digest)} after ${this.#runs - before} runs.`);
  }

  /** Works until the campaign is over or the signal comes. */
  async #serve(digest: string, setup: ThreadSetup): Promise<void> {
    const { jobs, signal } = this.#options;
    const name = randomUUID();
    const threads = new ThreadShelf(setup);
    const worker = new this.#bullmq.Worker<JobData>(queueName(digest), (job) => this.#runJob(digest, threads, job), {
      connection: this.#link.redis,
      prefix: KEY_PREFIX,
      concurrency: jobs,
      lockDuration: HOLD_MS,
      stalledInterval: TAKE_OVER_MS,
      maxStalledCount: TAKEN_OVER_MOST,
    });
    worker.on("error", () => {}); // the link tells
    try {
      let signedMs = Number.NEGATIVE_INFINITY;
      while (!signal.aborted && (await this.#board.isAlive(digest))) {
        if (performance.now() - signedMs >= SIGN_MS) {
          await this.#board.signWorker(digest, name, jobs);
          signedMs = performance.now();
        }
        await sleep(LOOK_MS);
      }
      await this.#board.leave(digest, name, jobs);
    } finally {
      await closeWorker(worker);
      await threads.terminate();
    }
  }

  async #runJob(digest: string, threads: ThreadShelf, job: Job<JobData>): Promise<void> {
    const chunk = jobSchema.safeParse(job.data);
    if (!chunk.success || job.id === undefined) throw new this.#bullmq.UnrecoverableError("it is not a chunk of runs");
    const { cell, runs } = chunk.data;
    try {
      const { outcomes, ms } = await threads.use((thread) => thread.run({ cell, runs }));
      const finished = outcomes.map((outcome, index) => ({ cell, run: runs[index] ?? 0, outcome }));
      await this.#board.finish(digest, { job: job.id, ms }, finished);
      this.#runs += runs.length;
    } catch (error) {
      // What the scenario itself makes impossible is so for every worker; the rest another one may manage.
      if (!(error instanceof HeapsoakError) || error.code === "cannot-reserve-memory") throw error;
      throw new this.#bullmq.UnrecoverableError(error.message);
    }
  }
}

/** Threads that are not at work; a dead one is replaced. */
class ThreadShelf {
  readonly #setup: ThreadSetup;
  readonly #idle: CellThread[] = [];
  readonly #all = new Set<CellThread>();

  constructor(setup: ThreadSetup) {
    this.#setup = setup;
  }

  async use<T>(work: (thread: CellThread) => Promise<T>): Promise<T> {
    const thread = this.#idle.pop() ?? this.#start();
    try {
      return await work(thread);
    } finally {
      if (thread.isDead) this.#all.delete(thread);
      else this.#idle.push(thread);
    }
  }

  async terminate(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.terminate()));
  }

  #start(): CellThread {
    const thread = new CellThread(this.#setup);
    this.#all.add(thread);
    return thread;
  }
}

/** What was posted, if it is what its digest says. */
function setupOf(cells: PackedCells, firstSeed: string, digest: string): ThreadSetup | undefined {
  try {
    const seed = BigInt(firstSeed);
    return campaignDigest(identityOf(cells, seed)) === digest ? threadSetup(cells, seed) : undefined;
  } catch {
    return undefined; // not even cells
  }
}

function isOfThisBuild({ heapsoak, core }: PostedCampaign): boolean {
  return heapsoak === packageVersion() && core === coreDigest();
}

function otherBuild(campaigns: readonly PostedCampaign[]): HeapsoakError {
  const builds = campaigns.map(({ digest, heapsoak, core }) => {
    return `campaign ${shortDigest(digest)} wants heapsoak ${heapsoak}, core ${shortDigest(core)}`;
  });
  const mine = `${packageVersion()}, core ${shortDigest(coreDigest())}`;
  return new HeapsoakError("core-mismatch", `Another build is asked for: ${builds.join("; ")}. This is ${mine}.`, {
    hint: "Workers must be of the build that started the campaign: only then are their runs the same.",
  });
}

/** Without its server BullMQ may wait for ever, even where it is told not to. */
async function closeWorker(worker: Worker<JobData>): Promise<void> {
  if (!(await settlesWithin(FAREWELL_MS, worker.close()))) await settlesWithin(FAREWELL_MS, worker.close(true));
}
