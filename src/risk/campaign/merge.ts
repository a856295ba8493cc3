import { HeapsoakError } from "../../errors.ts";
import { type CampaignPlan, planOf } from "../plan.ts";
import { differences, identityOf } from "./identity.ts";
import { unpackCells } from "./packed-cells.ts";
import type { FinishedRun, ResultsHeader, WantedRuns } from "./result-lines.ts";
import { readResultsOf, type StoredRuns } from "./results-file.ts";
import { RunStore } from "./run-store.ts";

/** A campaign put together from its folders. */
export interface MergedCampaign {
  readonly plan: CampaignPlan;
  /** What its record is made from besides plan and runs, as the first folder has it. */
  readonly question: unknown;
  readonly runs: Iterable<FinishedRun>;
  readonly damagedLines: number;
}

/**
 * The runs of all folders together, as if one campaign had made them. Throws `cannot-read`, and `bad-results` for
 * folders that do not belong together or were written by another heapsoak.
 */
export function mergeResults(folders: readonly string[]): MergedCampaign {
  const [first, ...rest] = folders.map((folder) => ({ folder, stored: readResultsOf(folder) }));
  if (!first) throw new HeapsoakError("bad-argument", "There is no folder to merge.");
  const { header, wanted } = first.stored;
  const plan = planIn(first.folder, header, wanted);
  for (const { folder, stored } of rest) refuseOther(folder, stored, first);
  const store = new RunStore(plan.cells.length);
  for (const { folder, stored } of [first, ...rest]) {
    for (const run of stored.store.all()) store.add(run, folder);
  }
  const damagedLines = [first, ...rest].reduce((sum, { stored }) => sum + stored.damagedLines, 0);
  return { plan, question: wanted.question, runs: store.all(), damagedLines };
}

/** The plan that a file's first line tells; runs of another build are not ours to judge. */
function planIn(folder: string, { identity, cells }: ResultsHeader, { runs, precision }: WantedRuns): CampaignPlan {
  const { horizonUs, failOn } = identity;
  const baseSeed = BigInt(identity.firstSeed);
  const mine = identityAsRead(folder, cells, baseSeed);
  const found = differences(identity, mine);
  if (found.length > 0) {
    throw new HeapsoakError("bad-results", `${folder}: the runs in it belong to ${found.join("; to ")}.`, {
      hint: "Merge them with the heapsoak that made them.",
    });
  }
  return planOf({ cells: unpackCells(cells), baseSeed, runs, horizonUs, failOn, precision });
}

/** What the cells come to here. The checksum was right, so nothing but somebody's hand makes them impossible. */
function identityAsRead(folder: string, cells: ResultsHeader["cells"], baseSeed: bigint) {
  try {
    return identityOf(cells, baseSeed);
  } catch (cause) {
    throw new HeapsoakError("bad-results", `${folder}: the first line is not what heapsoak writes.`, { cause });
  }
}

function refuseOther(
  folder: string,
  { header, wanted }: StoredRuns,
  first: { folder: string; stored: StoredRuns },
): void {
  const other = differences(header.identity, first.stored.header.identity);
  const asked = first.stored.wanted;
  if (wanted.runs !== asked.runs) other.push(`${wanted.runs} runs a cell, not ${asked.runs}`);
  if (wanted.precision !== asked.precision) other.push("another --precision");
  if (other.length === 0) return;
  throw new HeapsoakError("bad-results", `${folder}: belongs to ${other.join("; to ")} as ${first.folder} does.`, {
    hint: "Only parts of one campaign can be merged: same scenario, grid, horizon, seeds and number of runs.",
  });
}
