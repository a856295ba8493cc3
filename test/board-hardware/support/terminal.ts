/** heapsoak in a terminal of its own, with a keyboard and a screen. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { MAIN } from "./command-line.ts";
import { connectionTo } from "./connection.ts";
import { type Leashed, leashed } from "./leash.ts";
import { screenOf } from "./screen.ts";

const COLUMNS = 100;
const ROWS = 40;

export class Terminal {
  /** All that was ever drawn. */
  drawn = "";
  readonly #folder: string;
  readonly #socat: Leashed;
  readonly #socket: Socket;

  private constructor(folder: string, socat: Leashed, socket: Socket) {
    this.#folder = folder;
    this.#socat = socat;
    this.#socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => {
      this.drawn += text;
    });
    socket.on("error", () => socket.destroy());
  }

  /** Starts heapsoak with these arguments. The terminal is closed when the test ends. */
  static async open(...args: string[]): Promise<Terminal> {
    const folder = mkdtempSync(join(tmpdir(), "heapsoak-terminal-"));
    const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
    const script = join(folder, "run.sh");
    // The shell outlives Ctrl-C, so that it can tell the exit code.
    const lines = ["trap : INT", `stty rows ${ROWS} cols ${COLUMNS}`, command, `echo $? >'${folder}/code'`];
    writeFileSync(script, `#!/bin/sh\n${lines.join("\n")}\n`);
    chmodSync(script, 0o755);
    const path = join(folder, "wire");
    const socat = await leashed("socat", [`UNIX-LISTEN:${path}`, `EXEC:${script},pty,setsid,ctty,stderr`], {
      TERM: "xterm-256color",
    });
    const terminal = new Terminal(folder, socat, await connectionTo("the terminal", path));
    onTestFinished(() => terminal.close());
    return terminal;
  }

  /** What it shows now, row by row. */
  get screen(): string[] {
    return screenOf(this.drawn, COLUMNS, ROWS);
  }

  get text(): string {
    return this.screen.join("\n");
  }

  type(keys: string): void {
    this.#socket.write(keys);
  }

  /** Waits for heapsoak's end and returns its exit code. */
  async ended(): Promise<number> {
    await this.#socat.ended;
    return Number(readFileSync(join(this.#folder, "code"), "utf8"));
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#socat.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
