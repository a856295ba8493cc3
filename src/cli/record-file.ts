import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HeapsoakError } from "../errors.ts";

/**
 * Throws `cannot-write` unless a file can be made at the path: so that a run of hours does not end at a folder
 * that was not there. Standard output (`-`) always can.
 */
export async function refuseUnwritable(path: string): Promise<void> {
  if (path === "-") return;
  try {
    const status = await statusOf(path);
    if (status?.isDirectory()) throw new HeapsoakError("cannot-write", `${path}: is a folder.`);
    if (status && !status.isFile()) return; // a device or a pipe: writing would be seen
    await (await open(path, "a")).close();
    if (!status) await rm(path);
    const beside = besideOf(path);
    await (await open(beside, "wx")).close();
    await rm(beside);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Writes the text to the path, or to standard output for `-`. A file is there whole or not at all. Throws `cannot-write`. */
export async function writeWhole(path: string, text: string): Promise<void> {
  if (path === "-") {
    process.stdout.write(text);
    return;
  }
  const status = await statusOf(path);
  // Devices and pipes cannot be replaced by a renamed file.
  const target = status && !status.isFile() ? path : besideOf(path);
  try {
    await writeThrough(target, text);
    if (target !== path) await rename(target, path);
  } catch (cause) {
    if (target !== path) await rm(target, { force: true });
    throw unwritable(path, cause);
  }
}

async function writeThrough(path: string, text: string): Promise<void> {
  await using file = await open(path, "w");
  await file.writeFile(text);
  if ((await file.stat()).isFile()) await file.sync();
}

async function statusOf(path: string) {
  try {
    return await stat(path);
  } catch {
    return undefined; // nothing there, or not to be seen: opening it says what is wrong
  }
}

function besideOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.part`);
}

function unwritable(path: string, cause: unknown): HeapsoakError {
  if (cause instanceof HeapsoakError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new HeapsoakError("cannot-write", `${path}: cannot be written (${code}).`, { cause });
}
