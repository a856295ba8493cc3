/** How long a trace lasts by its own times: from the first to the last, over all boots. */
export class TraceClock {
  #firstUs: number | undefined;
  #lastUs = 0;
  #earlierUs = 0;

  /** A record at `us`. A time that lies before the last one is of a clock that has started anew. */
  see(us: number): void {
    if (us < this.#lastUs) this.restart();
    this.#firstUs ??= us;
    this.#lastUs = us;
  }

  /** The clock starts anew. */
  restart(): void {
    if (this.#firstUs === undefined) return;
    this.#earlierUs += this.#lastUs - this.#firstUs;
    this.#firstUs = undefined;
    this.#lastUs = 0;
  }

  get durationUs(): number {
    return this.#earlierUs + (this.#firstUs === undefined ? 0 : this.#lastUs - this.#firstUs);
  }
}
