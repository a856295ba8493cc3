import { formatAddress, formatBytes } from "../quantities.ts";
import type { Bank } from "./description.ts";

/** Something drawn inside a bank. */
export interface DrawnRange {
  readonly low: number;
  readonly bytes: number;
  readonly name: string;
  readonly kind?: string;
}

const WIDTH = 34;
const ROWS = 18;

/**
 * The bank with what lies in it, low addresses at the top, rows roughly to scale. `wanted` is what did not fit:
 * it is drawn to the right of the ranges it meets.
 */
export function drawMemoryMap(bank: Bank, ranges: readonly DrawnRange[], wanted?: DrawnRange): string {
  const lines = [`${bank.name}, ${formatBytes(bank.bytes)}`];
  for (const [index, part] of withHoles(bank, ranges).entries()) {
    const border = index === 0 ? "┌┐" : "├┤";
    lines.push(`${formatAddress(part.low)} ${border[0]}${"─".repeat(WIDTH)}${border[1]}`);
    const rows = Math.max(1, Math.round((part.bytes / bank.bytes) * ROWS));
    const mark =
      wanted && part.low < wanted.low + wanted.bytes && wanted.low < part.low + part.bytes ? `  ◄ ${wanted.name}` : "";
    lines.push(`            │${content(part)}│${mark}`);
    for (let row = 1; row < rows; row++) lines.push(`            │${" ".repeat(WIDTH)}│`);
  }
  lines.push(`${formatAddress(bank.low + bank.bytes)} └${"─".repeat(WIDTH)}┘`);
  return lines.join("\n");
}

function content(part: DrawnRange): string {
  const size = formatBytes(part.bytes);
  const room = WIDTH - size.length - 3;
  const name = part.name.length > room ? `${part.name.slice(0, room - 1)}…` : part.name;
  return ` ${name.padEnd(room)} ${size} `;
}

/** The ranges inside the bank in address order, with what lies between them as `free`. */
function withHoles(bank: Bank, ranges: readonly DrawnRange[]): DrawnRange[] {
  const high = bank.low + bank.bytes;
  const inside = ranges
    .filter((range) => range.low < high && range.low + range.bytes > bank.low)
    .sort((a, b) => a.low - b.low);
  const parts: DrawnRange[] = [];
  let at = bank.low;
  for (const range of inside) {
    const low = Math.max(range.low, bank.low);
    if (low > at) parts.push({ low: at, bytes: low - at, name: "free" });
    const end = Math.min(range.low + range.bytes, high);
    parts.push({ low, bytes: end - low, name: labelOf(range) });
    at = Math.max(at, end);
  }
  if (at < high) parts.push({ low: at, bytes: high - at, name: "free" });
  return parts;
}

function labelOf(range: DrawnRange): string {
  if (range.kind === "taken") return `taken: ${range.name}`;
  return range.kind === "heap" || range.kind === "stack" ? `${range.kind} ${range.name}` : range.name;
}
