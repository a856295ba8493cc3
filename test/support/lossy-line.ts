import { Duplex } from "node:stream";

/**
 * A bad line in front of a stream: loses, flips and doubles bytes in both directions, and holds answers back for up to
 * `turnsMost` turns of the event loop; the order stays.
 */
export function lossyLine(inner: Duplex, random: () => number, badRatio: number, turnsMost = 8): Duplex {
  const spoil = (chunk: Uint8Array) => (random() < badRatio ? spoiled(chunk, random) : [chunk]);
  const delayed = new InOrder();
  const outer = new Duplex({
    read: () => {},
    write: (chunk: Uint8Array, _encoding, done) => {
      for (const part of spoil(chunk)) inner.write(part);
      done();
    },
    destroy: (error, done) => {
      inner.destroy();
      done(error);
    },
  });
  inner.on("data", (chunk: Uint8Array) => {
    const turns = random() < badRatio ? 1 + Math.floor(random() * turnsMost) : 0;
    delayed.run(turns, () => {
      if (!outer.destroyed) for (const part of spoil(chunk)) outer.push(part);
    });
  });
  return outer;
}

/** Reproducible numbers from 0 to below 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function spoiled(chunk: Uint8Array, random: () => number): Uint8Array[] {
  const at = Math.floor(random() * chunk.length);
  const count = 1 + Math.floor(random() * 8);
  const how = Math.floor(random() * 4);
  if (how === 0) return [];
  if (how === 1) return [chunk, chunk];
  if (how === 2) return [chunk.subarray(0, at), chunk.subarray(at + count)];
  const flipped = Uint8Array.from(chunk);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return [flipped];
}

/** Runs things after some turns of the event loop each, never one before an earlier one. */
class InOrder {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  run(turns: number, action: () => void): void {
    if (turns === 0 && this.#waiting === 0) {
      action();
      return;
    }
    this.#waiting++;
    this.#last = this.#last.then(async () => {
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      this.#waiting--;
      action();
    });
  }
}
