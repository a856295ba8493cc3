const PIECE_BYTES = 64 * 1024;
const ZERO = 0x30;
const ASCII_MOST = 0x7f;

/** Text that is put together as bytes in UTF-8: at millions of lines a second, strings would be mostly garbage. */
export class TextBytes {
  #bytes = Buffer.allocUnsafe(PIECE_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What has been put since the last call. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#length = 0;
    return taken;
  }

  text(text: string): void {
    this.#reserve(3 * text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > ASCII_MOST) {
        this.#length += bytes.write(text, this.#length, "utf8");
        return;
      }
      bytes[at++] = code;
    }
    this.#length = at;
  }

  /** A whole number, in decimal. */
  number(value: number): void {
    if (value > 0x7fff_ffff || value < 0) {
      this.text(String(value));
      return;
    }
    this.#reserve(10);
    const bytes = this.#bytes;
    let at = this.#length + digitsOf(value);
    this.#length = at;
    let rest = value | 0;
    do {
      const tenth = (rest / 10) | 0;
      bytes[--at] = ZERO + rest - 10 * tenth;
      rest = tenth;
    } while (rest > 0);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length + bytes);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; value >= power; power *= 10) digits++;
  return digits;
}
