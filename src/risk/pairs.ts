/** Which differences between the cells of a grid are real: every pair that differs in one thing, on common seeds. */
import { grouped } from "./groups.ts";
import type { CellName, Monotony, PairedDifference } from "./record.ts";
import { holm, mcnemar } from "./statistics/mcnemar.ts";
import { rounded } from "./statistics/rounding.ts";
import type { CellTally } from "./tally.ts";

const SIGNIFICANCE = 0.05;

/** A cell with its runs. */
export interface CountedCell extends CellName {
  readonly tally: CellTally;
}

type Counts = Omit<PairedDifference, "adjustedP" | "better">;

/** Allocators at one size, and neighbouring sizes of one allocator. */
export function pairedDifferences(cells: readonly CountedCell[]): PairedDifference[] {
  const counts = pairsOf(cells).map(([first, second]) => countsOf(first, second));
  const adjusted = holm(counts.map(({ p }) => p));
  return counts.map((pair, index) => {
    const adjustedP = adjusted[index] ?? 1;
    return { ...pair, p: rounded(pair.p), adjustedP: rounded(adjustedP), better: better(pair, adjustedP) };
  });
}

/** Of each allocator with several sizes, by the pairs of neighbouring sizes. */
export function monotonyOf(pairs: readonly PairedDifference[]): Monotony[] {
  const ofSizes = pairs.filter(({ first, second }) => first.allocator === second.allocator);
  const allocators = [...new Set(ofSizes.map(({ first }) => first.allocator))];
  return allocators.map((allocator) => {
    const rises = ofSizes
      .filter((pair) => pair.first.allocator === allocator && pair.onlySecondFailed > pair.onlyFirstFailed)
      .map(({ first, second, onlyFirstFailed, onlySecondFailed, better }) => ({
        fromBytes: first.arenaBytes,
        toBytes: second.arenaBytes,
        onlySmallerFailed: onlyFirstFailed,
        onlyLargerFailed: onlySecondFailed,
        isReal: better === "first",
      }));
    return { allocator, holds: rises.length === 0, rises };
  });
}

function pairsOf(cells: readonly CountedCell[]): [CountedCell, CountedCell][] {
  const neighbours = grouped(cells, ({ allocator }) => allocator).flatMap((own) =>
    own.slice(1).map((larger, index): [CountedCell, CountedCell] => [own[index] ?? larger, larger]),
  );
  const rivals = grouped(cells, ({ arenaBytes }) => arenaBytes).flatMap((same) =>
    same.flatMap((first, index) => same.slice(index + 1).map((second): [CountedCell, CountedCell] => [first, second])),
  );
  return [...rivals, ...neighbours];
}

function countsOf(first: CountedCell, second: CountedCell): Counts {
  const runs = Math.min(first.tally.runs, second.tally.runs);
  let onlyFirstFailed = 0;
  let onlySecondFailed = 0;
  for (let run = 0; run < runs; run++) {
    const [one, other] = [first.tally.lifetimes[run]?.failed, second.tally.lifetimes[run]?.failed];
    if (one && !other) onlyFirstFailed++;
    if (other && !one) onlySecondFailed++;
  }
  const p = mcnemar(onlyFirstFailed, onlySecondFailed);
  return { first: nameOf(first), second: nameOf(second), runs, onlyFirstFailed, onlySecondFailed, p };
}

function nameOf({ allocator, arenaBytes }: CellName): CellName {
  return { allocator, arenaBytes };
}

function better({ onlyFirstFailed, onlySecondFailed }: Counts, adjustedP: number): PairedDifference["better"] {
  if (adjustedP > SIGNIFICANCE) return null;
  return onlyFirstFailed < onlySecondFailed ? "first" : "second";
}
