/**
 * What ESP-IDF's sysviewtrace_proc.py prints of a host-based heap trace: a line an operation, the callers below it,
 * an empty line. Frees have no size. Behind `HEAP TRACE REPORT` the leaks are told once more.
 *
 *   [0.002244575] HEAP: Allocated 1 bytes @ 0x3ffaffd8 from task "alloc" on core 0 by:
 *   [0.002563725] HEAP: Freed bytes @ 0x3ffaffe0 from task "free" on core 0 by:
 *   …/main/sysview_heap_log.c:31 (discriminator 9)
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { hexAddress, type LineKind, type LineReader, type LogFormat, siteWord } from "../log-format.ts";
import { fractionUs } from "../prefix-clock.ts";

const RECORD =
  /\[(\d{1,10})\.(\d{1,9})\] HEAP: (?:Allocated (\d{1,10})|Freed) bytes @ 0x([0-9a-f]{1,16}) from task "([^"]*)" on core (\d) by:$/;
/** A caller: a file with its line, or an address. */
const FRAME = /^(?:.*[/\\])?([^/\\]+?:\d+)(?: \(discriminator \d+\))?$|^(0x[0-9a-f]+)\b/;

export const espHost: LogFormat = {
  name: "esp-host",
  title: "ESP-IDF host-based heap trace, sysviewtrace_proc.py",
  example: '[0.002244575] HEAP: Allocated 1 bytes @ 0x3ffaffd8 from task "alloc" on core 0 by:',
  recognises: (line) => RECORD.test(line),
  open: (sink) => new EspHostReader(sink),
};

class EspHostReader implements LineReader {
  readonly #sink: TraceText;
  /** An operation whose callers are to come. */
  #waiting: { readonly found: RegExpExecArray; readonly line: number } | undefined;
  #isInFrames = false;
  #isInReport = false;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const found = RECORD.exec(line);
    if (found) return this.#record(found);
    const frame = this.#isInFrames ? FRAME.exec(line) : null;
    this.#emit(frame ? siteWord(frame[1] ?? frame[2] ?? "") : undefined);
    if (frame) return "known";
    this.#isInFrames = false;
    if (/^Parse trace from /.test(line)) this.#isInReport = false;
    else if (line.includes("HEAP TRACE REPORT")) this.#isInReport = true;
    else if (line.includes(" HEAP: ")) return "damaged";
    else return isTold(line) ? "known" : "other";
    return "known";
  }

  end(): string[] {
    this.#emit(undefined);
    return [];
  }

  #record(found: RegExpExecArray): LineKind {
    this.#emit(undefined);
    this.#isInFrames = true;
    if (this.#isInReport) return "known";
    this.#waiting = { found, line: this.#sink.lineNumber };
    return "record";
  }

  /** Hands over the operation that waits. */
  #emit(site: string | undefined): void {
    if (!this.#waiting) return;
    const { found, line } = this.#waiting;
    this.#waiting = undefined;
    const [, seconds, fraction, bytes, address = "", task = ""] = found;
    const stamp = {
      timeUs: Number(seconds) * 1e6 + fractionUs(fraction),
      site,
      task: this.#sink.taskNumber(task),
      line,
    };
    if (bytes === undefined) this.#sink.release(hexAddress(address), stamp);
    else this.#sink.allocate(hexAddress(address), Number(bytes), stamp);
  }
}

function isTold(line: string): boolean {
  return line === "" || /^(?:Process|Stop parsing|Found \d+ leaked|=+ )/.test(line);
}
