/**
 * Calls as a program writes them, and what they returned: what shims behind `-Wl,--wrap=malloc` print as a rule, and
 * ltrace. There is no standard; read are the names of the C library, with or without `__wrap_`.
 *
 *   malloc(64) = 0x20001a40      calloc(4, 16) = 0x20001a88     memalign(32, 100) = 0x20001b00
 *   realloc(0x20001a40, 96) = 0x20001c00                        free(0x20001c00)
 */

import type { TraceText } from "../../trace/trace-text.ts";
import { LineScanner } from "../line-scanner.ts";
import type { LineKind, LineReader, LogFormat } from "../log-format.ts";

const MARK = /\b(?:__wrap_|__real_)?_?(?:malloc|calloc|realloc|memalign|aligned_alloc|free)(?:_r)?\( ?(?:0x|\d|NULL)/i;
const SPACE = 0x20;
const PARENTHESIS = 0x28;
const PARENTHESIS_END = 0x29;
const COMMA = 0x2c;
const COLON = 0x3a;
const SEMICOLON = 0x3b;

type Verb = "malloc" | "calloc" | "realloc" | "memalign" | "aligned_alloc" | "free";
const VERBS: readonly Verb[] = ["malloc", "calloc", "realloc", "memalign", "aligned_alloc", "free"];
/** What stands in front of what a call returned. */
const RETURNS = ["=", "->", "returned", "returns"];

/** The calls by the names that they are printed under. */
const VERB_OF = new Map<string, Verb>();
for (const verb of VERBS) {
  for (const prefix of ["", "__wrap_", "__real_"]) {
    for (const name of [verb, `_${verb}`]) for (const end of ["", "_r"]) VERB_OF.set(`${prefix}${name}${end}`, verb);
  }
}

export const calls: LogFormat = {
  name: "calls",
  title: "calls of malloc and free, printed by --wrap shims or ltrace",
  example: "malloc(64) = 0x20001a40",
  recognises: (line) => new Call().read(line),
  open: (sink) => new CallsReader(sink),
};

class CallsReader implements LineReader {
  readonly #sink: TraceText;
  readonly #call = new Call();

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const call = this.#call;
    if (!call.read(line)) return MARK.test(line) ? "damaged" : "other";
    if (call.start > 0 && MARK.test(line.slice(0, call.start))) return "damaged";
    this.#apply(call);
    return "record";
  }

  #apply({ verb, first, second, result }: Call): void {
    const sink = this.#sink;
    if (verb === "free") sink.release(first);
    else if (verb === "malloc") sink.allocate(result, first);
    else if (verb === "calloc") sink.allocate(result, first * second);
    else if (verb === "realloc") sink.reallocate(first, result, second);
    else sink.allocate(result, second, {}, first);
  }
}

/** The call that a line ends with. */
class Call {
  /** Where its name begins. */
  start = 0;
  verb: Verb = "malloc";
  first = 0;
  second = 0;
  /** An address; 0 of free. */
  result = 0;
  readonly #fields = new LineScanner();

  /** False where there is no whole one. */
  read(line: string): boolean {
    for (let at = line.indexOf("("); at >= 0; at = line.indexOf("(", at + 1)) {
      this.start = wordStart(line, at);
      const verb = verbOf(line.slice(this.start, at));
      if (verb === undefined) continue;
      this.verb = verb;
      if (this.#arguments(this.#fields.from(line, at)) && this.#result(this.#fields)) return true;
    }
    return false;
  }

  #arguments(fields: LineScanner): boolean {
    const { verb } = this;
    fields.skip(PARENTHESIS);
    fields.skip(SPACE);
    this.first = verb === "free" || verb === "realloc" ? address(fields) : size(fields);
    if (this.first < 0) return false;
    if (verb !== "free" && verb !== "malloc") {
      if (!fields.skip(COMMA)) return false;
      fields.skip(SPACE);
      this.second = size(fields);
      if (this.second < 0) return false;
    }
    fields.skip(SPACE);
    return fields.skip(PARENTHESIS_END);
  }

  /** What it returned; nothing, `;` or `= <void>` behind free. */
  #result(fields: LineScanner): boolean {
    this.result = 0;
    if (this.verb === "free") {
      if (fields.skip(SEMICOLON) || fields.atEnd) return fields.atEnd;
      skipBlanks(fields, 4);
      return fields.skipText("= <void>") && fields.atEnd;
    }
    fields.skip(SEMICOLON);
    skipBlanks(fields, 40);
    if (!RETURNS.some((word) => skipWord(fields, word))) return false;
    fields.skip(COLON);
    skipBlanks(fields, 4);
    this.result = address(fields);
    return this.result >= 0 && fields.atEnd;
  }
}

/** Where the name that ends at `end` begins. */
function wordStart(line: string, end: number): number {
  let start = end;
  while (start > 0 && isNameCharacter(line.charCodeAt(start - 1))) start--;
  return start;
}

function isNameCharacter(code: number): boolean {
  const letter = code | SPACE;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;
}

function verbOf(name: string): Verb | undefined {
  return VERB_OF.get(name) ?? VERB_OF.get(name.toLowerCase());
}

function skipBlanks(fields: LineScanner, most: number): void {
  for (let count = 0; count < most && fields.skip(SPACE); count++);
}

/** Steps over a word, given in lower case, in any case. */
function skipWord(fields: LineScanner, word: string): boolean {
  const { line, at } = fields;
  if (!line.startsWith(word, at) && line.slice(at, at + word.length).toLowerCase() !== word) return false;
  fields.at += word.length;
  return true;
}

function size(fields: LineScanner): number {
  return isHexadecimal(fields) ? fields.prefixedSize() : fields.decimal(20);
}

/** Hexadecimal or decimal; 0 for `(nil)` and `NULL`. */
function address(fields: LineScanner): number {
  if (isHexadecimal(fields)) return fields.prefixed();
  return skipWord(fields, "(nil)") || skipWord(fields, "null") ? 0 : fields.decimal(20);
}

function isHexadecimal({ line, at }: LineScanner): boolean {
  return (line.charCodeAt(at + 1) | SPACE) === 0x78;
}
