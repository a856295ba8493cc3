/** Operations on one heap in columns, from a fresh heap to the failure. All edits return a new sequence. */
import { Opcode } from "../../assembly/memory-map.ts";

/** What an operation of `Sequence` holds where the trace has no such operation. */
export const NO_SOURCE = 0;

/**
 * Operation i works on block `blocks[i]`. A block's first operation allocates it; what else happens to it follows.
 * `lines[i]` is the line of the trace it came from, or NO_SOURCE.
 */
export interface Sequence {
  readonly opcodes: Uint8Array;
  readonly blocks: Uint32Array;
  readonly requestBytes: Uint32Array;
  /** Of aligned allocations; 0 otherwise. */
  readonly alignments: Uint32Array;
  readonly lines: Uint32Array;
  /** Blocks are numbered below it, in the order of their first operations. */
  readonly blockCount: number;
}

/** Operations of the sequence. */
export function lengthOf(sequence: Sequence): number {
  return sequence.opcodes.length;
}

/** Whether the operation asks for memory under a new name. */
export function isAllocation(opcode: number | undefined): boolean {
  return opcode === Opcode.Allocate || opcode === Opcode.AllocateAligned;
}

/** The operations at `indices`, in that order; blocks are numbered anew. */
export function pick(sequence: Sequence, indices: ArrayLike<number>): Sequence {
  const length = indices.length;
  const picked = emptyColumns(length);
  const numbers = new Int32Array(sequence.blockCount).fill(-1);
  let blockCount = 0;
  for (let to = 0; to < length; to++) {
    const from = indices[to] ?? 0;
    const block = sequence.blocks[from] ?? 0;
    if ((numbers[block] ?? 0) < 0) numbers[block] = blockCount++;
    picked.opcodes[to] = sequence.opcodes[from] ?? 0;
    picked.blocks[to] = numbers[block] ?? 0;
    picked.requestBytes[to] = sequence.requestBytes[from] ?? 0;
    picked.alignments[to] = sequence.alignments[from] ?? 0;
    picked.lines[to] = sequence.lines[from] ?? 0;
  }
  return { ...picked, blockCount };
}

/** The first `count` operations. */
export function prefix(sequence: Sequence, count: number): Sequence {
  return count === lengthOf(sequence) ? sequence : pick(sequence, range(0, count));
}

/** The sequence without the blocks for which `isGone` holds. */
export function withoutBlocks(sequence: Sequence, isGone: (block: number) => boolean): Sequence {
  const length = lengthOf(sequence);
  const kept = new Uint32Array(length);
  let count = 0;
  for (let index = 0; index < length; index++) if (!isGone(sequence.blocks[index] ?? 0)) kept[count++] = index;
  return pick(sequence, kept.subarray(0, count));
}

/** The sequence without one operation that is not its block's first. */
export function withoutOperation(sequence: Sequence, index: number): Sequence {
  return pick(sequence, [...range(0, index), ...range(index + 1, lengthOf(sequence))]);
}

/** The operation at `from` moved so that it stands at `to`, which lies behind it. */
export function moved(sequence: Sequence, from: number, to: number): Sequence {
  const order = [...range(0, from), ...range(from + 1, to + 1), from, ...range(to + 1, lengthOf(sequence))];
  return pick(sequence, order);
}

/** The sequence with another size at `index`. */
export function resized(sequence: Sequence, index: number, requestBytes: number): Sequence {
  return { ...sequence, requestBytes: sequence.requestBytes.with(index, requestBytes) };
}

/** The sequence whose aligned allocation at `index` asks for no alignment. */
export function unaligned(sequence: Sequence, index: number): Sequence {
  return {
    ...sequence,
    opcodes: sequence.opcodes.with(index, Opcode.Allocate),
    alignments: sequence.alignments.with(index, 0),
  };
}

/** Index of the first operation of each block. */
export function firstOperations(sequence: Sequence): Uint32Array {
  const firsts = new Uint32Array(sequence.blockCount);
  for (let index = lengthOf(sequence) - 1; index >= 0; index--) firsts[sequence.blocks[index] ?? 0] = index;
  return firsts;
}

/** Collects operations one at a time. */
export class SequenceBuilder {
  #columns = emptyColumns(1024);
  #length = 0;
  #blockCount = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds the first operation of a new block and returns its number. */
  allocate(requestBytes: number, alignment = 0, line = NO_SOURCE): number {
    const block = this.#blockCount++;
    this.#add(alignment > 0 ? Opcode.AllocateAligned : Opcode.Allocate, block, requestBytes, alignment, line);
    return block;
  }

  reallocate(block: number, requestBytes: number, line = NO_SOURCE): void {
    this.#add(Opcode.Reallocate, block, requestBytes, 0, line);
  }

  release(block: number, line = NO_SOURCE): void {
    this.#add(Opcode.Release, block, 0, 0, line);
  }

  build(): Sequence {
    const { opcodes, blocks, requestBytes, alignments, lines } = this.#columns;
    const end = this.#length;
    return {
      opcodes: opcodes.slice(0, end),
      blocks: blocks.slice(0, end),
      requestBytes: requestBytes.slice(0, end),
      alignments: alignments.slice(0, end),
      lines: lines.slice(0, end),
      blockCount: this.#blockCount,
    };
  }

  #add(opcode: Opcode, block: number, requestBytes: number, alignment: number, line: number): void {
    if (this.#length === this.#columns.opcodes.length) this.#grow();
    const at = this.#length++;
    const columns = this.#columns;
    columns.opcodes[at] = opcode;
    columns.blocks[at] = block;
    columns.requestBytes[at] = requestBytes;
    columns.alignments[at] = alignment;
    columns.lines[at] = line;
  }

  #grow(): void {
    const old = this.#columns;
    const wider = emptyColumns(2 * old.opcodes.length);
    for (const key of ["opcodes", "blocks", "requestBytes", "alignments", "lines"] as const) wider[key].set(old[key]);
    this.#columns = wider;
  }
}

function emptyColumns(length: number) {
  return {
    opcodes: new Uint8Array(length),
    blocks: new Uint32Array(length),
    requestBytes: new Uint32Array(length),
    alignments: new Uint32Array(length),
    lines: new Uint32Array(length),
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
