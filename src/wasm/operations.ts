import { NO_MEMORY, OPERATIONS, OPERATIONS_MOST, OperationField, SLOTS, SlotField } from "../../assembly/memory-map.ts";
import type { Engine } from "./engine.ts";

/** What an operation of a trace left behind: an offset from the arena's base, or this. */
export const REFUSED_RESULT = NO_MEMORY >>> 0;

/** Kept operations and slots: with a snapshot of the engine, all that a replay needs to be repeated. */
export interface KeptOperations {
  readonly operations: Uint32Array;
  readonly slots: Uint32Array;
}

/** The operations a replay runs and the slots that hold its blocks, in engine memory. */
export class OperationBuffer {
  readonly #words: Uint32Array;

  constructor(engine: Engine) {
    this.#words = engine.words;
  }

  /** Writes operation `index`; its result is REFUSED_RESULT until it has run. */
  put(index: number, opcode: number, slot: number, requestBytes: number, alignment: number, expected: number): void {
    const words = this.#words;
    const at = operation(index);
    words[at + OperationField.Opcode] = opcode;
    words[at + OperationField.Slot] = slot;
    words[at + OperationField.RequestBytes] = requestBytes;
    words[at + OperationField.Alignment] = alignment;
    words[at + OperationField.Expected] = expected;
    words[at + OperationField.Result] = REFUSED_RESULT;
  }

  /** One word of operation `index`. */
  get(index: number, field: OperationField): number {
    return this.#words[operation(index) + field] ?? 0;
  }

  /** Address of what the slot holds, or last held; 0 when it was refused. */
  slotAddress(slot: number): number {
    return this.#words[slotWord(slot) + SlotField.Address] ?? 0;
  }

  /** What was asked for the slot's block. */
  slotRequestBytes(slot: number): number {
    return this.#words[slotWord(slot) + SlotField.RequestBytes] ?? 0;
  }

  /** Makes the slot hold nothing. */
  clearSlot(slot: number): void {
    this.#words.fill(0, slotWord(slot), slotWord(slot + 1));
  }

  /** Copies of the first operations and slots. */
  keep(operationCount: number, slotCount: number): KeptOperations {
    return {
      operations: this.#words.slice(operation(0), operation(Math.min(operationCount, OPERATIONS_MOST))),
      slots: this.#words.slice(slotWord(0), slotWord(slotCount)),
    };
  }

  /** Puts copies back. */
  putBack(kept: Partial<KeptOperations>): void {
    if (kept.operations) this.#words.set(kept.operations, operation(0));
    if (kept.slots) this.#words.set(kept.slots, slotWord(0));
  }
}

function operation(index: number): number {
  return (OPERATIONS >>> 2) + index * OperationField.Length;
}

function slotWord(slot: number): number {
  return (SLOTS >>> 2) + slot * SlotField.Length;
}
