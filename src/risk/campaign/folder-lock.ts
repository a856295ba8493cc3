import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HeapsoakError } from "../../errors.ts";

const FILE_NAME = "running";

/**
 * Keeps a second process off a folder. The lock is a file with the process and its machine; that of a process which is
 * gone from this machine counts for nothing.
 */
export class FolderLock {
  readonly #path: string;

  /** Throws `results-busy` where another process has it, `cannot-write`. */
  constructor(folder: string) {
    this.#path = join(folder, FILE_NAME);
    if (this.#create()) return;
    this.#refuseLiving();
    rmSync(this.#path, { force: true });
    if (!this.#create()) this.#refuseLiving();
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  #create(): boolean {
    try {
      const file = openSync(this.#path, "wx");
      writeSync(file, `${process.pid} ${hostname()}\n`);
      closeSync(file);
      return true;
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      if (code === "EEXIST") return false;
      throw new HeapsoakError("cannot-write", `${this.#path}: cannot be written (${code}).`, { cause });
    }
  }

  #refuseLiving(): void {
    const [pid = "", host = ""] = this.#text().trim().split(" ");
    const isHere = host === "" || host === hostname();
    if (isHere && !isAlive(Number(pid))) return;
    throw new HeapsoakError("results-busy", `${this.#path}: process ${pid} on ${host} is writing to this folder.`, {
      hint: "Wait for it, or give each its own --out and merge them. If that process is gone, remove the file.",
    });
  }

  #text(): string {
    try {
      return readFileSync(this.#path, "utf8");
    } catch {
      return ""; // gone meanwhile
    }
  }
}

/** A lock of our own process number is that of an earlier process. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
