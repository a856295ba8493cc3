/**
 * The GNU C library's mtrace (malloc/mtrace-impl.c; compared with what glibc 2.36 writes): where, and what.
 *
 *   @ PROGRAM:(FUNCTION+OFFSET)[CALLER] + RESULT SIZE   malloc, calloc, memalign (all alike)   - POINTER   free
 *   … < OLD, then … > NEW SIZE                          realloc            ! OLD SIZE         realloc refused
 *   = Start, = End
 */

import type { Stamp, TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";

const SPACE = 0x20;
const BRACKET_END = 0x5d;
const CALLER = "[0x";

export const mtrace: LogFormat = {
  name: "mtrace",
  title: "glibc mtrace (MALLOC_TRACE)",
  example: "@ ./app:[0x11b0] + 0x5557515c62a0 0x16",
  recognises: (line) => new Scan().read(line),
  open: (sink) => new MtraceReader(sink),
};

class MtraceReader implements LineReader {
  readonly #sink: TraceText;
  readonly #scan = new Scan();
  /** Of a realloc whose second line is to come. */
  #old: number | undefined;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const scan = this.#scan;
    if (!scan.read(line)) return this.#other(line);
    const { what, address, site, bytes } = scan;
    const old = this.#old;
    this.#old = undefined;
    if ((old !== undefined) !== (what === ">")) return "damaged";
    if (what === "<") this.#old = address;
    else this.#apply(what, address, bytes, site === undefined ? NOTHING : { site }, old ?? 0);
    return "record";
  }

  end(): string[] {
    return this.#old === undefined ? [] : ["The log ends within a realloc, which is left out."];
  }

  #apply(what: string, address: number, bytes: number, stamp: Stamp, old: number): void {
    if (what === "+") this.#sink.allocate(address, bytes, stamp);
    else if (what === "-") this.#sink.release(address, stamp);
    else if (what === ">") this.#sink.reallocate(old, address, bytes, stamp);
    else this.#sink.reallocate(address, 0, bytes, stamp);
  }

  #other(line: string): LineKind {
    if (line === "= Start" || line === "= End") {
      // Another process in the same file.
      if (line === "= Start" && this.#sink.operations > 0) this.#sink.boot();
      return "known";
    }
    return /^(?:@ |[-+<>!] (?:0x|\())/.test(line) ? "damaged" : "other";
  }
}

const NOTHING: Stamp = {};

/** The record that a line ends with. */
class Scan {
  /** One of `+-<>!`. */
  what = "";
  address = 0;
  bytes = 0;
  site: string | undefined;
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    this.site = undefined;
    let start = 0;
    for (let at = line.indexOf(CALLER); at >= 0; at = line.indexOf(CALLER, at + 1)) {
      const fields = this.#fields.from(line, at + CALLER.length);
      if (fields.hexadecimal() < 0 || !fields.skip(BRACKET_END) || !fields.skip(SPACE)) continue;
      this.site = line.slice(at + 1, fields.at - 2);
      start = fields.at;
    }
    return this.#operation(this.#fields.from(line, start));
  }

  /** Frees and the first half of a realloc have no size, all else has one. */
  #operation(fields: LineScanner): boolean {
    this.what = fields.line.charAt(fields.at++);
    if (!"+-<>!".includes(this.what) || !fields.skip(SPACE)) return false;
    this.address = fields.skipText("(nil)") ? 0 : fields.prefixed();
    if (this.address < 0) return false;
    this.bytes = 0;
    if (this.what === "-" || this.what === "<") return fields.atEnd;
    if (!fields.skip(SPACE)) return false;
    this.bytes = fields.prefixedSize();
    return this.bytes >= 0 && fields.atEnd;
  }
}
