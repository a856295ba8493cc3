/** What lay where in a heap: at the failure, at the end, and at any moment of the run's history. */
import type { BlocksOverTime, RunRecord } from "../../soak/record.ts";
import type { Owners } from "./owners.ts";

export interface Span {
  readonly address: number;
  readonly bytes: number;
}

export interface LiveSpan extends Span {
  /** Of the owner's colour; null: it has none. */
  readonly owner: number | null;
  /** It stands in the way of the refused request. */
  readonly pins: boolean;
}

export interface HeapContents {
  /** Of the heap, in address order. */
  readonly regions: readonly Span[];
  readonly live: readonly LiveSpan[];
  /** Null: nothing is free. */
  readonly largestHole: Span | null;
}

/** The failure's heap as it was then; undefined where the record does not have it. */
export function contentsAtFailure(record: RunRecord, owners: Owners): HeapContents | undefined {
  const blocks = record.moment?.blocks;
  const heap = record.failure?.heap;
  const [first, last] = [blocks?.[0], blocks?.at(-1)];
  if (!blocks || !heap || !first || !last) return undefined;
  const whole = { address: first.address, bytes: last.address + last.bytes - first.address };
  const live = blocks.filter(({ state }) => state === "live");
  const holes = blocks.filter(({ state }) => state === "free" || state === "untouched");
  return {
    regions: regionsOf(record, heap) ?? [whole],
    live: live.map(({ address, bytes, task = null, step = null, pins = false }) => {
      return { address, bytes, owner: owners.colourOf({ task, step }), pins };
    }),
    largestHole: largestOf(holes),
  };
}

/** A heap at the end of the run; undefined where the record has no history of it. */
export function contentsAtEnd(record: RunRecord, name: string, owners: Owners): HeapContents | undefined {
  const { history } = record;
  const rows = history?.heaps[name];
  if (!history || !rows) return undefined;
  const colours = owners.coloursOf(history.sites);
  const live = liveAt(rows, history.atUs.length - 1, colours).sort((a, b) => a.address - b.address);
  const regions = regionsOf(record, name) ?? [extentOf(rows, record.heaps[name]?.arenaBytes ?? 0)];
  return { regions, live, largestHole: largestOf(gapsIn(regions, live)) };
}

/** The heap's blocks at one moment of the history; `colours`: of each of its sites. */
export function liveAt(rows: BlocksOverTime, moment: number, colours: readonly (number | null)[]): LiveSpan[] {
  const live: LiveSpan[] = [];
  for (const [index, address] of rows.address.entries()) {
    if ((rows.first[index] ?? 0) > moment || (rows.last[index] ?? 0) < moment) continue;
    const owner = colours[rows.site[index] ?? -1] ?? null;
    live.push({ address, bytes: rows.bytes[index] ?? 0, owner, pins: false });
  }
  return live;
}

/** The heap's regions as the device's memory has them. */
export function regionsOf({ memory }: RunRecord, name: string): Span[] | undefined {
  const ranges = memory?.ranges.filter((range) => range.use === "heap" && range.name === name) ?? [];
  return ranges.length === 0 ? undefined : ranges.map(({ low, bytes }) => ({ address: low, bytes }));
}

/** Where blocks were ever seen, `leastBytes` long at least. */
export function extentOf(rows: BlocksOverTime, leastBytes: number): Span {
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  for (const [index, address] of rows.address.entries()) {
    low = Math.min(low, address);
    high = Math.max(high, address + (rows.bytes[index] ?? 0));
  }
  return low > high ? { address: 0, bytes: leastBytes } : { address: low, bytes: Math.max(high - low, leastBytes) };
}

function gapsIn(regions: readonly Span[], live: readonly Span[]): Span[] {
  return regions.flatMap(({ address: low, bytes }) => {
    const gaps: Span[] = [];
    let at = low;
    for (const block of live) {
      if (block.address < low || block.address >= low + bytes) continue;
      if (block.address > at) gaps.push({ address: at, bytes: block.address - at });
      at = Math.max(at, block.address + block.bytes);
    }
    if (at < low + bytes) gaps.push({ address: at, bytes: low + bytes - at });
    return gaps;
  });
}

function largestOf(holes: readonly Span[]): Span | null {
  return holes.reduce<Span | null>((most, hole) => (most === null || hole.bytes > most.bytes ? hole : most), null);
}
