const ZERO = 0x30;
const LOWER_CASE = 0x20;
const LETTER_A = 0x61;
const LETTER_X = 0x78;
const PAREN = 0x28;
const HEX_DIGITS_MOST = 16;
/** Of more bits than these 52, those above are a tag on 64-bit machines, or the same for all. */
const ADDRESS_DIGITS = 13;

/**
 * Reads the fields of a line one after the other, without a string or an array a field: regular expressions that
 * capture would take most of an import's time. Numbers are -1 where there is none; then the position means nothing.
 */
export class LineScanner {
  line = "";
  at = 0;

  /** Reads from here on. */
  from(line: string, at: number): this {
    this.line = line;
    this.at = at;
    return this;
  }

  get atEnd(): boolean {
    return this.at === this.line.length;
  }

  /** Steps over one character (its code), if it is there. */
  skip(code: number): boolean {
    if (this.line.charCodeAt(this.at) !== code) return false;
    this.at++;
    return true;
  }

  /** Steps over a text, if it is there. */
  skipText(text: string): boolean {
    if (!this.line.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** A decimal number of at most so many digits. */
  decimal(digitsMost: number): number {
    const { line, at: start } = this;
    let at = start;
    let value = 0;
    for (let digit = line.charCodeAt(at) - ZERO; digit >= 0 && digit <= 9; digit = line.charCodeAt(at) - ZERO) {
      value = 10 * value + digit;
      at++;
    }
    this.at = at;
    return at > start && at - start <= digitsMost ? value : -1;
  }

  /** A hexadecimal number of 1 to 16 digits without `0x`, as an address: of more than 52 bits the low ones. */
  hexadecimal(): number {
    return this.#hexadecimal(ADDRESS_DIGITS);
  }

  /** As `hexadecimal`, behind `0x`, in either case. */
  prefixed(): number {
    return this.#skipPrefix() ? this.#hexadecimal(ADDRESS_DIGITS) : -1;
  }

  /** A number of 1 to 16 hexadecimal digits behind `0x`, rounded where it has more than 53 bits. */
  prefixedSize(): number {
    return this.#skipPrefix() ? this.#hexadecimal(HEX_DIGITS_MOST) : -1;
  }

  /** What `%p` prints: hexadecimal, with or without `0x`, or `(nil)`. */
  pointer(): number {
    if (this.line.charCodeAt(this.at) === PAREN) return this.skipText("(nil)") ? 0 : -1;
    return (this.line.charCodeAt(this.at + 1) | LOWER_CASE) === LETTER_X ? this.prefixed() : this.hexadecimal();
  }

  #skipPrefix(): boolean {
    const { line, at } = this;
    if (line.charCodeAt(at) !== ZERO || (line.charCodeAt(at + 1) | LOWER_CASE) !== LETTER_X) return false;
    this.at = at + 2;
    return true;
  }

  #hexadecimal(digitsKept: number): number {
    const { line, at: start } = this;
    let at = start;
    let high = 0;
    let low = 0;
    for (let digit = hexDigit(line.charCodeAt(at)); digit >= 0; digit = hexDigit(line.charCodeAt(at))) {
      // The low seven digits fit in 28 bits, where arithmetic is that of small integers.
      high = 16 * high + (low >>> 24);
      low = ((low & 0x00ff_ffff) << 4) | digit;
      at++;
    }
    this.at = at;
    const digits = at - start;
    if (digits === 0 || digits > HEX_DIGITS_MOST) return -1;
    return digits > digitsKept ? (high % 16 ** (digitsKept - 7)) * 2 ** 28 + low : high * 2 ** 28 + low;
  }
}

/** The value of a hexadecimal digit, or -1. */
function hexDigit(code: number): number {
  const digit = code - ZERO;
  if (digit >= 0 && digit <= 9) return digit;
  const letter = (code | LOWER_CASE) - LETTER_A;
  return letter >= 0 && letter <= 5 ? 10 + letter : -1;
}
