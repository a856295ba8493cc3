import type { Autopsy } from "../device/autopsy.ts";
import type { ImageSegment } from "../image/ram-image.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import type { HeapBlock } from "../wasm/heap-record.ts";
import { heapMap, heapPicture } from "./picture.ts";

const MAP_WIDTH = 72;
const HEX_ROWS = 4;

/** An autopsy for the terminal: map, picture, figures, and the first inconsistency with the bytes around it. */
export function autopsyText(result: Autopsy, segments: readonly ImageSegment[]): string {
  const live = result.blocks.filter(({ state }) => state === "live");
  const holes = result.blocks.filter(({ state }) => state === "free" || state === "untouched");
  const sum = (blocks: readonly HeapBlock[]) => blocks.reduce((total, { bytes }) => total + bytes, 0);
  const largestHole = Math.max(0, ...holes.map(({ bytes }) => bytes));
  return [
    `${result.allocator} heap at ${result.regions.map(({ low, bytes }) => `${formatAddress(low)} + ${formatBytes(bytes)}`).join(", ")}`,
    `  [${heapMap(result.blocks, MAP_WIDTH)}]  # live  . free  + both  - bookkeeping`,
    `  ${heapPicture(result.blocks)}`,
    `  live     ${live.length} blocks, ${sum(live)} bytes with headers`,
    `  free     ${holes.length} holes, ${sum(holes)} bytes, the largest ${largestHole}`,
    ...(result.summary ? [`  largest request that would succeed: ${result.summary.largestFreeBytes} bytes`] : []),
    ...(result.statistics ? [`  reported by the allocator: ${pairs(result.statistics)}`] : []),
    "",
    ...verdict(result, segments),
  ].join("\n");
}

function pairs(statistics: Readonly<Record<string, number>>): string {
  return Object.entries(statistics)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

function verdict(result: Autopsy, segments: readonly ImageSegment[]): string[] {
  const { finding } = result;
  if (!finding && result.walkedToEnd) return ["No inconsistency: every invariant of the allocator holds."];
  const walked = result.blocks.at(-1);
  if (!finding) return [`The walk leaves memory behind the block at ${formatAddress(walked?.address ?? 0)}.`];
  return [
    `First inconsistency at ${formatAddress(finding.address)}: ${finding.inconsistency}.`,
    `  expected ${hexWord(finding.expected)} (${finding.expected}), found ${hexWord(finding.found)} (${finding.found})`,
    ...neighbours(result.blocks, finding.address),
    ...hexDump(segments, finding.address),
  ];
}

function neighbours(blocks: readonly HeapBlock[], address: number): string[] {
  const index = blocks.findIndex((block) => block.address + block.bytes > address);
  const before = blocks[index < 0 ? blocks.length - 1 : index - 1];
  const at = index < 0 ? undefined : blocks[index];
  return [
    ...(before ? [`  behind   ${blockLine(before)}: look for what wrote past its end`] : []),
    ...(at ? [`  in       ${blockLine(at)}`] : []),
  ];
}

function blockLine(block: HeapBlock): string {
  return `${block.state} block at ${formatAddress(block.address)}, ${block.bytes} bytes, payload ${formatAddress(block.payload)}`;
}

/** Sixteen bytes a row, two rows before the address and two from it on; `>` marks the row of the address. */
function hexDump(segments: readonly ImageSegment[], address: number): string[] {
  const segment = segments.find(({ low, bytes }) => address >= low && address < low + bytes.length);
  if (!segment) return [];
  const rows: string[] = [];
  const first = (address & ~15) >>> 0;
  for (let row = first - 16 * (HEX_ROWS / 2); row < first + 16 * (HEX_ROWS / 2); row += 16) {
    const offset = row - segment.low;
    if (offset < 0 || offset >= segment.bytes.length) continue;
    const bytes = [...segment.bytes.subarray(offset, offset + 16)];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    rows.push(`  ${row === first ? ">" : " "} ${formatAddress(row)}  ${hex.padEnd(47)}  ${text}`);
  }
  return rows;
}

function hexWord(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}
