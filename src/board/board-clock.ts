/** One turn of a board's clock, in ticks: `time` is 32 bits wide. */
const WRAP_TICKS = 2 ** 32;

/**
 * Turns the ticks of a board's clock, which wrap (at 168 MHz every 25.6 s), into microseconds that never go back.
 *
 * As long as nothing is missing, each time follows the one before by less than half a turn, for the board sends a
 * heartbeat a second; a step back is the moment between a stamp and its sending, and counts as none. Behind a gap,
 * or a silence of half a turn, the host's clock says how many turns are missing.
 */
export class BoardClock {
  /** Ticks a second. */
  readonly hertz: number;
  #ticks = 0;
  #raw = 0;
  #hostMs = 0;
  #isUnsure = false;
  readonly #silenceMs: number;

  /** The clock reads `rawTicks` when the host's reads `hostMs` (from any origin). `atBoot`: count from here, not from its zero. */
  constructor(hertz: number, rawTicks: number, hostMs: number, atBoot: boolean) {
    this.hertz = hertz;
    this.#raw = rawTicks;
    this.#hostMs = hostMs;
    this.#ticks = atBoot ? 0 : rawTicks;
    this.#silenceMs = (WRAP_TICKS / 2 / hertz) * 1000;
  }

  /** Something is missing between the last time and the next one. */
  gap(): void {
    this.#isUnsure = true;
  }

  /** Microseconds, since the boot where it was seen, of a time that arrived at `hostMs`. */
  at(rawTicks: number, hostMs: number): number {
    const elapsedMs = Math.max(0, hostMs - this.#hostMs);
    const ahead = (rawTicks - this.#raw) >>> 0;
    const step = this.#isUnsure || elapsedMs > this.#silenceMs ? this.#stepNear(ahead, elapsedMs) : near(ahead);
    this.#hostMs = Math.max(hostMs, this.#hostMs);
    if (step >= 0) {
      this.#ticks += step;
      this.#raw = rawTicks;
      this.#isUnsure = false;
    }
    return this.#microseconds();
  }

  /** The step of `ahead` ticks and any number of whole turns that is closest to what the host's clock says. */
  #stepNear(ahead: number, elapsedMs: number): number {
    const expected = (elapsedMs / 1000) * this.hertz;
    return ahead + Math.round((expected - ahead) / WRAP_TICKS) * WRAP_TICKS;
  }

  /** Whole seconds apart, so that years stay exact. */
  #microseconds(): number {
    const seconds = Math.floor(this.#ticks / this.hertz);
    return seconds * 1e6 + Math.floor(((this.#ticks - seconds * this.hertz) * 1e6) / this.hertz);
  }
}

/** A step of less than half a turn forwards or back. */
function near(ahead: number): number {
  return ahead < WRAP_TICKS / 2 ? ahead : ahead - WRAP_TICKS;
}
