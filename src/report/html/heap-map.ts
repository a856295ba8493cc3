/** A heap block by block, to scale: rows of equally many bytes, each block in the colour of its owner. */
import { formatAddress } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import type { BlockAtFailure } from "../../soak/record.ts";
import { placeText } from "../place-text.ts";
import { formatCount } from "../table.ts";
import { DRAWING_WIDTH, drawing, rectangle, words } from "./drawing.ts";
import type { Html } from "./markup.ts";
import { figure, type LegendEntry, seriesColour } from "./parts.ts";

const OWNERS_COLOURED = 7;
const LABEL_WIDTH = 88;
const MAP_WIDTH = DRAWING_WIDTH - LABEL_WIDTH;
const ROW_HEIGHT = 22;
const ROW_GAP = 5;
const ROWS_MOST = 16;
/** A row holds at least so many bytes, so that blocks of 16 bytes are seen and small heaps stay small. */
const ROW_BYTES_LEAST = 2048;

/** Blocks one behind the other. */
interface Extent {
  readonly low: number;
  readonly bytes: number;
}

/** Who holds a live block: what `heapMap` colours by. */
export function ownerOf({ task, step, leaked }: BlockAtFailure): string {
  return `${placeText(task ?? null, step ?? null)}${leaked ? ", leaked" : ""}`;
}

/** The figure of a heap's blocks in address order, with a legend of the owners. */
export function heapMap(blocks: readonly BlockAtFailure[], caption: string): Html {
  const colours = ownerColours(blocks);
  const extents = extentsOf(blocks);
  const total = extents.reduce((sum, { bytes }) => sum + bytes, 0);
  const rowBytes = Math.max(ROW_BYTES_LEAST, Math.ceil(total / ROWS_MOST / 256) * 256);
  const rows = extents.flatMap((extent) => rowsOf(extent, rowBytes));
  const height = rows.length * (ROW_HEIGHT + ROW_GAP);
  const labels = rows.map(({ low }, row) => words(0, row * (ROW_HEIGHT + ROW_GAP) + 15, formatAddress(low)));
  const shapes = blocks.map((block) => blockShapes(block, rows, rowBytes, colourOf(block, colours)));
  const picture = drawing({ width: DRAWING_WIDTH, height, label: caption, hasText: true }, [labels, shapes]);
  return figure(picture, { caption, legend: legendOf(blocks, colours) });
}

function blockShapes(block: BlockAtFailure, rows: readonly Extent[], rowBytes: number, colour: string): Html[] {
  const end = block.address + block.bytes;
  const scale = MAP_WIDTH / rowBytes;
  const title = titleOf(block);
  return rows.flatMap(({ low, bytes }, row) => {
    const from = Math.max(low, block.address);
    const to = Math.min(low + bytes, end);
    if (to <= from) return [];
    const x = LABEL_WIDTH + (from - low) * scale;
    const box = { x, y: row * (ROW_HEIGHT + ROW_GAP) + 2, width: (to - from) * scale, height: ROW_HEIGHT - 2 };
    return [rectangle(box, `fill ${colour} ${block.pins ? "outlined" : "edge"}`, title)];
  });
}

function titleOf(block: BlockAtFailure): string {
  const what = `${formatAddress(block.address)}: ${formatCount(block.bytes)} B`;
  if (block.state !== "live") return `${what} ${block.state === "free" ? "free" : block.state}`;
  const asked = block.requestBytes === undefined ? "" : `, ${formatCount(block.requestBytes)} B asked for`;
  const age = block.ageUs === undefined ? "" : `, ${formatDuration(block.ageUs)} old`;
  return `${what} of ${ownerOf(block)}${asked}${age}${block.pins ? ", in the way of the request" : ""}`;
}

/** The owners of the most bytes have a colour each; the others share the last. */
function ownerColours(blocks: readonly BlockAtFailure[]): Map<string, string> {
  const bytes = new Map<string, number>();
  for (const block of blocks) {
    if (block.state === "live") bytes.set(ownerOf(block), (bytes.get(ownerOf(block)) ?? 0) + block.bytes);
  }
  const owners = [...bytes].sort(([, a], [, b]) => b - a).map(([owner]) => owner);
  return new Map(owners.slice(0, OWNERS_COLOURED).map((owner, index) => [owner, seriesColour(index)]));
}

function colourOf(block: BlockAtFailure, colours: ReadonlyMap<string, string>): string {
  if (block.state === "live") return colours.get(ownerOf(block)) ?? seriesColour(OWNERS_COLOURED);
  return block.state === "free" ? "hole" : block.state;
}

function legendOf(blocks: readonly BlockAtFailure[], colours: ReadonlyMap<string, string>): LegendEntry[] {
  const states = new Set(blocks.map(({ state }) => state));
  const others = blocks.some((block) => block.state === "live" && !colours.has(ownerOf(block)));
  return [
    ...[...colours].map(([label, colour]) => ({ colour, label })),
    ...(others ? [{ colour: seriesColour(OWNERS_COLOURED), label: "others" }] : []),
    ...(states.has("free") ? [{ colour: "hole", label: "hole" }] : []),
    ...(states.has("untouched") ? [{ colour: "untouched", label: "never used" }] : []),
    ...(states.has("bookkeeping") ? [{ colour: "bookkeeping", label: "the allocator's own" }] : []),
    ...(blocks.some(({ pins }) => pins) ? [{ colour: "pin", label: "in the way of the request" }] : []),
  ];
}

/** Where blocks lie without a gap of a row or more between them. */
function extentsOf(blocks: readonly BlockAtFailure[]): Extent[] {
  const extents: { low: number; bytes: number }[] = [];
  for (const { address, bytes } of blocks) {
    const last = extents.at(-1);
    if (last && address >= last.low && address - (last.low + last.bytes) < ROW_BYTES_LEAST) {
      last.bytes = Math.max(last.bytes, address + bytes - last.low);
    } else extents.push({ low: address, bytes });
  }
  return extents;
}

function rowsOf({ low, bytes }: Extent, rowBytes: number): Extent[] {
  const rows = Math.ceil(bytes / rowBytes);
  return Array.from({ length: rows }, (_, row) => {
    const from = row * rowBytes;
    return { low: low + from, bytes: Math.min(rowBytes, bytes - from) };
  });
}
