import { SerialPortMock } from "serialport";
import type { PortAccess } from "../../src/board/link/serial-port.ts";

export const PORT = "/dev/ttyACM0";

/** Ports of serialport's own mock, which can be pulled out and plugged in again. */
export class MockPorts implements PortAccess {
  /** What opening a port fails with. */
  refusal: string | undefined;
  /** What asking for the modem lines fails with. */
  linesFail: string | undefined;
  opened = 0;
  readonly #there = new Set<string>();
  #port: SerialPortMock | undefined;

  constructor() {
    SerialPortMock.binding.reset();
    this.plugIn();
  }

  async make(path: string, baudRate: number): Promise<SerialPortMock> {
    if (this.refusal !== undefined) throw new Error(this.refusal);
    const port = new SerialPortMock({ path, baudRate, autoOpen: false });
    const ask = port.get.bind(port);
    port.get = (done) => (this.linesFail === undefined ? ask(done) : done?.(new Error(this.linesFail)));
    this.#port = port;
    this.opened++;
    return port;
  }

  async isThere(path: string): Promise<boolean> {
    return this.#there.has(path);
  }

  plugIn(): void {
    SerialPortMock.binding.createPort(PORT, { record: true });
    this.#there.add(PORT);
  }

  /** The path vanishes; the read that is under way fails, as on a pty whose other end is gone. */
  pullOut(): void {
    this.vanish();
    (this.#binding as unknown as { pendingRead: (error: Error) => void }).pendingRead(new Error("bad file descriptor"));
  }

  /** Only the path vanishes: the port itself does not notice. */
  vanish(): void {
    this.#there.delete(PORT);
  }

  /** Bytes from the board. */
  emit(bytes: Uint8Array): void {
    this.#binding.emitData(Buffer.from(bytes));
  }

  /** Bytes that reached the board. */
  get written(): Buffer {
    return this.#binding.recording;
  }

  /** The next write waits until the function that this returns fails it. */
  blockWrites(): (error: Error) => void {
    let fail: (error: Error) => void = () => {};
    const stuck = new Promise<void>((_, reject) => {
      fail = reject;
    });
    stuck.catch(() => {});
    this.#binding.write = () => stuck;
    this.#binding.drain = () => stuck;
    return fail;
  }

  get isOpen(): boolean {
    return this.#port?.isOpen ?? false;
  }

  get #binding() {
    if (!this.#port?.port) throw new Error("no port is open");
    return this.#port.port;
  }
}
