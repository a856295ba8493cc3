/** Recordings that `heapsoak board record` writes. */
import { existsSync, readFileSync } from "node:fs";
import { heapsoak, run } from "./command-line.ts";
import type { Leashed } from "./leash.ts";
import { until } from "./wait.ts";

/** A recording that goes on. */
export class Recording {
  readonly file: string;
  readonly child: Leashed;

  private constructor(file: string, child: Leashed) {
    this.file = file;
    this.child = child;
  }

  static async start(port: string, file: string, ...options: string[]): Promise<Recording> {
    return new Recording(file, await heapsoak("board", "record", "--port", port, "--out", file, ...options));
  }

  get text(): string {
    return existsSync(this.file) ? readFileSync(this.file, "utf8") : "";
  }

  /** Lines that begin with `! WORD`. */
  reports(word: string): string[] {
    return this.text.split("\n").filter((line) => line.startsWith(`! ${word}`));
  }

  /** Recorded calls of the allocator. */
  get operations(): number {
    return (this.text.match(/^[azrf] /gm) ?? []).length;
  }

  /** Waits until so many more calls are recorded. */
  async grows(operations: number): Promise<void> {
    const before = this.operations;
    await until(`${operations} more operations in ${this.file}`, () => {
      this.#mustRun();
      return this.operations >= before + operations;
    });
  }

  /** Waits until so many lines `! WORD` are recorded. */
  async tells(word: string, times = 1): Promise<void> {
    await until(`"! ${word}" ${times} times in ${this.file}`, () => {
      this.#mustRun();
      return this.reports(word).length >= times;
    });
  }

  /** Ends it as Ctrl-C does, and returns the exit code. */
  async stop(): Promise<number> {
    this.child.signal("SIGINT");
    return this.child.ended;
  }

  #mustRun(): void {
    const { out, err } = this.child.printed;
    if (!this.child.running) throw new Error(`heapsoak board record has ended:\n${out}${err}`);
  }
}

/** What `heapsoak replay --verify` says of a recording. */
export async function verify(file: string): Promise<{ readonly code: number; readonly text: string }> {
  const { code, out, err } = await run("replay", "--verify", file);
  return { code, text: out + err };
}
