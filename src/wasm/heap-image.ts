/** What decides how a heap answers from here on, as a few words that can be kept and put back. */
import { HeapField, RegionField } from "../../assembly/memory-map.ts";
import type { HeapRecord, Region } from "./heap-record.ts";

/** Bytes at the low end of a hole, and at its high end, where allocators keep what they know of it. */
const HOLE_FRONT_BYTES = 24;
const HOLE_BACK_BYTES = 8;
/** A granule of the shadow whose block has been released (see assembly/inspect/shadow.ts). */
const RELEASED = 0x8000_0000;

/**
 * The image of a heap: static variables, arena and shadow, as differences from the heap as it was when the image was
 * made. What no allocator reads is wiped first: payloads, the inside of holes, counters that are only ever written,
 * and the shadow's memory of blocks that are gone; so heaps that will answer alike have equal images.
 */
export class HeapImage {
  readonly #record: HeapRecord;
  readonly #indices: Uint32Array;
  readonly #base: Uint32Array;
  readonly #shadowFrom: number;
  readonly #tallies: readonly Region[];

  /** `tallies`: counters that the allocator never reads. The heap has been started and is empty. */
  constructor(record: HeapRecord, tallies: readonly Region[] = []) {
    this.#record = record;
    this.#tallies = tallies;
    const state = { low: record.get(HeapField.State), bytes: record.get(HeapField.StateBytes) };
    const memory = [state, ...this.#regions()].flatMap(wordsOf);
    const shadow = record.shadows().flatMap(wordsOf);
    this.#shadowFrom = new Set(memory).size;
    this.#indices = Uint32Array.from([...new Set(memory), ...shadow]);
    this.#wipeTallies();
    this.#base = this.#indices.map((index) => record.engine.words[index] ?? 0);
  }

  /** Words of the largest image. */
  get wordsMost(): number {
    return 2 * this.#indices.length;
  }

  /** A block has been handed out: what the firmware may write there says nothing of the heap. */
  wipePayload(payload: number): void {
    const usable = this.#record.engine.exact.heapUsableBytes(this.#record.address, payload) >>> 0;
    this.#record.engine.bytes.fill(0, payload, payload + usable);
  }

  /** Writes the differences to `out` from `at` on, holes wiped. Where they end. */
  save(out: Uint32Array, at: number): number {
    this.#wipeHoles();
    this.#wipeTallies();
    const { words } = this.#record.engine;
    let end = at;
    for (let i = 0; i < this.#indices.length; i++) {
      const index = this.#indices[i] ?? 0;
      let word = words[index] ?? 0;
      if (i >= this.#shadowFrom && word >= RELEASED) word = words[index] = 0;
      if (word === this.#base[i]) continue;
      out[end++] = i;
      out[end++] = word;
    }
    return end;
  }

  /** Puts the heap back to differences that `save` wrote. */
  load(differences: Uint32Array, from: number, end: number): void {
    const { words } = this.#record.engine;
    for (let i = 0; i < this.#indices.length; i++) words[this.#indices[i] ?? 0] = this.#base[i] ?? 0;
    for (let at = from; at < end; at += 2) {
      words[this.#indices[differences[at] ?? 0] ?? 0] = differences[at + 1] ?? 0;
    }
  }

  #wipeHoles(): void {
    for (const { state, address, bytes } of this.#record.blocks()) {
      if (state !== "free" || bytes <= HOLE_FRONT_BYTES + HOLE_BACK_BYTES) continue;
      this.#record.engine.bytes.fill(0, address + HOLE_FRONT_BYTES, address + bytes - HOLE_BACK_BYTES);
    }
  }

  #wipeTallies(): void {
    for (const { low, bytes } of this.#tallies) this.#record.engine.bytes.fill(0, low, low + bytes);
  }

  #regions(): Region[] {
    return Array.from({ length: this.#record.get(HeapField.RegionCount) }, (_, index) => {
      const field = HeapField.Regions + index * RegionField.Length;
      return { low: this.#record.get(field + RegionField.Low), bytes: this.#record.get(field + RegionField.Bytes) };
    });
  }
}

/** Numbers of the words that hold any byte of the region. */
function wordsOf({ low, bytes }: Region): number[] {
  const first = low >>> 2;
  return Array.from({ length: ((low + bytes + 3) >>> 2) - first }, (_, index) => first + index);
}
