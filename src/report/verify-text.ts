import type { Verification } from "../trace/verify.ts";
import { type Paint, plainPaint } from "./paint.ts";

/** The differences of one trace; empty when there are none. */
export function verificationText(result: Verification, paint: Paint = plainPaint): string {
  if (result.mismatches === 0) return "";
  const lines = [
    paint.strong(`${result.file} (${result.allocator}): ${result.mismatches} of ${result.operations} differ`),
  ];
  for (const { operation, line, record, expected, got, around } of result.shown) {
    lines.push(`  operation ${operation}, line ${line}: ${record}: expected ${expected}, ${paint.bad(`got ${got}`)}`);
    lines.push(`    ${around}`);
  }
  if (result.mismatches > result.shown.length) lines.push(`  and ${result.mismatches - result.shown.length} more`);
  if (result.stopped !== undefined) lines.push("  The rest was not compared.");
  return `${lines.join("\n")}\n`;
}

/** The last line of a verification. */
export function verificationTotal(results: readonly Verification[]): string {
  const operations = results.reduce((sum, result) => sum + result.operations, 0);
  const mismatches = results.reduce((sum, result) => sum + result.mismatches, 0);
  return `${results.length} traces, ${operations} operations, ${mismatches} mismatches`;
}
