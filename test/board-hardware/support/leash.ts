/** Child processes that never outlive the tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

/**
 * Runs its arguments, and kills them when standard input ends: the system closes that however the tests die.
 * The process's number goes to descriptor 3.
 */
const LEASH = `exec 4<&0
"$@" </dev/null 3>&- 4<&- &
leashed=$!
echo $leashed >&3
(read -r _ <&4; kill -9 $leashed 2>/dev/null) >/dev/null 2>&1 3>&- &
exec 3>&-
wait $leashed`;

/** A process on a leash, and all that it has printed so far. */
export interface Leashed {
  /** Of the process itself, not of the shell that holds it. */
  readonly pid: number;
  /** Standard output and standard error in the order of their arrival. */
  readonly printed: { out: string; err: string };
  /** Settles with the exit code; 128 and the signal's number after a signal. */
  readonly ended: Promise<number>;
  readonly running: boolean;
  signal(name: NodeJS.Signals): void;
  /** Kills the process and waits for its end. */
  kill(): Promise<void>;
}

/** Starts a command. Standard input is empty. */
export async function leashed(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Leashed> {
  const child = spawn("sh", ["-c", LEASH, "sh", command, ...args], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  const printed = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed.err += text;
  });
  const ended = once(child, "exit").then(([code]) => {
    child.stdin?.destroy(); // ends the watcher
    return typeof code === "number" ? code : 1;
  });
  const pid = await firstNumber(child);
  return new Held(child, pid, printed, ended);
}

class Held implements Leashed {
  running = true;
  readonly pid: number;
  readonly printed: Leashed["printed"];
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, pid: number, printed: Leashed["printed"], ended: Promise<number>) {
    this.#child = child;
    this.pid = pid;
    this.printed = printed;
    this.ended = ended.finally(() => {
      this.running = false;
    });
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, name);
  }

  async kill(): Promise<void> {
    this.#child.stdin?.destroy();
    await this.ended;
  }
}

async function firstNumber(child: ChildProcess): Promise<number> {
  const [chunk] = await once(child.stdio[3] as Readable, "data");
  return Number(String(chunk));
}
