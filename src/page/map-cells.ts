import { formatAddress } from "../quantities.ts";
import { simulatedDate } from "../report/simulated-time.ts";
import type { HeapSeries } from "../soak/record.ts";
import type { AddressSpace } from "./address-space.ts";
import { columnStartUs, type HeapColumns, type HeapPart } from "./heap-columns.ts";

/** The digit of a cell without a free byte. */
export const FULL = 9;

/** The address map of a heap's series: a digit for each cell, from 0 (free) to 9 (full). */
export class MapCells implements HeapColumns {
  readonly endsUs: readonly number[];
  readonly #map: readonly string[];
  readonly #space: AddressSpace;

  constructor(series: HeapSeries, space: AddressSpace) {
    this.#map = series.map;
    this.endsUs = series.atUs.slice(0, series.map.length);
    this.#space = space;
  }

  /** The digits of a column, lowest address first. */
  digits(column: number): string {
    return this.#map[column] ?? "";
  }

  partAt(column: number, offset: number): HeapPart {
    const digits = this.digits(column);
    const bytes = this.#space.bytes / Math.max(1, digits.length);
    const cell = Math.min(Math.floor(offset / bytes), Math.max(0, digits.length - 1));
    const toUs = this.endsUs[column] ?? 0;
    const low = formatAddress(Math.round(this.#space.addressOf(cell * bytes)));
    return {
      offset: cell * bytes,
      bytes,
      fromUs: columnStartUs(this.endsUs, column),
      toUs,
      text: `${fullness(digits[cell])} · ${Math.round(bytes)} B from ${low} · ${simulatedDate(toUs)}`,
    };
  }
}

function fullness(digit: string | undefined): string {
  if (digit === undefined || digit === "0") return "Free";
  return Number(digit) === FULL ? "Full" : `${digit} of ${FULL} parts live`;
}
