/** A part of the heap at an instant: a block, what lies between blocks, or a cell of the map. */
export interface HeapPart {
  readonly offset: number;
  readonly bytes: number;
  readonly fromUs: number;
  readonly toUs: number;
  /** One sentence for people. */
  readonly text: string;
}

/** A heap over time, column by column: a column stands for the time from the end of the one before to its own end. */
export interface HeapColumns {
  readonly endsUs: readonly number[];
  /** The part at the offset; a block, where one is nearer than the tolerance in bytes. */
  partAt(column: number, offset: number, toleranceBytes: number): HeapPart;
}

/** The column that an instant falls into; the last one for later instants. */
export function columnAt(endsUs: readonly number[], us: number): number {
  let low = 0;
  let high = endsUs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((endsUs[middle] ?? 0) >= us) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** When a column begins. */
export function columnStartUs(endsUs: readonly number[], column: number): number {
  return column > 0 ? (endsUs[column - 1] ?? 0) : 0;
}
