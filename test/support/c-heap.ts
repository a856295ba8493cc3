import { HeapField } from "../../assembly/memory-map.ts";
import { findAllocator } from "../../src/allocators/catalogue.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { type Autopsy, autopsy } from "../../src/device/autopsy.ts";
import { heapPicture } from "../../src/report/picture.ts";
import { testEngine, testHeap } from "./bench-heap.ts";

/** A heap with the verbs of C. Payloads are offsets from the arena; -1 is NULL. */
export class CHeap {
  readonly engine = testEngine();
  readonly heap;
  readonly base: number;
  readonly bytes: number;
  readonly #name: string;

  constructor(name: string, bytes: number, options: { low?: number; values?: OptionValues } = {}) {
    this.#name = name;
    this.bytes = bytes;
    this.heap = testHeap(this.engine, name, [{ low: options.low ?? 0, bytes }], options.values);
    this.base = this.heap.get(HeapField.Arena);
  }

  malloc(size: number): number {
    return this.#offset(this.engine.exact.heapAllocate(this.heap.address, 0, size));
  }

  memalign(alignment: number, size: number): number {
    return this.#offset(this.engine.exact.heapAllocate(this.heap.address, alignment, size));
  }

  realloc(at: number, size: number): number {
    return this.#offset(this.engine.exact.heapReallocate(this.heap.address, this.base + at, size));
  }

  free(at: number): void {
    this.engine.exact.heapRelease(this.heap.address, this.base + at);
  }

  /** Four bytes at an offset from the arena. */
  word(at: number): number {
    return new DataView(this.engine.bytes.buffer).getUint32(this.base + at, true);
  }

  setWord(at: number, value: number): void {
    new DataView(this.engine.bytes.buffer).setUint32(this.base + at, value, true);
  }

  picture(): string {
    return heapPicture(this.heap.blocks());
  }

  /** What is wrong with the heap, in words, or undefined. */
  fault(): string | undefined {
    return this.heap.check()?.inconsistency;
  }

  /** Looks at the arena alone, as at a RAM image of a board whose static variables lie somewhere else. */
  autopsy(statics: Readonly<Record<string, number>> = {}): Autopsy & { readonly picture: string } {
    const segments = [{ low: this.base, bytes: this.engine.bytes.slice(this.base, this.base + this.bytes) }];
    const regions = [{ low: this.base, bytes: this.bytes }];
    const found = autopsy({ segments, allocator: findAllocator(this.#name), regions, statics });
    return { ...found, picture: heapPicture(found.blocks) };
  }

  #offset(payload: number): number {
    return payload === 0 ? -1 : (payload >>> 0) - this.base;
  }
}
