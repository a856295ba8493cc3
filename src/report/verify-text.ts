import type { Verification } from "../trace/verify.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { recordingRemarks } from "./recording-remarks.ts";

/** The differences of one trace, and what of it was not compared; empty when there are none. */
export function verificationText(result: Verification, paint: Paint = plainPaint): string {
  const lines = [...gapLines(result), ...(result.mismatches > 0 ? mismatchLines(result, paint) : [])];
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

/** What a board's recording lacks. A gap is no difference: what stands behind it has nothing to be compared with. */
function gapLines({ file, notCompared, operations, recording }: Verification): string[] {
  const remarks = recording ? recordingRemarks(recording) : [];
  const lines = remarks.map((remark) => `${file}: ${remark}`);
  if (notCompared > 0)
    lines.push(`${file}: not compared, behind a gap: ${notCompared} of ${operations} operations, up to the next boot`);
  return lines;
}

function mismatchLines(result: Verification, paint: Paint): string[] {
  const lines = [
    paint.strong(`${result.file} (${result.allocator}): ${result.mismatches} of ${result.operations} differ`),
  ];
  for (const { operation, line, record, expected, got, around } of result.shown) {
    lines.push(`  operation ${operation}, line ${line}: ${record}: expected ${expected}, ${paint.bad(`got ${got}`)}`);
    lines.push(`    ${around}`);
  }
  if (result.mismatches > result.shown.length) lines.push(`  and ${result.mismatches - result.shown.length} more`);
  if (result.stopped !== undefined) lines.push("  The rest was not compared.");
  return lines;
}

/** The last line of a verification. */
export function verificationTotal(results: readonly Verification[]): string {
  const operations = results.reduce((sum, result) => sum + result.operations, 0);
  const mismatches = results.reduce((sum, result) => sum + result.mismatches, 0);
  const notCompared = results.reduce((sum, result) => sum + result.notCompared, 0);
  const without = notCompared > 0 ? `, ${notCompared} not compared` : "";
  return `${results.length} traces, ${operations} operations, ${mismatches} mismatches${without}`;
}
