import { formatBytes } from "../quantities.ts";
import { simulatedDate } from "../report/simulated-time.ts";
import { formatCount } from "../report/table.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { SoakProgress } from "../soak/soak.ts";

/** At most ten times a second on a terminal. */
const REDRAW_MS = 100;
/** Without a terminal: a line at the start and a tenth of the run, but never more often than this … */
const LINE_MS = 2000;
/** … and one now and then where a tenth takes long. */
const LINE_AT_LEAST_MS = 10_000;
const COLUMNS = 80;
const WITHOUT_HORIZON_US = 100 * 365 * 86_400e6;

/** What of a stream the display needs: process.stderr is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Stands in front of each line. */
  readonly label?: string;
  /** Whether the run goes on from a checkpoint: its speed is then that since the first news of it. */
  readonly resumed?: boolean;
  /** Wall-clock milliseconds from any origin. */
  readonly clockMs?: () => number;
  /** The terminal's type; TERM of the environment by default. */
  readonly terminal?: string;
}

/** Shows how far a run is: one block that is drawn anew on a terminal, a line now and then elsewhere. */
export class RunProgress {
  readonly #stream: ProgressStream;
  readonly #label: string;
  readonly #clockMs: () => number;
  readonly #live: boolean;
  readonly #startMs: number;
  #firstUs: number | undefined;
  #firstSteps = 0;
  #steps = 0;
  #shownMs: number;
  #shownTenth = -1;
  #drawnLines = 0;

  constructor(
    stream: ProgressStream,
    {
      label = "",
      resumed = false,
      clockMs = () => performance.now(),
      terminal = process.env.TERM ?? "",
    }: ProgressOptions = {},
  ) {
    this.#stream = stream;
    this.#label = label;
    if (!resumed) this.#firstUs = 0;
    this.#clockMs = clockMs;
    this.#live = stream.isTTY === true && terminal !== "dumb";
    this.#startMs = clockMs();
    this.#shownMs = this.#startMs;
  }

  update(progress: SoakProgress): void {
    if (this.#firstUs === undefined) {
      this.#firstUs = progress.simulatedUs;
      this.#firstSteps = progress.steps;
    }
    this.#steps = progress.steps;
    if (this.#live) this.#redraw(progress);
    else this.#line(progress);
  }

  /** Removes the block; what else is written goes below what was there before. */
  clear(): void {
    if (this.#drawnLines > 0) this.#stream.write(`\u001b[${this.#drawnLines}A\u001b[J`);
    this.#drawnLines = 0;
  }

  /** Removes the block and says how long the run took to its end at `endUs`. */
  finish(endUs: number): void {
    this.clear();
    const seconds = Math.max(this.#clockMs() - this.#startMs, 1) / 1000;
    const simulatedUs = endUs - (this.#firstUs ?? endUs);
    const steps = perSecond((this.#steps - this.#firstSteps) / seconds);
    const speed = formatCount(Math.round(simulatedUs / 1e6 / seconds));
    const took = formatDuration(Math.round(seconds * 1000) * 1000);
    this.#stream.write(
      `${this.#label}simulated ${formatDuration(simulatedUs)} in ${took}: ${speed}× real time, ${steps} steps/s\n`,
    );
  }

  #redraw(progress: SoakProgress): void {
    const now = this.#clockMs();
    if (now - this.#shownMs < REDRAW_MS) return;
    this.#shownMs = now;
    // A terminal that does not know its width says 0.
    const width = (this.#stream.columns || COLUMNS) - 1;
    const lines = [this.#summary(progress, now), ...heapBlock(progress, width)].map((line) => line.slice(0, width));
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : "";
    this.#stream.write(`${up}\u001b[J${lines.join("\n")}\n`);
    this.#drawnLines = lines.length;
  }

  #line(progress: SoakProgress): void {
    const now = this.#clockMs();
    const since = now - this.#shownMs;
    if (since < LINE_MS || (tenth(progress) === this.#shownTenth && since < LINE_AT_LEAST_MS)) return;
    this.#shownMs = now;
    this.#shownTenth = tenth(progress);
    const heaps = progress.heaps().map(({ name, freeBytes }) => `${name} ${formatBytes(freeBytes)} free`);
    this.#stream.write(`${[this.#summary(progress, now), ...heaps].join("; ")}\n`);
  }

  /** `day 12, 03:14  40 %  617,000×  ETA 12 s`. */
  #summary(progress: SoakProgress, nowMs: number): string {
    const { simulatedUs, uptimeUs } = progress;
    const elapsedUs = Math.max(nowMs - this.#startMs, 1) * 1000;
    const speed = (simulatedUs - (this.#firstUs ?? 0)) / elapsedUs;
    const words = [this.#label + simulatedDate(simulatedUs), `${formatCount(Math.round(speed))}× real time`];
    if (uptimeUs < WITHOUT_HORIZON_US) {
      words.push(`${Math.floor((100 * simulatedUs) / uptimeUs)} % of ${formatDuration(uptimeUs)}`);
      if (speed > 0) words.push(`ETA ${formatDuration(Math.ceil((uptimeUs - simulatedUs) / speed / 1e6) * 1e6)}`);
    }
    return words.join(", ");
  }
}

function heapBlock(progress: SoakProgress, width: number): string[] {
  return progress
    .heaps()
    .flatMap(({ name, freeBytes, largestFreeBytes, picture }) => [
      `${name}: ${formatBytes(freeBytes)} free, largest request ${formatBytes(largestFreeBytes)}`,
      `  ${picture.length > width - 2 ? `${picture.slice(0, width - 3)}…` : picture}`,
    ]);
}

/** `29.0 million`, or the whole number below one. */
function perSecond(rate: number): string {
  return rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} million` : formatCount(Math.round(rate));
}

function tenth({ simulatedUs, uptimeUs }: SoakProgress): number {
  return Math.floor((10 * simulatedUs) / uptimeUs);
}
