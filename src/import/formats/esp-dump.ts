/**
 * ESP-IDF's heap_trace_dump (heap_trace_standalone.c; seen in esp-idf 0c711fe7, and its older wording): the
 * allocations that the board's buffer still holds, in their order, and which of them were freed, but not when.
 *
 *   ====== Heap Trace: 8 records (8 capacity) ======
 *       64 bytes (@ 0x3ffb8e08, Internal) allocated CPU 0 ccount 0x1dd4b7a4 caller 0x400d276d:0x400d27c1
 *   freed by 0x400d276d:0x400d27c1
 *   ====== Heap Trace Summary ======
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { hexAddress, type LineKind, type LineReader, type LogFormat } from "../log-format.ts";

const RECORD =
  /(\d{1,10}) bytes \(@ 0x([0-9a-f]{1,16})(?:, +(?:Internal|PSRAM))?\) allocated CPU \d ccount 0x([0-9a-f]{1,8}) caller((?: ?:?0x[0-9a-f]{1,16}:?)*)$/;
const FREED = /freed by(?: ?:?0x([0-9a-f]{1,16}))?[0-9a-fx: ]*$/;
const BEGIN = /=+ Heap Trace: \d+ records \(\d+ capacity\) =+|\d+ allocations trace \(\d+ entry buffer\)/;
/** Older ones tell both in a line. */
const TOTALS = /(?:^|\s)total (allocations|frees):? (\d{1,15})(?=\s|$)/g;
/** What ESP-IDF's monitor writes below a line with addresses. */
const DECODED = /^(?:--- )?(?:0x[0-9a-f]{1,16}: | {0,8}\(inlined by\) ).* at \S/;
const TOLD =
  /=+ Heap Trace Summary =+|^=+$|Mode: Heap Trace|bytes (?:alive|'leaked') in trace|records: \d+ \(|^hash ?map: \d/;

export const espDump: LogFormat = {
  name: "esp-dump",
  title: "ESP-IDF heap_trace_dump()",
  example: "64 bytes (@ 0x3ffb8e08, Internal) allocated CPU 0 ccount 0x1dd4b7a4 caller 0x400d276d:0x400d27c1",
  recognises: (line) => RECORD.test(line),
  open: (sink) => new EspDumpReader(sink),
};

class EspDumpReader implements LineReader {
  readonly #sink: TraceText;
  /** Blocks that are freed at some time, with the caller; and which of them were told last. */
  #freed = new Map<number, string | undefined>();
  #last: number | undefined;
  #dumps = 0;
  #freedBlocks = 0;
  #records = 0;
  #total = { allocations: 0, frees: 0 };
  #hasOverflowed = false;
  #wentOn = false;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const found = RECORD.exec(line);
    if (found) return this.#record(found);
    const freed = this.#last === undefined ? null : FREED.exec(line);
    if (freed) return this.#free(freed[1]);
    if (DECODED.test(line)) return "known";
    this.#last = undefined;
    return this.#other(line);
  }

  end(): string[] {
    this.#releaseFreed();
    const remarks: string[] = [];
    if (this.#freedBlocks > 0) {
      remarks.push(
        "A dump does not say when its blocks were freed: each is freed where its address comes again, or at the dump's end.",
      );
    }
    if (this.#dumps > 1) remarks.push(`${this.#dumps} dumps: at each the heap starts anew.`);
    if (this.#wentOn) remarks.push("The board went on tracing while it dumped: entries may stand in the dump twice.");
    const { allocations, frees } = this.#total;
    if (allocations > this.#records || this.#hasOverflowed) {
      const overflow = this.#hasOverflowed ? ", and its buffer overflowed" : "";
      remarks.push(
        `The board traced ${allocations} allocations and ${frees} frees; the dump holds ${this.#records} records${overflow}.`,
      );
    }
    return remarks;
  }

  #record(found: RegExpExecArray): LineKind {
    const [, bytes, digits = "", ticks = "", callers = ""] = found;
    const address = hexAddress(digits);
    const site = /0x[0-9a-f]+/.exec(callers)?.[0];
    if (this.#freed.has(address)) this.#release(address);
    this.#sink.allocate(address, Number(bytes), { ticks: Number.parseInt(ticks, 16), site, isLater: true });
    this.#last = address;
    this.#records++;
    return "record";
  }

  #free(caller: string | undefined): LineKind {
    this.#freed.set(this.#last ?? 0, caller && `0x${caller}`);
    this.#freedBlocks++;
    this.#last = undefined;
    return "known";
  }

  #other(line: string): LineKind {
    const totals = [...line.matchAll(TOTALS)];
    for (const [, what, count] of totals) this.#total[what as "allocations" | "frees"] += Number(count);
    if (totals.length > 0) return "known";
    if (BEGIN.test(line)) this.#begin();
    else if (line.includes("Buffer has overflowed")) this.#hasOverflowed = true;
    else if (line.includes("New entries were traced while dumping")) this.#wentOn = true;
    else if (!TOLD.test(line)) return / bytes \(@ | ccount 0x|^freed by /.test(line) ? "damaged" : "other";
    return "known";
  }

  /** A dump tells the whole buffer: it does not go on from the last one. */
  #begin(): void {
    this.#releaseFreed();
    if (this.#dumps++ > 0) this.#sink.boot();
  }

  #releaseFreed(): void {
    for (const address of [...this.#freed.keys()]) this.#release(address);
  }

  #release(address: number): void {
    const site = this.#freed.get(address);
    this.#freed.delete(address);
    this.#sink.release(address, { site, isLater: true });
  }
}
