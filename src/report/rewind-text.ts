import { formatAddress } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { Rewind, RewoundOperation } from "../soak/rewind.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { placeText } from "./place-text.ts";
import { formatCount } from "./table.ts";

/** The last operations before a failure, oldest first, with the heap before each of the last few. */
export function rewindLines(rewind: Rewind, paint: Paint = plainPaint): string[] {
  const { fromUs, failureUs, operationCount, operations } = rewind;
  const span = `${formatDuration(failureUs - fromUs)} before the failure`;
  const shown = operations.length < operationCount ? `, the last ${operations.length} of them` : "";
  const head = `Rewound to ${span}: ${formatCount(operationCount)} heap operations${shown}`;
  const widths = columnWidths(operations, failureUs);
  const lines = operations.flatMap((operation) => operationLines(operation, failureUs, widths, paint));
  return [paint.strong(head), ...lines];
}

function operationLines(
  operation: RewoundOperation,
  failureUs: number,
  widths: readonly number[],
  paint: Paint,
): string[] {
  const cells = cellsOf(operation, failureUs).map((cell, index) => cell.padEnd(widths[index] ?? 0));
  const refused = isRefused(operation);
  const line = `  ${cells.join("  ")}  ${placeText(operation.task, operation.step)}`.trimEnd();
  const { before } = operation;
  return [...(before ? [`    [${before.map}]`, `    ${before.picture}`] : []), refused ? paint.bad(line) : line];
}

function cellsOf(operation: RewoundOperation, failureUs: number): string[] {
  const { atUs, heap, visits } = operation;
  const before = atUs === failureUs ? "0 s" : `−${formatDuration(failureUs - atUs)}`;
  return [before, heap, verbText(operation), visits === 1 ? "1 visit" : `${formatCount(visits)} visits`];
}

function verbText(operation: RewoundOperation): string {
  const { operation: verb, requestBytes, address, result } = operation;
  const from = address === null ? "" : ` ${formatAddress(address)}`;
  if (verb === "release" || verb === "reboot") return verb + from;
  const outcome = result === null ? "REFUSED" : `→ ${formatAddress(result)}`;
  return `${verb}${from} ${formatCount(requestBytes)} B ${outcome}`;
}

function isRefused({ operation, result }: RewoundOperation): boolean {
  return operation !== "release" && operation !== "reboot" && result === null;
}

function columnWidths(operations: readonly RewoundOperation[], failureUs: number): number[] {
  const widths: number[] = [];
  for (const operation of operations) {
    for (const [index, cell] of cellsOf(operation, failureUs).entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    }
  }
  return widths;
}
