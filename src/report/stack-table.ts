import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { RunRecord } from "../soak/record.ts";
import { type TableRow, tableLines } from "./table.ts";

/** A run in which a stack was put under a protection. */
export interface ProtectedRun {
  /** `none`, `freertos-1`, `mpu 32 B` … */
  readonly protection: string;
  readonly stack: string;
  readonly run: Pick<RunRecord, "stacks" | "failure" | "simulatedUs">;
}

export const STACK_TABLE_HEADS = ["detected by", "after", "bytes beyond", "overwrote", "the run ends with"];

/** The same overflow under several protections, side by side: one line a run. */
export function stackTable(runs: readonly ProtectedRun[]): string[] {
  return tableLines(STACK_TABLE_HEADS, stackTableRows(runs), "left");
}

/** The rows of that table. */
export function stackTableRows(runs: readonly ProtectedRun[]): TableRow[] {
  return runs.map(({ protection, stack, run }) => ({ title: protection, cells: cellsOf(stack, run) }));
}

function cellsOf(stack: string, { stacks, failure }: ProtectedRun["run"]): string[] {
  const end = failure ? `${failure.kind} at ${formatDuration(failure.atUs)}` : "nothing: it goes on";
  const overflow = stacks[stack]?.overflow;
  if (!overflow) return ["no overflow", "", "", "", end];
  return [
    overflow.detectedBy ?? "nobody",
    overflow.detectedAfterUs === null ? "" : formatElapsed(overflow.detectedAfterUs),
    formatBytes(overflow.bytesBeyond),
    overflow.overwrote.length === 0 ? "nothing" : summary(overflow.overwrote),
    end,
  ];
}

function summary(overwrote: readonly string[]): string {
  const [first = "", ...others] = overwrote;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

function formatElapsed(us: number): string {
  return us === 0 ? "at once" : formatDuration(us);
}
