/**
 * The GNU C library's mtrace (malloc/mtrace-impl.c; compared with what glibc 2.36 writes): where, and what.
 *
 *   @ PROGRAM:(FUNCTION+OFFSET)[CALLER] + RESULT SIZE   malloc, calloc, memalign (all alike)   - POINTER   free
 *   … < OLD, then … > NEW SIZE                          realloc            ! OLD SIZE         realloc refused
 *   = Start, = End
 */
import { type LineKind, type LineReader, type LogFormat, pointer } from "../log-format.ts";
import type { Stamp, TraceText } from "../trace-text.ts";

const POINTER = "(0x[0-9a-f]{1,16}|\\(nil\\))";
const WHAT = new RegExp(`(?:^|\\[0x([0-9a-f]{1,16})\\] )([-+<>!]) ${POINTER}(?: 0x([0-9a-f]{1,16}))?$`);

export const mtrace: LogFormat = {
  name: "mtrace",
  title: "glibc mtrace (MALLOC_TRACE)",
  example: "@ ./app:[0x11b0] + 0x5557515c62a0 0x16",
  recognises: (line) => isWhole(WHAT.exec(line)),
  open: (sink) => new MtraceReader(sink),
};

class MtraceReader implements LineReader {
  readonly #sink: TraceText;
  /** Of a realloc whose second line is to come. */
  #old: number | undefined;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const found = WHAT.exec(line);
    if (!found || !isWhole(found)) return this.#other(line);
    const [, caller, what, address = "", size = "0"] = found;
    const stamp: Stamp = caller === undefined ? {} : { site: `0x${caller}` };
    const old = this.#old;
    this.#old = undefined;
    if ((old !== undefined) !== (what === ">")) return "damaged";
    if (what === "<") this.#old = pointer(address);
    else this.#apply(what, pointer(address), Number(`0x${size}`), stamp, old ?? 0);
    return "record";
  }

  end(): string[] {
    return this.#old === undefined ? [] : ["The log ends within a realloc, which is left out."];
  }

  #apply(what: string | undefined, address: number, bytes: number, stamp: Stamp, old: number): void {
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

/** Frees and the first half of a realloc have no size, all else has one. */
function isWhole(found: RegExpExecArray | null): boolean {
  if (!found) return false;
  return (found[4] === undefined) === (found[2] === "-" || found[2] === "<");
}
