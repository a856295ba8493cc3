import type { HeapRecordOfRun, RunFailure, RunRecord } from "../soak/record.ts";
import type { Paint } from "./paint.ts";
import { pinLines } from "./pin-lines.ts";
import { placeText } from "./place-text.ts";
import { mapPicture } from "./series-map.ts";
import { simulatedInstant } from "./simulated-time.ts";
import { formatCount } from "./table.ts";
import { heapPictures } from "./terminal/heap-pictures.ts";
import { sparkLines } from "./terminal/spark-lines.ts";

const HOLDERS_SHOWN = 5;

/** What failed, when, what was asked, what was free, and who holds the memory; empty where nothing failed. */
export function failureLines(record: RunRecord, paint: Paint): string[] {
  const { failure, pinned, heaps } = record;
  if (!failure) return [];
  const heap = failure.heap === null ? undefined : heaps[failure.heap];
  const lines = [fact("when", simulatedInstant(failure.atUs))];
  // Of a plain refusal the lines below say it all.
  if (failure.requestBytes === null || !isRefusal(failure)) lines.push(fact("what", failure.message));
  if (failure.task !== null || failure.step !== null) {
    lines.push(fact("where", placeText(failure.task, failure.step)));
  }
  if (failure.requestBytes !== null) lines.push(fact("asked", askedOf(failure, heap)));
  if (failure.freeBytes !== null && failure.largestFreeBytes !== null) lines.push(fact("free", freeOf(failure, paint)));
  if (heap && failure.heap !== null) {
    if (!paint.glyphs.blocks) lines.push(...mapLines(heap), ...sparkLines(record, failure.heap, paint));
    if (pinned) lines.push(...pinLines(pinned, paint).map((line, index) => fact(index === 0 ? "pinned" : "", line)));
    lines.push(...holderLines(heap, HOLDERS_SHOWN));
    if (paint.glyphs.blocks) lines.push("", ...heapPictures(record, failure.heap, paint));
  }
  return lines;
}

function mapLines({ series }: HeapRecordOfRun): string[] {
  const map = series.map.at(-1);
  return map === undefined ? [] : [fact("heap", `[${mapPicture(map)}]  # live  . free  + both`)];
}

/** Who holds the heap's memory, most bytes first, at most `most` lines and one for the rest. */
export function holderLines({ holders }: HeapRecordOfRun, most: number): string[] {
  const shown = holders.slice(0, most);
  const widths = {
    bytes: Math.max(0, ...shown.map(({ bytes }) => formatCount(bytes).length)),
    blocks: Math.max(0, ...shown.map(({ blocks }) => formatCount(blocks).length)),
  };
  const lines = shown.map(({ task, step, blocks, bytes, leaked }, index) => {
    const amount = `${formatCount(bytes).padStart(widths.bytes)} B in ${formatCount(blocks).padStart(widths.blocks)}`;
    return fact(index === 0 ? "held by" : "", `${amount}  ${placeText(task, step)}${leaked ? ", leaked" : ""}`);
  });
  const rest = holders.slice(most).reduce((sum, { bytes }) => sum + bytes, 0);
  const more = holders.length - most === 1 ? "one other" : `${holders.length - most} others`;
  if (rest > 0) lines.push(fact("", `${formatCount(rest).padStart(widths.bytes)} B by ${more}`));
  return lines;
}

/** Faults of the device, with the registers an engineer would see. */
export function faultLines({ faults }: RunRecord, paint: Paint): string[] {
  return faults.flatMap((fault) => {
    const by = fault.task === null ? "" : ` in ${placeText(fault.task, fault.step)}`;
    return [
      `${paint.bad(`${fault.exception}`)}: ${fault.access} at ${fault.address} (${fault.kind}), ${simulatedInstant(fault.atUs)}${by}`,
      ...fault.registers.map(({ name, value, meaning }) => `  ${name.padEnd(8)} ${value}  ${meaning}`),
    ];
  });
}

function isRefusal({ kind }: RunFailure): boolean {
  return kind === "crash" || kind === "reboot-by-policy";
}

/** How much was asked of which heap: `16,717 B from main (tlsf, 40,960 B)`. */
export function askedOf({ requestBytes, heap }: RunFailure, record: HeapRecordOfRun | undefined): string {
  const from = heap === null ? "" : ` from ${heap}`;
  const kind = record ? ` (${record.allocator}, ${formatCount(record.arenaBytes)} B)` : "";
  return `${formatCount(requestBytes ?? 0)} B${from}${kind}`;
}

/** What was free at the failure, and whether fragmentation or exhaustion refused the request. */
export function freeOf({ requestBytes, freeBytes, largestFreeBytes }: RunFailure, paint: Paint): string {
  const free = `${formatCount(freeBytes ?? 0)} B in total, the largest request that fits is ${formatCount(largestFreeBytes ?? 0)} B`;
  if (requestBytes === null || largestFreeBytes === null || freeBytes === null) return free;
  const enough = freeBytes >= requestBytes && largestFreeBytes < requestBytes;
  return `${free}: ${paint.bad(enough ? "fragmentation" : "exhaustion")}`;
}

function fact(title: string, text: string): string {
  return `  ${title.padEnd(8)}${text}`;
}
