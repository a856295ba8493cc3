/** QEMU's MPS2-AN385 as a development board: a serial line, a reset button, a plug to pull. */
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Leashed, leashed } from "./leash.ts";
import { type LineFaults, PacedBridge } from "./paced-bridge.ts";
import { Qmp } from "./qmp.ts";
import { until } from "./wait.ts";

const QEMU = "qemu-system-arm";

export interface BoardOptions {
  /** An ELF file. */
  readonly firmware: string;
  /**
   * What lies between board and host: QEMU's own pty (default), a pty of socat's, which notices at once that
   * somebody opened it, or the same at the pace of 115200 baud.
   */
  readonly line?: "pty" | "socat" | "paced";
  /** Of the paced line. */
  readonly faults?: LineFaults;
  readonly seed?: number;
  /** Virtual time: an instruction takes 2^shift nanoseconds. */
  readonly icountShift?: number;
}

/** A board that is taken apart when the test ends, passed or failed. */
export class VirtualBoard {
  /** The port's path: a link that stays the same when the board is plugged in again. */
  readonly path: string;
  readonly #options: BoardOptions;
  readonly #folder: string;
  #machine: Leashed | undefined;
  #relay: Leashed | undefined;
  #qmp: Qmp | undefined;
  #plugged = 0;
  bridge: PacedBridge | undefined;

  private constructor(options: BoardOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), "heapsoak-board-"));
    this.path = join(this.#folder, "tty");
  }

  /** A board with power and a plugged cable that waits for `run()`: nothing of its output is lost. */
  static async plugged(options: BoardOptions): Promise<VirtualBoard> {
    const board = new VirtualBoard(options);
    onTestFinished(() => board.discard());
    await board.plug();
    return board;
  }

  /** A board that runs. What it says before the port is opened is lost, as on a bench. */
  static async running(options: BoardOptions): Promise<VirtualBoard> {
    const board = await VirtualBoard.plugged(options);
    await board.run();
    return board;
  }

  /** Plugs the board in, held at its first instruction. */
  async plug(): Promise<void> {
    const number = ++this.#plugged; // sockets of an earlier machine may still be there
    const control = join(this.#folder, `qmp-${number}`);
    const serial = join(this.#folder, `serial-${number}`);
    const { firmware, line = "pty", icountShift } = this.#options;
    this.#machine = await leashed(QEMU, [
      ...["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-S"],
      ...["-serial", line === "pty" ? "pty" : `unix:${serial},server=on,wait=off`],
      ...["-qmp", `unix:${control},server=on,wait=off`],
      ...(icountShift === undefined ? [] : ["-icount", `shift=${icountShift}`]),
      ...["-kernel", firmware],
    ]);
    this.#qmp = await Qmp.open(control);
    rmSync(this.path, { force: true });
    if (line === "pty") symlinkSync(await this.#ptyOf(this.#machine), this.path);
    else await this.#relayTo(line === "paced" ? await this.#paced(serial) : serial);
  }

  /** Lets a held or hung board go on. */
  async run(): Promise<void> {
    await this.#control("cont");
  }

  /** Presses the reset button. */
  async reset(): Promise<void> {
    await this.#control("system_reset");
  }

  /** The board hangs until `run()`. */
  async hang(): Promise<void> {
    await this.#control("stop");
  }

  /** Pulls the cable: the port vanishes, and the board has no power. */
  async unplug(): Promise<void> {
    this.#qmp?.close();
    this.bridge?.close();
    await this.#machine?.kill();
    await this.#relay?.kill();
    rmSync(this.path, { force: true });
  }

  async discard(): Promise<void> {
    await this.unplug();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #control(command: string): Promise<void> {
    if (this.#qmp === undefined) throw new Error("The board is not plugged in.");
    await this.#qmp.execute(command);
  }

  async #ptyOf(machine: Leashed): Promise<string> {
    return until("QEMU's message with the pty's name", () => {
      if (!machine.running) throw new Error(`QEMU ends: ${machine.printed.err}`);
      return /redirected to (\S+)/.exec(machine.printed.out + machine.printed.err)?.[1];
    });
  }

  async #paced(serial: string): Promise<string> {
    const socket = `${serial}-paced`;
    const { faults, seed } = this.#options;
    this.bridge = await PacedBridge.open(serial, socket, { ...(faults && { faults }), ...(seed && { seed }) });
    return socket;
  }

  /** socat makes a pty out of a socket. */
  async #relayTo(socket: string): Promise<void> {
    this.#relay = await leashed("socat", [`PTY,link=${this.path},raw,echo=0`, `UNIX-CONNECT:${socket}`]);
    await until("socat's pty", () => existsSync(this.path));
  }
}
