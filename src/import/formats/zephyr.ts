/**
 * What Zephyr's heap listeners print in its own tests (tests/lib/heap/src/main.c; CONFIG_HEAP_LISTENER), and firmware
 * that took it over: the heap, what happened, where and how large. A reallocation is told as an allocation and a free.
 *
 *   Heap 0x20000180, alloc 0x20000a10, size 64
 *   Heap 0x20000180, free 0x20000a10, size 64
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { type LineKind, type LineReader, type LogFormat, pointer } from "../log-format.ts";

const RECORD =
  /\bHeap (?:0x)?([0-9a-f]{1,16}), (alloc|free) ((?:0x)?[0-9a-f]{1,16}|\(nil\)), size (\d{1,20})(?: bytes)?\.?$/i;
const MARK = /\bHeap (?:0x)?[0-9a-f]{1,16}, (?:alloc|free)\b/i;
/** More heaps are not told apart. */
const HEAPS_MOST = 64;

export const zephyr: LogFormat = {
  name: "zephyr",
  title: "Zephyr heap listeners, printed",
  example: "Heap 0x20000180, alloc 0x20000a10, size 64",
  recognises: (line) => RECORD.test(line),
  open: (sink) => new ZephyrReader(sink),
};

class ZephyrReader implements LineReader {
  readonly #sink: TraceText;
  readonly #heaps = new Set<string>();

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const found = RECORD.exec(line);
    if (!found) return MARK.test(line) ? "damaged" : "other";
    if (line.search(MARK) < found.index) return "damaged";
    const [, heap = "", verb = "", address = "", bytes] = found;
    if (this.#heaps.size < HEAPS_MOST) this.#heaps.add(heap);
    if (verb.toLowerCase() === "free") this.#sink.release(pointer(address));
    else this.#sink.allocate(pointer(address), Number(bytes));
    return "record";
  }

  end(): string[] {
    const { size } = this.#heaps;
    if (size < 2) return [];
    const count = size === HEAPS_MOST ? `${HEAPS_MOST} or more` : size;
    return [`Operations of ${count} heaps are in one trace; --heap keeps those of one.`];
  }
}
