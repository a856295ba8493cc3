/** Cells against the risk that is accepted. */
import type { Verdict } from "../soak/record.ts";
import { grouped } from "./groups.ts";
import type { RiskCell, RiskRecord } from "./record.ts";

/** Whether a cell's risk is below the accepted one with 95 %, above it with as much, or neither can be told. */
export function judgeCell({ interval, upperBound95 }: RiskCell, maxRisk: number): Verdict {
  if (upperBound95 <= maxRisk) return "pass";
  return interval[0] > maxRisk ? "fail" : "undecided";
}

/** By the best cell, as whoever chooses among them would. */
export function judgeCells(cells: readonly RiskCell[], maxRisk: number): Verdict {
  return bestVerdict(cells.map((cell) => judgeCell(cell, maxRisk)));
}

/** The best of the candidates' verdicts; undecided where there is none. */
export function bestVerdict(verdicts: readonly Verdict[]): Verdict {
  return (["pass", "undecided", "fail"] as const).find((verdict) => verdicts.includes(verdict)) ?? "undecided";
}

/**
 * The smallest heap that passes and whose larger ones of the same allocator pass, too: tried from the largest down to
 * the first that does not, the sizes of an allocator together err no more often than one. Of equal sizes the one with
 * the lower bound, then the first.
 */
export function recommend(cells: readonly RiskCell[], maxRisk: number): RiskRecord["recommended"] {
  const smallest = grouped(cells, ({ allocator }) => allocator).flatMap((own) => {
    const down = own.toSorted((a, b) => b.arenaBytes - a.arenaBytes);
    const end = down.findIndex((cell) => judgeCell(cell, maxRisk) !== "pass");
    const passing = end < 0 ? down : down.slice(0, end);
    return passing.slice(-1);
  });
  const [best] = smallest.sort((a, b) => a.arenaBytes - b.arenaBytes || a.upperBound95 - b.upperBound95);
  return best ? { allocator: best.allocator, arenaBytes: best.arenaBytes, heap: best.heap } : null;
}
