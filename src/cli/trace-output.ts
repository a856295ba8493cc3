import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip, constants as zlib } from "node:zlib";
import { HeapsoakError } from "../errors.ts";

/**
 * A file that is written piece by piece, compressed where its name ends in `.gz`. It takes its place only when it is
 * whole: until then it stands beside it.
 */
export class TraceOutput {
  readonly #path: string;
  readonly #beside: string;
  readonly #file: ReturnType<typeof createWriteStream>;
  readonly #end: NodeJS.WritableStream;
  #failure: Error | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
    this.#file = createWriteStream(this.#beside);
    // Level 1: what a gigabyte takes longer at level 6 saves a tenth of the file.
    const gzip = path.endsWith(".gz") ? createGzip({ level: zlib.Z_BEST_SPEED }) : undefined;
    gzip?.pipe(this.#file);
    this.#end = gzip ?? this.#file;
    this.#file.on("error", (error) => {
      this.#failure = error;
      gzip?.destroy(error);
    });
    gzip?.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  /** Throws `cannot-write`. */
  async write(piece: string | Uint8Array): Promise<void> {
    if (piece.length === 0) return;
    if (this.#failure) throw this.#unwritable(this.#failure);
    if (this.#end.write(piece)) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        this.#end.off("drain", go);
        this.#end.off("close", go);
        this.#file.off("close", go);
        resolve();
      };
      this.#end.once("drain", go);
      this.#end.once("close", go);
      this.#file.once("close", go);
    });
  }

  /** Ends the file and puts it in its place. Throws `cannot-write`. */
  async finish(): Promise<void> {
    try {
      if (this.#failure) throw this.#failure;
      this.#end.end();
      await finished(this.#file);
      await rename(this.#beside, this.#path);
    } catch (cause) {
      throw this.#unwritable(this.#failure ?? cause);
    }
  }

  /** Removes what was written, unless it is in its place. */
  async discard(): Promise<void> {
    this.#file.destroy();
    await rm(this.#beside, { force: true }).catch(() => {});
  }

  #unwritable(cause: unknown): HeapsoakError {
    if (cause instanceof HeapsoakError) return cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return new HeapsoakError("cannot-write", `${this.#path}: cannot be written (${code}).`, { cause });
  }
}

/** Whether two paths lead to the same file. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  try {
    const [a, b] = await Promise.all([stat(one), stat(other)]);
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false; // one of them is not there yet, or opening it says what is wrong
  }
}
