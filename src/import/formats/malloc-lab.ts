/**
 * Traces of the CS:APP malloc lab (.rep): a header of four numbers (suggested heap size, ids, operations, weight), or
 * two (ids, operations) in later editions, one a line; then `a ID SIZE`, `r ID SIZE`, `f ID`. There are no addresses.
 */
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";
import type { TraceText } from "../trace-text.ts";

const RECORD = /^([arf]) (-?\d{1,10})(?: (\d{1,20}))?$/;
const NUMBER = /^\d{1,15}$/;

export const mallocLab: LogFormat = {
  name: "malloc-lab",
  title: "CS:APP malloc lab (.rep)",
  example: "a 0 512   (behind a header of numbers, one a line)",
  recognises: (line) => isWhole(RECORD.exec(line)),
  begins: (lines) => {
    const told = lines.filter((line) => line !== "");
    const numbers = told.findIndex((line) => !NUMBER.test(line));
    return (numbers === 2 || numbers === 4) && isWhole(RECORD.exec(told[numbers] ?? ""));
  },
  open: (sink) => new MallocLabReader(sink),
};

class MallocLabReader implements LineReader {
  readonly #sink: TraceText;
  readonly #header: number[] = [];
  #records = 0;

  constructor(sink: TraceText) {
    this.#sink = sink;
    sink.areNames = true;
  }

  read(line: string): LineKind {
    if (line === "") return "known";
    const found = RECORD.exec(line);
    if (found && isWhole(found)) {
      this.#records++;
      this.#apply(found);
      return "record";
    }
    if (this.#records > 0 || !NUMBER.test(line) || this.#header.length === 4) return found ? "damaged" : "other";
    this.#header.push(Number(line));
    return "known";
  }

  end(): string[] {
    const declared = this.#header.at(this.#header.length === 4 ? 2 : 1);
    if (declared === undefined || declared === this.#records) return [];
    return [`The header declares ${declared} operations, but ${this.#records} are there.`];
  }

  /** Ids take the place of addresses; 0 means a refused request. */
  #apply(found: RegExpExecArray): void {
    const key = Number(found[2]) + 1;
    const bytes = Number(found[3]);
    if (found[1] === "f")
      this.#sink.release(Math.max(0, key)); // `f -1` is free(NULL)
    else if (found[1] === "a") this.#sink.allocate(key, bytes);
    else if (this.#sink.isLive(key)) this.#sink.reallocate(key, key, bytes);
    else this.#sink.allocate(key, bytes); // realloc(NULL, …)
  }
}

function isWhole(found: RegExpExecArray | null): boolean {
  if (!found) return false;
  return found[1] === "f" ? found[3] === undefined : found[3] !== undefined && !found[2]?.startsWith("-");
}
