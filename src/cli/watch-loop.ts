import type { BoardLink } from "../board/link/link.ts";
import type { MemoryReader } from "../board/twin/resync.ts";
import type { BoardWatch } from "../board/watch/board-watch.ts";
import type { Paint } from "../report/paint.ts";
import { watchLine, watchScreen } from "../report/watch-screen.ts";
import { type ScreenStream, TerminalScreen } from "./terminal-screen.ts";

/** At most ten times a second; also how often is looked whether something is to be done. */
const REDRAW_MS = 100;
/** Without a terminal: a line this often. */
const LINE_MS = 1000;
const CTRL_C = 0x03;
const KEY_Q = 0x71;
const KEY_R = 0x72;

/** What of a keyboard is needed: process.stdin is one. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  off(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface WatchLoopOptions {
  readonly link: BoardLink;
  /** Is given what the link receives by the caller. */
  readonly watch: BoardWatch;
  /** What reads the board's memory, made anew for each reading, and closed after it. */
  readonly openReader: () => Promise<MemoryReader & { close(): void }>;
  readonly output: ScreenStream & {
    on?(event: "resize", listener: () => void): unknown;
    off?(event: "resize", listener: () => void): unknown;
  };
  readonly keyboard?: Keyboard;
  readonly paint: Paint;
  /** Milliseconds by the clock of the link's listeners. */
  readonly clockMs: () => number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * Shows a board until `q`, Ctrl-C or the signal: on a terminal a screen that is drawn anew, elsewhere a line a
 * second. Leaves terminal and keyboard as they were.
 */
export async function watchLoop(options: WatchLoopOptions): Promise<void> {
  const loop = new WatchLoop(options);
  try {
    await loop.run();
  } finally {
    loop.close();
  }
}

class WatchLoop {
  readonly #options: WatchLoopOptions;
  readonly #screen: TerminalScreen | undefined;
  readonly #unsubscribe: () => void;
  readonly #pressed = (bytes: Uint8Array) => this.#press(bytes);
  readonly #resized = () => this.#screen?.clear();
  readonly #aborted = () => this.#finish();
  #timer: NodeJS.Timeout | undefined;
  #finish: () => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #dirty = true;
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(options: WatchLoopOptions) {
    this.#options = options;
    const { link, output } = options;
    if (output.isTTY) this.#screen = new TerminalScreen(output);
    this.#unsubscribe = link.subscribe(() => {
      this.#dirty = true;
    });
  }

  run(): Promise<void> {
    const { signal, output, keyboard } = this.#options;
    const done = new Promise<void>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    if (signal.aborted) this.#finish();
    signal.addEventListener("abort", this.#aborted);
    this.#screen?.open();
    output.on?.("resize", this.#resized);
    if (this.#screen && keyboard?.isTTY) {
      keyboard.setRawMode?.(true);
      keyboard.on("data", this.#pressed);
      keyboard.resume();
    }
    this.#timer = setInterval(() => this.#turn(), REDRAW_MS);
    this.#turn();
    return done;
  }

  close(): void {
    const { signal, output, keyboard } = this.#options;
    clearInterval(this.#timer);
    this.#unsubscribe();
    signal.removeEventListener("abort", this.#aborted);
    output.off?.("resize", this.#resized);
    if (this.#screen && keyboard?.isTTY) {
      keyboard.off("data", this.#pressed);
      keyboard.setRawMode?.(false);
      keyboard.pause();
    }
    this.#screen?.close();
  }

  #turn(): void {
    try {
      const nowMs = this.#options.clockMs();
      this.#options.watch.sample(nowMs);
      if (this.#options.watch.wantsMemory(nowMs)) this.#readBack();
      this.#show(nowMs);
    } catch (error) {
      this.#fail(error);
    }
  }

  #show(nowMs: number): void {
    const { watch, output, paint } = this.#options;
    const sinceMs = nowMs - this.#drawnMs;
    if (sinceMs < LINE_MS && !(this.#screen && this.#dirty)) return;
    this.#drawnMs = nowMs;
    this.#dirty = false;
    if (this.#screen) this.#screen.draw(watchScreen(watch.state(nowMs), this.#screen.size, paint));
    else output.write(`${watchLine(watch.state(nowMs))}\n`);
  }

  #press(bytes: Uint8Array): void {
    for (const key of bytes) {
      if (key === KEY_Q || key === CTRL_C) this.#finish();
      if (key === KEY_R) this.#readBack();
    }
  }

  #readBack(): void {
    const { watch, openReader, clockMs } = this.#options;
    this.#dirty = true;
    void watch.readBack(openReader, clockMs).then(() => {
      this.#dirty = true;
    }, this.#fail);
  }
}
