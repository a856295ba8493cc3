import { Opcode } from "../../assembly/memory-map.ts";
import { REFUSED, type TraceBatch } from "../trace/format.ts";
import type { LineParser } from "../trace/line-parser.ts";
import { wholeLines } from "../trace/reader.ts";
import type { TraceCounts } from "../trace/trace-text.ts";

/**
 * Writes a trace of heapsoak's own once more, each line checked. Throws `bad-trace` with the line that is none.
 * Returns what is in it.
 */
export async function copyTrace(
  chunks: AsyncIterable<Uint8Array>,
  parser: LineParser,
  write: (lines: Uint8Array) => Promise<void>,
): Promise<TraceCounts> {
  const counts: TraceCounts = { allocations: 0, frees: 0, reallocations: 0, refused: 0, boots: 0 };
  for await (const piece of wholeLines(chunks, parser)) {
    for (let at = 0; at < piece.length; ) {
      at = parser.parse(piece, at, piece.length);
      count(parser.take(), counts);
    }
    await write(piece);
  }
  counts.boots = parser.totals.boots;
  return counts;
}

function count({ count: operations, opcodes, expected }: TraceBatch, counts: TraceCounts): void {
  for (let index = 0; index < operations; index++) {
    const opcode = opcodes[index];
    if (opcode === Opcode.Release) counts.frees++;
    else if (opcode === Opcode.Reallocate) counts.reallocations++;
    else counts.allocations++;
    if (expected[index] === REFUSED) counts.refused++;
  }
}
