import { formatDuration } from "../scenario/quantities.ts";
import type { RunRecord, StackRecordOfRun } from "../soak/record.ts";
import type { Paint } from "./paint.ts";
import { simulatedInstant } from "./simulated-time.ts";
import { formatCount, formatRatio, tableLines } from "./table.ts";

/** The stacks: marks and headroom, and what is known of each overflow. */
export function stackLines({ stacks }: RunRecord, paint: Paint): string[] {
  const entries = Object.entries(stacks);
  if (entries.length === 0) return [];
  const rows = entries.map(([title, stack]) => ({ title, cells: [...marks(stack), headroom(stack)] }));
  return [
    ...tableLines(["STACK SIZE", "OBSERVED", "WORST CASE", "PAINTED", "HEADROOM"], rows),
    ...entries.flatMap(([name, stack]) => overflowLines(name, stack, paint)),
  ];
}

function marks({ sizeBytes, observedBytes, worstCaseBytes, paintedBytes }: StackRecordOfRun): string[] {
  return [sizeBytes, observedBytes, worstCaseBytes, paintedBytes].map(formatCount);
}

function headroom({ sizeBytes, worstCaseBytes }: StackRecordOfRun): string {
  const left = sizeBytes - worstCaseBytes;
  return left < 0 ? `OVER by ${formatCount(-left)}` : `${formatCount(left)} (${formatRatio(left / sizeBytes)})`;
}

function overflowLines(name: string, { overflow }: StackRecordOfRun, paint: Paint): string[] {
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
