/**
 * The traces of Bohra and Gabber ("Are Mallocs Free of Fragmentation?", USENIX 2001): `Allocate TAG SIZE` and
 * `Free TAG`, one a line. Tags are numbers, decimal or hexadecimal, and only names: there are no addresses.
 */
import { hexAddress, type LineKind, type LineReader, type LogFormat } from "../log-format.ts";
import type { TraceText } from "../trace-text.ts";

const RECORD = /^(?:(Allocate) (?:(\d{1,15})|0x([0-9a-f]{1,16})) (\d{1,20})|Free (?:(\d{1,15})|0x([0-9a-f]{1,16})))$/i;
const MARK = /^(?:Allocate|Free) /i;

export const bohraGabber: LogFormat = {
  name: "bohra-gabber",
  title: "Bohra and Gabber's traces",
  example: "Allocate 17 512",
  recognises: (line) => RECORD.test(line),
  open: (sink) => new BohraGabberReader(sink),
};

class BohraGabberReader implements LineReader {
  readonly #sink: TraceText;

  constructor(sink: TraceText) {
    this.#sink = sink;
    sink.areNames = true;
  }

  read(line: string): LineKind {
    const found = RECORD.exec(line);
    if (!found) return MARK.test(line) ? "damaged" : "other";
    const [, allocate, decimal, hex, bytes, freedDecimal, freedHex] = found;
    if (allocate) this.#sink.allocate(name(decimal, hex), Number(bytes));
    else this.#sink.release(name(freedDecimal, freedHex));
    return "record";
  }
}

/** A tag as an address; none is 0, which stands for a refused request. */
function name(decimal: string | undefined, hex = "0"): number {
  return 1 + (decimal === undefined ? hexAddress(hex) : Number(decimal));
}
