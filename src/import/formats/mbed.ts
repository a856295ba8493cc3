/**
 * Mbed OS's memory tracer (mbed_mem_trace.cpp, default callback; seen in mbed-os 5f71800f): one line an operation,
 * `#` and a letter in front.
 *
 *   #m:RESULT;CALLER-SIZE            malloc     #c:RESULT;CALLER-COUNT;SIZE   calloc
 *   #r:RESULT;CALLER-OLD;SIZE        realloc    #f:0x0;CALLER-POINTER         free
 */
import { hexSite, type LineKind, type LineReader, type LogFormat, pointer } from "../log-format.ts";
import type { Stamp, TraceText } from "../trace-text.ts";

const POINTER = "((?:0[xX])?[0-9a-fA-F]{1,16}|\\(nil\\))";
const RECORD = new RegExp(`#([mcrf]):${POINTER};${POINTER}-${POINTER}(?:;(\\d{1,20}))?$`, "y");
const MARK = /#[mcrf]:/;

export const mbed: LogFormat = {
  name: "mbed",
  title: "Mbed OS memory tracer",
  example: "#m:0x20003240;0x600d-50",
  recognises: (line) => recordIn(line) !== undefined,
  open: (sink) => new MbedReader(sink),
};

class MbedReader implements LineReader {
  readonly #sink: TraceText;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const mark = line.indexOf("#");
    if (mark < 0) return "other";
    const found = recordIn(line);
    if (!found) return MARK.test(line) ? "damaged" : "other";
    // A record that was cut off by this one.
    if (mark < found.index && MARK.test(line.slice(0, found.index))) return "damaged";
    this.#apply(found);
    return "record";
  }

  #apply([, what, result = "", caller = "", argument = "", size]: RegExpExecArray): void {
    const sink = this.#sink;
    const stamp: Stamp = { site: hexSite(caller) };
    if (what === "f") sink.release(pointer(argument), stamp);
    else if (what === "m") sink.allocate(pointer(result), Number(argument), stamp);
    else if (what === "c") sink.allocate(pointer(result), Number(argument) * Number(size), stamp);
    else sink.reallocate(pointer(argument), pointer(result), Number(size), stamp);
  }
}

/** The record that the line ends with. */
function recordIn(line: string): RegExpExecArray | undefined {
  RECORD.lastIndex = Math.max(0, line.lastIndexOf("#"));
  const found = RECORD.exec(line);
  return found && isWhole(found) ? found : undefined;
}

/** calloc and realloc have two arguments; those of malloc and calloc are numbers. */
function isWhole([, what, , , argument = "", size]: RegExpExecArray): boolean {
  if ((size !== undefined) !== (what === "c" || what === "r")) return false;
  return what === "r" || what === "f" || /^\d+$/.test(argument);
}
