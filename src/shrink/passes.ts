/**
 * The passes of a shrinking. Each takes the search's sequence and leaves one that is shorter or simpler and fails in the
 * same way; it returns whether it did.
 *
 * Source: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002: ddmin,
 * here over blocks, removing chunks that halve in size.
 */
import { Opcode } from "../../assembly/memory-map.ts";
import type { Search } from "./search.ts";
import {
  firstOperations,
  isAllocation,
  lengthOf,
  moved,
  resized,
  type Sequence,
  unaligned,
  withoutBlocks,
  withoutOperation,
} from "./sequence.ts";

/** Sizes that are tried first; then those rounded to a multiple of these. */
const ROUNDINGS = [4096, 1024, 256, 64, 16, 8, 4];

/** What two blocks may take besides what was asked for: a header, and what rounding adds. */
const MERGED_HEADERS = [0, 4, 8, 12, 16, 24];
const MERGED_BYTES_MOST = 2 ** 31;

/** Keeps only the blocks born last, as few as do: 1, 2, 4, 8 … and the one that fails. */
export function dropThePast(search: Search): boolean {
  const { sequence } = search;
  for (let kept = 1; kept < sequence.blockCount; kept *= 2) {
    const from = sequence.blockCount - kept;
    const failing = failingBlock(sequence);
    if (search.accept(withoutBlocks(sequence, (block) => block < from && block !== failing))) return true;
    if (search.isSpent) return false;
  }
  return false;
}

/** Keeps only the blocks that are live when the request fails. */
export function keepTheLiving(search: Search): boolean {
  const { sequence } = search;
  const isDead = new Uint8Array(sequence.blockCount);
  for (let index = 0; index < lengthOf(sequence) - 1; index++) {
    if (sequence.opcodes[index] === Opcode.Release) isDead[sequence.blocks[index] ?? 0] = 1;
  }
  return isDead.includes(1) && search.accept(withoutBlocks(sequence, (block) => isDead[block] === 1));
}

/** Removes chunks of neighbouring blocks: halves, quarters and so on, down to one block at a time. */
export function dropBlocks(search: Search): boolean {
  let changed = false;
  for (let chunk = search.sequence.blockCount >>> 1; chunk >= 1; chunk >>>= 1) {
    while (dropChunks(search, chunk)) {
      changed = true;
      if (chunk > 1) break;
    }
  }
  return changed;
}

/** One pass of chunks of that many blocks, the oldest first. */
function dropChunks(search: Search, chunk: number): boolean {
  let changed = false;
  for (let first = 0; first < search.sequence.blockCount && !search.isSpent; ) {
    const { sequence } = search;
    const failing = failingBlock(sequence);
    const end = Math.min(first + chunk, sequence.blockCount);
    const isNothing = end - first === 1 && first === failing;
    const isGone = (block: number) => block >= first && block < end && block !== failing;
    if (!isNothing && search.accept(withoutBlocks(sequence, isGone))) changed = true;
    else first = end;
  }
  return changed;
}

/** Removes reallocations and frees one at a time, the last first. A block whose free is gone stays live. */
export function dropOperations(search: Search): boolean {
  let changed = false;
  for (let index = lengthOf(search.sequence) - 2; index >= 0 && !search.isSpent; index--) {
    const { sequence } = search;
    const opcode = sequence.opcodes[index];
    if (opcode === undefined || isAllocation(opcode)) continue;
    if (opcode === Opcode.Reallocate && search.accept(mergedReallocation(sequence, index))) changed = true;
    else if (search.accept(withoutOperation(sequence, index))) changed = true;
  }
  return changed;
}

/** The block is allocated at once with the size that the reallocation at `index` gives it. */
function mergedReallocation(sequence: Sequence, index: number): Sequence {
  const first = sequence.blocks.indexOf(sequence.blocks[index] ?? 0);
  return withoutOperation(resized(sequence, first, sequence.requestBytes[index] ?? 0), index);
}

/** Moves frees behind all other operations but the failing one, the last first. */
export function postponeFrees(search: Search): boolean {
  let changed = false;
  let end = lengthOf(search.sequence) - 2;
  for (let index = end; index >= 0 && !search.isSpent; index--) {
    const { sequence } = search;
    if (sequence.opcodes[index] !== Opcode.Release) continue;
    if (index === end || search.accept(moved(sequence, index, end))) {
      changed ||= index !== end;
      end--;
    }
  }
  return changed;
}

/**
 * Makes one block of two that are allocated one behind the other and have the same fate. Its size makes up for the
 * header that is saved, where that is what keeps the failure.
 */
export function mergeNeighbours(search: Search): boolean {
  let changed = false;
  for (let index = 0; index + 1 < lengthOf(search.sequence) - 1 && !search.isSpent; ) {
    if (MERGED_HEADERS.some((bytes) => mergeAt(search, index, bytes))) changed = true;
    else index++;
  }
  return changed;
}

function mergeAt(search: Search, index: number, headerBytes: number): boolean {
  const { sequence } = search;
  const [first, second] = [index, index + 1];
  if (!isAllocation(sequence.opcodes[first]) || !isAllocation(sequence.opcodes[second])) return false;
  const gone = sequence.blocks[second];
  const bytes = (sequence.requestBytes[first] ?? 0) + (sequence.requestBytes[second] ?? 0) + headerBytes;
  if (bytes > MERGED_BYTES_MOST || gone === failingBlock(sequence)) return false;
  return search.accept(withoutBlocks(resized(sequence, first, bytes), (block) => block === gone));
}

/** Makes sizes as small as they can be, else rounder, and lets alignments go. The failing request keeps its size. */
export function simplifySizes(search: Search): boolean {
  let changed = false;
  for (let index = 0; index < lengthOf(search.sequence) - 1 && !search.isSpent; index++) {
    const { opcodes } = search.sequence;
    if (opcodes[index] === Opcode.Release) continue;
    if (opcodes[index] === Opcode.AllocateAligned && search.accept(unaligned(search.sequence, index))) changed = true;
    const bytes = search.sequence.requestBytes[index] ?? 0;
    const simpler = simplerSizes(bytes).find((size) => search.accept(resized(search.sequence, index, size)));
    if (simpler !== undefined) changed = true;
  }
  return changed;
}

/** Sizes below `bytes`, the one to be liked best first: powers of two, then round numbers. */
export function simplerSizes(bytes: number): number[] {
  const powers: number[] = [];
  for (let size = 1; size < bytes; size *= 2) powers.push(size);
  if (powers.includes(bytes / 2) || bytes <= 1) return powers; // a power of two is round enough
  const round = ROUNDINGS.filter((unit) => bytes % unit !== 0).map((unit) => bytes - (bytes % unit));
  return [...new Set([...powers, ...round.filter((size) => size > 0)])];
}

/** Whether the sequence is 1-minimal: no block can go alone. Tries each once; where one can, it goes. */
export function isMinimal(search: Search): boolean {
  const { sequence } = search;
  const failing = failingBlock(sequence);
  const firsts = firstOperations(sequence);
  for (let block = 0; block < firsts.length; block++) {
    if (block === failing) continue;
    if (search.accept(withoutBlocks(sequence, (one) => one === block))) return false;
  }
  return !search.isSpent;
}

function failingBlock({ blocks }: Sequence): number {
  return blocks.at(-1) ?? 0;
}
