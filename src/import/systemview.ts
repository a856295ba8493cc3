/**
 * Heap events of a SEGGER SystemView recording (SEGGER_SYSVIEW.c, event ids of SEGGER_SYSVIEW.h 3.x): lines of text
 * that begin with `;`, ten zero bytes, then packets. Numbers are of 7 bits a byte, the low ones first.
 *
 *   id < 24:   id, fields that the id tells, time since the last packet
 *   id >= 24:  id, length of the payload, payload, time since the last packet
 *
 * Addresses are told as (address − RAM base) >> shift, sizes as bytes >> shift; the INIT event has base and shift.
 */
import { formatAddress } from "../quantities.ts";
import type { Stamp, TraceText } from "../trace/trace-text.ts";
import { COPY_HINT, SYNC_BYTES, syncAt } from "./systemview-head.ts";

/** Event ids. */
enum Id {
  Nop = 0,
  Overflow = 1,
  IsrEnter = 2,
  IsrExit = 3,
  TaskStartExec = 4,
  TaskStopExec = 5,
  TaskInfo = 9,
  IsrToScheduler = 18,
  ModuleDescription = 22,
  Init = 24,
  Extended = 31,
}

/** First numbers of the payload of `Id.Extended`. */
enum Extended {
  HeapDefine = 2,
  HeapAllocate = 3,
  HeapAllocateTagged = 4,
  HeapFree = 5,
}

/** Numbers in the payload of each id below 24; `s` is a text behind them. */
const SHORT_PAYLOADS = [
  ...["", "1", "1", "", "1", "", "1", "2", "1", "2s", "", "", "1", "2", "s", "1", "1", "", "", "1", "", "4", "2s", "2"],
].map((shape) => ({ numbers: Number.parseInt(shape, 10) || 0, hasText: shape.endsWith("s") }));

/** More text in front of the sync, or a longer packet, is no recording. */
const HEADER_BYTES_MOST = 65_536;
const PACKET_BYTES_MOST = 20_000;
/** ESP-IDF's heap trace is a module of its own: events 0 (address, size, callers) and 1 (address, callers). */
const ESP_HEAP_MODULE = "M=ESP32 SystemView Heap Tracing Module";

/** Thrown within a packet whose end has not come yet. */
const INCOMPLETE = new Error("incomplete");

/** Reads a recording in pieces. */
export class SystemviewReader {
  readonly #sink: TraceText;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Bytes in front of #bytes. */
  #before = 0;
  #isSynchronised = false;
  #hasSynchronised = false;
  /** Bytes in front of the first sync that are no header. */
  #skippedBytes = 0;
  #hasInit = false;
  #isTwoCores = false;
  #timeTicks = 0;
  #ticksPerSecond = 0;
  #ramBase = 0;
  #shift = 0;
  #task: number | undefined;
  #espOffset: number | undefined;
  #interrupted: number | undefined;
  readonly #heaps = new Set<string>();
  #packets = 0;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    this.#bytes = this.#at < this.#bytes.length ? Buffer.concat([this.#bytes.subarray(this.#at), chunk]) : chunk;
    this.#before += this.#at;
    this.#at = 0;
    while (this.#step());
  }

  /** What a reader of the trace must know, as sentences. */
  end(): string[] {
    if (this.#at < this.#bytes.length) {
      this.#sink.findings.note("torn", this.#before + this.#at, `${this.#bytes.length - this.#at} bytes`);
    }
    const remarks = [...this.#heaps].map(
      (heap) => `The recording defines a heap of ${heap}; --heap makes offsets of it.`,
    );
    if (this.#skippedBytes > 0) remarks.push(`${this.#skippedBytes} bytes in front of the first sync were left out.`);
    if (!this.#hasInit)
      remarks.push("The recording has no INIT packet: addresses count from the RAM's base, and times are not known.");
    if (this.#isTwoCores)
      remarks.push("Events of two cores are not told apart: sysviewtrace_proc.py's text is (esp-host).");
    if (this.#shift > 0) remarks.push(`Sizes are as recorded: blocks, in steps of ${2 ** this.#shift} bytes.`);
    return remarks;
  }

  get packets(): number {
    return this.#packets;
  }

  /** What to say of a recording without heap events, and how to mend it. */
  get emptiness(): { readonly what: string; readonly hint: string } {
    if (!this.#hasSynchronised) {
      return { what: "the ten zero bytes in front of a SystemView recording's packets are missing", hint: COPY_HINT };
    }
    const what = `${this.#packets} SystemView packets, but no heap events among them`;
    const { findings } = this.#sink;
    if (!this.#hasInit) return { what: `${what}, nor INIT, with which a recording begins`, hint: COPY_HINT };
    if (findings.count("damaged") + findings.count("torn") > 0) {
      return { what: `${what}, and not all of it can be read`, hint: COPY_HINT };
    }
    return { what, hint: "The firmware must call SEGGER_SYSVIEW_HeapAlloc and SEGGER_SYSVIEW_HeapFree." };
  }

  /** Reads one packet; false where more bytes are needed. */
  #step(): boolean {
    if (!this.#isSynchronised) return this.#synchronise();
    const start = this.#at;
    try {
      if (start >= this.#bytes.length) return false;
      this.#sink.lineNumber = this.#before + start;
      this.#packet(this.#number());
      this.#packets++;
      return true;
    } catch (error) {
      if (error !== INCOMPLETE) throw error;
      this.#at = start;
      if (this.#bytes.length - start > PACKET_BYTES_MOST) this.#lose();
      return false;
    }
  }

  /** Skips up to behind the next ten zero bytes. */
  #synchronise(): boolean {
    const sync = syncAt(this.#bytes.subarray(this.#at));
    if (this.#packets === 0) this.#isTwoCores ||= Buffer.from(this.#bytes).includes("; ESP_Extension");
    if (sync < 0) {
      // A few of the zeros may be there.
      const kept = this.#packets === 0 && this.#bytes.length < HEADER_BYTES_MOST ? this.#bytes.length : SYNC_BYTES;
      this.#at = Math.max(this.#at, this.#bytes.length - kept);
      return false;
    }
    if (!this.#hasSynchronised)
      this.#skippedBytes = skippedBytes(this.#bytes.subarray(0, this.#at + sync), this.#before);
    this.#at += sync + SYNC_BYTES;
    this.#isSynchronised = this.#hasSynchronised = true;
    return true;
  }

  /** What follows cannot be read. */
  #lose(): void {
    this.#sink.findings.note("damaged", this.#before + this.#at);
    this.#sink.gap();
    this.#isSynchronised = false;
  }

  #packet(id: number): void {
    if (id === Id.Nop) return;
    const shape = SHORT_PAYLOADS[id];
    if (shape) {
      const numbers = Array.from({ length: shape.numbers }, () => this.#number());
      const text = shape.hasText ? this.#string() : "";
      this.#tick();
      this.#short(id, numbers, text);
      return;
    }
    const length = this.#number();
    const end = this.#at + length;
    if (length > PACKET_BYTES_MOST) {
      this.#lose();
      return;
    }
    if (end > this.#bytes.length) throw INCOMPLETE;
    const numbers: number[] = [];
    // Texts are of no interest here; numbers of other events mean nothing.
    while (this.#at < end && numbers.length < 6 && this.#isNumeric(id)) numbers.push(this.#number());
    if (this.#at > end) {
      this.#lose();
      return;
    }
    this.#at = end;
    this.#tick();
    this.#long(id, numbers);
  }

  #isNumeric(id: number): boolean {
    return id === Id.Init || id === Id.Extended || this.#espEvent(id) !== undefined;
  }

  #espEvent(id: number): number | undefined {
    const event = this.#espOffset === undefined ? undefined : id - this.#espOffset;
    return event === 0 || event === 1 ? event : undefined;
  }

  #short(id: number, [first = 0, second = 0]: readonly number[], text: string): void {
    const sink = this.#sink;
    if (id === Id.Overflow) {
      sink.findings.note("dropped", sink.lineNumber, undefined, first);
      sink.gap(first);
    } else if (id === Id.TaskStartExec) this.#task = this.#interrupted = first;
    else if (id === Id.TaskStopExec) this.#task = this.#interrupted = undefined;
    else if (id === Id.IsrEnter) this.#task = undefined;
    else if (id === Id.IsrExit) this.#task = this.#interrupted;
    else if (id === Id.TaskInfo) this.#names.set(first, text);
    else if (id === Id.ModuleDescription && text.startsWith(ESP_HEAP_MODULE)) this.#espOffset = second;
  }

  readonly #names = new Map<number, string>();

  #long(id: number, numbers: readonly number[]): void {
    const [first = 0, second = 0, third = 0, fourth = 0] = numbers;
    if (id === Id.Init) {
      this.#hasInit = true;
      [this.#ticksPerSecond, , this.#ramBase, this.#shift] = [first, second, third, Math.min(fourth, 16)];
      return;
    }
    const event = this.#espEvent(id);
    const site = (caller: number | undefined) => (caller ? `0x${caller.toString(16)}` : undefined);
    if (event === 0 && numbers.length >= 2) this.#sink.allocate(first, second, this.#stamp(site(numbers[2])));
    else if (event === 1 && numbers.length >= 1) this.#sink.release(first, this.#stamp(site(numbers[1])));
    else if (id === Id.Extended) this.#extended(first as Extended, second, third, fourth, numbers.length);
  }

  #extended(kind: Extended, heap: number, address: number, size: number, count: number): void {
    if (kind === Extended.HeapDefine && count >= 4) {
      const base = formatAddress(this.#address(address));
      if (this.#heaps.size < 16) this.#heaps.add(`${size * 2 ** this.#shift} bytes at ${base} (handle ${heap})`);
    } else if ((kind === Extended.HeapAllocate || kind === Extended.HeapAllocateTagged) && count >= 4) {
      this.#sink.allocate(this.#address(address), size * 2 ** this.#shift, this.#stamp(undefined));
    } else if (kind === Extended.HeapFree && count >= 3) {
      this.#sink.release(this.#address(address), this.#stamp(undefined));
    }
  }

  #stamp(site: string | undefined): Stamp {
    const hertz = this.#ticksPerSecond;
    const time = hertz > 0 ? { timeUs: (this.#timeTicks / hertz) * 1e6 } : { ticks: this.#timeTicks };
    const name =
      this.#task === undefined ? undefined : (this.#names.get(this.#task) ?? formatAddress(this.#address(this.#task)));
    return { ...time, site, task: name === undefined ? undefined : this.#sink.taskNumber(name) };
  }

  #address(shrunk: number): number {
    return this.#ramBase + shrunk * 2 ** this.#shift;
  }

  #tick(): void {
    this.#timeTicks += this.#number();
  }

  /** A number of 7 bits a byte, at most 32 bits. */
  #number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return value;
  }

  /** A text behind its length, of one byte or, behind 0xff, two. */
  #string(): string {
    const short = this.#byte();
    const length = short === 0xff ? this.#byte() + this.#byte() * 256 : short;
    if (this.#at + length > this.#bytes.length) throw INCOMPLETE;
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length)).toString("utf8");
    this.#at += length;
    return text;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw INCOMPLETE;
    this.#at++;
    return byte;
  }
}

/** How many of the bytes in front of the first sync, with those `before` them, are no lines of a header. */
function skippedBytes(bytes: Uint8Array, before: number): number {
  return before === 0 && (bytes.length === 0 || bytes[0] === 0x3b || bytes.every((byte) => byte === 0))
    ? 0
    : before + bytes.length;
}
