import type { RecordingTotals } from "../trace/format.ts";
import { formatCount } from "./table.ts";

/** What a reader must know of a board's recording before its figures: one line, or none where it is whole. */
export function recordingRemarks({ boots, gaps, missingFrames, tornBytes }: RecordingTotals): string[] {
  const remarks: string[] = [];
  if (boots > 1) remarks.push(`${formatCount(boots)} boots: at each the heap starts anew and the counts go on`);
  if (gaps > 0) remarks.push(gapRemark(gaps, missingFrames));
  if (tornBytes > 0) remarks.push(`the last line has no end (${formatCount(tornBytes)} bytes) and is left out`);
  return remarks.length > 0 ? [`recording: ${remarks.join("; ")}`] : [];
}

function gapRemark(gaps: number, missingFrames: number): string {
  const places = gaps === 1 ? "1 gap" : `${formatCount(gaps)} gaps`;
  if (missingFrames === 0) return places;
  return `${places}, ${formatCount(missingFrames)} ${missingFrames === 1 ? "frame" : "frames"} known to be missing`;
}
