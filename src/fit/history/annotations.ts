import { ANNOTATIONS, BATCH_OPERATIONS } from "../../trace/format.ts";
import { NameTable } from "./name-table.ts";

const LF = 0x0a;
const SPACE = 0x20;
const EXCLAMATION = 0x21;
const EQUALS = 0x3d;
const KEY_CHARACTERS_MOST = 16;
const OPERATION_LETTERS: ReadonlySet<number> = new Set(["a", "f", "r", "z"].map((letter) => letter.charCodeAt(0)));

/** What stands behind the fields of operations, in columns beside those of a `TraceBatch`. */
export class Annotations {
  /** As the trace says it; NaN where it says none. */
  readonly timesUs = new Float64Array(BATCH_OPERATIONS);
  readonly sites = new Uint32Array(BATCH_OPERATIONS);
  readonly tasks = new Uint32Array(BATCH_OPERATIONS);
  readonly isLost = new Uint8Array(BATCH_OPERATIONS);
  readonly isSizeUnknown = new Uint8Array(BATCH_OPERATIONS);
  readonly siteNames = new NameTable();
  /** Tasks by the text of their number; `taskName` gives those of `! task`. */
  readonly taskNumbers = new NameTable();
  unmatchedFrees = 0;
  /** Operations that tell only ticks of a clock whose rate is not known. */
  onlyTicks = 0;
  count = 0;
  readonly #taskNames = new Map<string, string>();

  /** Reads the lines in bytes [from, to), the same that the trace's parser has read. Columns are written anew. */
  read(bytes: Uint8Array, from: number, to: number): void {
    this.count = 0;
    for (let at = from; at < to; ) {
      const end = bytes.indexOf(LF, at);
      const letter = bytes[at] ?? 0;
      if (OPERATION_LETTERS.has(letter)) this.#operation(bytes, at, end);
      else if (letter === EXCLAMATION) this.#event(bytes, at, end);
      at = end + 1;
    }
  }

  /** What the trace calls the task. */
  taskName(number: string): string {
    return this.#taskNames.get(number) ?? number;
  }

  #operation(bytes: Uint8Array, from: number, to: number): void {
    const index = this.count++;
    this.timesUs[index] = Number.NaN;
    this.sites[index] = 0;
    this.tasks[index] = 0;
    this.isLost[index] = 0;
    this.isSizeUnknown[index] = 0;
    for (let at = from + 1; at < to; ) {
      while (at < to && (bytes[at] ?? 0) <= SPACE) at++;
      const start = at;
      let equals = -1;
      while (at < to && (bytes[at] ?? 0) > SPACE) {
        if (equals < 0 && bytes[at] === EQUALS) equals = at;
        at++;
      }
      if (equals > start && equals - start <= KEY_CHARACTERS_MOST) this.#annotation(index, bytes, start, equals, at);
    }
  }

  #annotation(index: number, bytes: Uint8Array, from: number, equals: number, to: number): void {
    if (isWord(bytes, from, equals, ANNOTATIONS.time)) this.timesUs[index] = decimal(bytes, equals + 1, to);
    else if (isWord(bytes, from, equals, ANNOTATIONS.site))
      this.sites[index] = this.siteNames.indexOf(bytes, equals + 1, to);
    else if (isWord(bytes, from, equals, ANNOTATIONS.task))
      this.tasks[index] = this.taskNumbers.indexOf(bytes, equals + 1, to);
    else if (isWord(bytes, from, equals, ANNOTATIONS.lost)) this.isLost[index] = 1;
    else if (isWord(bytes, from, equals, ANNOTATIONS.sizeUnknown)) this.isSizeUnknown[index] = 1;
    else if (isWord(bytes, from, equals, ANNOTATIONS.ticks)) this.onlyTicks++;
  }

  #event(bytes: Uint8Array, from: number, to: number): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8");
    if (/^! unmatched-free(\s|$)/.test(text)) this.unmatchedFrees++;
    const [, number, name] = /^! task task=(\S{1,64})(?: [^\s]+)*? text=(.{1,256})/.exec(text) ?? [];
    if (number !== undefined && name !== undefined && this.#taskNames.size < 65_536) {
      this.#taskNames.set(number, name.trimEnd());
    }
  }
}

function isWord(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from !== word.length) return false;
  for (let at = from; at < to; at++) if (bytes[at] !== word.charCodeAt(at - from)) return false;
  return true;
}

/** A decimal number, also with a fraction; NaN for anything else. */
function decimal(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number(Buffer.from(bytes.subarray(from, to)).toString("latin1"));
    value = value * 10 + digit;
  }
  return to > from && value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
}
