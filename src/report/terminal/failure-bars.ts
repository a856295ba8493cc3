/** A refused request beside what was free, to scale. */
import type { RunFailure } from "../../soak/record.ts";
import type { Paint } from "../paint.ts";
import { formatCount } from "../table.ts";

const EIGHTHS = " ▏▎▍▌▋▊▉";
const TITLE = "  largest ".length;
/** Behind a bar. */
const LABEL = " 16,777,216 B, 16,777,216 B short".length;

/** Three bars of one scale; empty where the failure is about no request. */
export function failureBars({ requestBytes, largestFreeBytes, freeBytes }: RunFailure, paint: Paint): string[] {
  if (requestBytes === null || largestFreeBytes === null || freeBytes === null) return [];
  const most = Math.max(1, requestBytes, largestFreeBytes, freeBytes);
  const width = Math.max(10, paint.glyphs.columns - TITLE - LABEL);
  const line = (title: string, bytes: number, mark: (text: string) => string, note = "") => {
    return `  ${title.padEnd(TITLE - 2)}${mark(bar((bytes * width) / most))} ${formatCount(bytes)} B${note}`;
  };
  const short = requestBytes - largestFreeBytes;
  return [
    line("request", requestBytes, paint.bad),
    line("largest", largestFreeBytes, paint.good, short > 0 ? `, ${formatCount(short)} B short` : ""),
    line("free", freeBytes, paint.dim),
  ];
}

/** Characters and eighths of one; what is not nothing shows. */
function bar(length: number): string {
  const eighths = Math.max(length > 0 ? 1 : 0, Math.round(length * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "").trim();
}
