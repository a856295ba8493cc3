import { Axis } from "./axis.ts";

/** The shortest time that zooming shows, in microseconds. */
const LEAST_US = 100;

/** What linked drawings have in common: the axis of time, and the instant that is pointed at. */
export class Link {
  readonly time: Axis;
  readonly #listeners = new Set<() => void>();
  #cursorUs: number | null = null;
  #frame = 0;

  constructor(endUs: number) {
    this.time = new Axis(endUs, LEAST_US, this.touch);
  }

  get cursorUs(): number | null {
    return this.#cursorUs;
  }

  point(us: number | null): void {
    if (us === this.#cursorUs) return;
    this.#cursorUs = us;
    this.touch();
  }

  /** Calls the listener in the next frame after a change, once for all changes before it. Returns how to end that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something that is drawn has changed. */
  readonly touch = (): void => {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      for (const listener of this.#listeners) listener();
    });
  };
}
