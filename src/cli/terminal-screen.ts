/** What of a stream a screen needs: process.stdout is one. */
export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
  write(text: string): unknown;
}

const COLUMNS = 80;
const ROWS = 24;
/** The other screen, without a cursor, and without wrapping: a line that a terminal takes for longer is cut by it. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** A terminal's other screen. What was on the terminal comes back when it is closed, however the process ends. */
export class TerminalScreen {
  readonly #stream: ScreenStream;
  readonly #leave = () => this.close();
  #shown = "";
  #open = false;

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  /** Terminals that do not know their size say 0. */
  get size(): { width: number; height: number } {
    return { width: this.#stream.columns || COLUMNS, height: this.#stream.rows || ROWS };
  }

  open(): void {
    if (this.#open) return;
    this.#open = true;
    process.once("exit", this.#leave);
    this.#stream.write(ENTER);
  }

  /** Shows the lines from the top. Does nothing where they are shown already, or the terminal is behind. */
  draw(lines: readonly string[]): void {
    // Erased in front of the text: behind a line as wide as the terminal, the cursor still stands on its last character.
    const text = lines.map((line) => `\u001b[K${line}`).join("\r\n");
    if (!this.#open || text === this.#shown || this.#stream.writableNeedDrain) return;
    this.#shown = text;
    this.#stream.write(`\u001b[H${text}\u001b[J`);
  }

  /** The next `draw` begins with an empty screen: after a change of size. */
  clear(): void {
    this.#shown = "";
    if (this.#open) this.#stream.write("\u001b[2J");
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off("exit", this.#leave);
    this.#stream.write(LEAVE);
  }
}
