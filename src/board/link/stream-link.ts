import { once } from "node:events";
import type { Duplex } from "node:stream";
import { HeapsoakError } from "../../errors.ts";
import { encodeFrame } from "../wire/frame-codec.ts";
import { FrameDecoder, type LinkCounters } from "../wire/frame-decoder.ts";
import type { BoardCommand, BoardItem } from "../wire/messages.ts";
import { settledWithin } from "./deadline.ts";
import { addCounters, type LineFigures, printableIn } from "./line-quality.ts";
import type { BoardLink, LinkItem, LinkListener } from "./link.ts";

/** The longest frame takes this long at 2,400 baud. */
const SEND_MS = 5000;
const UNSENT_BYTES_MOST = 0x1_0000;
/** What subscribers may take for the items that had arrived when the line went away. */
const LAST_ITEMS_MS = 1000;
const SEQUENCE_MASK = 0xffff;

/** One connection: a stream, and what decodes its bytes. */
interface Connection {
  readonly stream: Duplex;
  readonly decoder: FrameDecoder;
  /** Takes the link's ears off the stream. */
  readonly release: () => void;
}

/** A link over streams that somebody else opens: one after the other, each with `attach`, then `detach`. */
export class StreamLink implements BoardLink {
  readonly path: string;
  readonly #listeners = new Set<LinkListener>();
  readonly #unsent = new Set<(why: string) => void>();
  #connection: Connection | undefined;
  #connected = false;
  #hadConnection = false;
  #read: (() => void) | undefined;
  #reading = false;
  #past: LinkCounters = new FrameDecoder().counters;
  #lastOtherVersion: number | undefined;
  #printableBytes = 0;
  #sequence = 0;

  constructor(path: string) {
    this.path = path;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get counters(): LineFigures {
    const decoder = this.#connection?.decoder;
    const counters = decoder ? addCounters(this.#past, decoder.counters) : this.#past;
    const lastOtherVersion = decoder?.lastOtherVersion ?? this.#lastOtherVersion;
    return { ...counters, printableBytes: this.#printableBytes, lastOtherVersion };
  }

  subscribe(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    this.#reading = true;
    this.#read?.();
    return () => this.#listeners.delete(listener);
  }

  async send(command: BoardCommand): Promise<void> {
    const stream = this.#connection?.stream;
    if (!stream || !this.#connected) throw this.#unreachable("the port is not connected");
    if (stream.writableLength > UNSENT_BYTES_MOST) throw this.#unreachable("the port takes no more bytes");
    const bytes = encodeFrame(command, this.#sequence);
    this.#sequence = (this.#sequence + 1) & SEQUENCE_MASK;
    await this.#write(stream, bytes);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#listeners.clear();
    this.#end("the link was closed");
    connection?.decoder.destroy();
    connection?.stream.destroy();
  }

  /** Begins a connection; any but the first is announced. `lost` is told once, and in words, that the stream ended, failed or was closed. */
  attach(stream: Duplex, lost: (reason: string) => void): void {
    const decoder = new FrameDecoder();
    const count = (chunk: Uint8Array) => {
      this.#printableBytes += printableIn(chunk);
    };
    const unwatch = watchEnd(stream, lost);
    const release = () => {
      unwatch();
      stream.off("data", count).unpipe(decoder);
    };
    this.#read = () => {
      this.#read = undefined;
      decoder.on("data", (items: readonly BoardItem[]) => this.#hold(decoder, this.publish(items)));
      stream.on("data", count).pipe(decoder, { end: false });
    };
    this.#connection = { stream, decoder, release };
    this.#connected = true;
    if (this.#hadConnection) this.publish([{ kind: "connected" }]);
    this.#hadConnection = true;
    if (this.#reading) this.#read?.();
  }

  /** Ends the connection: what had arrived still reaches the subscribers, then `disconnected`. The stream stays as it is. */
  async detach(reason: string): Promise<void> {
    const connection = this.#connection;
    if (!connection || !this.#connected) return;
    this.#end(reason);
    const { decoder } = connection;
    if (this.#reading) await settledWithin(once(decoder.end(), "end"), LAST_ITEMS_MS);
    decoder.destroy();
    this.#past = addCounters(this.#past, decoder.counters);
    this.#lastOtherVersion = decoder.lastOtherVersion ?? this.#lastOtherVersion;
    this.#connection = undefined;
    this.publish([{ kind: "disconnected", reason }]);
  }

  /** Hands items to the subscribers; a promise where one of them wants the line held. */
  protected publish(items: readonly LinkItem[]): Promise<unknown> | undefined {
    const receivedMs = performance.timeOrigin + performance.now();
    const holds = [...this.#listeners].map((listener) => listener(items, receivedMs)).filter((hold) => hold);
    return holds.length > 0 ? Promise.all(holds) : undefined;
  }

  #hold(decoder: FrameDecoder, held: Promise<unknown> | undefined): void {
    if (!held) return;
    decoder.pause();
    void held.then(() => decoder.resume());
  }

  #end(why: string): void {
    this.#connected = false;
    this.#read = undefined;
    this.#connection?.release();
    for (const fail of this.#unsent) fail(why);
  }

  async #write(stream: Duplex, bytes: Uint8Array): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let fail: (why: string) => void = () => {};
    const written = new Promise<void>((resolve, reject) => {
      fail = (why) => reject(this.#unreachable(why));
      timer = setTimeout(fail, SEND_MS, `the port has not taken what was sent within ${SEND_MS / 1000} s`);
      stream.write(bytes, (error) => (error ? fail(error.message) : resolve()));
    });
    this.#unsent.add(fail);
    await written.finally(() => {
      clearTimeout(timer);
      this.#unsent.delete(fail);
    });
  }

  #unreachable(why: string): HeapsoakError {
    return new HeapsoakError("board-unreachable", `${this.path}: the board cannot be reached: ${why}.`);
  }
}

/** A link over any stream, which it owns from now on: for tests and for recorded bytes. There is no second connection. */
export function linkOver(stream: Duplex, path = "stream"): BoardLink {
  const link = new StreamLink(path);
  link.attach(stream, (reason) => void link.detach(reason));
  return link;
}

/** Calls `lost` at the first sign that the stream is over. Returns what stops the watch; errors stay harmless after it. */
function watchEnd(stream: Duplex, lost: (reason: string) => void): () => void {
  const ended = () => lost("the stream ended");
  const closed = (error?: Error | null) => lost(error?.message ?? "the stream was closed");
  const failed = (error: Error) => lost(error.message);
  const unwatch = () => stream.off("end", ended).off("close", closed).off("error", failed);
  stream.on("end", ended).on("close", closed).on("error", failed);
  stream.on("error", () => {}); // a write that is cancelled by closing the port reports it here
  return unwatch;
}
