import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import type { Paint } from "./paint.ts";
import { placeText } from "./place-text.ts";
import { formatCount } from "./table.ts";

/** Blocks that are told one by one. */
const PINS_SHOWN = 12;

/** A live block in the way of a request. */
interface Pin {
  readonly task: string | null;
  readonly step: string | null;
  readonly bytes: number;
  readonly ageUs: number | null;
  readonly ageOperations?: number | null;
  readonly leaked?: boolean;
  readonly owner?: string | null;
}

/** Blocks whose release makes a request fit: how many, what fits without them, and whose they are. */
export function pinLines(
  set: { readonly pins: readonly Pin[]; readonly releasedBytes: number; readonly largestFreeBytes: number },
  paint: Paint,
  word = "by",
): string[] {
  const { pins, releasedBytes, largestFreeBytes } = set;
  const without = `without ${pins.length === 1 ? "it" : "them"} ${formatCount(largestFreeBytes)} B fit`;
  const head = `${word} ${paint.bad(counted(pins.length, "block"))} of ${formatCount(releasedBytes)} B: ${without}, tried`;
  const rows = pins.slice(0, PINS_SHOWN).map(pinCells);
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map(([bytes = "", age = "", place = ""]) =>
    `  ${bytes.padStart(widths[0] ?? 0)}  ${age.padEnd(widths[1] ?? 0)}  ${place}`.trimEnd(),
  );
  const left = pins.length - rows.length;
  return [head, ...lines, ...(left > 0 ? [`  and ${left} more`] : [])];
}

export function pinCells({ bytes, ageUs, ageOperations = null, task, step, leaked, owner = null }: Pin): string[] {
  const known = step !== null || task !== null || owner !== null;
  const place = known ? placeText(task, step) : "";
  return [
    `${formatCount(bytes)} B`,
    ageText(ageUs, ageOperations),
    leaked || owner === "leaked" ? `${place}, leaked` : place,
  ];
}

function ageText(us: number | null, operations: number | null): string {
  if (us !== null) return `${formatDuration(us)} old`;
  return operations === null ? "" : `${counted(operations, "operation")} old`;
}
