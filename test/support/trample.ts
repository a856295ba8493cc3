import { ENGINE_HIGH, ENGINE_LOW, HEAPS, HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import type { Engine } from "../../src/wasm/engine.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { testEngine, testHeap } from "./bench-heap.ts";

const ARENA_BYTES = 2048;

/** Numbers below `below`, the same for the same seed (mulberry32). */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What a run over trampled memory came to. */
export interface Trampling {
  readonly faults: number;
  readonly findings: number;
  readonly rounds: number;
}

/**
 * Runs random operations, overwrites a random word of the heap's state or arena, and goes on with every verb in
 * the fast and in the exact build. Throws what is not a GuestFault; a verb that never ends runs into the test's
 * timeout; the engine's heap records must not be touched by a wild pointer.
 */
export function trample(name: string, options: OptionValues, rounds: number): Trampling {
  const engine = testEngine();
  const pristine = engine.snapshot();
  const random = seededNumbers(20261121);
  let faults = 0;
  let findings = 0;
  for (let round = 0; round < rounds; round++) {
    engine.restore(pristine);
    const heap = testHeap(engine, name, [{ low: 0, bytes: ARENA_BYTES }], options);
    const live = exercise(heap, "exact", random, 60, []);
    overwrite(heap, random);
    if (heap.check()) findings++;
    const before = recordHead(engine, heap);
    if (faulted(() => exercise(heap, round % 2 ? "fast" : "exact", random, 40, live))) faults++;
    for (const verb of [() => heap.summary(), () => heap.statistics(), () => [...heap.blocks()]]) faulted(verb);
    heap.check();
    if (recordHead(engine, heap) !== before) throw new Error(`${name}: round ${round} changed the engine's own record`);
  }
  return { faults, findings, rounds };
}

function exercise(
  heap: HeapRecord,
  build: "fast" | "exact",
  random: (below: number) => number,
  steps: number,
  live: number[],
): number[] {
  const core = heap.engine[build];
  for (let i = 0; i < steps; i++) {
    const at = random(Math.max(1, live.length));
    const dice = random(8);
    if (dice < 4 || live.length === 0) {
      const payload = core.heapAllocate(heap.address, 0, 1 + random(random(8) ? 60 : 600)) >>> 0;
      if (payload) live.push(payload);
    } else if (dice < 7) core.heapRelease(heap.address, live.splice(at, 1)[0] ?? 0);
    else {
      const moved = core.heapReallocate(heap.address, live[at] ?? 0, 2 + random(120)) >>> 0;
      if (moved) live[at] = moved;
    }
  }
  return live;
}

function overwrite(heap: HeapRecord, random: (below: number) => number): void {
  const state = heap.get(HeapField.State);
  const stateWords = heap.get(HeapField.StateBytes) >>> 2;
  const arena = heap.get(HeapField.Arena);
  const at = random(4) === 0 ? state + random(stateWords) * 4 : arena + random(ARENA_BYTES >>> 2) * 4;
  const values = [
    0,
    0xffff_ffff,
    ENGINE_LOW,
    HEAPS,
    ENGINE_HIGH - 4,
    arena,
    arena + 4 * random(512),
    random(2 ** 31),
    random(64),
    0xffffeeee,
  ];
  heap.engine.setWord(at, values[random(values.length)] ?? 0);
}

/** The words of the record that only the host writes. */
function recordHead(engine: Engine, heap: HeapRecord): string {
  const words = [
    HeapField.Kind,
    HeapField.CheckLow,
    HeapField.CheckSpan,
    HeapField.Arena,
    HeapField.ArenaBytes,
    HeapField.State,
  ];
  return words.map((field) => engine.word(heap.address + field * 4)).join();
}

function faulted(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof GuestFault) return true;
    throw error;
  }
}
