import { open, stat } from "node:fs/promises";
import { HeapsoakError } from "./errors.ts";
import { formatBytes } from "./quantities.ts";

/** With debug information an ELF of a microcontroller has tens of MiB; a larger file is something else. */
const FILE_BYTES_MOST = 256 * 1024 * 1024;

/** The file's bytes, at most `most`. Throws `cannot-read` for what is missing, is not a plain file, or is too large. */
export async function readLimited(path: string, most = FILE_BYTES_MOST): Promise<Uint8Array> {
  try {
    // Before it is opened: a pipe would wait for its writer.
    const status = await stat(path);
    if (!status.isFile()) throw new HeapsoakError("cannot-read", `${path}: not a plain file.`);
    if (status.size > most) {
      const limit = `${formatBytes(status.size)}, expected at most ${formatBytes(most)}`;
      throw new HeapsoakError("cannot-read", `${path}: ${limit}.`);
    }
    await using file = await open(path, "r");
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof HeapsoakError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const reason = code === "ENOENT" ? "there is no such file" : `cannot be read (${code ?? cause})`;
    throw new HeapsoakError("cannot-read", `${path}: ${reason}.`, { cause });
  }
}

/** The last part of a path, of this system's form or another's. */
export function baseName(path: string): string {
  return path.replace(/^.*[\\/]/, "");
}
