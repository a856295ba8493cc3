import { Opcode } from "../../assembly/memory-map.ts";
import { closest, HeapsoakError } from "../errors.ts";
import { BOARD_EVENTS, type BoardEventWord } from "./board-events.ts";
import {
  BATCH_CHECKS,
  BATCH_OPERATIONS,
  HEADER_KEYS_MOST,
  LINE_BYTES_MOST,
  NOT_RECORDED,
  NUMBER_MOST,
  RECORD_SHAPES,
  RECORDING_KEY,
  RECORDING_VALUE,
  REFUSED,
  type RecordingTotals,
  type StatisticClaim,
  type TraceBatch,
  type TraceBreak,
  type TraceCheck,
} from "./format.ts";
import { clip, isDigit, isLowerCase, quoteByte } from "./line-bytes.ts";
import { TraceClock } from "./trace-clock.ts";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EXCLAMATION = 0x21;
const HASH = 0x23;
const MINUS = 0x2d;
const ZERO = 0x30;
const EQUALS = 0x3d;
const UNDERSCORE = 0x5f;
const LETTER_A = 0x61;
const LETTER_F = 0x66;
const LETTER_H = 0x68;
const LETTER_R = 0x72;
const LETTER_S = 0x73;
const LETTER_T = 0x74;
const LETTER_Z = 0x7a;

/**
 * Parses whole lines of bytes into the columns of one batch, without a string or an array a line: at ten
 * million lines that is where the time would go. Reading position and line number are fields because a
 * full batch interrupts a chunk.
 */
export class LineParser {
  readonly header = new Map<string, string>();
  /** Operations and checks since the last `take`. */
  count = 0;
  /** Lines that have been read. */
  line = 0;
  /** Records that have been read, over all batches. */
  records = 0;
  /** Bytes of a recording's last line that has no end; set by the reader. */
  tornBytes = 0;
  readonly #clock = new TraceClock();
  readonly #name: string;
  readonly #opcodes = new Uint8Array(BATCH_OPERATIONS);
  readonly #ids = new Uint32Array(BATCH_OPERATIONS);
  readonly #requestBytes = new Uint32Array(BATCH_OPERATIONS);
  readonly #alignments = new Uint32Array(BATCH_OPERATIONS);
  readonly #expected = new Uint32Array(BATCH_OPERATIONS);
  readonly #lines = new Uint32Array(BATCH_OPERATIONS);
  #checks: TraceCheck[] = [];
  #breaks: TraceBreak[] = [];
  /** Checks and breaks of the batch. */
  #marks = 0;
  #events = 0;
  #boots = 0;
  #gaps = 0;
  #missingFrames = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #lineStart = 0;

  /** `name` is the file's, for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Whether the batch must be taken before more is parsed. */
  get full(): boolean {
    return this.count === BATCH_OPERATIONS || this.#marks >= BATCH_CHECKS;
  }

  /** Whether the header says that this is the recording of a board. */
  get isRecording(): boolean {
    return this.header.get(RECORDING_KEY) === RECORDING_VALUE;
  }

  /** What the events so far said. */
  get totals(): RecordingTotals {
    const { tornBytes } = this;
    return { boots: this.#boots, gaps: this.#gaps, missingFrames: this.#missingFrames, tornBytes };
  }

  /** From the first `t=` to the last over all boots, as far as has been read; undefined without two of them. */
  get durationUs(): number | undefined {
    return this.#clock.durationUs || undefined;
  }

  /** What has been parsed since the last call. Its columns are overwritten by the next `parse`. */
  take(): TraceBatch {
    const batch = {
      count: this.count,
      opcodes: this.#opcodes,
      ids: this.#ids,
      requestBytes: this.#requestBytes,
      alignments: this.#alignments,
      expected: this.#expected,
      lines: this.#lines,
      checks: this.#checks,
      breaks: this.#breaks,
    };
    this.count = 0;
    this.#marks = 0;
    this.#checks = [];
    this.#breaks = [];
    return batch;
  }

  /**
   * Parses bytes [from, to) of whole lines, each ended by LF, until the batch is full. Returns where it stopped.
   * Throws `bad-trace` with file and line.
   */
  parse(bytes: Uint8Array, from: number, to: number): number {
    this.#bytes = bytes;
    this.#at = from;
    while (this.#at < to && this.count < BATCH_OPERATIONS && this.#marks < BATCH_CHECKS) {
      this.#lineStart = this.#at;
      this.line++;
      this.#record(bytes[this.#at] ?? 0);
      if (this.#at - this.#lineStart > LINE_BYTES_MOST) throw this.tooLong();
    }
    return this.#at;
  }

  #record(letter: number): void {
    if (letter === LETTER_A) this.#request(Opcode.Allocate);
    else if (letter === LETTER_F) this.#release();
    else if (letter === LETTER_R) this.#request(Opcode.Reallocate);
    else if (letter === LETTER_Z) this.#request(Opcode.AllocateAligned);
    else if (letter === LETTER_S || letter === LETTER_H) this.#check();
    else if (letter === HASH) this.#comment();
    else if (letter === EXCLAMATION) this.#event();
    else this.#blank();
  }

  #request(opcode: Opcode): void {
    const index = this.count;
    this.#at++;
    this.#opcodes[index] = opcode;
    this.#ids[index] = this.#number("ID");
    this.#alignments[index] = opcode === Opcode.AllocateAligned ? this.#alignment() : 0;
    this.#requestBytes[index] = this.#number("SIZE");
    this.#expected[index] = this.#offset();
    this.#finish(index);
  }

  #release(): void {
    const index = this.count;
    this.#at++;
    this.#opcodes[index] = Opcode.Release;
    this.#ids[index] = this.#number("ID");
    this.#alignments[index] = 0;
    this.#requestBytes[index] = 0;
    this.#expected[index] = 0;
    this.#finish(index);
  }

  #finish(index: number): void {
    this.#endLine();
    this.#lines[index] = this.line;
    this.count = index + 1;
    this.records++;
  }

  /** The next field, a decimal number from 0 to NUMBER_MOST. */
  #number(field: string): number {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] === SPACE && (bytes[at + 1] ?? 0) > SPACE) at++;
    else at = this.#separator(at, field);
    let digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) throw this.#notANumber(at, field);
    let value = 0;
    do {
      value = value * 10 + digit;
      if (value > NUMBER_MOST) throw this.#bad(`${field} is beyond 32 bits`, `a number from 0 to ${NUMBER_MOST}`);
      digit = (bytes[++at] ?? 0) - ZERO;
    } while (digit >= 0 && digit <= 9);
    this.#at = at;
    return value;
  }

  /** Skips what separates fields when it is not one space; returns where the next field may begin. */
  #separator(at: number, field: string): number {
    let next = at;
    while (this.#bytes[next] === SPACE || this.#bytes[next] === TAB) next++;
    const end = this.#bytes[next];
    if (end === LF || end === CR) throw this.#missing(field);
    if (next === at) throw this.#unexpected(at, "a space between fields");
    return next;
  }

  #notANumber(at: number, field: string): HeapsoakError {
    if (this.#bytes[at] === MINUS) return this.#bad(`${field} is negative`, `a number from 0 to ${NUMBER_MOST}`);
    return this.#unexpected(at, `${field}, a decimal number`);
  }

  #alignment(): number {
    const alignment = this.#number("ALIGN");
    // A power of two below 2^32 has one bit set; 0 has none.
    if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      throw this.#bad(`ALIGN is ${alignment}`, "a power of two");
    }
    return alignment;
  }

  #offset(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    if (bytes[at] === LF || bytes[at] === CR) return NOT_RECORDED;
    if (bytes[at] !== MINUS || at === this.#at) {
      return isDigit(bytes[at]) || at === this.#at || !isLowerCase(bytes[at]) ? this.#number("OFF") : NOT_RECORDED;
    }
    if (bytes[at + 1] !== ZERO + 1 || isDigit(bytes[at + 2])) {
      throw this.#bad("OFF is below -1", "an offset from the arena's base, or -1 for a refused request");
    }
    this.#at = at + 2;
    return REFUSED;
  }

  /** Steps over the end of the line; what stands in front of it besides blanks and annotations is an error. */
  #endLine(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] !== LF) at = this.#behindAnnotations(at);
    this.#at = at + 1;
  }

  /** The position of the line's LF, behind blanks and annotations. */
  #behindAnnotations(from: number): number {
    const bytes = this.#bytes;
    for (let at = from; ; ) {
      const start = at;
      while (bytes[at] === SPACE || bytes[at] === TAB) at++;
      const end = bytes[at] === CR ? at + 1 : at;
      if (bytes[end] === LF) return end;
      if (at === start || !isLowerCase(bytes[at])) throw this.#unexpected(end, "the end of the line");
      at = this.#behindAnnotation(at);
    }
  }

  /** Steps over KEY=VALUE. */
  #behindAnnotation(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    while (isLowerCase(bytes[at]) || bytes[at] === UNDERSCORE) at++;
    if (bytes[at] !== EQUALS) throw this.#unexpected(at, "an annotation KEY=VALUE");
    const value = ++at;
    while ((bytes[at] ?? 0) > SPACE && (bytes[at] ?? 0) < 0x7f) at++;
    if (at === value) throw this.#unexpected(at, "an annotation's VALUE");
    if (value === from + 2 && bytes[from] === LETTER_T) this.#time(value, at);
    return at;
  }

  /** The time in bytes [from, to): whole microseconds, else it is none. */
  #time(from: number, to: number): void {
    let us = 0;
    for (let at = from; at < to; at++) {
      const digit = (this.#bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return;
      us = us * 10 + digit;
    }
    if (us <= Number.MAX_SAFE_INTEGER) this.#clock.see(us);
  }

  #blank(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === CR) at++;
    if (bytes[at] !== LF) throw this.#bad(`unknown record ${quoteByte(bytes[this.#at] ?? 0)}`, "a, f, r, z, s or h");
    this.#at = at + 1;
  }

  #comment(): void {
    const text = this.#restOfLine();
    if (this.records > 0 || this.#events > 0) return;
    const equals = text.indexOf("=");
    if (equals <= 1) return;
    const key = text.slice(1, equals).trim();
    if (/\s/.test(key)) return;
    this.header.set(key, text.slice(equals + 1).trim());
    if (this.header.size > HEADER_KEYS_MOST) throw this.#bad(`more than ${HEADER_KEYS_MOST} header lines`, "records");
  }

  /** What a board reported: for replays only boots and gaps matter. */
  #event(): void {
    const text = this.#restOfLine();
    const [, word = ""] = /^! ([^ ]+)(?= |$)/.exec(text) ?? [];
    if (!Object.hasOwn(BOARD_EVENTS, word)) throw this.#unknownEvent(word);
    const { kind } = BOARD_EVENTS[word as BoardEventWord];
    this.#events++;
    if (kind === "note") return;
    this.#marks = this.#breaks.push({ after: this.count, line: this.line, kind }) + this.#checks.length;
    if (kind === "boot") {
      this.#boots++;
      this.#clock.restart();
    } else this.#gaps++;
    this.#missingFrames += Number(/^! gap frames=(\d{1,10})(?= |$)/.exec(text)?.[1] ?? 0);
  }

  #unknownEvent(word: string): HeapsoakError {
    const words = Object.keys(BOARD_EVENTS);
    const guess = closest(word, words);
    return this.#bad(`unknown event "${clip(word)}"`, guess ? `perhaps ${guess}` : words.join(", "));
  }

  #check(): void {
    const text = this.#restOfLine();
    const [letter = "", ...fields] = text.split(/[ \t]+/).filter((field) => field !== "");
    if (letter.length > 1) throw this.#bad(`unknown record "${letter.slice(0, 20)}"`, "a, f, r, z, s or h");
    if (fields.length === 0) throw this.#missing(letter === "s" ? "KEY=VALUE" : "CRC32");
    const after = this.count;
    if (letter === "s") {
      const claims = fields.map((field) => this.#claim(field));
      this.#checks.push({ kind: "statistics", after, line: this.line, claims });
    } else {
      this.#checks.push({ kind: "checksum", after, line: this.line, crc32: this.#checksum(fields) });
    }
    this.#marks = this.#checks.length + this.#breaks.length;
    this.records++;
  }

  #claim(field: string): StatisticClaim {
    const [, key, digits] = /^([^=]{1,64})=(-?\d{1,10})$/.exec(field) ?? [];
    if (!key || !digits) throw this.#bad(`"${clip(field)}"`, "KEY=VALUE with a decimal value");
    return { key, value: Number(digits) };
  }

  #checksum(fields: readonly string[]): number {
    const text = fields.join(" ");
    if (!/^[0-9a-f]{1,8}$/i.test(text)) throw this.#bad(`checksum "${clip(text)}"`, "up to 8 hexadecimal digits");
    return Number.parseInt(text, 16);
  }

  /** The line's text from the reading position on, which moves behind it. */
  #restOfLine(): string {
    const end = this.#bytes.indexOf(LF, this.#at);
    const bytes = this.#bytes.subarray(this.#at, end);
    if (bytes.length > LINE_BYTES_MOST) throw this.tooLong();
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw this.#unexpected(this.#at + nul, "text");
    this.#at = end + 1;
    return new TextDecoder().decode(bytes).trimEnd();
  }

  /** The error for a line without an end in sight. */
  tooLong(): HeapsoakError {
    return this.#bad(`longer than ${LINE_BYTES_MOST} bytes`, "one record a line");
  }

  #missing(field: string): HeapsoakError {
    return this.#bad(`${field} is missing`, this.#shape());
  }

  #unexpected(at: number, expected: string): HeapsoakError {
    return this.#bad(`got ${quoteByte(this.#bytes[at] ?? 0)} in column ${at - this.#lineStart + 1}`, expected);
  }

  /** How the record of the current line is written. */
  #shape(): string {
    const letter = String.fromCharCode(this.#bytes[this.#lineStart] ?? 0);
    return RECORD_SHAPES[letter] ?? "a record";
  }

  #bad(what: string, expected: string): HeapsoakError {
    return new HeapsoakError("bad-trace", `${this.#name}: line ${this.line}: ${what}; expected ${expected}.`);
  }
}
