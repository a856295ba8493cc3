import { LOG_LINE_BYTES_MOST } from "./log-format.ts";

const LF = 0x0a;
const CR = 0x0d;
const ESCAPE = 0x1b;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOURS = /\u001b\[[0-9;]{0,20}[A-Za-z]/g;

/** What takes the lines of a log. `text`: without its end, blanks behind it and colours. */
export type LineTaker = (text: string, number: number) => void;

/** Cuts bytes into lines. Of a line without an end in sight only its length is kept. */
export class LineSplitter {
  /** Lines so far. */
  lines = 0;
  /** Bytes of a last line that has no end yet. */
  tornBytes = 0;
  #rest: Uint8Array = new Uint8Array(0);
  #isFirst = true;
  readonly #take: LineTaker;
  readonly #tooLong: (number: number) => void;

  constructor(take: LineTaker, tooLong: (number: number) => void) {
    this.#take = take;
    this.#tooLong = tooLong;
  }

  /** Hands over the lines that end in this chunk. */
  push(chunk: Uint8Array): void {
    const first = chunk.indexOf(LF);
    if (first < 0) {
      this.#keep(chunk);
      return;
    }
    const head = this.#isFirst ? byteOrderMark(this.#rest.length > 0 ? this.#rest : chunk) : 0;
    this.#isFirst = false;
    let from = 0;
    if (this.tornBytes > 0) {
      if (this.tornBytes + first > LOG_LINE_BYTES_MOST) this.#tooLong(++this.lines);
      else this.#lines(Buffer.concat([this.#rest, chunk.subarray(0, first + 1)]).subarray(head));
      from = first + 1;
    } else from = head;
    const end = chunk.lastIndexOf(LF) + 1;
    this.#lines(chunk.subarray(from, end));
    this.tornBytes = 0;
    this.#rest = new Uint8Array(0);
    this.#keep(chunk.subarray(end));
  }

  #keep(bytes: Uint8Array): void {
    this.tornBytes += bytes.length;
    if (this.tornBytes > LOG_LINE_BYTES_MOST) this.#rest = new Uint8Array(0);
    else if (bytes.length > 0) this.#rest = Buffer.concat([this.#rest, bytes]);
  }

  /** Whole lines. */
  #lines(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
    const hasColours = bytes.includes(ESCAPE);
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.lines++;
      if (end - start > LOG_LINE_BYTES_MOST) this.#tooLong(this.lines);
      else this.#take(cleaned(text, start, end, hasColours), this.lines);
      start = end + 1;
    }
  }
}

function cleaned(text: string, start: number, end: number, hasColours: boolean): string {
  const last = text.charCodeAt(end - 1);
  const line = text.slice(start, end > start && last === CR && text.charCodeAt(end - 2) > 0x20 ? end - 1 : end);
  const plain = hasColours ? line.replace(COLOURS, "") : line;
  return plain.charCodeAt(plain.length - 1) <= 0x20 ? plain.trimEnd() : plain;
}

function byteOrderMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
