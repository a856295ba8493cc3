import type { Redis } from "ioredis";
import { HeapsoakError } from "../../errors.ts";
import type { QueueAddress } from "./queue-address.ts";

export interface LinkOptions {
  /** What the user is to know, a line each. */
  readonly tell: (remark: string) => void;
  /** How long the server may be away. */
  readonly patienceMs?: number;
  /** How long it may take to answer at first. */
  readonly connectMs?: number;
}

const PATIENCE_MS = 30_000;
const CONNECT_MS = 5000;
const RETRY_MS = 500;

/** A connection to the queue's server that comes back when the server does. */
export class RedisLink {
  readonly redis: Redis;
  readonly address: QueueAddress;
  readonly #patienceMs: number;
  readonly #tell: (remark: string) => void;
  #awayMs: number | undefined;
  #lastError = "the connection was closed";

  private constructor(redis: Redis, address: QueueAddress, { tell, patienceMs = PATIENCE_MS }: LinkOptions) {
    this.redis = redis;
    this.address = address;
    this.#tell = tell;
    this.#patienceMs = patienceMs;
  }

  /** Connects. Throws `queue-unreachable` for a server that refuses, does not answer, or is no Redis. */
  static async open(address: QueueAddress, options: LinkOptions): Promise<RedisLink> {
    const { connectMs = CONNECT_MS, patienceMs = PATIENCE_MS } = options;
    const Redis = await loadIoredis();
    const link: { current?: RedisLink } = {};
    const redis = new Redis(address.url, {
      lazyConnect: true,
      connectTimeout: connectMs,
      maxRetriesPerRequest: null, // what BullMQ asks for
      commandTimeout: patienceMs,
      retryStrategy: () => link.current?.retryMs() ?? null,
    });
    const opened = new RedisLink(redis, address, options);
    redis.on("error", (error: Error) => opened.note(error));
    redis.on("ready", () => opened.back());
    try {
      await answeredWithin(connectMs, async () => {
        await redis.connect();
        await redis.ping();
      });
    } catch (cause) {
      redis.disconnect();
      throw opened.unreachable(cause);
    }
    link.current = opened;
    return opened;
  }

  /** What an error means to the user: that the server is gone or refuses, unless it has nothing to do with it. */
  lost(cause: unknown): unknown {
    if (cause instanceof HeapsoakError || !(this.#awayMs !== undefined || isOfServer(cause))) return cause;
    const why = this.#awayMs === undefined ? messageOf(cause) : this.#lastError;
    return new HeapsoakError("queue-lost", `${this.address.shown}: the queue is lost (${why}).`, {
      hint: "What was finished is kept. With the queue back, the same command goes on from there.",
      cause,
    });
  }

  close(): void {
    this.redis.disconnect();
  }

  /** When to try again after the connection broke; null: not any more. */
  private retryMs(): number | null {
    if (this.#awayMs === undefined) {
      this.#awayMs = performance.now();
      const seconds = Math.round(this.#patienceMs / 1000);
      this.#tell(`${this.address.shown}: the queue is away (${this.#lastError}); trying again for ${seconds} s.`);
    }
    return performance.now() - this.#awayMs < this.#patienceMs ? RETRY_MS : null;
  }

  private note(error: Error): void {
    this.#lastError = messageOf(error);
  }

  private back(): void {
    if (this.#awayMs !== undefined) this.#tell(`${this.address.shown}: the queue is back.`);
    this.#awayMs = undefined;
  }

  private unreachable(cause: unknown): HeapsoakError {
    const why =
      cause instanceof Error && cause.message !== "Connection is closed." ? messageOf(cause) : this.#lastError;
    return new HeapsoakError("queue-unreachable", `${this.address.shown}: no queue there (${why}).`, {
      hint: "It takes a Redis or Valkey server, version 5 or later, that this machine can reach.",
      cause,
    });
  }
}

async function loadIoredis(): Promise<typeof Redis> {
  try {
    return (await import("ioredis")).Redis;
  } catch (cause) {
    throw missing("ioredis", cause);
  }
}

/** The package, which nothing but queues needs. Throws `queue-unreachable` where it is not installed. */
export async function loadBullmq(): Promise<typeof import("bullmq")> {
  try {
    return await import("bullmq");
  } catch (cause) {
    throw missing("bullmq", cause);
  }
}

function missing(name: string, cause: unknown): HeapsoakError {
  return new HeapsoakError("queue-unreachable", `Queues cannot be used: the package ${name} is not installed.`, {
    hint: `npm install ${name}`,
    cause,
  });
}

async function answeredWithin(ms: number, ask: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What ioredis and BullMQ say of connections that end and of commands that are refused. */
function isOfServer(cause: unknown): boolean {
  const { name, message } = cause as Error;
  return name === "ReplyError" || /connection is closed|command timed out|ECONN|EPIPE/i.test(String(message));
}

/** A line of it at most. */
function messageOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return "the connection is refused";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host is not known";
  if (code === "ECONNRESET") return "the connection was dropped";
  const [line = ""] = String(message ?? cause).split("\n");
  return line === "" ? String(code) : line.slice(0, 200);
}
