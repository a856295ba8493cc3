import type { ErrorCode } from "../../errors.ts";
import { type BoardLink, DEFAULT_BAUD_RATE, type LinkOptions } from "./link.ts";
import { portError, portErrorCode } from "./port-errors.ts";
import { devicePorts, listPorts } from "./port-list.ts";
import { closePort, isHungUp, machinePorts, openPort, type PortAccess, type SerialStream } from "./serial-port.ts";
import { StreamLink } from "./stream-link.ts";

/** Between two looks at a port: whether it is still there, or back. */
const POLL_MS = 500;
const NO_SUCH_PORT = "no such file";

/** Why a port that went away has not been opened again, for those who wait. */
const WAITING: Partial<Record<ErrorCode, string>> = {
  "port-denied": "the port is back, but may not be opened",
  "port-busy": "the port is back, but another program has it open",
  "port-unusable": "the port is back, but cannot be opened",
};

/**
 * Opens a serial port and links to the board behind it. A port that goes away is opened again when it is back.
 * Throws HeapsoakError: `port-missing`, `port-denied`, `port-busy`, `port-unusable`.
 */
export async function openLink(options: LinkOptions, access: PortAccess = machinePorts): Promise<BoardLink> {
  const link = new SerialLink(options, access);
  try {
    await link.open();
  } catch (cause) {
    const ports = portErrorCode(cause) === "port-missing" ? await knownPaths() : [];
    throw portError(options.path, cause, { ports, platform: process.platform });
  }
  return link;
}

class SerialLink extends StreamLink {
  readonly #baudRate: number;
  readonly #reconnect: boolean;
  readonly #access: PortAccess;
  #port: SerialStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ path, baudRate = DEFAULT_BAUD_RATE, reconnect = true }: LinkOptions, access: PortAccess) {
    super(path);
    this.#baudRate = baudRate;
    this.#reconnect = reconnect;
    this.#access = access;
  }

  /** Opens the port and begins to watch it. */
  async open(): Promise<void> {
    if (!(await this.#access.isThere(this.path))) throw new Error(NO_SUCH_PORT);
    const port = await openPort(this.#access, this.path, this.#baudRate);
    if (this.#closed) return closePort(port);
    this.#port = port;
    let isLost = false;
    const lose = (reason: string) => {
      if (!isLost) void this.#lose(port, reason);
      isLost = true;
    };
    this.attach(port, (why) => lose(`the port is gone: unplugged, or the program behind it has ended (${why})`));
    this.#watch(port, lose);
  }

  override async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const port = this.#port;
    this.#port = undefined;
    await super.close();
    if (port) await closePort(port);
  }

  /**
   * A port that is pulled out or hung up while bytes pour in may go on reading nothing for ever: only its path and
   * its modem lines tell. The lines are asked twice, for an adapter may miss a question.
   */
  #watch(port: SerialStream, lose: (reason: string) => void, isDoubtful = false): void {
    this.#later(async () => {
      if (this.#port !== port) return;
      const there = await this.#access.isThere(this.path).catch(() => true);
      const hungUp = there && (await isHungUp(port));
      if (this.#closed || this.#port !== port) return;
      if (!there) lose("the port is gone: its path has vanished");
      else if (hungUp && isDoubtful) lose("the port is gone: the system has hung it up");
      else this.#watch(port, lose, hungUp);
    });
  }

  async #lose(port: SerialStream, reason: string): Promise<void> {
    if (this.#closed) return;
    this.#port = undefined;
    clearTimeout(this.#timer);
    await this.detach(reason);
    await closePort(port);
    if (this.#reconnect) this.#retry(reason);
  }

  /** Tries to open the port again until it succeeds. A new reason that two looks agree on is told. */
  #retry(told: string, previous?: string): void {
    this.#later(async () => {
      const reason = await this.#reopen();
      if (reason === undefined || this.#closed) return;
      const isNews = reason === previous && reason !== told && reason !== NO_SUCH_PORT;
      if (isNews) this.publish([{ kind: "disconnected", reason }]);
      this.#retry(isNews ? reason : told, reason);
    });
  }

  /** Undefined when the port is open again, or why it is not. */
  async #reopen(): Promise<string | undefined> {
    try {
      await this.open();
      return undefined;
    } catch (error) {
      return WAITING[portErrorCode(error)] ?? NO_SUCH_PORT;
    }
  }

  #later(task: () => Promise<void>): void {
    if (!this.#closed) this.#timer = setTimeout(task, POLL_MS);
  }
}

async function knownPaths(): Promise<readonly string[]> {
  const { ports } = await listPorts().catch(async () => ({ ports: await devicePorts() }));
  return ports.map(({ path }) => path);
}
