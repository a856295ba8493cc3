import type { HeapsoakError } from "../../errors.ts";
import { eventLine } from "../../trace/board-events.ts";
import { systemTimers, type Timers } from "../commands/exchange.ts";
import { noAgentError } from "../commands/no-agent.ts";
import type { LineFigures } from "../link/line-quality.ts";
import type { BoardLink, LinkItem } from "../link/link.ts";
import { Silence } from "../silence.ts";
import { type HeapGuess, type HeapShadow, LiveFigures } from "./live-figures.ts";
import { Recorder } from "./recorder.ts";
import { type OpenRecording, RecordingFile, removeUnused } from "./recording-file.ts";
import type { RecordingStart } from "./recording-header.ts";
import { NO_COUNTS, type RecordingCounts } from "./recording-text.ts";

/** Between two `hello`, until the board says what it is. */
const HELLO_MS = 100;
/** After this long without a frame there is no agent. */
const NO_AGENT_MS = 5000;
/** After this long with frames but no identity, which comes every ten heartbeats, recording begins without it. */
const NO_IDENTITY_MS = 15_000;
const SHOW_MS = 100;

/** What a live display shows. */
export interface RecordProgress {
  readonly elapsedMs: number;
  readonly eventsPerSecond: number;
  readonly operations: number;
  readonly heap: HeapGuess;
  /** Frames lost on the line or on the board, as far as they are known. */
  readonly lostFrames: number;
  /** Of these, those for which the board's ring had no room. */
  readonly ringDropped: number;
  readonly reconnections: number;
  readonly isConnected: boolean;
  /** How long nothing has come although a heartbeat is overdue; undefined while the board talks. */
  readonly silentMs: number | undefined;
  readonly isWaiting: boolean;
}

/** What was recorded. */
export interface RecordingSummary extends RecordingCounts {
  readonly file: string;
  readonly port: string;
  readonly fileBytes: number;
  readonly durationMs: number;
  /** Board, build, allocator and its version; undefined: the board has not said. */
  readonly names: readonly string[] | undefined;
  readonly liveBlocks: number;
  readonly liveBytes: number;
  readonly line: LineFigures;
}

export interface SessionOptions {
  readonly link: BoardLink;
  readonly recording: OpenRecording;
  readonly start: RecordingStart;
  /** Ends the recording; without one and without `signal` it goes on until the file fails. */
  readonly durationMs?: number;
  readonly signal?: AbortSignal;
  /** Follows the board for the display; it is given every item before `progress` is called. */
  readonly shadow?: HeapShadow & { apply(item: LinkItem): void };
  /** Called ten times a second. */
  readonly progress?: (progress: RecordProgress) => void;
  readonly timers?: Timers;
}

/**
 * Records what comes over a link until the time is up, the signal is given, or the file cannot be written. The link
 * stays open, the file is closed. Throws `no-agent` where nothing answers, `cannot-write` with everything before
 * intact, `bad-board` where the file was recorded from another heap.
 */
export async function recordBoard(options: SessionOptions): Promise<RecordingSummary> {
  return new Session(options).run();
}

class Session {
  readonly #options: SessionOptions;
  readonly #timers: Timers;
  readonly #file: RecordingFile;
  readonly #recorder: Recorder;
  readonly #live: LiveFigures;
  readonly #silence = new Silence();
  readonly #startMs: number;
  readonly #before: LineFigures;
  /** Since then the board is asked what it is; NaN: it has answered. */
  #helloMs: number;
  /** The line was there from then on. */
  #connectedMs: number;
  #end: () => void = () => {};
  #failure: HeapsoakError | undefined;

  constructor(options: SessionOptions) {
    const { link, recording, start, shadow, timers = systemTimers } = options;
    this.#options = options;
    this.#timers = timers;
    this.#file = new RecordingFile(recording, () => this.#end(), timers);
    this.#recorder = new Recorder(this.#file, start, recording.earlier);
    this.#live = new LiveFigures(shadow);
    this.#startMs = timers.nowMs();
    this.#helloMs = this.#startMs;
    this.#connectedMs = this.#startMs;
    this.#before = link.counters;
  }

  async run(): Promise<RecordingSummary> {
    const { link } = this.#options;
    const unsubscribe = link.subscribe((items, receivedMs) => this.#take(items, receivedMs));
    await this.#untilEnd();
    unsubscribe();
    const durationMs = this.#timers.nowMs() - this.#startMs;
    if (!this.#failure && !this.#recorder.failure && !this.#recorder.hasBegun) this.#beginOrGiveUp(durationMs);
    const summary = this.#summary(durationMs);
    if (this.#recorder.hasBegun) void this.#file.append(endLine(summary));
    await this.#file.close();
    if (!this.#recorder.hasBegun) await removeUnused(this.#options.recording);
    const failure = this.#file.failure ?? this.#recorder.failure ?? this.#failure;
    if (failure) throw failure;
    return { ...summary, fileBytes: this.#file.bytes };
  }

  #take(items: readonly LinkItem[], receivedMs: number): Promise<void> | undefined {
    const { shadow } = this.#options;
    for (const item of items) {
      shadow?.apply(item);
      if (item.kind === "connected") this.#connectedMs = this.#helloMs = this.#timers.nowMs();
      // Answered: a board that was away may have booted, and says so by its nonce.
      else if (item.kind === "identity" || item.kind === "boot") this.#helloMs = Number.NaN;
    }
    this.#live.take(items, receivedMs);
    this.#silence.take(items, this.#timers.nowMs());
    const held = this.#recorder.take(items, receivedMs);
    if (this.#recorder.failure) this.#end();
    return held;
  }

  /** Asks and shows until the time is up or something fails. */
  #untilEnd(): Promise<void> {
    const { durationMs, signal } = this.#options;
    return new Promise((resolve) => {
      let cancel = () => {};
      let cancelEnd = () => {};
      this.#end = () => {
        cancel();
        cancelEnd();
        signal?.removeEventListener("abort", this.#end);
        resolve();
      };
      signal?.addEventListener("abort", this.#end);
      if (durationMs !== undefined) cancelEnd = this.#timers.after(durationMs, this.#end);
      const tick = () => {
        cancel = this.#timers.after(Math.min(HELLO_MS, SHOW_MS), tick);
        this.#tick();
      };
      tick();
      if (signal?.aborted) this.#end();
    });
  }

  #tick(): void {
    const nowMs = this.#timers.nowMs();
    const { link, progress } = this.#options;
    if (nowMs - this.#helloMs < NO_AGENT_MS && link.connected) link.send({ kind: "hello" }).catch(() => {});
    if (!this.#recorder.hasBegun && link.connected) this.#judge(nowMs - this.#connectedMs);
    progress?.(this.#progress(nowMs));
  }

  /** The board has not said what it is. */
  #judge(waitedMs: number): void {
    const { link } = this.#options;
    const { hasFrames } = this.#recorder;
    if (hasFrames && waitedMs >= NO_IDENTITY_MS) this.#recorder.beginWithoutIdentity();
    if (hasFrames || waitedMs < NO_AGENT_MS) return;
    this.#failure = noAgentError(link, this.#before, NO_AGENT_MS);
    this.#end();
  }

  /** The end came before the board had said what it is: what it sent is kept all the same. */
  #beginOrGiveUp(waitedMs: number): void {
    if (this.#recorder.hasFrames) this.#recorder.beginWithoutIdentity();
    else this.#failure = noAgentError(this.#options.link, this.#before, Math.round(waitedMs / 100) * 100);
  }

  #progress(nowMs: number): RecordProgress {
    const { counts } = this.#recorder;
    const wallMs = performance.timeOrigin + performance.now();
    return {
      elapsedMs: nowMs - this.#startMs,
      eventsPerSecond: this.#live.eventsPerSecond(wallMs),
      operations: counts?.operations ?? 0,
      heap: this.#live.heap(wallMs),
      lostFrames: this.#options.link.counters.lost,
      ringDropped: counts?.ringDropped ?? 0,
      reconnections: this.#live.reconnections,
      isConnected: this.#live.isConnected,
      silentMs: this.#silence.silentMs(nowMs),
      isWaiting: !this.#recorder.hasBegun,
    };
  }

  #summary(durationMs: number): RecordingSummary {
    const { link } = this.#options;
    const { counts, live, identity } = this.#recorder;
    return {
      ...(counts ?? NO_COUNTS),
      file: this.#file.path,
      port: link.path,
      fileBytes: this.#file.bytes,
      durationMs: Math.round(durationMs),
      names: identity?.names,
      liveBlocks: live.blocks,
      liveBytes: live.requestedBytes,
      line: link.counters,
    };
  }
}

/** The last line of a recording that ended on purpose. */
function endLine({ operations, boots, gaps, missingFrames, line }: RecordingSummary): string {
  return eventLine("end", { operations, boots, gaps, missing_frames: missingFrames, corrupt: line.corrupt });
}
