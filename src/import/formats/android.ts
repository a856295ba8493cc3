/**
 * Android's allocation records (malloc_debug's record_allocs, read by AOSP's memory_replay): the thread, the call,
 * and in newer ones when it began and ended, in nanoseconds.
 *
 *   186: malloc PTR SIZE     186: calloc PTR COUNT SIZE    186: realloc NEW OLD SIZE
 *   186: memalign PTR ALIGN SIZE     186: free PTR     187: thread_done 0x0
 */
import { hexAddress, type LineKind, type LineReader, type LogFormat } from "../log-format.ts";
import type { TraceText } from "../trace-text.ts";

const RECORD =
  /(?:^|\s)(\d{1,10}): (malloc|calloc|realloc|memalign|free) 0x([0-9a-f]{1,16})(?: (?:0x([0-9a-f]{1,16})|(\d{1,20})))?(?: (\d{1,20}))?(?: (\d{1,20}))?(?: (\d{1,20}))?$/;
const DAMAGED = /(?:^|\s)\d{1,10}: (?:malloc|calloc|realloc|memalign|free|thread_done)\b/;

/** A call's own numbers behind the pointer. */
const ARGUMENTS: Readonly<Record<string, number>> = { free: 0, malloc: 1, calloc: 2, realloc: 2, memalign: 2 };

export const android: LogFormat = {
  name: "android",
  title: "Android record_allocs, AOSP memory_replay",
  example: "186: malloc 0xb6038060 20",
  recognises: (line) => callOf(line) !== undefined,
  open: (sink) => new AndroidReader(sink),
};

class AndroidReader implements LineReader {
  readonly #sink: TraceText;
  #startNs: number | undefined;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const call = callOf(line);
    if (call) {
      this.#apply(call);
      return "record";
    }
    if (/\d: thread_done 0x0(?: \d{1,20})?$/.test(line)) return "known";
    return DAMAGED.test(line) ? "damaged" : "other";
  }

  #apply({ task, verb, address, old, numbers }: Call): void {
    const sink = this.#sink;
    const [first = 0, second = 0] = numbers;
    const stamp = { task, timeUs: this.#timeUs(numbers[ARGUMENTS[verb] ?? 0]), isLater: true };
    if (verb === "free") sink.release(address, stamp);
    else if (verb === "malloc") sink.allocate(address, first, stamp);
    else if (verb === "calloc") sink.allocate(address, first * second, stamp);
    else if (verb === "memalign") sink.allocate(address, second, stamp, first);
    else sink.reallocate(old, address, second, stamp);
  }

  /** Times count from the first one. */
  #timeUs(ns: number | undefined): number | undefined {
    if (ns === undefined) return undefined;
    this.#startNs ??= ns;
    return (ns - this.#startNs) / 1000;
  }
}

interface Call {
  readonly task: number;
  readonly verb: string;
  readonly address: number;
  /** Of a realloc. */
  readonly old: number;
  /** Its arguments (the first is 0 where it is `old`), then perhaps the times. */
  readonly numbers: readonly number[];
}

/** Undefined where the line is no whole call. */
function callOf(line: string): Call | undefined {
  const found = RECORD.exec(line);
  if (!found) return undefined;
  const [, task, verb = "", address = "", old, ...rest] = found;
  if ((old !== undefined) !== (verb === "realloc")) return undefined;
  const numbers: number[] = old === undefined ? [] : [0];
  for (const text of rest) if (text !== undefined) numbers.push(Number(text));
  const times = numbers.length - (ARGUMENTS[verb] ?? 0);
  if (times !== 0 && times !== 2) return undefined;
  return {
    task: Math.min(Number(task), 0xffff_ffff),
    verb,
    address: hexAddress(address),
    old: hexAddress(old ?? "0"),
    numbers,
  };
}
