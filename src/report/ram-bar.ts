import type { WatchedRam } from "../board/watch/watch-state.ts";
import { type Bank, ramBanks } from "../device/description.ts";

/** A bank of RAM to scale: `s` static data, `#` heap, `t` what the ROM or a radio takes, `.` neither. */
export interface RamBar {
  readonly bank: Bank;
  readonly cells: string;
}

interface Used {
  readonly low: number;
  readonly bytes: number;
  readonly mark: string;
}

/**
 * The banks in which something of the firmware lies, each in `width` characters. A cell shows what takes most of it;
 * the heap has one cell at least.
 */
export function ramBars({ device, staticUse, heap }: WatchedRam, width: number): RamBar[] {
  const used: Used[] = [
    ...staticUse.map(({ low, bytes }) => ({ low, bytes, mark: "s" })),
    { ...heap, mark: "#" },
    ...ramBanks(device).flatMap(({ taken }) => (taken ?? []).map(({ low, bytes }) => ({ low, bytes, mark: "t" }))),
  ];
  return ramBanks(device)
    .filter((bank) => used.some(({ low, bytes, mark }) => mark !== "t" && overlap(bank, low, low + bytes) > 0))
    .map((bank) => ({ bank, cells: withHeap(cellsOf(bank, used, width), bank, heap) }));
}

function withHeap(cells: string, bank: Bank, { low, bytes }: WatchedRam["heap"]): string {
  if (cells.includes("#") || overlap(bank, low, low + bytes) === 0) return cells;
  const from = Math.max(0, low - bank.low);
  const at = Math.min(cells.length - 1, Math.floor((from * cells.length) / bank.bytes));
  return `${cells.slice(0, at)}#${cells.slice(at + 1)}`;
}

function cellsOf(bank: Bank, used: readonly Used[], width: number): string {
  const cellBytes = bank.bytes / width;
  return Array.from({ length: width }, (_, index) => {
    const cell = { low: bank.low + index * cellBytes, bytes: cellBytes };
    let mark = ".";
    let most = 0;
    for (const use of used) {
      const shared = overlap(cell, use.low, use.low + use.bytes);
      if (shared > most) [mark, most] = [use.mark, shared];
    }
    return mark;
  }).join("");
}

function overlap({ low, bytes }: { low: number; bytes: number }, from: number, to: number): number {
  return Math.max(0, Math.min(low + bytes, to) - Math.max(low, from));
}
