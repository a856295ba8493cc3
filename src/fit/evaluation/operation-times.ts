import { Ending } from "../history/block-table.ts";
import type { TraceHistory } from "../history/history.ts";

/** The time of each operation of the trace, in order; those that make and end no block have that of the one before. */
export function operationTimes({ operations, blocks }: TraceHistory): Float64Array {
  const times = new Float64Array(operations).fill(Number.NaN);
  for (let row = 0; row < blocks.count; row++) {
    times[blocks.bornOrder[row] ?? 0] = blocks.bornUs[row] ?? 0;
    const ending = blocks.ending[row];
    if (ending === Ending.Live || ending === Ending.Reset) continue;
    times[blocks.diedOrder[row] ?? 0] = blocks.diedUs[row] ?? 0;
  }
  let before = 0;
  for (let index = 0; index < operations; index++) {
    if (Number.isNaN(times[index])) times[index] = before;
    else before = times[index] ?? 0;
  }
  return times;
}

/** How many operations happened before each of the ascending times. */
export function positionsAt(timesUs: Float64Array, operations: Float64Array): Float64Array {
  let position = 0;
  return timesUs.map((atUs) => {
    while (position < operations.length && (operations[position] ?? 0) < atUs) position++;
    return position;
  });
}
