/** Our own C allocators, compiled with the system's compiler and driven pass by pass. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Which C file measures which of our allocators. */
export const NATIVE = { "first-fit": "first-fit.c", tlsf: "segregated-fit.c" };

/** Offsets of the allocator's variables and of its arena in the C program's RAM. */
const STATE = "64";
const ARENA = "4096";

/** The compiler's name: `$CC`, or `cc`. Throws a sentence for the user where it cannot be started. */
export function compiler() {
  const name = process.env.CC || "cc";
  const { error, status } = spawnSync(name, ["--version"], { stdio: "ignore" });
  if (error || status !== 0)
    throw new Error(`--native needs a C compiler, and "${name}" cannot be started. Install one, or name it in CC.`);
  return name;
}

/** A compiled allocator over one workload, as a child process that waits for commands. */
export class NativeHeap {
  #folder = mkdtempSync(join(tmpdir(), "heapsoak-bench-"));
  #child;
  #lines;

  constructor(source, words, arenaBytes) {
    const binary = join(this.#folder, "heap");
    const file = fileURLToPath(new URL(source, import.meta.url));
    const { status, stderr } = spawnSync(compiler(), ["-std=gnu11", "-O2", "-o", binary, file], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
    const operations = join(this.#folder, "operations");
    writeFileSync(operations, words);
    this.#child = spawn(binary, [operations, STATE, ARENA, String(arenaBytes)], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Nanoseconds of one pass. */
  async pass() {
    this.#child.stdin.write("p\n");
    return Number(await this.#line());
  }

  /** The offset every allocation got, -1 where it was refused. */
  async placements() {
    this.#child.stdin.write("v\n");
    const offsets = [];
    for (let line = await this.#line(); line !== "end"; line = await this.#line()) offsets.push(Number(line));
    return offsets;
  }

  close() {
    this.#child.stdin.end();
    rmSync(this.#folder, { recursive: true });
  }

  async #line() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the native benchmark ended early");
    return value;
  }
}
