/** The sizes that are looked at: the multiples of a step, up to what the device's memory holds. */
import { findAllocator } from "../../allocators/catalogue.ts";
import { ramBanks } from "../../device/description.ts";
import { HeapsoakError } from "../../errors.ts";
import { layOut, planScenario } from "../../scenario/layout.ts";
import type { HeapModel, Scenario } from "../../scenario/model.ts";
import type { Cell, FailOn } from "../run/cell.ts";

/** The heap whose size is looked for, in its scenario, and what of its life counts. */
export interface SizedHeap {
  /** With the allocator that is looked at. */
  readonly scenario: Scenario;
  readonly heap: string;
  readonly horizonUs: number;
  readonly failOn: FailOn;
}

/** Sizes are numbered from 1: number `n` has `n` steps. */
export class SizeGrid {
  readonly stepBytes: number;
  /** Number of the largest size that the device holds beside everything else of the scenario. */
  readonly last: number;
  /** The size in the scenario. */
  readonly nowBytes: number;
  readonly allocator: string;
  readonly heapIndex: number;
  readonly #sized: SizedHeap;

  /** Throws what `layOut` throws where neither the largest size nor the size now can be used, `bad-argument` for heaps that it cannot size. */
  constructor(sized: SizedHeap, stepBytes: number) {
    const model = heapToSize(sized.scenario, sized.heap);
    this.#sized = sized;
    this.stepBytes = stepBytes;
    this.heapIndex = sized.scenario.heaps.indexOf(model);
    this.nowBytes = model.parts[0]?.bytes ?? 0;
    this.allocator = findAllocator(model.allocator).name;
    this.last = this.#largest();
  }

  bytes(size: number): number {
    return size * this.stepBytes;
  }

  /** The number of the smallest size of at least so many bytes, within the grid. */
  sizeOf(bytes: number): number {
    return Math.min(this.last, Math.max(1, Math.ceil(bytes / this.stepBytes)));
  }

  cell(size: number): Cell {
    const { heap, horizonUs, failOn } = this.#sized;
    return {
      scenario: this.#scenario(size),
      heap,
      allocator: this.allocator,
      heapBytes: this.bytes(size),
      horizonUs,
      failOn,
    };
  }

  #scenario(size: number): Scenario {
    const { scenario } = this.#sized;
    const heaps = scenario.heaps.map((heap, index): HeapModel => {
      if (index !== this.heapIndex) return heap;
      return { ...heap, parts: heap.parts.map((part) => ({ ...part, bytes: this.bytes(size) })) };
    });
    return { ...scenario, heaps };
  }

  #largest(): number {
    planScenario(this.#scenario(1));
    const ramBytes = ramBanks(this.#sized.scenario.device).reduce((sum, { bytes }) => sum + bytes, 0);
    const tooLarge = Math.max(2, Math.floor(ramBytes / this.stepBytes) + 1);
    const planned = lastOf(1, tooLarge, (size) => fits(() => planScenario(this.#scenario(size))));
    const isUsable = (size: number) => fits(() => layOut(this.#scenario(size)));
    if (isUsable(planned)) return planned;
    // Some allocators count in few bits: what the heap has now they can use, or cannot be asked about at all.
    const now = Math.min(planned, Math.max(1, Math.ceil(this.nowBytes / this.stepBytes)));
    layOut(this.#scenario(now));
    return lastOf(now, planned, isUsable);
  }
}

/** The last number of which it holds, from `yes`, of which it does, up to `no`, of which it does not. */
function lastOf(yes: number, no: number, holds: (size: number) => boolean): number {
  let [low, high] = [yes, no];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function fits(tryIt: () => unknown): boolean {
  try {
    tryIt();
    return true;
  } catch (error) {
    if (error instanceof HeapsoakError && error.code === "does-not-fit") return false;
    throw error;
  }
}

/** The heap of that name. Throws `bad-argument` where there is none, and where it lies in several regions. */
export function heapToSize({ heaps }: Scenario, name: string): HeapModel {
  const heap = heaps.find((candidate) => candidate.name === name);
  if (!heap) throw new HeapsoakError("bad-argument", `There is no heap "${name}".`);
  if (heap.parts.length === 1) return heap;
  throw new HeapsoakError(
    "bad-argument",
    `Heap "${name}" has ${heap.parts.length} regions: which of them is to grow?`,
    {
      hint: "`heapsoak size` looks for the size of heaps of one region.",
    },
  );
}
