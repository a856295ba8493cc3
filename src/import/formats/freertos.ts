/**
 * What FreeRTOS firmware prints from traceMALLOC(address, size) and traceFREE(address, size). There is no one form:
 * read are the macro's name, `=malloc=` or the bare word, an address with `0x`, and a size (which a free may lack).
 * heap_2, heap_4 and heap_5 hand over the block with its header since June 2024, heap_3's traceFREE a size of 0.
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";

const MARK = /=\s{0,4}(?:malloc|free)\s{0,4}=|\b(?:trace|pvPort|vPort)(?:malloc|free)\b/i;
const EQUALS = 0x3d;
const PARENTHESIS = 0x29;
/** In front of malloc and free; the longer of two that end alike comes first. */
const PREFIXES = ["trace", "pvport", "vport"];

export const freertos: LogFormat = {
  name: "freertos",
  title: "FreeRTOS traceMALLOC and traceFREE, printed",
  example: "=malloc= 0x20001a40, 1024",
  recognises: (line) => new Scan().read(line),
  open: (sink) => new FreertosReader(sink),
};

class FreertosReader implements LineReader {
  readonly #sink: TraceText;
  readonly #scan = new Scan();

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const scan = this.#scan;
    if (!scan.read(line)) return MARK.test(line) ? "damaged" : "other";
    if (scan.start > 0 && MARK.test(line.slice(0, scan.start))) return "damaged";
    if (scan.isFree) this.#sink.release(scan.address);
    else this.#sink.allocate(scan.address, scan.bytes);
    return "record";
  }

  end(): string[] {
    return ["Sizes are as printed: FreeRTOS kernels since June 2024 tell the block with its header (heap_2, 4 and 5)."];
  }
}

/** The record that a line ends with. */
class Scan {
  /** Where it begins. */
  start = 0;
  isFree = false;
  address = 0;
  bytes = 0;
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    const prefix = line.includes("0x") ? "0x" : "0X";
    for (let at = line.indexOf(prefix); at >= 0; at = line.indexOf(prefix, at + 1)) {
      if (this.#head(line, at) && this.#tail(this.#fields.from(line, at))) return true;
    }
    return false;
  }

  /** `=malloc=` or the macro's name, and up to eight separators, which end at `end`. */
  #head(line: string, end: number): boolean {
    let at = end;
    while (end - at < 8 && isSeparator(line.charCodeAt(at - 1), HEAD_SEPARATORS)) at--;
    const isFramed = line.charCodeAt(at - 1) === EQUALS;
    if (isFramed) at = blanksBefore(line, at - 1);
    else if (at === end) return false;
    this.isFree = endsWith(line, at, "free");
    if (!this.isFree && !endsWith(line, at, "malloc")) return false;
    const word = at - (this.isFree ? "free" : "malloc").length;
    this.start = isFramed ? blanksBefore(line, word) - 1 : macroStart(line, word);
    return this.start >= 0 && (!isFramed || line.charCodeAt(this.start) === EQUALS);
  }

  /** The address and the size, which a free may lack. */
  #tail(fields: LineScanner): boolean {
    this.address = fields.prefixed();
    if (this.address < 0) return false;
    const behind = fields.at;
    this.bytes = this.#size(fields);
    if (this.bytes < 0) {
      if (!this.isFree) return false;
      fields.at = behind;
    }
    fields.skipText(" bytes");
    fields.skip(PARENTHESIS);
    if (!fields.atEnd && ";.".includes(fields.line.charAt(fields.at))) fields.at++;
    return fields.atEnd;
  }

  #size(fields: LineScanner): number {
    const { line, at: start } = fields;
    while (fields.at - start < 8 && isSeparator(line.charCodeAt(fields.at), TAIL_SEPARATORS)) fields.at++;
    if (fields.at === start) return -1;
    return line.charAt(fields.at + 1).toLowerCase() === "x" ? fields.prefixedSize() : fields.decimal(20);
  }
}

const HEAD_SEPARATORS = " \t:(,";
const TAIL_SEPARATORS = " \t,:;";

function isSeparator(code: number, separators: string): boolean {
  for (let index = 0; index < separators.length; index++) if (separators.charCodeAt(index) === code) return true;
  return false;
}

/** Where up to four blanks in front of `end` begin. */
function blanksBefore(line: string, end: number): number {
  let at = end;
  while (end - at < 4 && isSeparator(line.charCodeAt(at - 1), " \t")) at--;
  return at;
}

/** Where a name begins that ends with the word at `word`; -1 where that is part of another. */
function macroStart(line: string, word: number): number {
  if (!isWordCharacter(line.charCodeAt(word - 1))) return word;
  for (const prefix of PREFIXES) {
    const start = word - prefix.length;
    if (endsWith(line, word, prefix) && !isWordCharacter(line.charCodeAt(start - 1))) return start;
  }
  return -1;
}

function isWordCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f
  );
}

/** Whether the text up to `end` ends with a word, given in lower case, in any case. */
function endsWith(line: string, end: number, word: string): boolean {
  const start = end - word.length;
  if (start < 0) return false;
  for (let at = 0; at < word.length; at++) {
    if ((line.charCodeAt(start + at) | 0x20) !== word.charCodeAt(at)) return false;
  }
  return true;
}
