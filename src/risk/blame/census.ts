/** What the steps of a scenario allocate over a run: how much at once, and when one of them asks. */
import type { JournalEntry } from "../../wasm/soak-readers.ts";

/** Times kept at most; further ones are not noted. */
const TIMES_MOST = 1_000_000;

/** What a step allocates. */
export interface StepUse {
  /** Blocks of it that were live at once, at the most. */
  peakBlocks: number;
  /** Its largest request. */
  largestBytes: number;
  liveBlocks: number;
}

export class Census {
  /** When the step asked. */
  readonly askedUs: number[] = [];
  readonly #heap: number;
  readonly #step: number | undefined;
  readonly #uses = new Map<number, StepUse>();
  readonly #stepOf = new Map<number, number>();

  /** Of heap number `heap`; `step`: the one whose requests are timed. */
  constructor(heap: number, step: number | undefined) {
    this.#heap = heap;
    this.#step = step;
  }

  /** Takes the journal of a run, from its start. */
  readonly note = (entries: readonly JournalEntry[]): void => {
    for (const entry of entries) {
      if (entry.operation === "reboot") this.#reboot();
      else if (entry.heap === this.#heap) this.#operation(entry);
    }
  };

  use(step: number): StepUse {
    const use = this.#uses.get(step) ?? { peakBlocks: 0, largestBytes: 0, liveBlocks: 0 };
    this.#uses.set(step, use);
    return use;
  }

  #operation({ operation, atUs, step, requestBytes, payload, result }: JournalEntry): void {
    if (operation === "release") {
      this.#gone(payload);
      return;
    }
    if (step === this.#step && step !== undefined && this.askedUs.length < TIMES_MOST) this.askedUs.push(atUs);
    if (result === 0) return;
    if (payload !== 0) this.#gone(payload);
    if (step === undefined) return;
    const use = this.use(step);
    use.liveBlocks++;
    use.peakBlocks = Math.max(use.peakBlocks, use.liveBlocks);
    use.largestBytes = Math.max(use.largestBytes, requestBytes);
    this.#stepOf.set(result, step);
  }

  #gone(payload: number): void {
    const step = this.#stepOf.get(payload);
    if (step === undefined) return;
    this.use(step).liveBlocks--;
    this.#stepOf.delete(payload);
  }

  #reboot(): void {
    this.#stepOf.clear();
    for (const use of this.#uses.values()) use.liveBlocks = 0;
  }
}
