/** How much is shown of an axis that runs from 0 to `end`. Tells `changed` of every change. */
export class Axis {
  readonly end: number;
  /** The least that is shown at once. */
  readonly #least: number;
  readonly #changed: () => void;
  #low = 0;
  #high: number;

  constructor(end: number, least: number, changed: () => void) {
    this.end = Number.isFinite(end) && end > 0 ? end : 1;
    this.#least = Math.min(least, this.end);
    this.#high = this.end;
    this.#changed = changed;
  }

  get low(): number {
    return this.#low;
  }

  get high(): number {
    return this.#high;
  }

  get span(): number {
    return this.#high - this.#low;
  }

  get isWhole(): boolean {
    return this.span >= this.end;
  }

  /** Shows low to high, or as much around their middle as may be shown, moved to within the axis. */
  show(low: number, high: number): void {
    const span = Math.min(Math.max(high - low, this.#least), this.end);
    const start = Math.min(Math.max((low + high - span) / 2, 0), this.end - span);
    if (start === this.#low && start + span === this.#high) return;
    this.#low = start;
    this.#high = start + span;
    this.#changed();
  }

  /** Shows `factor` times as much; what is at `value` stays where it is. */
  zoom(value: number, factor: number): void {
    const span = Math.min(Math.max(this.span * factor, this.#least), this.end);
    const scale = span / this.span;
    const low = value - (value - this.#low) * scale;
    this.show(low, low + span);
  }

  /** Moves by a share of what is shown. */
  pan(share: number): void {
    this.show(this.#low + share * this.span, this.#high + share * this.span);
  }

  /** Moves just so far that `value` is shown. */
  reveal(value: number): void {
    if (value < this.#low) this.show(value, value + this.span);
    else if (value > this.#high) this.show(value - this.span, value);
  }

  reset(): void {
    this.show(0, this.end);
  }
}
