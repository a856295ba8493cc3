/**
 * As much of C's preprocessor as a configuration header needs: #define of objects, #undef, conditions with integer
 * expressions, comments and continued lines. Nothing is included: what other headers define is not known.
 */
import { HeapsoakError } from "../errors.ts";
import { evaluate, NoValue } from "./c-expression.ts";

/** A macro that is defined when the header ends. */
export interface Macro {
  readonly name: string;
  readonly text: string;
  readonly line: number;
}

/** Something of the header that is not understood. */
export interface HeaderRemark {
  readonly line: number;
  readonly text: string;
}

const NESTING_MOST = 200;
const MACROS_MOST = 20_000;
const EXPANSION_DEPTH_MOST = 16;
/** Macros that use others twice grow without bound. */
const EXPANSIONS_MOST = 10_000;
const REMARKS_MOST = 50;

/** One #if with its branches. */
interface Condition {
  readonly line: number;
  /** The lines of this branch count. */
  isActive: boolean;
  /** A branch has been taken, or none may be. */
  isDecided: boolean;
  hasElse: boolean;
}

/** The macros of a header. Throws `bad-config` for conditions that do not match up. */
export class Header {
  readonly file: string;
  readonly remarks: HeaderRemark[] = [];
  readonly #macros = new Map<string, Macro>();
  readonly #functions = new Set<string>();
  readonly #conditions: Condition[] = [];

  constructor(text: string, file: string) {
    this.file = file;
    for (const { line, text: content } of logicalLines(text)) this.#read(content, line);
    const open = this.#conditions[0];
    if (open) throw this.#error(open.line, "#if without #endif");
  }

  /** The macros that are defined at the header's end, by name. */
  get macros(): ReadonlyMap<string, Macro> {
    return this.#macros;
  }

  /** The number that a macro stands for. Throws `NoValue`. */
  valueOf(name: string): bigint {
    return this.#value(name, [], { expansions: 0 });
  }

  #value(name: string, within: readonly string[], spent: { expansions: number }): bigint {
    const macro = this.#macros.get(name);
    if (within.includes(name)) throw new NoValue(`${name} is defined by itself`);
    if (within.length > EXPANSION_DEPTH_MOST || ++spent.expansions > EXPANSIONS_MOST)
      throw new NoValue("macros are nested too deeply");
    if (this.#functions.has(name)) throw new NoValue(`${name}() is a macro with parameters`, name);
    if (!macro) throw new NoValue(`${name} is not defined here`, name);
    return evaluate(macro.text, (inner) => this.#value(inner, [...within, name], spent));
  }

  #read(text: string, line: number): void {
    const [, directive = "", rest = ""] = /^\s*#\s*([a-z]+)\b\s*(.*)$/.exec(text) ?? [];
    const isActive = this.#conditions.every((condition) => condition.isActive);
    switch (directive) {
      case "if":
        this.#open(line, isActive, () => this.#truth(rest, line));
        break;
      case "ifdef":
        this.#open(line, isActive, () => this.#isDefined(rest.trim()));
        break;
      case "ifndef":
        this.#open(line, isActive, () => !this.#isDefined(rest.trim()));
        break;
      case "elif":
        this.#elseIf(line, () => this.#truth(rest, line));
        break;
      case "else":
        this.#else(line);
        break;
      case "endif":
        if (!this.#conditions.pop()) throw this.#error(line, "#endif without #if");
        break;
      case "define":
        if (isActive) this.#define(rest, line);
        break;
      case "undef":
        if (isActive) this.#undefine(rest.trim());
    }
  }

  #open(line: number, isActive: boolean, truth: () => boolean): void {
    if (this.#conditions.length >= NESTING_MOST) throw this.#error(line, `#if nested more than ${NESTING_MOST} deep`);
    const holds = isActive && truth();
    this.#conditions.push({ line, isActive: holds, isDecided: holds || !isActive, hasElse: false });
  }

  #elseIf(line: number, truth: () => boolean): void {
    const condition = this.#conditions.at(-1);
    if (!condition || condition.hasElse) throw this.#error(line, "#elif without #if");
    condition.isActive = !condition.isDecided && truth();
    condition.isDecided ||= condition.isActive;
  }

  #else(line: number): void {
    const condition = this.#conditions.at(-1);
    if (!condition || condition.hasElse) throw this.#error(line, "#else without #if");
    condition.isActive = !condition.isDecided;
    condition.isDecided = true;
    condition.hasElse = true;
  }

  /** As in C, a name that is not defined counts as 0 in a condition: that it is not known is told. */
  #truth(text: string, line: number): boolean {
    const judged = text.replaceAll(/\bdefined\s*(?:\(\s*(\w+)\s*\)|(\w+))/g, (_, one?: string, other?: string) =>
      this.#isDefined(one ?? other ?? "") ? " 1 " : " 0 ",
    );
    try {
      return evaluate(judged, (name) => this.#inCondition(name, line)) !== 0n;
    } catch (error) {
      if (!(error instanceof NoValue)) throw error;
      this.#remark(line, `#if ${text.trim().slice(0, 60)}: ${error.message}; taken as false`);
      return false;
    }
  }

  #inCondition(name: string, line: number): bigint {
    if (name === "true") return 1n;
    if (name === "false" || this.#macros.has(name) === false) {
      if (name !== "false") this.#remark(line, `${name} is not defined here; taken as 0`);
      return 0n;
    }
    return this.valueOf(name);
  }

  #isDefined(name: string): boolean {
    const [word = ""] = /^\w+/.exec(name) ?? [];
    return this.#macros.has(word) || this.#functions.has(word);
  }

  #define(rest: string, line: number): void {
    const [, name, parameters, text = ""] = /^([A-Za-z_]\w*)(\([^)]*\))?(.*)$/.exec(rest) ?? [];
    if (name === undefined) {
      this.#remark(line, "#define without a name");
      return;
    }
    if (this.#macros.size + this.#functions.size >= MACROS_MOST) {
      throw this.#error(line, `more than ${MACROS_MOST} macros`);
    }
    this.#undefine(name);
    if (parameters !== undefined) this.#functions.add(name);
    else this.#macros.set(name, { name, text: text.trim(), line });
  }

  #undefine(name: string): void {
    this.#macros.delete(name);
    this.#functions.delete(name);
  }

  #remark(line: number, text: string): void {
    if (this.remarks.length < REMARKS_MOST && !this.remarks.some((remark) => remark.text === text)) {
      this.remarks.push({ line, text });
    }
  }

  #error(line: number, what: string): HeapsoakError {
    return new HeapsoakError("bad-config", `${this.file}:${line}: ${what}.`);
  }
}

/** Lines without comments, those that end in a backslash joined; each with the number of its first. */
function* logicalLines(text: string): Generator<{ line: number; text: string }> {
  let joined = "";
  let first = 1;
  let isInComment = false;
  let isDirective = false;
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    if (joined === "") {
      first = index + 1;
      isDirective = /^\s*#/.test(raw);
    }
    const isContinued = raw.endsWith("\\");
    const stripped = withoutComments(isContinued ? raw.slice(0, -1) : raw, isInComment);
    isInComment = stripped.isInComment;
    joined += `${stripped.text} `;
    if (isContinued || (isInComment && isDirective)) continue;
    yield { line: first, text: joined };
    joined = "";
  }
  if (joined !== "") yield { line: first, text: joined };
}

/** A stretch of a line outside comments, or a text in quotes. */
const CODE = /[^/"']+|"[^"\\]*(?:\\.[^"\\]*)*"?|'[^'\\]*(?:\\.[^'\\]*)*'?|\/(?![/*])/y;

function withoutComments(raw: string, wasInComment: boolean): { text: string; isInComment: boolean } {
  let text = "";
  let at = 0;
  let isInComment = wasInComment;
  while (at < raw.length) {
    if (isInComment) {
      const end = raw.indexOf("*/", at);
      if (end < 0) return { text, isInComment };
      isInComment = false;
      text += " ";
      at = end + 2;
      continue;
    }
    CODE.lastIndex = at;
    const [piece] = CODE.exec(raw) ?? [];
    if (piece !== undefined) {
      text += piece;
      at += piece.length;
      continue;
    }
    if (raw.startsWith("//", at)) return { text, isInComment };
    isInComment = raw.startsWith("/*", at);
    at += 2;
  }
  return { text, isInComment };
}
