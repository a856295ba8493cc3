/**
 * Traces of the CS:APP malloc lab (.rep): a header of four numbers (suggested heap size, ids, operations, weight), or
 * two (ids, operations) in later editions, one a line; then `a ID SIZE`, `r ID SIZE`, `f ID`. There are no addresses.
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";

const SPACE = 0x20;
const MINUS = 0x2d;
const DAMAGED = /^[arf] -?\d{1,10}(?: \d{1,20})?$/;
const NUMBER = /^\d{1,15}$/;

export const mallocLab: LogFormat = {
  name: "malloc-lab",
  title: "CS:APP malloc lab (.rep)",
  example: "a 0 512   (behind a header of numbers, one a line)",
  recognises: (line) => new Scan().read(line),
  begins: (lines) => {
    const told = lines.filter((line) => line !== "");
    const numbers = told.findIndex((line) => !NUMBER.test(line));
    return (numbers === 2 || numbers === 4) && new Scan().read(told[numbers] ?? "");
  },
  open: (sink) => new MallocLabReader(sink),
};

class MallocLabReader implements LineReader {
  readonly #sink: TraceText;
  readonly #header: number[] = [];
  readonly #scan = new Scan();
  #records = 0;

  constructor(sink: TraceText) {
    this.#sink = sink;
    sink.areNames = true;
  }

  read(line: string): LineKind {
    if (line === "") return "known";
    if (this.#scan.read(line)) {
      this.#records++;
      this.#apply(this.#scan);
      return "record";
    }
    if (this.#records > 0 || !NUMBER.test(line) || this.#header.length === 4)
      return DAMAGED.test(line) ? "damaged" : "other";
    this.#header.push(Number(line));
    return "known";
  }

  end(): string[] {
    const declared = this.#header.at(this.#header.length === 4 ? 2 : 1);
    if (declared === undefined || declared === this.#records) return [];
    return [`The header declares ${declared} operations, but ${this.#records} are there.`];
  }

  /** Ids take the place of addresses; 0 means a refused request. */
  #apply({ letter, id, bytes }: Scan): void {
    const key = id + 1;
    if (letter === "f") this.#sink.release(key);
    else if (letter === "a") this.#sink.allocate(key, bytes);
    else if (this.#sink.isLive(key)) this.#sink.reallocate(key, key, bytes);
    else this.#sink.allocate(key, bytes); // realloc(NULL, …)
  }
}

/** The record of a line. */
class Scan {
  letter = "";
  /** -1 where `f -1` or the like is free(NULL). */
  id = 0;
  bytes = 0;
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    if (line.charCodeAt(1) !== SPACE) return false;
    this.letter = line.charAt(0);
    const fields = this.#fields.from(line, 2);
    const isFree = this.letter === "f";
    if (!isFree && this.letter !== "a" && this.letter !== "r") return false;
    const isNone = isFree && fields.skip(MINUS);
    this.id = fields.decimal(10);
    if (this.id < 0) return false;
    if (isNone) this.id = -1;
    if (isFree) return fields.atEnd;
    if (!fields.skip(SPACE)) return false;
    this.bytes = fields.decimal(20);
    return this.bytes >= 0 && fields.atEnd;
  }
}
