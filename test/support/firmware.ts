import { expect } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";

/** Firmware that calls one heap: a few verbs, and a seeded random life of them. */
export class Firmware {
  readonly heap: HeapRecord;
  readonly live: number[] = [];
  #random: number;

  constructor(heap: HeapRecord, seed = 1) {
    this.heap = heap;
    this.#random = seed;
  }

  /** The payload's offset from the first region, or -1. */
  allocate(bytes: number, alignment = 0): number {
    const payload = this.heap.engine.exact.heapAllocate(this.heap.address, alignment, bytes) >>> 0;
    return payload ? payload - this.heap.get(HeapField.Arena) : -1;
  }

  reallocate(offset: number, bytes: number): number {
    const payload = this.heap.engine.exact.heapReallocate(this.heap.address, this.#address(offset), bytes) >>> 0;
    return payload ? payload - this.heap.get(HeapField.Arena) : -1;
  }

  release(...offsets: number[]): void {
    for (const offset of offsets) this.heap.engine.exact.heapRelease(this.heap.address, this.#address(offset));
  }

  /** The word at an offset from the first region. */
  word(offset: number): number {
    return this.heap.engine.word(this.#address(offset));
  }

  /** What a wild store does to the word at an offset. */
  overwrite(offset: number, value: number): void {
    this.heap.engine.setWord(this.#address(offset), value >>> 0);
  }

  /** What a wild store does to word `index` of the allocator's static variables. */
  overwriteStatic(index: number, value: number): void {
    this.heap.engine.setWord(this.heap.get(HeapField.State) + index * 4, value >>> 0);
  }

  /** Blocks in address order, holes in brackets, bookkeeping in parentheses, all in whole bytes. */
  picture(): string {
    const marks = { free: "[]", live: "", bookkeeping: "()", untouched: "<>" } as const;
    return [...this.heap.blocks()]
      .map(({ bytes, state }) => `${marks[state][0] ?? ""}${bytes}${marks[state][1] ?? ""}`)
      .join(" ");
  }

  /** One random allocation, release or reallocation; small sizes are the most likely. */
  step(options: { reallocates?: boolean } = {}): void {
    const choice = this.#below(10);
    if (choice < 5 || this.live.length === 0) {
      const offset = this.allocate(1 + this.#below(this.#below(8) === 0 ? 900 : 120));
      if (offset >= 0) this.live.push(offset);
      return;
    }
    const index = this.#below(this.live.length);
    const offset = this.live[index] ?? 0;
    if (choice === 9 && options.reallocates) {
      const moved = this.reallocate(offset, 1 + this.#below(300));
      if (moved >= 0) this.live[index] = moved;
    } else {
      this.live.splice(index, 1);
      this.release(offset);
    }
  }

  /** The largest free figure must be granted and everything above it refused; the heap is left as it was. */
  expectLargestFreeExact(): void {
    const { engine } = this.heap;
    const largest = this.heap.summary().largestFreeBytes;
    const before = engine.snapshot();
    if (largest > 0) expect(this.allocate(largest)).toBeGreaterThanOrEqual(0);
    for (const more of [1, 2, 4, 8, 9, 64]) {
      engine.restore(before);
      expect(this.allocate(largest + more)).toBe(-1);
    }
    engine.restore(before);
  }

  /** Forgets the static variables, lets the allocator rebuild them from its arena, and puts everything back. */
  expectAdoptable(): void {
    const { engine, address } = this.heap;
    const before = engine.snapshot();
    const picture = this.picture();
    const [free] = this.heap.statistics();
    const state = this.heap.get(HeapField.State);
    engine.bytes.fill(0, state, state + this.heap.get(HeapField.StateBytes));
    expect(engine.exact.heapAdopt(address)).toBe(1);
    expect(this.heap.check()).toBeUndefined();
    expect(this.picture()).toBe(picture);
    expect(this.heap.statistics()[0]).toBe(free);
    engine.restore(before);
  }

  #address(offset: number): number {
    return this.heap.get(HeapField.Arena) + offset;
  }

  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }
}
