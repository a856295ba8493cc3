/**
 * Calls as a program writes them, and what they returned: what shims behind `-Wl,--wrap=malloc` print as a rule, and
 * ltrace. There is no standard; read are the names of the C library, with or without `__wrap_`.
 *
 *   malloc(64) = 0x20001a40      calloc(4, 16) = 0x20001a88     memalign(32, 100) = 0x20001b00
 *   realloc(0x20001a40, 96) = 0x20001c00                        free(0x20001c00)
 */
import { type LineKind, type LineReader, type LogFormat, pointer } from "../log-format.ts";
import type { TraceText } from "../trace-text.ts";

const NAMES = "(?:__wrap_|__real_)?(_?(?:malloc|calloc|realloc|memalign|aligned_alloc|free)(?:_r)?)";
const WORD = "(0x[0-9a-f]{1,16}|\\d{1,20}|\\(nil\\)|NULL)";
const RECORD = new RegExp(
  `\\b${NAMES}\\( ?${WORD}(?:, ?${WORD})? ?\\)(?:;? {0,40}(?:=|->|returned|returns):? {0,4}${WORD}|;|\\s{0,4}= <void>)?$`,
  "i",
);
const MARK = /\b(?:__wrap_|__real_)?_?(?:malloc|calloc|realloc|memalign|aligned_alloc|free)(?:_r)?\( ?(?:0x|\d|NULL)/i;

export const calls: LogFormat = {
  name: "calls",
  title: "calls of malloc and free, printed by --wrap shims or ltrace",
  example: "malloc(64) = 0x20001a40",
  recognises: (line) => callOf(line) !== undefined,
  open: (sink) => new CallsReader(sink),
};

class CallsReader implements LineReader {
  readonly #sink: TraceText;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const call = callOf(line);
    const mark = line.search(MARK);
    if (!call) return mark >= 0 ? "damaged" : "other";
    if (mark < call.index && mark >= 0) return "damaged";
    this.#apply(call);
    return "record";
  }

  #apply({ verb, first, second, result }: Call): void {
    const sink = this.#sink;
    if (verb === "free") sink.release(address(first));
    else if (verb === "malloc") sink.allocate(address(result), Number(first));
    else if (verb === "calloc") sink.allocate(address(result), Number(first) * Number(second));
    else if (verb === "realloc") sink.reallocate(address(first), address(result), Number(second));
    else sink.allocate(address(result), Number(second), {}, Number(first));
  }
}

interface Call {
  readonly index: number;
  readonly verb: string;
  readonly first: string;
  readonly second: string;
  readonly result: string;
}

/** Undefined where the line does not end with a whole call. */
function callOf(line: string): Call | undefined {
  const found = RECORD.exec(line);
  if (!found) return undefined;
  const [, name = "", first = "", second, result] = found;
  const verb = name.toLowerCase().replaceAll(/^_|_r$/g, "");
  const isFree = verb === "free";
  const arguments_ = isFree || verb === "malloc" ? 1 : 2;
  if ((second === undefined) !== (arguments_ === 1) || (result === undefined) !== isFree) return undefined;
  // Sizes are numbers.
  const sizes = isFree ? [] : verb === "realloc" ? [second] : [first, second ?? "0"];
  if (sizes.some((size) => size === undefined || !/^\d/.test(size))) return undefined;
  return { index: found.index, verb, first, second: second ?? "0", result: result ?? "0" };
}

function address(text: string): number {
  return /^(?:NULL|0|\(nil\))$/i.test(text) ? 0 : pointer(/^0x/i.test(text) ? text : Number(text).toString(16));
}
