import type { ValidationProgress } from "../board/validation/validation-run.ts";
import { formatCount } from "../report/table.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { ProgressStream } from "./run-progress.ts";

/** At most ten times a second on a terminal … */
const REDRAW_MS = 100;
/** … and a line now and then elsewhere. */
const LINE_MS = 5000;
/** A terminal that does not know its width. */
const COLUMNS = 80;

const WORDS: Readonly<Record<ValidationProgress["phase"], (done: string, total: string) => string>> = {
  reading: (done, total) => `reading the board's heap: ${done} of ${total} bytes`,
  running: (done, total) => `${done} of ${total} operations`,
  "reading-back": (done, total) => `reading the heap back: ${done} of ${total} bytes`,
  "looking-closer": (done, total) => `a second run up to the difference: ${done} of ${total} operations`,
};

/** Shows how far a validation is: one line that is drawn anew on a terminal, a line now and then elsewhere. */
export class ValidationLine {
  readonly #stream: ProgressStream;
  readonly #clockMs: () => number;
  readonly #live: boolean;
  #phase: ValidationProgress["phase"] | undefined;
  #phaseMs = 0;
  #shownMs: number;
  #drawn = false;

  constructor(stream: ProgressStream, { clockMs = () => performance.now(), terminal = process.env.TERM ?? "" } = {}) {
    this.#stream = stream;
    this.#clockMs = clockMs;
    this.#live = stream.isTTY === true && terminal !== "dumb";
    this.#shownMs = clockMs();
  }

  update({ phase, done, total }: ValidationProgress): void {
    const now = this.#clockMs();
    if (phase !== this.#phase) this.#phaseMs = now;
    this.#phase = phase;
    if (now - this.#shownMs < (this.#live ? REDRAW_MS : LINE_MS)) return;
    this.#shownMs = now;
    const text = WORDS[phase](formatCount(done), formatCount(total)) + pace(done, total, now - this.#phaseMs);
    const width = (this.#stream.columns || COLUMNS) - 1;
    this.#stream.write(this.#live ? `\r\u001b[K${text.slice(0, width)}` : `${text}\n`);
    this.#drawn = this.#live;
  }

  /** Removes the line. */
  clear(): void {
    if (this.#drawn) this.#stream.write("\r\u001b[K");
    this.#drawn = false;
  }
}

/** `, 1,204 a second, ETA 12 s`. */
function pace(done: number, total: number, elapsedMs: number): string {
  if (elapsedMs <= 0 || done === 0) return "";
  const aSecond = (done * 1000) / elapsedMs;
  const leftUs = Math.ceil((total - done) / aSecond) * 1e6;
  return `, ${formatCount(Math.round(aSecond))} a second, ETA ${formatDuration(leftUs)}`;
}
