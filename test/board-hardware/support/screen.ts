/** What a terminal would show after a program has drawn on it. */

/** What begins a control sequence, and the rest of one. */
const INTRODUCER = "\x1b[";
const SEQUENCE = /^([?\d;]*)([A-Za-z])/;

/** The rows of a terminal of that size, without spaces at their ends. */
export function screenOf(drawn: string, columns: number, rows: number): string[] {
  const screen = new Screen(columns, rows);
  for (let at = 0; at < drawn.length; ) at += screen.take(drawn.slice(at, at + 40));
  return screen.rows();
}

class Screen {
  readonly #columns: number;
  readonly #cells: string[][];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#cells = Array.from({ length: rows }, () => blank(columns));
  }

  rows(): string[] {
    return this.#cells.map((row) => row.join("").trimEnd());
  }

  /** Draws the first character or sequence of `ahead`, and returns its length. */
  take(ahead: string): number {
    const sequence = ahead.startsWith(INTRODUCER) ? SEQUENCE.exec(ahead.slice(INTRODUCER.length)) : null;
    if (sequence) {
      this.#control(sequence[1] ?? "", sequence[2] ?? "");
      return INTRODUCER.length + sequence[0].length;
    }
    const [character = ""] = ahead;
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#feed();
    else if (character >= " ") this.#put(character);
    return character.length;
  }

  #put(character: string): void {
    const row = this.#cells[this.#row];
    if (row && this.#column < this.#columns) row[this.#column++] = character;
  }

  #feed(): void {
    if (this.#row < this.#cells.length - 1) this.#row++;
    else this.#cells.push(...this.#cells.splice(0, 1).map(() => blank(this.#columns)));
  }

  /** Leaving the second screen shows the first, which is taken as empty. Colours and other modes change no character. */
  #control(parameters: string, final: string): void {
    const [first = 0, second = 0] = parameters.split(";").map(Number);
    if (parameters === "?1049") this.#home();
    if (final === "H") [this.#row, this.#column] = [Math.max(first, 1) - 1, Math.max(second, 1) - 1];
    if (final === "A") this.#row = Math.max(this.#row - Math.max(first, 1), 0);
    if (final === "K") this.#erase(this.#row, first === 2 ? 0 : this.#column);
    if (final === "J" && first === 0) this.#eraseBelow();
    if (final === "J" && first >= 2) for (let row = 0; row < this.#cells.length; row++) this.#erase(row, 0);
  }

  #home(): void {
    this.#row = 0;
    this.#column = 0;
    this.#eraseBelow();
  }

  #eraseBelow(): void {
    this.#erase(this.#row, this.#column);
    for (let row = this.#row + 1; row < this.#cells.length; row++) this.#erase(row, 0);
  }

  #erase(row: number, from: number): void {
    this.#cells[row]?.fill(" ", from);
  }
}

function blank(columns: number): string[] {
  return Array.from({ length: columns }, () => " ");
}
