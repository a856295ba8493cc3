import type { Redis } from "ioredis";
import { exactJson, parseExactJson } from "../campaign/exact-json.ts";
import type { CampaignIdentity } from "../campaign/identity.ts";
import type { PackedCells } from "../campaign/packed-cells.ts";
import { asOutcome, type FinishedRun } from "../campaign/result-lines.ts";
import type { RunOutcome } from "../run/outcome.ts";

/** A campaign that somebody runs on the queue. */
export interface PostedCampaign {
  readonly digest: string;
  readonly heapsoak: string;
  /** SHA-256 of the core that its workers must have. */
  readonly core: string;
}

/** What a worker needs to take part. */
export interface PostedWork {
  readonly identity: CampaignIdentity;
  readonly cells: PackedCells;
}

/** A chunk that a worker has finished. */
export interface DoneChunk {
  readonly job: string;
  readonly ms: number;
}

/** Signs of life are this far apart; who gave none for longer than `SILENT_MS` is gone. */
export const SIGN_MS = 5000;
const SILENT_MS = 20_000;
/** How long the runs of a campaign that nobody goes on with are kept. */
const KEPT_S = 7 * 24 * 3600;
const FIELDS_AT_ONCE = 1000;
const DONE_AT_ONCE = 100;
/** All keys begin with it, BullMQ's too. */
export const KEY_PREFIX = "heapsoak";
const CAMPAIGNS = `${KEY_PREFIX}:campaigns`;

/**
 * What coordinators and workers tell each other besides the jobs: which campaigns there are, what they consist of, and
 * the outcome of each run by (campaign, cell, run). Times are the server's.
 */
export class Noticeboard {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The campaigns whose coordinator is alive. */
  async campaigns(): Promise<PostedCampaign[]> {
    const digests = await this.#redis.zrangebyscore(CAMPAIGNS, (await this.#nowMs()) - SILENT_MS, "+inf");
    const found: PostedCampaign[] = [];
    for (const digest of digests) {
      const [heapsoak, core] = await this.#redis.hmget(keyOf("campaign", digest), "heapsoak", "core");
      if (heapsoak && core) found.push({ digest, heapsoak, core });
    }
    return found;
  }

  async isAlive(digest: string): Promise<boolean> {
    const atMs = await this.#redis.zscore(CAMPAIGNS, digest);
    return atMs !== null && Number(atMs) > (await this.#nowMs()) - SILENT_MS;
  }

  /**
   * Whether `token` is now the campaign's only coordinator; again and again, as a sign of life. Also one that waits for
   * a dead one's place keeps the workers there.
   */
  async coordinate(digest: string, token: string, work: PostedWork): Promise<boolean> {
    const key = keyOf("coordinator", digest);
    await this.#redis.zadd(CAMPAIGNS, await this.#nowMs(), digest);
    const taken = await this.#redis.set(key, token, "PX", SILENT_MS, "NX");
    if (taken === null && (await this.#redis.get(key)) !== token) return false;
    await this.#redis.pexpire(key, SILENT_MS);
    const campaign = keyOf("campaign", digest);
    if ((await this.#redis.exists(campaign)) === 0) {
      const { heapsoak, core } = work.identity;
      await this.#redis.hset(campaign, { heapsoak, core, work: exactJson(work) });
    }
    await this.#redis.expire(campaign, KEPT_S);
    await this.#redis.expire(keyOf("outcomes", digest), KEPT_S);
    return true;
  }

  /** Workers stop; finished runs stay for whoever goes on. */
  async pause(digest: string): Promise<void> {
    await this.#redis.zrem(CAMPAIGNS, digest);
    await this.#redis.del(keyOf("coordinator", digest), keyOf("done", digest), keyOf("workers", digest));
  }

  /** Nothing of the campaign stays. */
  async remove(digest: string): Promise<void> {
    await this.pause(digest);
    await this.#redis.del(keyOf("campaign", digest), keyOf("outcomes", digest));
  }

  /** What the campaign consists of, as it was posted; undefined if it is gone or is not what heapsoak posts. */
  async work(digest: string): Promise<PostedWork | undefined> {
    const text = await this.#redis.hget(keyOf("campaign", digest), "work");
    try {
      return text === null ? undefined : (parseExactJson(text) as PostedWork);
    } catch {
      return undefined;
    }
  }

  /** Keeps the outcomes of a chunk; the same run again changes nothing. */
  async finish(digest: string, { job, ms }: DoneChunk, runs: readonly FinishedRun[]): Promise<void> {
    const outcomes = keyOf("outcomes", digest);
    await this.#redis
      .multi()
      .hset(
        outcomes,
        Object.fromEntries(runs.map(({ cell, run, outcome }) => [fieldOf(cell, run), exactJson(outcome)])),
      )
      .expire(outcomes, KEPT_S)
      .rpush(keyOf("done", digest), `${job} ${Math.round(ms)}`)
      .expire(keyOf("done", digest), KEPT_S)
      .exec();
  }

  /** Chunks that were finished since the last call. */
  async takeDone(digest: string): Promise<DoneChunk[]> {
    const texts = (await this.#redis.lpop(keyOf("done", digest), DONE_AT_ONCE)) ?? [];
    return texts.map((text) => {
      const [job = "", ms = ""] = text.split(" ");
      return { job, ms: Number(ms) || 0 };
    });
  }

  /** The outcomes of those of the runs that are finished. Anything but an outcome counts as none. */
  async outcomes(digest: string, cell: number, runs: readonly number[]): Promise<FinishedRun[]> {
    const found: FinishedRun[] = [];
    for (let low = 0; low < runs.length; low += FIELDS_AT_ONCE) {
      const part = runs.slice(low, low + FIELDS_AT_ONCE);
      const texts = await this.#redis.hmget(keyOf("outcomes", digest), ...part.map((run) => fieldOf(cell, run)));
      for (const [index, run] of part.entries()) {
        const outcome = outcomeIn(texts[index]);
        if (outcome) found.push({ cell, run, outcome });
      }
    }
    return found;
  }

  /** All outcomes that an earlier coordinator has left. */
  async *allOutcomes(digest: string): AsyncGenerator<FinishedRun[]> {
    let cursor = "0";
    do {
      const [next, flat] = await this.#redis.hscan(keyOf("outcomes", digest), cursor, "COUNT", FIELDS_AT_ONCE);
      cursor = next;
      const found: FinishedRun[] = [];
      for (let index = 0; index + 1 < flat.length; index += 2) {
        const [, cell, run] = /^(\d{1,9}):(\d{1,15})$/.exec(flat[index] ?? "") ?? [];
        const outcome = outcomeIn(flat[index + 1]);
        if (cell !== undefined && run !== undefined && outcome) {
          found.push({ cell: Number(cell), run: Number(run), outcome });
        }
      }
      yield found;
    } while (cursor !== "0");
  }

  /** Forgets outcomes that are kept elsewhere. */
  async forget(digest: string, runs: readonly FinishedRun[]): Promise<void> {
    if (runs.length > 0) {
      await this.#redis.hdel(keyOf("outcomes", digest), ...runs.map(({ cell, run }) => fieldOf(cell, run)));
    }
  }

  /** A worker's sign of life. */
  async signWorker(digest: string, worker: string, threads: number): Promise<void> {
    const key = keyOf("workers", digest);
    await this.#redis.zadd(key, await this.#nowMs(), `${worker} ${threads}`);
    await this.#redis.expire(key, KEPT_S);
  }

  async leave(digest: string, worker: string, threads: number): Promise<void> {
    await this.#redis.zrem(keyOf("workers", digest), `${worker} ${threads}`);
  }

  /** Threads of the workers that are alive. */
  async threads(digest: string): Promise<number> {
    const signs = await this.#redis.zrangebyscore(keyOf("workers", digest), (await this.#nowMs()) - SILENT_MS, "+inf");
    return signs.reduce((sum, sign) => sum + (Number(sign.split(" ")[1]) || 0), 0);
  }

  async #nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.#redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }
}

/** The name of the campaign's queue. */
export function queueName(digest: string): string {
  return digest.slice(0, 32);
}

function keyOf(kind: string, digest: string): string {
  return `${KEY_PREFIX}:${kind}:${digest}`;
}

function fieldOf(cell: number, run: number): string {
  return `${cell}:${run}`;
}

function outcomeIn(text: string | null | undefined): RunOutcome | undefined {
  try {
    return typeof text === "string" ? asOutcome(parseExactJson(text)) : undefined;
  } catch {
    return undefined;
  }
}
