import { formatAddress } from "../quantities.ts";
import type { Region } from "../wasm/heap-record.ts";
import { eventLine } from "./board-events.ts";
import { Findings } from "./findings.ts";
import { ANNOTATIONS, NUMBER_MOST, powerOfTwo, REFUSED } from "./format.ts";
import { LIVE_BLOCKS_MOST, LiveBlocks } from "./live-blocks.ts";
import { TextBytes } from "./text-bytes.ts";

/** More names of tasks than this are not told apart. */
const TASKS_MOST = 65_536;
const TASK_NAME_MOST = 128;
/** A clock that falls back further starts anew; less is disorder between cores. */
const DISORDER_US = 1e6;

/** What a log says of an operation beside address and size. */
export interface Stamp {
  /** Microseconds; the line's prefix otherwise. */
  readonly timeUs?: number | undefined;
  readonly ticks?: number | undefined;
  /** The line's prefix tells when it was printed, not when the operation was. */
  readonly isLater?: boolean;
  /** Caller, without blanks. */
  readonly site?: string | undefined;
  readonly task?: number | undefined;
  /** The line it stood in, where that is not the current one. */
  readonly line?: number | undefined;
}

const NO_STAMP: Stamp = {};

const TIME = ` ${ANNOTATIONS.time}=`;
const TICKS = ` ${ANNOTATIONS.ticks}=`;
const SITE = ` ${ANNOTATIONS.site}=`;
const TASK = ` ${ANNOTATIONS.task}=`;
const BEYOND = ` ${ANNOTATIONS.sizeUnknown}=beyond\n`;

/** What went into the trace. */
export interface TraceCounts {
  allocations: number;
  frees: number;
  reallocations: number;
  refused: number;
  boots: number;
}

/** What the log's blocks came to. */
export interface LiveSummary {
  /** At the end. */
  readonly blocks: number;
  readonly requestedBytes: number;
  readonly peakBytes: number;
}

/**
 * Turns operations on addresses into lines of a trace: addresses become ids, and offsets where the heap's place is
 * known. Knows which blocks are live, and with them what the log lacks. The text is taken piece by piece, in UTF-8.
 */
export class TraceText {
  readonly counts: TraceCounts = { allocations: 0, frees: 0, reallocations: 0, refused: 0, boots: 0 };
  readonly findings = new Findings();
  /** Addresses are only names: no offsets, and blocks do not overlap. */
  areNames = false;
  /** Of the log, for findings. */
  lineNumber = 0;
  /** The time that the line that is being read has in front, in microseconds. */
  lineTimeUs: (() => number | undefined) | undefined;
  readonly #heap: Region | undefined;
  readonly #live = new LiveBlocks();
  readonly #tasks = new Map<string, number>();
  readonly #text = new TextBytes();
  #peakBytes = 0;
  #nextId = 0;
  /** Of the clock since it started last. */
  #firstUs: number | undefined;
  #lastUs = 0;
  #earlierUs: number | undefined;
  #operationsSinceGap = 0;
  #gapIsWritten = false;

  /** `heap`: where offsets count from; what lies outside is left out. */
  constructor(heap?: Region) {
    this.#heap = heap;
  }

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#text.length;
  }

  get operations(): number {
    return this.counts.allocations + this.counts.frees + this.counts.reallocations;
  }

  get live(): LiveSummary {
    return { blocks: this.#live.count, requestedBytes: this.#live.requestedBytes, peakBytes: this.#peakBytes };
  }

  /** From the first time to the last, over all boots; undefined without times. */
  get durationUs(): number | undefined {
    return this.#firstUs === undefined ? this.#earlierUs : (this.#earlierUs ?? 0) + this.#lastUs - this.#firstUs;
  }

  isLive(address: number): boolean {
    return this.#live.idAt(address) !== undefined;
  }

  /** The lines since the last call. */
  take(): Buffer {
    return this.#text.take();
  }

  /** A request of `bytes`; `address` 0: refused. `alignment` 0: none was asked for. */
  allocate(address: number, bytes: number, stamp: Stamp = NO_STAMP, alignment = 0): void {
    if (address !== 0 && this.#isOutside(address)) {
      this.#outside(stamp);
      return;
    }
    const size = this.#size(bytes, stamp);
    if (address !== 0) this.#makeRoom(address, size);
    const timeUs = this.#time(stamp);
    const id = this.#newId();
    this.counts.allocations++;
    const text = this.#text;
    text.text(alignment > 0 ? "z " : "a ");
    text.number(id);
    if (alignment > 0) this.#number(" ", powerOfTwo(alignment));
    this.#request(size, address);
    this.#annotations(stamp, timeUs);
    if (alignment > 0) this.#oddAlignment(alignment, stamp);
    this.#endRecord(bytes);
    this.#enter(id, address, size);
  }

  /** A free; nothing for address 0. */
  release(address: number, stamp: Stamp = NO_STAMP): void {
    if (address === 0) return;
    if (this.#isOutside(address)) {
      this.#outside(stamp);
      return;
    }
    const id = this.#live.free(address);
    if (id === undefined) {
      this.#unmatchedFree(address, stamp);
      return;
    }
    this.counts.frees++;
    const timeUs = this.#time(stamp);
    this.#number("f ", id);
    this.#annotations(stamp, timeUs);
    this.#endRecord(0);
  }

  /** The block at `old` (0: none) becomes one of `bytes` at `address` (0: refused, or freed where `bytes` is 0). */
  reallocate(old: number, address: number, bytes: number, stamp: Stamp = NO_STAMP): void {
    if (old === 0) {
      this.allocate(address, bytes, stamp);
      return;
    }
    if (address === 0 && bytes === 0) {
      this.release(old, stamp);
      return;
    }
    if (this.#heap && this.#crossesBounds(old, address, bytes, stamp)) return;
    const size = this.#size(bytes, stamp);
    const known = this.#live.idAt(old);
    if (known === undefined && address === 0) {
      this.#unmatchedRefusal(old, size, stamp);
      return;
    }
    if (address !== 0) {
      this.#live.free(old);
      if (address !== old) this.#makeRoom(address, size);
    }
    if (known === undefined) this.findings.note("unmatched-reallocation", stamp.line ?? this.lineNumber);
    const id = known ?? this.#newId();
    this.counts.reallocations++;
    const timeUs = this.#time(stamp);
    this.#number("r ", id);
    this.#request(size, address);
    this.#annotations(stamp, timeUs);
    if (known === undefined) this.#text.text(` ${ANNOTATIONS.unmatched}=1`);
    this.#endRecord(bytes);
    this.#enter(id, address, size);
  }

  /** The board has started: what was live is gone. */
  boot(): void {
    this.counts.boots++;
    this.#live.clear();
    this.#restartClock();
    this.#text.text(eventLine("boot", { line: this.lineNumber }));
    this.#operationsSinceGap++;
    this.#gapIsWritten = false;
  }

  /** Something is missing here; `frames` of it where that is known. */
  gap(frames?: number): void {
    if (!this.#gapIsWritten || frames !== undefined) {
      this.#text.text(eventLine("gap", { frames, line: this.lineNumber }));
      this.#gapIsWritten = true;
    }
    // Collecting suspects costs as much as there are blocks.
    if (this.areNames || this.#operationsSinceGap < this.#live.count) return;
    this.#live.gap();
    this.#operationsSinceGap = 0;
  }

  /** The number that stands for a task's name; undefined when there are too many. */
  taskNumber(name: string): number | undefined {
    const known = this.#tasks.get(name);
    if (known !== undefined) return known;
    if (this.#tasks.size >= TASKS_MOST) return undefined;
    const task = this.#tasks.size + 1;
    this.#tasks.set(name, task);
    this.#text.text(eventLine("task", { task }, name.slice(0, TASK_NAME_MOST)));
    return task;
  }

  #number(before: string, value: number): void {
    this.#text.text(before);
    this.#text.number(value);
  }

  /** ` SIZE OFF`: -1 where the request was refused, no offset where the heap's place is not known. */
  #request(size: number, address: number): void {
    this.#number(" ", size);
    if (address === 0) this.#text.text(" -1");
    else if (this.#heap) this.#number(" ", address - this.#heap.low);
  }

  /** Ends the line of an operation that asked for `bytes`. */
  #endRecord(bytes: number): void {
    this.#text.text(bytes > NUMBER_MOST ? BEYOND : "\n");
    this.#operationsSinceGap++;
    this.#gapIsWritten = false;
  }

  /** Frees the blocks that must be gone where a new one lies. */
  #makeRoom(address: number, requestBytes: number): void {
    for (const id of this.#live.freeLostUnder(address, requestBytes)) this.#lostFree(id);
    const under = this.#live.free(address);
    if (under !== undefined) this.#lostFree(under);
  }

  #lostFree(id: number): void {
    this.findings.note("lost-free", this.lineNumber);
    this.#number("f ", id);
    this.#text.text(` ${ANNOTATIONS.lost}=1`);
    this.#endRecord(0);
  }

  #enter(id: number, address: number, requestBytes: number): void {
    if (address === 0) {
      this.counts.refused++;
      return;
    }
    this.#live.add(id, address, requestBytes);
    if (this.#live.requestedBytes > this.#peakBytes) this.#peakBytes = this.#live.requestedBytes;
    if (this.#live.count <= LIVE_BLOCKS_MOST) return;
    this.findings.note("forgot", this.lineNumber);
    this.#text.text(eventLine("forgot", { blocks: this.#live.count }));
    this.#live.clear();
  }

  #unmatchedFree(address: number, stamp: Stamp): void {
    const kind = this.#live.freedAt(address) === undefined ? "unmatched-free" : "second-free";
    this.findings.note(kind, stamp.line ?? this.lineNumber);
    const timeUs = this.#time(stamp);
    this.#text.text(`! unmatched-free address=${formatAddress(address)}`);
    this.#annotations(stamp, timeUs);
    this.#text.text("\n");
  }

  #unmatchedRefusal(old: number, size: number, stamp: Stamp): void {
    this.findings.note("unmatched-reallocation", stamp.line ?? this.lineNumber);
    const timeUs = this.#time(stamp);
    this.#text.text(`! unmatched-reallocate address=${formatAddress(old)} size=${size}`);
    this.#annotations(stamp, timeUs);
    this.#text.text("\n");
  }

  /** Of a block that leaves the heap or comes into it only one half is told. */
  #crossesBounds(old: number, address: number, bytes: number, stamp: Stamp): boolean {
    const leaves = address !== 0 && this.#isOutside(address);
    if (this.#isOutside(old)) {
      if (leaves || address === 0) this.#outside(stamp);
      else this.allocate(address, bytes, stamp);
      return true;
    }
    if (leaves) this.release(old, stamp);
    return leaves;
  }

  #isOutside(address: number): boolean {
    const heap = this.#heap;
    return heap !== undefined && (address < heap.low || address - heap.low >= heap.bytes);
  }

  #outside(stamp: Stamp): void {
    this.findings.note("outside", stamp.line ?? this.lineNumber);
  }

  #size(bytes: number, stamp: Stamp): number {
    if (bytes <= NUMBER_MOST) return bytes;
    this.findings.note("beyond-32-bits", stamp.line ?? this.lineNumber);
    return NUMBER_MOST;
  }

  #oddAlignment(alignment: number, stamp: Stamp): void {
    if (powerOfTwo(alignment) === alignment) return;
    this.findings.note("odd-alignment", stamp.line ?? this.lineNumber);
    this.#number(` ${ANNOTATIONS.alignment}=`, alignment);
  }

  #annotations({ ticks, site, task }: Stamp, timeUs: number | undefined): void {
    if (timeUs !== undefined) this.#number(TIME, timeUs);
    if (ticks !== undefined) this.#number(TICKS, ticks);
    if (site !== undefined) {
      this.#text.text(SITE);
      this.#text.text(site);
    }
    if (task !== undefined) this.#number(TASK, task);
  }

  /** The operation's time as it is written; a gap stands in front of it where the clock starts anew. */
  #time(stamp: Stamp): number | undefined {
    const exactUs = stamp.timeUs ?? (stamp.isLater ? undefined : this.lineTimeUs?.());
    if (exactUs === undefined) return undefined;
    const timeUs = Math.round(exactUs);
    if (!Number.isSafeInteger(timeUs) || timeUs < 0) return undefined;
    if (timeUs < this.#lastUs) {
      const line = stamp.line ?? this.lineNumber;
      if (this.#lastUs - timeUs <= DISORDER_US) {
        this.findings.note("time-backward", line);
        return undefined;
      }
      this.findings.note("time-anew", line);
      this.#restartClock();
      this.gap();
    }
    this.#firstUs ??= timeUs;
    this.#lastUs = timeUs;
    return timeUs;
  }

  #restartClock(): void {
    this.#earlierUs = this.durationUs;
    this.#firstUs = undefined;
    this.#lastUs = 0;
  }

  #newId(): number {
    const id = this.#nextId;
    // The largest number stands for a refused request elsewhere; ids are 32 bits wide and begin anew behind it.
    this.#nextId = id + 1 < REFUSED ? id + 1 : 0;
    return id;
  }
}
