/** The QEMU machine protocol: one JSON object a line, over a Unix socket. */
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { connectionTo } from "./connection.ts";

interface Answer {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** A connection to a machine's control socket. */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => socket.destroy()).on("close", () => this.#giveUp());
    createInterface({ input: socket }).on("line", (line) => this.#take(JSON.parse(line) as Answer));
  }

  /** Waits for the socket to be there and connects. */
  static async open(path: string): Promise<Qmp> {
    const qmp = new Qmp(await connectionTo(`the control socket ${path}`, path));
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  /** Carries out a command, such as `system_reset`, `stop`, `cont` or `quit`. */
  async execute(command: string): Promise<unknown> {
    const id = ++this.#last;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.write(`${JSON.stringify({ execute: command, id })}\n`);
    });
    if (answer.error) throw new Error(`QEMU refuses ${command}: ${answer.error.desc}`);
    return answer.return;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(answer: Answer): void {
    if (answer.id === undefined) return; // the greeting and events
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }

  /** A machine that has quit answers no more. */
  #giveUp(): void {
    for (const resolve of this.#waiting.values()) resolve({ error: { desc: "the machine is gone" } });
    this.#waiting.clear();
  }
}
