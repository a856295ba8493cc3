/**
 * Android's allocation records (malloc_debug's record_allocs, read by AOSP's memory_replay): the thread, the call,
 * and in newer ones when it began and ended, in nanoseconds.
 *
 *   186: malloc PTR SIZE     186: calloc PTR COUNT SIZE    186: realloc NEW OLD SIZE
 *   186: memalign PTR ALIGN SIZE     186: free PTR     187: thread_done 0x0
 */

import { NUMBER_MOST } from "../../trace/format.ts";
import type { TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";

const SPACE = 0x20;
const ZERO = 0x30;
/** Arguments and times. */
const NUMBERS_MOST = 4;

const DAMAGED = /(?:^|\s)\d{1,10}: (?:malloc|calloc|realloc|memalign|free|thread_done)\b/;

const VERBS = ["malloc", "free", "calloc", "realloc", "memalign"];
/** A call's own numbers behind the pointer. */
const ARGUMENTS: Readonly<Record<string, number>> = { free: 0, malloc: 1, calloc: 2, realloc: 2, memalign: 2 };

export const android: LogFormat = {
  name: "android",
  title: "Android record_allocs, AOSP memory_replay",
  example: "186: malloc 0xb6038060 20",
  recognises: (line) => new Call().read(line),
  open: (sink) => new AndroidReader(sink),
};

class AndroidReader implements LineReader {
  readonly #sink: TraceText;
  readonly #call = new Call();
  #startNs: number | undefined;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const call = this.#call;
    if (call.read(line)) {
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

/** The call that a line ends with. */
class Call {
  task = 0;
  verb = "";
  address = 0;
  /** Of a realloc. */
  old = 0;
  /** Its arguments (the first is 0 where it is `old`), then perhaps the times. */
  numbers: number[] = [];
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    for (let at = line.indexOf(": "); at >= 0; at = line.indexOf(": ", at + 1)) {
      if (this.#task(line, at) && this.#operation(this.#fields.from(line, at + 2))) return true;
    }
    return false;
  }

  /** The number that ends at `end`, at the line's beginning or behind a blank. */
  #task(line: string, end: number): boolean {
    let start = end;
    while (start > 0 && line.charCodeAt(start - 1) >= ZERO && line.charCodeAt(start - 1) <= ZERO + 9) start--;
    if (start > 0 && !/\s/.test(line.charAt(start - 1))) return false;
    const task = this.#fields.from(line, start).decimal(10);
    this.task = Math.min(task, NUMBER_MOST);
    return task >= 0;
  }

  #operation(fields: LineScanner): boolean {
    const start = fields.at;
    this.verb = verbAt(fields.line, start);
    fields.at = start + this.verb.length;
    this.address = this.verb !== "" && fields.skip(SPACE) ? fields.prefixed() : -1;
    if (this.address < 0) return false;
    this.numbers = [];
    this.old = 0;
    return (this.verb !== "realloc" || this.#old(fields)) && this.#rest(fields);
  }

  #old(fields: LineScanner): boolean {
    this.old = fields.skip(SPACE) ? fields.prefixed() : -1;
    this.numbers.push(0);
    return this.old >= 0;
  }

  #rest(fields: LineScanner): boolean {
    const { numbers } = this;
    while (fields.skip(SPACE)) {
      const number = fields.decimal(20);
      if (number < 0 || numbers.push(number) > NUMBERS_MOST) return false;
    }
    const times = numbers.length - (ARGUMENTS[this.verb] ?? 0);
    return fields.atEnd && (times === 0 || times === 2);
  }
}

function verbAt(line: string, at: number): string {
  for (const verb of VERBS) if (line.startsWith(verb, at)) return verb;
  return "";
}
