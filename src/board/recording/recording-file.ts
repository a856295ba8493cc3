import { open, rm, stat } from "node:fs/promises";
import { HeapsoakError } from "../../errors.ts";
import { openTrace } from "../../trace/reader.ts";
import { systemTimers, type Timers } from "../commands/exchange.ts";

/** What was received reaches the file within this time … */
const WRITE_MS = 250;
/** … and the disk within this one. */
const SYNC_MS = 1000;
/** Text that may wait for the disk before the line is held. */
const WAITING_CHARACTERS_MOST = 4 * 2 ** 20;
const LF = 0x0a;

/** What a recording needs of a file: a FileHandle is one. */
export interface AppendTarget {
  write(buffer: Uint8Array, offset: number, length: number): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** A file that recordings are appended to, and what it held before. */
export interface OpenRecording {
  readonly path: string;
  readonly target: AppendTarget;
  readonly bytes: number;
  /** Of the recording that is continued; undefined: the file is new. */
  readonly earlier?: EarlierRecording;
}

export interface EarlierRecording {
  readonly header: ReadonlyMap<string, string>;
  /** Above all its ids. */
  readonly firstId: number;
  /** Bytes of a last line without its end, which were cut off. */
  readonly tornBytes: number;
}

/**
 * Makes a new file, or with `append` opens one that is a recording already. Throws `cannot-write`: it exists, cannot
 * be made, or its name ends in `.gz`; `bad-trace`: what is to be continued is no recording.
 */
export async function openRecording(path: string, append: boolean): Promise<OpenRecording> {
  if (/\.gz$/i.test(path)) {
    throw new HeapsoakError("bad-argument", `${path}: recordings are written as plain text.`, {
      hint: "A compressed file cannot be read after a crash. Compress it afterwards: replays read .gz.",
    });
  }
  const status = await stat(path).catch(() => undefined);
  if (status && !status.isFile()) throw new HeapsoakError("cannot-write", `${path}: is no plain file.`);
  if (append && status) return reopen(path);
  try {
    return { path, target: await open(path, "ax"), bytes: 0 };
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

/** Closes a file that nothing was written to, and removes it if it is new. */
export async function discardRecording(recording: OpenRecording): Promise<void> {
  await recording.target.close();
  await removeUnused(recording);
}

/** Removes a closed file that nothing was written to, if it is new. */
export async function removeUnused({ path, earlier }: OpenRecording): Promise<void> {
  if (!earlier) await rm(path, { force: true });
}

async function reopen(path: string): Promise<OpenRecording> {
  const earlier = await readEarlier(path);
  try {
    const target = await open(path, "a");
    const bytes = (await target.stat()).size - earlier.tornBytes;
    if (earlier.tornBytes > 0) await target.truncate(bytes);
    return { path, target, bytes, earlier };
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

async function readEarlier(path: string): Promise<EarlierRecording> {
  const trace = await openTrace(path);
  let lastId = -1;
  for await (const { ids, count } of trace.batches()) {
    for (let index = 0; index < count; index++) lastId = Math.max(lastId, ids[index] ?? 0);
  }
  if (trace.recording) return { header: trace.header, firstId: lastId + 1, tornBytes: trace.recording.tornBytes };
  throw new HeapsoakError("bad-trace", `${path}: is no recording of a board, so nothing can be appended.`, {
    hint: "Give another --out.",
  });
}

function cannotWrite(path: string, cause: unknown): HeapsoakError {
  if (cause instanceof HeapsoakError) return cause;
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  if (code !== "EEXIST") return new HeapsoakError("cannot-write", `${path}: cannot be written (${code}).`, { cause });
  return new HeapsoakError("cannot-write", `${path}: exists already; recordings overwrite nothing.`, {
    hint: "Give another --out, or --append to go on in this file.",
    cause,
  });
}

/**
 * Appends whole lines: to the file every WRITE_MS, to the disk every SYNC_MS. When the disk is full, what was written
 * stays, and the file ends with a whole line.
 */
export class RecordingFile {
  /** What stopped the writing; nothing more is taken then. */
  failure: HeapsoakError | undefined;
  readonly path: string;
  readonly #target: AppendTarget;
  readonly #timers: Timers;
  readonly #failed: () => void;
  #bytes: number;
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #writing: Promise<void> | undefined;
  #unsynced = false;
  #syncedMs: number;
  #cancel: (() => void) | undefined;

  /** `failed` is called once, when `failure` is set. */
  constructor({ path, target, bytes }: OpenRecording, failed: () => void, timers: Timers = systemTimers) {
    this.path = path;
    this.#target = target;
    this.#bytes = bytes;
    this.#failed = failed;
    this.#timers = timers;
    this.#syncedMs = timers.nowMs();
    this.#schedule();
  }

  /** Bytes that the file holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes whole lines. A promise: too much is waiting, so let it settle before there is more. */
  append(lines: string): Promise<void> | undefined {
    if (this.failure || lines === "") return undefined;
    this.#waiting.push(lines);
    this.#waitingCharacters += lines.length;
    return this.#waitingCharacters > WAITING_CHARACTERS_MOST ? this.flush() : undefined;
  }

  /** Writes what waits. Never rejects: see `failure`. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#waiting.length === 0 || this.failure) return;
    const bytes = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingCharacters = 0;
    this.#writing = this.#write(bytes).finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** Writes and syncs what waits and closes the file. Never rejects: see `failure`. */
  async close(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.flush();
    await this.#sync();
    await this.#target.close().catch((cause: unknown) => this.#fail(cause));
  }

  #schedule(): void {
    this.#cancel = this.#timers.after(WRITE_MS, () => {
      this.#schedule();
      void this.#flushAndSync();
    });
  }

  async #flushAndSync(): Promise<void> {
    await this.flush();
    if (this.#timers.nowMs() - this.#syncedMs < SYNC_MS - WRITE_MS) return;
    this.#syncedMs = this.#timers.nowMs();
    await this.#sync();
  }

  async #sync(): Promise<void> {
    if (!this.#unsynced || this.failure) return;
    this.#unsynced = false;
    await this.#target.datasync().catch((cause: unknown) => this.#fail(cause));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) {
        const { bytesWritten } = await this.#target.write(bytes, written, bytes.length - written);
        written += bytesWritten;
      }
      this.#bytes += written;
      this.#unsynced = true;
    } catch (cause) {
      await this.#endWithWholeLine(bytes, written);
      this.#fail(cause);
    }
  }

  async #endWithWholeLine(bytes: Uint8Array, written: number): Promise<void> {
    this.#bytes += bytes.subarray(0, written).lastIndexOf(LF) + 1;
    // Where even that fails, readers drop the torn line.
    await this.#target.truncate(this.#bytes).catch(() => {});
    await this.#target.datasync().catch(() => {});
  }

  #fail(cause: unknown): void {
    if (this.failure) return;
    this.failure = writeFailure(this.path, cause);
    this.#waiting = [];
    this.#failed();
  }
}

function writeFailure(path: string, cause: unknown): HeapsoakError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const reason =
    code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : code === "EFBIG" ? "the file may not grow" : code;
  return new HeapsoakError("cannot-write", `${path}: recording stopped: ${reason}.`, {
    hint: "What was written is intact and ends with a whole line. Make room, then go on with --append.",
    cause,
  });
}
