/** A sequence of moves, played on the allocator itself. */
import type { Heap } from "../../device/heap.ts";
import { optionKey } from "../../trace/header.ts";
import { TraceText } from "../../trace/trace-text.ts";
import { packageVersion } from "../../version.ts";
import type { Move } from "./game.ts";
import type { HeapBench, Policy } from "./policy.ts";
import { letterOf, type WorstStep } from "./record.ts";

interface LiveBlock {
  readonly id: number;
  readonly payload: number;
  readonly units: number;
}

/** Plays moves on a fresh heap of `units`: every step with the heap after it, and the whole as a trace. */
export function play(bench: HeapBench, policy: Policy, units: number, moves: readonly Move[]) {
  const heap = bench.heap(units);
  if (!heap) throw new RangeError(`no ${policy.entry.name} of ${units} units`);
  return new Playing(heap, policy).play(moves);
}

class Playing {
  readonly #heap: Heap;
  readonly #policy: Policy;
  readonly #trace: TraceText;
  #blocks: LiveBlock[] = [];
  #ids = 0;

  constructor(heap: Heap, policy: Policy) {
    const [region] = heap.regions;
    this.#heap = heap;
    this.#policy = policy;
    this.#trace = new TraceText(region);
  }

  play(moves: readonly Move[]): { steps: WorstStep[]; trace: string } {
    const steps = moves.map((move) => {
      return "allocate" in move ? this.#allocate(move.allocate) : this.#release(move.release);
    });
    const arenaBytes = this.#heap.regions[0]?.bytes ?? 0;
    return { steps, trace: this.#header(arenaBytes) + this.#trace.take().toString() };
  }

  #allocate(units: number): WorstStep {
    const requestBytes = units * this.#policy.unitBytes;
    const payload = this.#heap.allocate(requestBytes);
    this.#trace.allocate(payload, requestBytes);
    const id = ++this.#ids;
    if (payload !== 0) {
      this.#blocks.push({ id, payload, units });
      this.#blocks.sort((a, b) => a.payload - b.payload);
    }
    return { operation: "allocate", id, units, refused: payload === 0, ...this.#view() };
  }

  #release(index: number): WorstStep {
    const [block] = this.#blocks.splice(index, 1);
    if (!block) throw new RangeError(`there is no live block ${index}`);
    this.#heap.release(block.payload);
    this.#trace.release(block.payload);
    return { operation: "release", id: block.id, units: block.units, refused: false, ...this.#view() };
  }

  /** The heap after the step: blocks by their letters, holes as dots, where a block is a whole number of units. */
  #view(): Pick<WorstStep, "map" | "picture"> {
    return { map: this.#map(), picture: this.#heap.picture({ width: 160 }) };
  }

  /** A character a unit of the arena: the letter of the block that has it, `.` for none. */
  #map(): string {
    const { unitBytes } = this.#policy;
    const [region] = this.#heap.regions;
    const cells = Array.from({ length: Math.ceil((region?.bytes ?? 0) / unitBytes) }, () => ".");
    for (const { state, address, bytes, payload } of this.#heap.blocks()) {
      if (state === "free" || state === "untouched") continue;
      const from = (address - (region?.low ?? 0)) / unitBytes;
      const id = this.#blocks.find((block) => block.payload === payload)?.id;
      cells.fill(id === undefined ? "-" : letterOf(id), Math.floor(from), Math.ceil(from + bytes / unitBytes));
    }
    return cells.join("");
  }

  #header(arenaBytes: number): string {
    const { entry, options } = this.#policy;
    const values = {
      source: "heapsoak worst",
      heapsoak: packageVersion(),
      allocator: entry.name,
      heap_size: arenaBytes,
      base_misalignment: 0,
      ...Object.fromEntries(Object.entries(options).map(([name, value]) => [optionKey(name), value])),
    };
    return Object.entries(values)
      .map(([key, value]) => `# ${key}=${value}\n`)
      .join("");
  }
}
