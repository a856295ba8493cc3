/**
 * Integer expressions as C's preprocessor and its constant expressions have them: numbers with suffixes, characters,
 * casts, and the operators from `?:` to `!`. 64-bit arithmetic, as the preprocessor's.
 */

/** Why an expression has no value: `unknown` names what is not defined, `malformed` says what is wrong. */
export class NoValue extends Error {
  readonly unknown: string | undefined;

  constructor(message: string, unknown?: string) {
    super(message);
    this.unknown = unknown;
  }
}

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlLzZ]{0,3})(?![\w.])|([A-Za-z_]\w*)|('(?:\\.|[^'\\])')|(<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:()]))/y;
const TOKENS_MOST = 2000;
/** Twice the parentheses: with macros in macros, what the stack of this program holds. */
const DEPTH_MOST = 40;
const WORD_BITS = 64;
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];
/** What a cast may be made of; a parenthesis with nothing else is one. */
const CAST =
  /^(u?int(8|16|32|64|ptr)?_t|size_t|ssize_t|unsigned|signed|int|long|short|char|const|volatile|[A-Z]\w*_t|U?BaseType_t|TickType_t|StackType_t|portTickType|portBASE_TYPE)$/;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, "0": 0 };

/** The value of the text. `named` gives that of a name, or throws `NoValue`. Throws `NoValue`. */
export function evaluate(text: string, named: (name: string) => bigint): bigint {
  return new Evaluation(tokensOf(text), named).whole();
}

type Token =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "name" | "sign"; readonly text: string };

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const [, digits, , name, character, sign] = TOKEN.exec(text) ?? [];
    if (digits !== undefined) tokens.push({ kind: "number", value: numberOf(digits) });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else if (character !== undefined) tokens.push({ kind: "number", value: BigInt(codeOf(character)) });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else throw new NoValue(`"${text.slice(at).trim().slice(0, 20)}" is not part of an integer expression`);
    if (tokens.length > TOKENS_MOST) throw new NoValue("the expression is too long");
  }
  return tokens;
}

function numberOf(digits: string): bigint {
  if (digits.length > 40) throw new NoValue("a number has too many digits");
  const isOctal = /^0\d+$/.test(digits);
  if (isOctal && /[89]/.test(digits)) throw new NoValue(`"${digits}" is not an octal number`);
  return BigInt(isOctal ? `0o${digits}` : digits);
}

function codeOf(character: string): number {
  const inner = character.slice(1, -1);
  if (!inner.startsWith("\\")) return inner.codePointAt(0) ?? 0;
  return ESCAPES[inner.slice(1)] ?? inner.codePointAt(1) ?? 0;
}

class Evaluation {
  readonly #tokens: readonly Token[];
  readonly #named: (name: string) => bigint;
  #at = 0;
  #depth = 0;
  /** Above 0 where the value does not count: behind `0 &&`, `1 ||` and in the other branch of `?:`. */
  #skipped = 0;

  constructor(tokens: readonly Token[], named: (name: string) => bigint) {
    this.#tokens = tokens;
    this.#named = named;
  }

  whole(): bigint {
    if (this.#tokens.length === 0) throw new NoValue("there is no value");
    const value = this.#conditional();
    if (this.#at < this.#tokens.length) throw new NoValue("there is more behind the expression");
    return value;
  }

  #conditional(): bigint {
    if (++this.#depth > DEPTH_MOST) throw new NoValue("the expression is nested too deeply");
    const condition = this.#binary(0);
    let value = condition;
    if (this.#accept("?")) {
      const yes = this.#counting(condition !== 0n, () => this.#conditional());
      if (!this.#accept(":")) throw new NoValue("`?` without `:`");
      const no = this.#counting(condition === 0n, () => this.#conditional());
      value = condition !== 0n ? yes : no;
    }
    this.#depth--;
    return value;
  }

  #binary(level: number): bigint {
    const signs = LEVELS[level];
    if (!signs) return this.#unary();
    let left = this.#binary(level + 1);
    for (let sign = this.#acceptOf(signs); sign !== undefined; sign = this.#acceptOf(signs)) {
      const counts = sign === "&&" ? left !== 0n : sign === "||" ? left === 0n : true;
      const right = this.#counting(counts, () => this.#binary(level + 1));
      left = BigInt.asIntN(WORD_BITS, this.#combined(left, sign, right));
    }
    return left;
  }

  #combined(left: bigint, sign: string, right: bigint): bigint {
    if ((sign === "/" || sign === "%") && right === 0n) {
      if (this.#skipped > 0) return 0n;
      throw new NoValue("a division by 0");
    }
    if (sign === "<<" || sign === ">>") return shifted(left, sign, right);
    return OPERATIONS[sign]?.(left, right) ?? 0n;
  }

  #unary(): bigint {
    if (++this.#depth > DEPTH_MOST) throw new NoValue("the expression is nested too deeply");
    const value = this.#unaryValue();
    this.#depth--;
    return value;
  }

  #unaryValue(): bigint {
    if (this.#accept("-")) return -this.#unary();
    if (this.#accept("+")) return this.#unary();
    if (this.#accept("~")) return ~this.#unary();
    if (this.#accept("!")) return this.#unary() === 0n ? 1n : 0n;
    if (this.#acceptCast()) return this.#unary();
    if (this.#accept("(")) {
      const value = this.#conditional();
      if (!this.#accept(")")) throw new NoValue("a parenthesis is not closed");
      return value;
    }
    const token = this.#tokens[this.#at++];
    if (token?.kind === "number") return token.value;
    if (token?.kind !== "name") throw new NoValue("a value is missing");
    if (this.#skipped > 0) return 0n;
    return this.#named(token.text);
  }

  /** `( size_t )`, `(unsigned long)`. What it does to the value is left out: sizes fit every type they are cast to. */
  #acceptCast(): boolean {
    if (!isSign(this.#tokens[this.#at], "(")) return false;
    let end = this.#at + 1;
    for (let token = this.#tokens[end]; token?.kind === "name" && CAST.test(token.text); token = this.#tokens[end])
      end++;
    if (end === this.#at + 1 || !isSign(this.#tokens[end], ")")) return false;
    this.#at = end + 1;
    return true;
  }

  #counting(counts: boolean, read: () => bigint): bigint {
    if (!counts) this.#skipped++;
    const value = read();
    if (!counts) this.#skipped--;
    return value;
  }

  #acceptOf(signs: readonly string[]): string | undefined {
    return signs.find((sign) => this.#accept(sign));
  }

  #accept(sign: string): boolean {
    if (!isSign(this.#tokens[this.#at], sign)) return false;
    this.#at++;
    return true;
  }
}

function isSign(token: Token | undefined, sign: string): boolean {
  return token?.kind === "sign" && token.text === sign;
}

function shifted(left: bigint, sign: string, right: bigint): bigint {
  if (right < 0n || right >= BigInt(WORD_BITS)) throw new NoValue("a shift by more bits than there are");
  return sign === "<<" ? left << right : left >> right;
}

const truth = (value: boolean): bigint => (value ? 1n : 0n);

const OPERATIONS: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  "||": (left, right) => truth(left !== 0n || right !== 0n),
  "&&": (left, right) => truth(left !== 0n && right !== 0n),
  "|": (left, right) => left | right,
  "^": (left, right) => left ^ right,
  "&": (left, right) => left & right,
  "==": (left, right) => truth(left === right),
  "!=": (left, right) => truth(left !== right),
  "<": (left, right) => truth(left < right),
  ">": (left, right) => truth(left > right),
  "<=": (left, right) => truth(left <= right),
  ">=": (left, right) => truth(left >= right),
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};
