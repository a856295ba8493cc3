/** A game on an allocator as it is, byte for byte: any of them, at the price of a few microseconds a move. */
import type { Device } from "../../device/device.ts";
import type { Heap } from "../../device/heap.ts";
import { talliesOf } from "../../trace/replay-passes.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import { HeapImage } from "../../wasm/heap-image.ts";
import type { Game } from "./game.ts";

/** A live block as a state keeps it: its offset above the units that were asked for. */
const UNIT_BITS = 7;
const UNIT_MASK = (1 << UNIT_BITS) - 1;

/**
 * State: the number of live blocks, each block by its address, then the image of the heap.
 *
 *   ├ blocks ┼ offset << 7 | units ┼ … ┼ differences of the image … ┤
 */
export class RealGame implements Game {
  readonly #heap: Heap;
  readonly #image: HeapImage;
  readonly #unitBytes: number;
  readonly #arena: number;
  /** In the order of addresses. */
  #blocks: number[] = [];

  /** `heap` has been started and is empty. At most `liveMost` blocks are ever live. */
  constructor(device: Device, heap: Heap, unitBytes: number, liveMost: number) {
    this.#heap = heap;
    this.#unitBytes = unitBytes;
    this.#arena = heap.regions[0]?.low ?? 0;
    this.#image = new HeapImage(device.recordOf(heap), talliesOf(device, heap));
    this.stateWords = 1 + liveMost + this.#image.wordsMost;
  }

  readonly stateWords: number;

  get liveUnits(): number {
    return this.#blocks.reduce((sum, block) => sum + (block & UNIT_MASK), 0);
  }

  get liveBlocks(): number {
    return this.#blocks.length;
  }

  save(state: Uint32Array): number {
    let at = 0;
    state[at++] = this.#blocks.length;
    for (const block of this.#blocks) state[at++] = block;
    return this.#image.save(state, at);
  }

  load(words: Uint32Array, from: number, end: number): void {
    const blocks = words[from] ?? 0;
    this.#blocks = Array.from(words.subarray(from + 1, from + 1 + blocks));
    this.#image.load(words, from + 1 + blocks, end);
  }

  allocate(units: number): boolean {
    const payload = this.#heap.allocate(units * this.#unitBytes);
    if (payload === 0) return false;
    this.#image.wipePayload(payload);
    const block = ((payload - this.#arena) << UNIT_BITS) | units;
    const above = this.#blocks.findIndex((other) => other > block);
    this.#blocks.splice(above < 0 ? this.#blocks.length : above, 0, block);
    return true;
  }

  release(index: number): boolean {
    const [block = 0] = this.#blocks.splice(index, 1);
    try {
      this.#heap.release(this.#arena + (block >>> UNIT_BITS));
      return true;
    } catch (fault) {
      if (fault instanceof GuestFault) return false; // an allocator that asserts against every release
      throw fault;
    }
  }
}
