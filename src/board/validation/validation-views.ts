/** Two heaps side by side, for people. */
import { HeapsoakError } from "../../errors.ts";
import { formatAddress } from "../../quantities.ts";
import { heapMap, heapPicture } from "../../report/picture.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import type { BoardHeap } from "../twin/board-heap.ts";

/** A heap in one line, to scale and block by block, or why it cannot be drawn. */
export type BoardView = { readonly map: string; readonly picture: string } | { readonly broken: string };

/** The first byte that differs, and how many do. */
export interface RamDifference {
  readonly address: number;
  readonly board: number;
  readonly emulated: number;
  readonly differingBytes: number;
}

const MAP_CHARACTERS = 64;
const PICTURE_CHARACTERS = 200;
const ROW_BYTES = 16;
/** Rows shown in front of the one that differs, and behind it. */
const ROWS_AROUND = 1;

/** Draws the heap that `find` returns; where there is none to be had, says why. */
export function pictureOf(find: () => BoardHeap): BoardView {
  try {
    const blocks = [...find().heap.blocks()];
    return { map: heapMap(blocks, MAP_CHARACTERS), picture: heapPicture(blocks, { width: PICTURE_CHARACTERS }) };
  } catch (error) {
    if (error instanceof HeapsoakError || error instanceof GuestFault) return { broken: error.message };
    throw error;
  }
}

/** Compares two images of the memory from `low` on; undefined where they are equal. */
export function firstRamDifference(board: Uint8Array, emulated: Uint8Array, low: number): RamDifference | undefined {
  const first = board.findIndex((byte, index) => byte !== emulated[index]);
  if (first < 0) return undefined;
  const differingBytes = board.reduce((count, byte, index) => count + (byte === emulated[index] ? 0 : 1), 0);
  return { address: low + first, board: board[first] ?? 0, emulated: emulated[first] ?? 0, differingBytes };
}

/** The rows of both images around an address. */
export function describeRam(address: number, board: Uint8Array, emulated: Uint8Array, low: number) {
  return { address, board: hexRows(board, address, low), emulated: hexRows(emulated, address, low) };
}

/** Rows of 16 bytes around the address; `>` marks its row. */
function hexRows(image: Uint8Array, address: number, low: number): string[] {
  const home = address - (address % ROW_BYTES);
  const rows: string[] = [];
  for (let row = home - ROW_BYTES * ROWS_AROUND; row <= home + ROW_BYTES * ROWS_AROUND; row += ROW_BYTES) {
    const from = Math.max(0, row - low);
    const bytes = [...image.subarray(from, Math.max(from, row + ROW_BYTES - low))];
    if (bytes.length === 0) continue;
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    rows.push(`${row === home ? ">" : " "} ${formatAddress(low + from)}  ${hex}`);
  }
  return rows;
}
