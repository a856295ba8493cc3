import { HeapsoakError } from "../errors.ts";
import type { Expression } from "./model.ts";
import { parseQuantity } from "./quantities.ts";

/** Longer arithmetic than this belongs into a sampled name. */
const CHARACTERS_MOST = 500;
const DEPTH_MOST = 32;
/** A number with an optional unit of size, a name, or a sign. A hyphen before a letter belongs to the name. */
const TOKEN = /\s*(?:(\d[\d_]*(?:\.\d+)?(?:\s*(?:KiB|MiB|B)\b)?)|([A-Za-z_]\w*(?:-[A-Za-z_]\w*)*)|([-+*/()]))/y;

interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/**
 * Arithmetic over sampled names, such as `length * 2 + 32`: numbers (with B, KiB or MiB), names, `+ - * /` with
 * the usual precedence, parentheses, a leading minus. Throws `bad-scenario` with the character it stumbled over.
 */
export function parseExpression(text: string): Expression {
  if (text.length > CHARACTERS_MOST) {
    throw new HeapsoakError(
      "bad-scenario",
      `expression of ${text.length} characters, expected at most ${CHARACTERS_MOST}.`,
    );
  }
  return new Parser(text, tokens(text)).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, found: readonly Token[]) {
    this.#text = text;
    this.#tokens = found;
  }

  parse(): Expression {
    const expression = this.#sum();
    if (this.#next.kind !== "end") throw this.#unexpected("an operator or the end");
    return expression;
  }

  #sum(): Expression {
    let left = this.#product();
    for (let operator = this.#take("+", "-"); operator; operator = this.#take("+", "-")) {
      left = { kind: "operation", operator, left, right: this.#product() };
    }
    return left;
  }

  #product(): Expression {
    let left = this.#factor();
    for (let operator = this.#take("*", "/"); operator; operator = this.#take("*", "/")) {
      left = { kind: "operation", operator, left, right: this.#factor() };
    }
    return left;
  }

  #factor(): Expression {
    if (++this.#depth > DEPTH_MOST) throw this.#unexpected(`at most ${DEPTH_MOST} levels of parentheses`);
    try {
      if (this.#take("-")) {
        return { kind: "operation", operator: "-", left: { kind: "number", value: 0 }, right: this.#factor() };
      }
      if (this.#take("(")) return this.#inParentheses();
      return this.#operand();
    } finally {
      this.#depth--;
    }
  }

  #inParentheses(): Expression {
    const inner = this.#sum();
    if (!this.#take(")")) throw this.#unexpected('")"');
    return inner;
  }

  #operand(): Expression {
    const token = this.#next;
    if (token.kind !== "number" && token.kind !== "name") throw this.#unexpected('a number, a name or "("');
    this.#at++;
    if (token.kind === "name") return { kind: "name", name: token.text };
    return { kind: "number", value: numberOf(token.text) };
  }

  #take<Sign extends string>(...signs: Sign[]): Sign | undefined {
    const sign = this.#next.kind === "sign" ? signs.find((candidate) => candidate === this.#next.text) : undefined;
    if (sign) this.#at++;
    return sign;
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "", column: this.#text.length + 1 };
  }

  #unexpected(expected: string): HeapsoakError {
    const { kind, text, column } = this.#next;
    const found = kind === "end" ? "the end" : `"${text}"`;
    return new HeapsoakError(
      "bad-scenario",
      `expression "${shorten(this.#text)}": found ${found} at character ${column}, expected ${expected}.`,
    );
  }
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const token = new RegExp(TOKEN);
  while (token.lastIndex < text.trimEnd().length) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (!match) {
      const column = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0) + 1;
      throw new HeapsoakError(
        "bad-scenario",
        `expression "${shorten(text)}": "${text[column - 1]}" at character ${column} is not a number, a name or an operator.`,
      );
    }
    const [, number, name, sign] = match;
    const shown = number ?? name ?? sign ?? "";
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "sign";
    found.push({ kind, text: shown, column: token.lastIndex - shown.length + 1 });
  }
  return found;
}

function numberOf(text: string): number {
  return /[A-Za-z]/.test(text) ? parseQuantity("bytes", text) : Number(text.replaceAll("_", ""));
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
