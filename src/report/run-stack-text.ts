import { formatDuration } from "../scenario/quantities.ts";
import type { RunRecord, StackRecordOfRun } from "../soak/record.ts";
import type { Paint } from "./paint.ts";
import { simulatedInstant } from "./simulated-time.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";

/** The stacks: marks and headroom, and what is known of each overflow. */
export function stackLines({ stacks }: RunRecord, paint: Paint): string[] {
  const entries = Object.entries(stacks);
  if (entries.length === 0) return [];
  return [
    ...tableLines(STACK_HEADS, stackRows(stacks)),
    ...entries.flatMap(([name, stack]) => overflowLines(name, stack, paint)),
  ];
}

export const STACK_HEADS = ["STACK SIZE", "OBSERVED", "WORST CASE", "PAINTED", "HEADROOM"];

/** A row a stack, its cells by `STACK_HEADS`. */
export function stackRows(stacks: RunRecord["stacks"]): TableRow[] {
  return Object.entries(stacks).map(([title, stack]) => ({ title, cells: [...marks(stack), headroom(stack)] }));
}

function marks({ sizeBytes, observedBytes, worstCaseBytes, paintedBytes }: StackRecordOfRun): string[] {
  return [sizeBytes, observedBytes, worstCaseBytes, paintedBytes].map(formatCount);
}

/** What the worst case leaves of the stack: `512 (50.0 %)`, or by how much it is over. */
export function headroom({ sizeBytes, worstCaseBytes }: StackRecordOfRun): string {
  const left = sizeBytes - worstCaseBytes;
  return left < 0
    ? `OVER by ${formatCount(-left)}`
    : `${formatCount(left)} (${formatRatio(left / Math.max(1, sizeBytes))})`;
}

/** What is known of the overflow, a fact a line: how far and when, who noticed, what it overwrote. */
export function overflowLines(name: string, { overflow }: StackRecordOfRun, paint: Paint): string[] {
  if (!overflow) return [];
  const { atUs, bytesBeyond, detectedBy, detectedAfterUs, overwrote } = overflow;
  const what = `stack ${name} went ${formatCount(bytesBeyond)} B past its end on ${simulatedInstant(atUs)}`;
  const after = !detectedAfterUs ? "at once" : `${formatDuration(detectedAfterUs)} later`;
  return [
    `  ${paint.bad(what)}`,
    `    ${detectedBy === null ? "nothing has noticed it" : `noticed by ${detectedBy}, ${after}`}`,
    ...(overwrote.length > 0 ? [`    it overwrote ${overwrote.join(", ")}`] : []),
  ];
}
