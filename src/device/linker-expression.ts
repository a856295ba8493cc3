import { HeapsoakError } from "../errors.ts";

/** A word of a linker script and where it stands. */
export interface ScriptToken {
  readonly kind: "name" | "number" | "text" | "mark" | "end";
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const TOKEN =
  /(\s+|\/\*[\s\S]*?\*\/|\/\/[^\n]*)|("[^"\n]*")|(\d[\w]*)|([A-Za-z_.$][\w.$]*)|(<<=|>>=|<<|>>|[-+*/%&|^]=|[^\s])/y;

/** The script as words. Comments are skipped; the last token is of kind `end`. Throws `bad-linker-script`. */
export function scriptTokens(text: string, file: string): ScriptToken[] {
  const tokens: ScriptToken[] = [];
  const place = { line: 1, lineStart: 0 };
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) break;
    const [whole, blank, quoted, number, name] = match;
    const here = { line: place.line, column: at - place.lineStart + 1 };
    if (text.startsWith("/*", at) && blank === undefined) throw scriptError(file, here, "a comment that does not end");
    if (quoted !== undefined) tokens.push({ kind: "text", text: quoted.slice(1, -1), ...here });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, ...here });
    else if (name !== undefined) tokens.push({ kind: "name", text: name, ...here });
    else if (blank === undefined) tokens.push({ kind: "mark", text: whole, ...here });
    for (let next = whole.indexOf("\n"); next >= 0; next = whole.indexOf("\n", next + 1)) {
      place.line++;
      place.lineStart = at + next + 1;
    }
  }
  tokens.push({
    kind: "end",
    text: "the end of the file",
    line: place.line,
    column: text.length - place.lineStart + 1,
  });
  return tokens;
}

/** What a name stands for while an expression is evaluated: `ORIGIN(x)`, `LENGTH(x)` and symbols. */
export interface ExpressionNames {
  region(of: "ORIGIN" | "LENGTH", name: string): number | undefined;
  symbol(name: string): number | undefined;
}

const DEPTH_MOST = 64;
const LEVELS: readonly (readonly string[])[] = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "%"]];

/** Reads tokens one after the other, and evaluates the constant expressions of a MEMORY block. */
export class ScriptReader {
  readonly #tokens: readonly ScriptToken[];
  readonly #file: string;
  #at = 0;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#tokens = scriptTokens(text, file);
  }

  /** The next token, not taken. */
  get next(): ScriptToken {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as ScriptToken;
  }

  /** Takes the next token. */
  take(): ScriptToken {
    const token = this.next;
    this.#at++;
    return token;
  }

  /** Takes the next token if it is the mark or name `text`. */
  accept(text: string): boolean {
    if (this.next.text !== text || this.next.kind === "text") return false;
    this.#at++;
    return true;
  }

  /** Takes `text` or throws `bad-linker-script`. */
  expect(text: string): void {
    if (!this.accept(text)) throw this.error(`got "${this.next.text}", expected "${text}"`);
  }

  /** An error at `token`, the next one unless given. */
  error(message: string, token: ScriptToken = this.next, hint?: string): HeapsoakError {
    return scriptError(this.#file, token, message, hint);
  }

  /** The value of the expression that begins here. */
  expression(names: ExpressionNames, level = 0, depth = 0): number {
    if (depth > DEPTH_MOST) throw this.error(`an expression nested deeper than ${DEPTH_MOST} levels`);
    const operators = LEVELS[level];
    if (!operators) return this.#operand(names, depth);
    let value = this.expression(names, level + 1, depth);
    while (this.next.kind === "mark" && operators.includes(this.next.text)) {
      const operator = this.take();
      const right = this.expression(names, level + 1, depth);
      value = this.#combine(operator, value, right);
    }
    return value;
  }

  #operand(names: ExpressionNames, depth: number): number {
    const token = this.take();
    if (token.kind === "number") return this.#number(token);
    if (token.text === "(") {
      const value = this.expression(names, 0, depth + 1);
      this.expect(")");
      return value;
    }
    if (token.text === "-" || token.text === "+")
      return (token.text === "-" ? -1 : 1) * this.expression(names, LEVELS.length, depth + 1);
    if (token.text === "~")
      return Number(BigInt.asUintN(32, ~BigInt(this.expression(names, LEVELS.length, depth + 1))));
    if (token.kind === "name" || token.kind === "text") return this.#named(token, names);
    throw this.error(`got "${token.text}", expected a number or a name`, token);
  }

  #named(token: ScriptToken, names: ExpressionNames): number {
    const call = token.text.toUpperCase();
    const of =
      call === "ORIGIN" || call === "ORG" ? "ORIGIN" : call === "LENGTH" || call === "LEN" ? "LENGTH" : undefined;
    if (of && this.accept("(")) {
      const region = this.take();
      this.expect(")");
      const value = names.region(of, region.text);
      if (value === undefined)
        throw this.error(`${of}(${region.text}): no region of that name before this line`, region);
      return value;
    }
    if (this.next.text === "(") throw this.error(`the function ${token.text}() is not supported here`, token);
    const value = names.symbol(token.text);
    if (value !== undefined) return value;
    const hint =
      "Only symbols the script itself sets to constants are known; write the number into a copy of the script.";
    throw this.error(`the symbol ${token.text} has no known value`, token, hint);
  }

  #number(token: ScriptToken): number {
    const match = /^(?:0[xX]([\da-fA-F]+)|(\d+))([kKmM]?)$/.exec(token.text);
    const [, hex, plain, suffix] = match ?? [];
    const base = hex !== undefined ? 16 : plain?.startsWith("0") ? 8 : 10;
    const value = Number.parseInt(hex ?? plain ?? "", base);
    if (!match || Number.isNaN(value) || (base === 8 && /[89]/.test(plain ?? ""))) {
      throw this.error(`got "${token.text}", expected a number such as 0x20000000, 131072 or 128K`, token);
    }
    return this.#checked(value * (suffix?.toLowerCase() === "k" ? 1024 : suffix ? 1024 * 1024 : 1), token);
  }

  #combine(operator: ScriptToken, left: number, right: number): number {
    const big = (operation: (a: bigint, b: bigint) => bigint) => Number(operation(BigInt(left), BigInt(right)));
    if ((operator.text === "/" || operator.text === "%") && right === 0)
      throw this.error("a division by zero", operator);
    if ((operator.text === "<<" || operator.text === ">>") && !(right >= 0 && right < 64))
      throw this.error("a shift by more than 63 bits", operator);
    switch (operator.text) {
      case "+":
        return this.#checked(left + right, operator);
      case "-":
        return this.#checked(left - right, operator);
      case "*":
        return this.#checked(left * right, operator);
      case "/":
        return Math.trunc(left / right);
      case "%":
        return left % right;
      case "<<":
        return this.#checked(
          big((a, b) => a << b),
          operator,
        );
      case ">>":
        return big((a, b) => a >> b);
      case "&":
        return big((a, b) => a & b);
      case "|":
        return big((a, b) => a | b);
      default:
        return big((a, b) => a ^ b);
    }
  }

  #checked(value: number, token: ScriptToken): number {
    if (!Number.isSafeInteger(value)) throw this.error("a number that is too large", token);
    return value;
  }
}

function scriptError(
  file: string,
  place: { line: number; column: number },
  message: string,
  hint?: string,
): HeapsoakError {
  return new HeapsoakError(
    "bad-linker-script",
    `${file}:${place.line}:${place.column}: ${message}.`,
    hint ? { hint } : {},
  );
}
