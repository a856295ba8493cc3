import { formatAddress } from "../../quantities.ts";
import { eventLine } from "../../trace/board-events.ts";
import { ANNOTATIONS, powerOfTwo, REFUSED } from "../../trace/format.ts";
import { LIVE_BLOCKS_MOST, LiveBlocks } from "../../trace/live-blocks.ts";
import { BoardClock } from "../board-clock.ts";
import type { LinkItem } from "../link/link.ts";
import type { BoardIdentity, FrameOf } from "../wire/messages.ts";
import { NO_TASK, UNKNOWN_SITE } from "../wire/protocol.ts";
import { boardValues, headerOf, otherPlace } from "./recording-header.ts";

/** What a recording holds. */
export interface RecordingCounts {
  /** Operations of the board's allocator. */
  operations: number;
  boots: number;
  gaps: number;
  /** Frames missing at gaps, as far as they could be counted. */
  missingFrames: number;
  /** Frames for which the board's ring had no room, by its heartbeats. */
  ringDropped: number;
  disconnections: number;
  unmatchedFrees: number;
  /** Frees that were lost in a gap, as the next block at their place shows. */
  lostFrees: number;
  /** Operations at addresses outside the heap. */
  outside: number;
  handedOutTwice: number;
  refused: number;
  peakLiveBytes: number;
}

/** The counts of an empty recording. */
export const NO_COUNTS: Readonly<RecordingCounts> = {
  operations: 0,
  boots: 0,
  gaps: 0,
  missingFrames: 0,
  ringDropped: 0,
  disconnections: 0,
  unmatchedFrees: 0,
  lostFrees: 0,
  outside: 0,
  handedOutTwice: 0,
  refused: 0,
  peakLiveBytes: 0,
};

interface Stamped {
  readonly time: number;
  readonly site: number;
  readonly task: number;
}

/**
 * Turns what a link hands over into lines of a recording: addresses into ids and offsets, ticks into microseconds.
 * Knows which blocks are live, and with them what must have been lost.
 */
export class RecordingText {
  readonly counts: RecordingCounts = { ...NO_COUNTS };
  readonly #header: ReadonlyMap<string, string>;
  readonly #identity: BoardIdentity | undefined;
  readonly #headerBytes: number;
  readonly #live = new LiveBlocks();
  #nextId: number;
  #clock: BoardClock | undefined;
  #nonce: number | undefined;
  #ringDropped = 0;
  /** Whether all since the boot has been seen. */
  #isWhole = false;
  #receivedMs = 0;

  /**
   * `identity`: the heap that offsets count from; without one they are left out. `header`: that of the file.
   * `firstId`: above all ids that the file already has.
   */
  constructor(identity: BoardIdentity | undefined, header: ReadonlyMap<string, string>, firstId = 0) {
    this.#identity = identity;
    this.#header = header;
    this.#headerBytes = identity ? headerOf(identity) : 0;
    this.#nextId = firstId < REFUSED ? firstId : 0;
  }

  /** Bytes and blocks that count as live. */
  get live(): { readonly blocks: number; readonly requestedBytes: number } {
    return { blocks: this.#live.count, requestedBytes: this.#live.requestedBytes };
  }

  /**
   * What must be known before the first item: the heap is as after its boot (`fresh`), or the log begins `captured`
   * operations later.
   */
  begin(identity: BoardIdentity, state: { fresh: boolean; captured: number | undefined }, receivedMs: number): string {
    this.#receivedMs = receivedMs;
    if (state.fresh) return this.#boot(identity, false);
    const { captured } = state;
    return this.#break(eventLine("joined", captured === undefined ? {} : { captured }));
  }

  /** The lines of an item, each with its end; empty where it says nothing new. */
  lines(item: LinkItem, receivedMs: number): string {
    this.#receivedMs = receivedMs;
    switch (item.kind) {
      case "allocate":
        return this.#allocate(item, 0);
      case "allocateAligned":
        return this.#allocate(item, item.alignment);
      case "release":
        return this.#release(item);
      case "reallocate":
        return this.#reallocate(item);
      case "boot":
        return this.#boot(item, true) + (item.captured > 0 ? this.#joined(item.captured) : "");
      case "identity":
        return this.#meet(item);
      case "heartbeat":
        return this.#heartbeat(item);
      case "gap":
        return this.#gap(item.frames, item.certain);
      case "disconnected":
        this.counts.disconnections++;
        return this.#break(eventLine("disconnected", {}, item.reason));
      case "connected":
        return eventLine("connected");
      default:
        return this.#note(item);
    }
  }

  /** A free place in the log for what happened to the recorder itself. */
  appended(torn: number, startedIso: string): string {
    return this.#break(eventLine("appended", { started: startedIso, torn: torn > 0 ? torn : undefined }));
  }

  #note(
    item: Extract<
      LinkItem,
      { kind: "task" | "stack" | "statistics" | "log" | "results" | "refusal" | "memory" | "statics" }
    >,
  ): string {
    switch (item.kind) {
      case "task":
        return eventLine("task", { task: item.task }, item.name);
      case "stack": {
        const { task, bytes, unusedBytes } = item;
        return eventLine("stack", { ...this.#time(item.time), task, bytes, unused: unusedBytes });
      }
      case "statistics":
        return eventLine("statistics", { ...this.#time(item.time), ...item.figures });
      case "log":
        return eventLine("log", this.#time(item.time), item.text);
      default:
        return eventLine("answer", { frame: item.kind });
    }
  }

  #allocate(item: FrameOf<"allocate"> | FrameOf<"allocateAligned">, alignment: number): string {
    const { address } = item;
    this.counts.operations++;
    if (address !== 0 && this.#isOutside(address)) return this.#outside("allocate", item);
    const size = this.#size(item.requestBytes);
    const freed = address === 0 ? "" : this.#makeRoom(address, size.bytes);
    const id = this.#newId();
    const head = alignment > 0 ? `z ${id} ${powerOfTwo(alignment)}` : `a ${id}`;
    const asked = alignment > 0 && powerOfTwo(alignment) !== alignment ? ` ${ANNOTATIONS.alignment}=${alignment}` : "";
    const line = `${head} ${size.bytes}${this.#offset(address)}${this.#stamp(item)}${asked}${size.note}\n`;
    return freed + line + this.#enter(id, address, size.bytes);
  }

  #release(item: FrameOf<"release">): string {
    const { address } = item;
    this.counts.operations++;
    if (this.#isOutside(address)) return this.#outside("release", item);
    const id = this.#live.free(address) ?? (this.#isWhole ? this.#live.freedAt(address) : undefined);
    if (id !== undefined) return `f ${id}${this.#stamp(item)}\n`;
    this.counts.unmatchedFrees++;
    return eventLine("unmatched-free", this.#where(item));
  }

  #reallocate(item: FrameOf<"reallocate">): string {
    const { address, result } = item;
    this.counts.operations++;
    if (this.#isOutside(address) || (result !== 0 && this.#isOutside(result))) return this.#outside("reallocate", item);
    const size = this.#size(item.requestBytes);
    const known = this.#live.idAt(address);
    if (known === undefined && result === 0)
      return eventLine("unmatched-reallocate", { ...this.#where(item), size: size.bytes });
    const isGone = result !== 0 || size.bytes === 0;
    if (isGone) this.#live.free(address);
    const freed = result === 0 || result === address ? "" : this.#makeRoom(result, size.bytes);
    const id = known ?? this.#newId();
    const unmatched = known !== undefined ? "" : ` ${ANNOTATIONS.unmatched}=1`;
    const line = `r ${id} ${size.bytes}${this.#offset(result)}${this.#stamp(item)}${unmatched}${size.note}\n`;
    const isRelease = size.bytes === 0 && result === 0;
    return freed + line + (isRelease ? "" : this.#enter(id, result, size.bytes));
  }

  /** Lines for the blocks that must be gone where a new one lies. */
  #makeRoom(address: number, requestBytes: number): string {
    let lines = "";
    if (!this.#isWhole) {
      for (const id of this.#live.freeLostUnder(address, requestBytes)) {
        this.counts.lostFrees++;
        lines += `f ${id} ${ANNOTATIONS.lost}=1\n`;
      }
    }
    const twice = this.#live.idAt(address);
    if (twice === undefined) return lines;
    this.counts.handedOutTwice++;
    return lines + eventLine("handed-out-twice", { address: formatAddress(address), id: twice });
  }

  /** Follows the block; a line where there are too many. */
  #enter(id: number, address: number, requestBytes: number): string {
    if (address === 0) {
      this.counts.refused++;
      return "";
    }
    this.#live.add(id, address, requestBytes);
    this.counts.peakLiveBytes = Math.max(this.counts.peakLiveBytes, this.#live.requestedBytes);
    if (this.#live.count <= LIVE_BLOCKS_MOST) return "";
    const { count } = this.#live;
    this.#live.clear();
    return this.#break(eventLine("forgot", { blocks: count }));
  }

  #boot(identity: BoardIdentity, isSeen: boolean): string {
    this.counts.boots++;
    this.#live.clear();
    this.#isWhole = true;
    this.#ringDropped = 0;
    this.#nonce = identity.nonce;
    this.#startClock(identity, isSeen);
    const nonce = formatAddress(identity.nonce);
    const line = eventLine("boot", { ...this.#time(identity.time), nonce, ...boardValues(identity) });
    return line + this.#compare(identity);
  }

  /** A boot that was not seen: the nonce is another one, and `captured` operations are missing since. */
  #bootUnseen(nonce: number, time: number, captured: number): string {
    this.counts.boots++;
    this.#live.clear();
    this.#isWhole = true;
    this.#nonce = nonce;
    this.#ringDropped = 0;
    this.#clock?.gap();
    const line = eventLine("boot", { ...this.#time(time), nonce: formatAddress(nonce) });
    return line + (captured > 0 ? this.#joined(captured) : "");
  }

  #meet(identity: FrameOf<"identity">): string {
    const { nonce, captured, time } = identity;
    if (this.#nonce !== undefined && this.#nonce !== nonce) {
      return this.#boot(identity, false) + (captured > 0 ? this.#joined(captured) : "");
    }
    this.#nonce = nonce;
    if (this.#clock?.hertz !== identity.clockHz) this.#startClock(identity, false);
    return (
      eventLine("identity", { ...this.#time(time), nonce: formatAddress(nonce), captured }) + this.#compare(identity)
    );
  }

  #heartbeat({ nonce, time, frames, captured, dropped }: FrameOf<"heartbeat">): string {
    const isOther = this.#nonce !== undefined && this.#nonce !== nonce;
    const boot = isOther ? this.#bootUnseen(nonce, time, captured) : "";
    this.#nonce = nonce;
    this.counts.ringDropped += Math.max(0, dropped - this.#ringDropped);
    this.#ringDropped = dropped;
    return boot + eventLine("heartbeat", { ...this.#time(time), frames, captured, dropped });
  }

  #gap(frames: number, certain: boolean): string {
    this.counts.missingFrames += frames;
    return this.#break(eventLine("gap", { frames, certain: certain ? 1 : 0 }));
  }

  #joined(captured: number): string {
    return this.#break(eventLine("joined", { captured }));
  }

  /** A line that says that something is missing. */
  #break(line: string): string {
    this.counts.gaps++;
    this.#isWhole = false;
    this.#live.gap();
    this.#clock?.gap();
    return line;
  }

  /** A line where the board has come back with another heap than the header's. */
  #compare(identity: BoardIdentity): string {
    const key = this.#identity ? otherPlace(this.#header, identity) : undefined;
    return key === undefined
      ? ""
      : this.#break(eventLine("other-heap", { key, value: String(boardValues(identity)[key]) }));
  }

  #outside(operation: string, item: Stamped & { readonly address: number }): string {
    this.counts.outside++;
    return this.#break(eventLine("outside", { operation, ...this.#where(item) }));
  }

  #isOutside(address: number): boolean {
    const heap = this.#identity;
    return heap !== undefined && (address < heap.heapLow || address - heap.heapLow >= heap.heapBytes);
  }

  /** ` OFF`, -1 where the request was refused, nothing where the heap's place is not known. */
  #offset(address: number): string {
    if (address === 0) return " -1";
    return this.#identity ? ` ${address - this.#identity.heapLow}` : "";
  }

  /** A size as a request, and an annotation where it cannot be one. */
  #size(eventBytes: number): { readonly bytes: number; readonly note: string } {
    const header = this.#headerBytes;
    if (header === 0) return { bytes: eventBytes, note: "" };
    // FreeRTOS tells 0 for a refused request where it otherwise tells the block.
    if (eventBytes < header) return { bytes: 0, note: ` ${ANNOTATIONS.sizeUnknown}=unknown` };
    return { bytes: eventBytes - header, note: "" };
  }

  #stamp({ time, site, task }: Stamped): string {
    const at = site === UNKNOWN_SITE ? "" : ` ${ANNOTATIONS.site}=0x${site.toString(16)}`;
    const by = task === NO_TASK ? "" : ` ${ANNOTATIONS.task}=${task}`;
    const clock = this.#clock;
    if (clock) return ` ${ANNOTATIONS.time}=${clock.at(time, this.#receivedMs)}${at}${by}`;
    return ` ${ANNOTATIONS.ticks}=${time}${at}${by}`;
  }

  #where({ time, site, task, address }: Stamped & { readonly address: number }): Record<string, string | number> {
    return {
      ...this.#time(time),
      address: formatAddress(address),
      ...(site !== UNKNOWN_SITE && { at: formatAddress(site) }),
      ...(task !== NO_TASK && { task }),
    };
  }

  #time(ticks: number): Record<string, number> {
    const clock = this.#clock;
    return clock ? { [ANNOTATIONS.time]: clock.at(ticks, this.#receivedMs) } : { [ANNOTATIONS.ticks]: ticks };
  }

  #startClock({ clockHz, time }: BoardIdentity, isSeen: boolean): void {
    this.#clock = clockHz > 0 ? new BoardClock(clockHz, time, this.#receivedMs, isSeen) : undefined;
  }

  #newId(): number {
    const id = this.#nextId;
    // The largest number stands for a refused request elsewhere; ids are 32 bits wide and begin anew behind it.
    this.#nextId = id + 1 < REFUSED ? id + 1 : 0;
    return id;
  }
}
