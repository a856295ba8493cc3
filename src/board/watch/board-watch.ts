import { lookUpDevice } from "../../device/catalogue/devices.ts";
import { type DeviceDescription, ramBanks, type StaticUse } from "../../device/description.ts";
import { staticUseOf } from "../../device/elf-memory.ts";
import { HeapsoakError } from "../../errors.ts";
import type { Elf } from "../../image/elf.ts";
import { formatBytes } from "../../quantities.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import { BoardClock } from "../board-clock.ts";
import type { BoardLink, LinkItem } from "../link/link.ts";
import { Silence } from "../silence.ts";
import { boardNames } from "../twin/board-heap.ts";
import { CallSites } from "../twin/call-sites.ts";
import { type Holder, Holders } from "../twin/holders.ts";
import { type MemoryReader, type Resync, resynchronise } from "../twin/resync.ts";
import { type AllocatorEvent, Twin, type TwinOptions } from "../twin/twin.ts";
import type { BoardFigures, BoardIdentity, FrameOf } from "../wire/messages.ts";
import { INTERRUPT_TASK, NO_TASK } from "../wire/protocol.ts";
import type { HeapSample, WatchedHeap, WatchedHolder, WatchedRam, WatchedStack, WatchState } from "./watch-state.ts";

const SAMPLE_MS = 1000;
const SAMPLES_MOST = 300;
const LOG_LINES_MOST = 100;
const REFUSALS_MOST = 20;
const STACKS_MOST = 64;
const HOLDERS_SHOWN = 20;
/** After a reading in vain, the next one that nobody asked for. */
const RETRY_MS = 10_000;

export interface BoardWatchOptions extends TwinOptions {
  /** The firmware's own file: names of call sites, static data. */
  readonly elf?: Elf;
}

/**
 * What a board does, followed from its stream: its twin, who holds its memory, its stacks and its log. It draws
 * nothing; `state` is what there is to draw.
 */
export class BoardWatch {
  readonly twin: Twin;
  readonly #link: Pick<BoardLink, "path" | "connected" | "counters">;
  readonly #options: BoardWatchOptions;
  readonly #sites: CallSites;
  readonly #holders = new Holders();
  readonly #silence = new Silence();
  readonly #stacks = new Map<number, { bytes: number; unusedBytes: number }>();
  readonly #history: HeapSample[] = [];
  readonly #refused: string[] = [];
  readonly #log: string[] = [];
  #refusals = 0;
  #figures: BoardFigures | undefined;
  #dropped: number | undefined;
  #disconnected: string | undefined;
  #clock: BoardClock | undefined;
  #uptimeUs: number | undefined;
  #nonce: number | undefined;
  #sinceBoot = false;
  #events = 0;
  #sampledEvents = 0;
  #sampledMs: number | undefined;
  #eventsPerSecond = 0;
  #reading = false;
  #failedReading: { readonly why: string; readonly atMs: number } | undefined;

  constructor(link: Pick<BoardLink, "path" | "connected" | "counters">, options: BoardWatchOptions = {}) {
    this.#link = link;
    this.#options = options;
    this.twin = new Twin(options);
    this.#sites = new CallSites(options.elf);
  }

  /** Takes what a link's subscribers get. `nowMs`: from any origin. */
  take(items: readonly LinkItem[], nowMs: number): void {
    this.#silence.take(items, nowMs);
    for (const item of items) this.#take(item, nowMs);
  }

  /** To be called about once a second: takes a sample of the heap and of the rate. */
  sample(nowMs: number): void {
    const sinceMs = nowMs - (this.#sampledMs ?? nowMs - SAMPLE_MS);
    if (sinceMs < SAMPLE_MS) return;
    this.#eventsPerSecond = Math.round(((this.#events - this.#sampledEvents) * 1000) / sinceMs);
    this.#sampledEvents = this.#events;
    this.#sampledMs = nowMs;
    if (this.twin.state !== "synchronised") return;
    const summary = unlessFault(() => this.twin.heap?.summary());
    if (!summary) return;
    this.#history.push({ freeBytes: summary.freeBytes, largestFreeBytes: summary.largestFreeBytes });
    if (this.#history.length > SAMPLES_MOST) this.#history.shift();
  }

  /** Whether memory should be read back now without being asked: never while it is being read, nor soon after it was in vain. */
  wantsMemory(nowMs: number): boolean {
    const { state, identity } = this.twin;
    const waits = this.#failedReading !== undefined && nowMs - this.#failedReading.atMs < RETRY_MS;
    const can = this.#link.connected && (identity?.commandBytes ?? 0) > 0;
    return can && state === "unsynchronised" && !this.#reading && !waits;
  }

  /** Reads the board's heap back and goes on from there, unless that is under way. The reader is closed after it. */
  async readBack(openReader: () => Promise<MemoryReader & { close(): void }>, clockMs: () => number): Promise<void> {
    if (this.#reading || !this.twin.board || !this.#link.connected) return;
    this.#reading = true;
    try {
      const result = await this.#readWith(openReader);
      this.#failedReading = result.synchronised ? undefined : { why: result.why, atMs: clockMs() };
      if (result.synchronised) this.#reconcile(clockMs());
    } finally {
      this.#reading = false;
    }
  }

  /** What there is to show. `nowMs` by the clock of `take`. */
  state(nowMs: number): WatchState {
    const { twin } = this;
    const { identity } = twin;
    return {
      port: this.#link.path,
      disconnected: this.#disconnected,
      silentMs: this.#silence.silentMs(nowMs),
      line: this.#link.counters,
      eventsPerSecond: this.#eventsPerSecond,
      dropped: this.#dropped,
      board: identity && boardNames(identity),
      uptimeUs: this.#uptimeUs,
      sinceBoot: this.#sinceBoot,
      twin: {
        state: twin.state,
        reason: twin.reason,
        remedy: this.#remedy(),
        ...twin.comparisons,
        firstDifference: twin.firstDifference,
        warnings: twin.board?.warnings ?? [],
      },
      ram: identity && this.#ram(identity),
      heap: this.#heap(),
      figures: this.#figures,
      stacks: this.#stackList(),
      holders: this.#named(this.#holders.bySite(), nowMs, (site) => this.#sites.name(site)),
      tasks: this.#named(this.#holders.byTask(), nowMs, (task) => this.#taskName(task)),
      refusals: { count: this.#refusals, last: this.#refused },
      log: this.#log,
    };
  }

  async #readWith(openReader: () => Promise<MemoryReader & { close(): void }>): Promise<Resync> {
    try {
      const reader = await openReader();
      return await resynchronise(this.twin, reader).finally(() => reader.close());
    } catch (error) {
      if (error instanceof HeapsoakError) return { synchronised: false, why: error.message };
      throw error;
    }
  }

  #take(item: LinkItem, nowMs: number): void {
    this.twin.apply(item);
    this.#holders.apply(item, nowMs);
    if ("time" in item) this.#tick(item.time, nowMs);
    switch (item.kind) {
      case "allocate":
      case "allocateAligned":
      case "reallocate":
        this.#events++;
        if (isRefused(item)) this.#refuse(item);
        return;
      case "release":
        this.#events++;
        return;
      case "boot":
      case "identity":
        this.#introduce(item, nowMs);
        return;
      case "heartbeat":
        this.#dropped = item.dropped;
        return;
      case "stack":
        if (this.#stacks.size < STACKS_MOST || this.#stacks.has(item.task)) this.#stacks.set(item.task, item);
        return;
      case "statistics":
        this.#figures = item.figures;
        return;
      case "log":
        push(this.#log, `${this.#stamp()}${item.text}`, LOG_LINES_MOST);
        return;
      case "gap":
        this.#clock?.gap();
        return;
      case "disconnected":
        this.#disconnected = item.reason;
        this.#clock?.gap();
        return;
      case "connected":
        this.#disconnected = undefined;
        return;
    }
  }

  #introduce(identity: BoardIdentity, nowMs: number): void {
    if (identity.nonce === this.#nonce) return;
    this.#nonce = identity.nonce;
    this.#sinceBoot = identity.kind === "boot";
    this.#clock =
      identity.clockHz > 0 ? new BoardClock(identity.clockHz, identity.time, nowMs, this.#sinceBoot) : undefined;
    this.#uptimeUs = this.#clock?.at(identity.time, nowMs);
    this.#dropped = undefined;
    this.#figures = undefined;
    this.#failedReading = undefined;
    this.#stacks.clear();
    this.#history.length = 0;
    if (identity.kind === "identity") this.#holders.forget();
  }

  #tick(time: number, nowMs: number): void {
    if (this.#clock) this.#uptimeUs = this.#clock.at(time, nowMs);
  }

  /** The board's time at the head of a log line. */
  #stamp(): string {
    return this.#uptimeUs === undefined ? "" : `${(this.#uptimeUs / 1e6).toFixed(1)} s  `;
  }

  #refuse(event: Exclude<AllocatorEvent, FrameOf<"release">>): void {
    this.#refusals++;
    const from = event.site === 0 ? "" : ` called from ${this.#sites.name(event.site)}`;
    const task = event.task === NO_TASK ? "" : ` in ${this.#taskName(event.task)}`;
    const free = this.twin.state === "synchronised" ? unlessFault(() => this.twin.heap?.summary()) : undefined;
    const why = free
      ? `; ${formatBytes(free.freeBytes)} were free, the largest ${formatBytes(free.largestFreeBytes)}`
      : "";
    push(this.#refused, `${formatBytes(event.requestBytes)}${from}${task}${why}`, REFUSALS_MOST);
  }

  #reconcile(nowMs: number): void {
    const { heap } = this.twin;
    if (heap) unlessFault(() => this.#holders.reconcile(heap.blocks(), (payload) => heap.usableBytes(payload), nowMs));
  }

  #remedy(): string | undefined {
    if (this.twin.state === "synchronised" || this.twin.state === "waiting") return undefined;
    if (this.#reading) return "reading memory back …";
    if (this.#failedReading) return `memory could not be read back: ${this.#failedReading.why}`;
    if (this.twin.identity?.commandBytes === 0) return "the agent takes no commands: a reset of the board helps";
    return this.twin.state === "unsynchronised" ? undefined : "r reads memory back and goes on";
  }

  #ram({ heapLow, heapBytes }: BoardIdentity): WatchedRam | undefined {
    const names = this.twin.identity && boardNames(this.twin.identity);
    const known = this.#options.device ?? (names && lookUpDevice(names.board));
    const device = known ?? this.twin.board?.device.description;
    if (!device) return undefined;
    return { device, staticUse: this.#staticUse(device), heap: { low: heapLow, bytes: heapBytes } };
  }

  #staticUse(device: DeviceDescription): readonly StaticUse[] {
    const { elf } = this.#options;
    return elf ? staticUseOf(elf, ramBanks(device)) : (device.staticUse ?? []);
  }

  #heap(): WatchedHeap | undefined {
    const { heap, state } = this.twin;
    const region = heap?.regions[0];
    if (!heap || !region) return undefined;
    return unlessFault(() => ({
      ...region,
      blocks: [...heap.blocks()],
      summary: heap.summary(),
      counters: heap.counters(),
      current: state === "synchronised",
      history: this.#history,
    }));
  }

  #stackList(): WatchedStack[] {
    return [...this.#stacks].map(([task, { bytes, unusedBytes }]) => {
      return { name: this.#taskName(task), bytes, unusedBytes };
    });
  }

  #named(holders: readonly Holder[], nowMs: number, nameOf: (key: number) => string): WatchedHolder[] {
    return holders.slice(0, HOLDERS_SHOWN).map(({ key, blocks, bytes, oldestMs }) => {
      return { name: nameOf(key), blocks, bytes, oldestUs: Math.max(0, nowMs - oldestMs) * 1000 };
    });
  }

  #taskName(task: number): string {
    if (task === NO_TASK) return "(no task)";
    if (task === INTERRUPT_TASK) return "(interrupt)";
    return this.#holders.taskName(task) ?? `task ${task}`;
  }
}

function isRefused(event: Exclude<AllocatorEvent, FrameOf<"release">>): boolean {
  return event.requestBytes > 0 && (event.kind === "reallocate" ? event.result : event.address) === 0;
}

function push(lines: string[], line: string, most: number): void {
  lines.push(line);
  if (lines.length > most) lines.shift();
}

/** What the work returns; undefined where the heap's metadata is so broken that walking it faults. */
function unlessFault<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof GuestFault) return undefined;
    throw error;
  }
}
