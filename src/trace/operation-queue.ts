import { OPERATIONS_MOST, Opcode } from "../../assembly/memory-map.ts";
import type { Engine } from "../wasm/engine.ts";
import { OperationBuffer } from "../wasm/operations.ts";
import type { TraceBatch } from "./format.ts";
import { SlotTable, UNKNOWN } from "./slots.ts";

/** Where each queued operation stands in the trace, and what it names. */
export interface Positions {
  /** Of the record, from 1 over all passes. */
  readonly numbers: Float64Array;
  /** 0 for a release at the end of a pass. */
  readonly lines: Uint32Array;
  readonly ids: Uint32Array;
}

/** Turns records of a trace into operations on slots and collects them until they are run. */
export class OperationQueue {
  readonly buffer: OperationBuffer;
  readonly slots: SlotTable;
  readonly positions: Positions = {
    numbers: new Float64Array(OPERATIONS_MOST),
    lines: new Uint32Array(OPERATIONS_MOST),
    ids: new Uint32Array(OPERATIONS_MOST),
  };
  /** Operations waiting. */
  count = 0;
  /** Records of ids that the trace never allocated, or freed too long ago. */
  unknownIds = 0;
  /** Allocations for ids that still held a block. */
  reusedIds = 0;
  readonly #run: () => void;

  /** `run` runs operations [0, count) of the buffer. */
  constructor(engine: Engine, run: () => void) {
    this.buffer = new OperationBuffer(engine);
    this.slots = new SlotTable((slot) => this.buffer.slotAddress(slot) !== 0);
    this.#run = run;
  }

  /** Queues record `index` of the batch as the trace's `number`th; a free of an unknown id is skipped. */
  add(batch: TraceBatch, index: number, number: number): void {
    const opcode = batch.opcodes[index] ?? 0;
    const id = batch.ids[index] ?? 0;
    if (this.count === OPERATIONS_MOST) this.flush();
    const slot = this.#slotFor(opcode, id);
    if (slot === UNKNOWN) return;
    const at = this.count++;
    this.#locate(at, number, batch.lines[index] ?? 0, id);
    this.buffer.put(
      at,
      opcode,
      slot,
      batch.requestBytes[index] ?? 0,
      batch.alignments[index] ?? 0,
      batch.expected[index] ?? 0,
    );
  }

  /** Queues the release of every live id. */
  releaseAll(number: number): void {
    for (const slot of [...this.slots.live()]) {
      if (this.count === OPERATIONS_MOST) this.flush();
      this.slots.retire(slot);
      const at = this.count++;
      this.#locate(at, number, 0, this.slots.idOf(slot));
      this.buffer.put(at, Opcode.Release, slot, 0, 0, 0);
    }
  }

  /** Runs what waits. */
  flush(): void {
    if (this.count === 0) return;
    this.#run();
    this.count = 0;
    this.reusedIds += this.slots.settle();
  }

  /** Runs what waits, restarts the heap through `restart`, and forgets all ids. */
  reboot(restart: () => void): void {
    this.flush();
    restart();
    this.slots.clear();
  }

  #locate(at: number, number: number, line: number, id: number): void {
    this.positions.numbers[at] = number;
    this.positions.lines[at] = line;
    this.positions.ids[at] = id;
  }

  /** The slot the operation works on; UNKNOWN for a free of nothing that is known. */
  #slotFor(opcode: Opcode, id: number): number {
    if (opcode === Opcode.Allocate || opcode === Opcode.AllocateAligned) return this.#newSlot(id);
    const slot = this.slots.find(id);
    if (slot === UNKNOWN) {
      this.unknownIds++;
      return opcode === Opcode.Reallocate ? this.#emptySlot(id) : UNKNOWN;
    }
    if (opcode === Opcode.Release) this.slots.retire(slot);
    else this.slots.revive(slot);
    return slot;
  }

  #newSlot(id: number): number {
    if (this.slots.exhausted) {
      this.flush();
      this.slots.reclaim();
    }
    return this.slots.bind(id);
  }

  /** A slot that holds nothing: what is reallocated there is simply allocated. */
  #emptySlot(id: number): number {
    const slot = this.#newSlot(id);
    // An operation that waits in front of this one may still use what the slot held before.
    this.flush();
    this.buffer.clearSlot(slot);
    return slot;
  }
}
