/**
 * Mbed OS's memory tracer (mbed_mem_trace.cpp, default callback; seen in mbed-os 5f71800f): one line an operation,
 * `#` and a letter in front.
 *
 *   #m:RESULT;CALLER-SIZE            malloc     #c:RESULT;CALLER-COUNT;SIZE   calloc
 *   #r:RESULT;CALLER-OLD;SIZE        realloc    #f:0x0;CALLER-POINTER         free
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import { hexSite, type LineKind, type LineReader, type LogFormat } from "../log-format.ts";

const MARK = /#[mcrf]:/;
const HASH = 0x23;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const MINUS = 0x2d;

export const mbed: LogFormat = {
  name: "mbed",
  title: "Mbed OS memory tracer",
  example: "#m:0x20003240;0x600d-50",
  recognises: (line) => new Scan().read(line),
  open: (sink) => new MbedReader(sink),
};

class MbedReader implements LineReader {
  readonly #sink: TraceText;
  readonly #scan = new Scan();

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const scan = this.#scan;
    if (!scan.read(line)) return scan.start >= 0 && MARK.test(line) ? "damaged" : "other";
    // A record that was cut off by this one.
    if (scan.start > 0 && MARK.test(line.slice(0, scan.start))) return "damaged";
    this.#apply(scan);
    return "record";
  }

  #apply({ letter, result, caller, first, second }: Scan): void {
    const sink = this.#sink;
    const stamp = { site: hexSite(caller) };
    if (letter === "f") sink.release(first, stamp);
    else if (letter === "m") sink.allocate(result, first, stamp);
    else if (letter === "c") sink.allocate(result, first * second, stamp);
    else sink.reallocate(first, result, second, stamp);
  }
}

/** The record that a line ends with. */
class Scan {
  /** Where its `#` is; -1 where there is none. */
  start = -1;
  letter = "";
  result = 0;
  caller = "";
  /** The argument: an address or a number. */
  first = 0;
  /** Of calloc and realloc. */
  second = 0;
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    this.start = line.lastIndexOf("#");
    const fields = this.#fields.from(line, this.start);
    if (!fields.skip(HASH)) return false;
    this.letter = line.charAt(fields.at++);
    if (!fields.skip(COLON)) return false;
    this.result = fields.pointer();
    if (this.result < 0 || !fields.skip(SEMICOLON)) return false;
    const caller = fields.at;
    if (fields.pointer() < 0) return false;
    this.caller = line.slice(caller, fields.at);
    return fields.skip(MINUS) && this.#arguments(fields) && fields.atEnd;
  }

  #arguments(fields: LineScanner): boolean {
    const { letter } = this;
    if (letter === "m" || letter === "c") this.first = fields.decimal(16);
    else if (letter === "r" || letter === "f") this.first = fields.pointer();
    else return false;
    if (this.first < 0) return false;
    if (letter === "m" || letter === "f") return true;
    if (!fields.skip(SEMICOLON)) return false;
    this.second = fields.decimal(20);
    return this.second >= 0;
  }
}
