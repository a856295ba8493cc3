/**
 * The traces of Bohra and Gabber ("Are Mallocs Free of Fragmentation?", USENIX 2001): `Allocate TAG SIZE` and
 * `Free TAG`, one a line. Tags are numbers, decimal or hexadecimal, and only names: there are no addresses.
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";

const MARK = /^(?:Allocate|Free) /i;
const ALLOCATE = "allocate ";
const FREE = "free ";
const SPACE = 0x20;
const LETTER_X = 0x78;

export const bohraGabber: LogFormat = {
  name: "bohra-gabber",
  title: "Bohra and Gabber's traces",
  example: "Allocate 17 512",
  recognises: (line) => new Scan().read(line),
  open: (sink) => new BohraGabberReader(sink),
};

class BohraGabberReader implements LineReader {
  readonly #sink: TraceText;
  readonly #scan = new Scan();

  constructor(sink: TraceText) {
    this.#sink = sink;
    sink.areNames = true;
  }

  read(line: string): LineKind {
    const scan = this.#scan;
    if (!scan.read(line)) return MARK.test(line) ? "damaged" : "other";
    // No tag becomes 0, which stands for a refused request.
    if (scan.isFree) this.#sink.release(1 + scan.tag);
    else this.#sink.allocate(1 + scan.tag, scan.bytes);
    return "record";
  }
}

/** The record of a line. */
class Scan {
  isFree = false;
  tag = 0;
  bytes = 0;
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    this.isFree = isWord(line, FREE);
    if (!this.isFree && !isWord(line, ALLOCATE)) return false;
    const fields = this.#fields.from(line, this.isFree ? FREE.length : ALLOCATE.length);
    const isHexadecimal = (line.charCodeAt(fields.at + 1) | SPACE) === LETTER_X;
    this.tag = isHexadecimal ? fields.prefixed() : fields.decimal(15);
    if (this.tag < 0) return false;
    if (this.isFree) return fields.atEnd;
    if (!fields.skip(SPACE)) return false;
    this.bytes = fields.decimal(20);
    return this.bytes >= 0 && fields.atEnd;
  }
}

/** Whether the line begins with the word, given in lower case, in any case. */
function isWord(line: string, word: string): boolean {
  if ((line.charCodeAt(0) | SPACE) !== word.charCodeAt(0)) return false;
  for (let at = 1; at < word.length; at++) if ((line.charCodeAt(at) | SPACE) !== word.charCodeAt(at)) return false;
  return true;
}
