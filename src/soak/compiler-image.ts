/**
 * The words of a compiled scenario: instructions, draw descriptors, tables. A word that names a place in the image
 * stays open until the image has an address; whoever lays it down (src/wasm/soak-program.ts) fills it in.
 */

/** A place in the image, known once something is put there. */
export class Label {
  /** Index of its first word, or undefined before `place`. */
  position: number | undefined;
}

/** An operand that is the address of a place; `odd` adds 1 to it, the mark of an expression. */
export class Reference {
  readonly label: Label;
  readonly odd: boolean;

  constructor(label: Label, odd = false) {
    this.label = label;
    this.odd = odd;
  }
}

export type Operand = number | Reference;

/** Word `at` must become the address of word `target`, plus 1 where it is odd. */
export interface Relocation {
  readonly at: number;
  readonly target: number;
  readonly odd: boolean;
}

/** A program without an address. It must be laid down 8-aligned. */
export interface ProgramImage {
  readonly words: Uint32Array;
  readonly relocations: readonly Relocation[];
}

const scratch = new DataView(new ArrayBuffer(8));

/** The two words of an f64, low first. */
export function realWords(value: number): [number, number] {
  scratch.setFloat64(0, value, true);
  return [scratch.getUint32(0, true), scratch.getUint32(4, true)];
}

/** The f64 in two words. */
export function wordsReal(low: number, high: number): number {
  scratch.setUint32(0, low, true);
  scratch.setUint32(4, high, true);
  return scratch.getFloat64(0, true);
}

/** Collects an image: code in the order it is written, records behind it, equal records once. */
export class ImageBuilder {
  readonly #words: number[] = [];
  readonly #references: { at: number; reference: Reference }[] = [];
  readonly #records = new Map<string, Label>();
  readonly #pending: { label: Label; write: () => Operand[] }[] = [];

  /** Index of the next word. */
  get position(): number {
    return this.#words.length;
  }

  place(label: Label): void {
    label.position = this.#words.length;
  }

  write(operands: readonly Operand[]): void {
    for (const operand of operands) {
      if (operand instanceof Reference) this.#references.push({ at: this.#words.length, reference: operand });
      this.#words.push(operand instanceof Reference ? 0 : operand);
    }
  }

  /** The place of a record that will lie behind the code, 8-aligned. Records of equal `key` are one. */
  record(key: string, write: () => Operand[]): Label {
    const known = this.#records.get(key);
    if (known) return known;
    const label = new Label();
    this.#records.set(key, label);
    this.#pending.push({ label, write });
    return label;
  }

  /** The finished image. */
  finish(): ProgramImage {
    for (let next = this.#pending.shift(); next; next = this.#pending.shift()) {
      if (this.#words.length % 2 === 1) this.#words.push(0);
      this.place(next.label);
      this.write(next.write());
    }
    const relocations = this.#references.map(({ at, reference: { label, odd } }): Relocation => {
      if (label.position === undefined) throw new RangeError(`word ${at} of the image refers to a place without words`);
      return { at, target: label.position, odd };
    });
    return { words: Uint32Array.from(this.#words), relocations };
  }
}
