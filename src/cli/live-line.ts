import type { ProgressStream } from "./run-progress.ts";

const REDRAW_MS = 100;
/** Without a terminal: the first line after this long, then each at least twice as long after, up to LINE_MS_MOST. */
const LINE_MS_FIRST = 2000;
const LINE_MS_MOST = 60_000;
const COLUMNS = 80;

/** One line that is drawn anew on a terminal, and written now and then elsewhere. */
export class LiveLine {
  readonly #stream: ProgressStream;
  readonly #clockMs: () => number;
  readonly #isLive: boolean;
  #shownMs: number;
  #waitMs: number;
  #isDrawn = false;

  constructor(
    stream: ProgressStream,
    {
      clockMs = () => performance.now(),
      terminal = process.env.TERM ?? "",
    }: { clockMs?: () => number; terminal?: string } = {},
  ) {
    this.#stream = stream;
    this.#clockMs = clockMs;
    this.#isLive = stream.isTTY === true && terminal !== "dumb";
    this.#waitMs = this.#isLive ? REDRAW_MS : LINE_MS_FIRST;
    this.#shownMs = clockMs();
  }

  /** Shows the line that `text` gives, when it is time. */
  update(text: () => string): void {
    const nowMs = this.#clockMs();
    if (nowMs - this.#shownMs < this.#waitMs) return;
    this.#shownMs = nowMs;
    const line = text().replaceAll(/[\n\t]/g, " ");
    if (this.#isLive) this.#redraw(line);
    else {
      this.#waitMs = Math.min(2 * this.#waitMs, LINE_MS_MOST);
      this.#stream.write(`${line}\n`);
    }
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write("\r\u001b[K");
    this.#isDrawn = false;
  }

  #redraw(text: string): void {
    // A terminal that does not know its width says 0.
    const width = (this.#stream.columns || COLUMNS) - 1;
    this.#stream.write(`\r\u001b[K${text.slice(0, width)}`);
    this.#isDrawn = true;
  }
}
