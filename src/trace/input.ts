/** Where texts come from: files or standard input, plain or gzip. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { HeapsoakError } from "../errors.ts";

const READ_BYTES = 256 * 1024;

/** The file at the path, or standard input for `-`. `folderHint`: what to do instead of giving a folder. Throws `cannot-read`. */
export async function openSource(path: string, name: string, folderHint?: string): Promise<Readable> {
  if (path === "-") return process.stdin;
  try {
    const status = await stat(path);
    if (status.isDirectory()) {
      const hint = folderHint === undefined ? {} : { hint: folderHint };
      throw new HeapsoakError("cannot-read", `${name}: is a folder.`, hint);
    }
    return createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

/**
 * The bytes of the text, whether they come compressed or not (gzip is told by its first bytes). What zlib throws is
 * for `unreadable`.
 */
export async function* inflated(input: Readable, name: string): AsyncGenerator<Uint8Array> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Uint8Array | string>;
  const head = await firstBytes(chunks, name);
  const whole = Readable.from(prepend(head, chunks, name), { objectMode: false });
  try {
    if (head[0] !== 0x1f || head[1] !== 0x8b) yield* whole as AsyncIterable<Uint8Array>;
    else yield* gunzip(whole);
  } finally {
    whole.destroy();
    input.destroy();
  }
}

/**
 * The bytes of a log: as `inflated`, but where the compression is cut off or damaged, they end there, and `cut` takes
 * why. Throws `cannot-read`.
 */
export async function* inflatedUpToCut(
  input: Readable,
  name: string,
  cut: (why: string) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* inflated(input, name);
  } catch (cause) {
    const error = unreadable(name, cause);
    if (!(error instanceof HeapsoakError) || error.code !== "bad-trace") throw error;
    cut(error.message);
  }
}

/** At least the two bytes that tell gzip from text, when there are as many. */
async function firstBytes(chunks: AsyncIterator<Uint8Array | string>, name: string): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await nextChunk(chunks, name);
    if (!next) break;
    head = Buffer.concat([head, next]);
  }
  return head;
}

async function nextChunk(chunks: AsyncIterator<Uint8Array | string>, name: string): Promise<Buffer | undefined> {
  try {
    const { value, done } = await chunks.next();
    return done ? undefined : Buffer.isBuffer(value) ? value : Buffer.from(value);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

async function* prepend(head: Buffer, chunks: AsyncIterator<Uint8Array | string>, name: string) {
  if (head.length > 0) yield head;
  for (let chunk = await nextChunk(chunks, name); chunk; chunk = await nextChunk(chunks, name)) yield chunk;
}

async function* gunzip(compressed: Readable): AsyncGenerator<Uint8Array> {
  const inflate = createGunzip({ chunkSize: READ_BYTES });
  compressed.once("error", (error) => inflate.destroy(error));
  try {
    yield* compressed.pipe(inflate) as AsyncIterable<Uint8Array>;
  } finally {
    inflate.destroy();
  }
}

/** The user's error behind a failed read; `line`: the last one that was read. */
export function unreadable(name: string, cause: unknown, line = 0): Error {
  if (cause instanceof HeapsoakError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const behind = line > 0 ? ` behind line ${line}` : "";
  if (code === "Z_BUF_ERROR")
    return new HeapsoakError("bad-trace", `${name}: the gzip data is cut off${behind}.`, { cause });
  if (code.startsWith("Z_")) {
    return new HeapsoakError("bad-trace", `${name}: the gzip data is damaged${behind} (${(cause as Error).message}).`, {
      cause,
    });
  }
  if (code === "ENOENT") return new HeapsoakError("cannot-read", `${name}: there is no such file.`, { cause });
  if (code.startsWith("E")) return new HeapsoakError("cannot-read", `${name}: cannot be read (${code}).`, { cause });
  return cause instanceof Error ? cause : new Error(String(cause));
}
