/** A heap cut into equal parts: what of each is live, and whose it mostly is. */
import type { LiveSpan, Span } from "./heap-contents.ts";

export interface Cell {
  /** How much of it is live, from 0 to 1. */
  readonly share: number;
  /** The colour of who holds most of it; null: nobody who has one. */
  readonly owner: number | null;
  readonly pins: boolean;
}

/** The regions, one behind the other, in `count` parts. */
export function cellsOf(regions: readonly Span[], live: readonly LiveSpan[], count: number): Cell[] {
  const cellBytes = regions.reduce((sum, { bytes }) => sum + bytes, 0) / count;
  const parts = Array.from({ length: count }, () => ({
    bytes: 0,
    pins: false,
    byOwner: new Map<number | null, number>(),
  }));
  for (const block of live) {
    for (const { from, bytes } of placesOf(regions, block)) {
      for (let index = Math.floor(from / cellBytes); index < count && index * cellBytes < from + bytes; index++) {
        const part = parts[index];
        const shared = Math.min((index + 1) * cellBytes, from + bytes) - Math.max(index * cellBytes, from);
        if (!part || shared <= 0) continue;
        part.bytes += shared;
        part.pins ||= block.pins;
        part.byOwner.set(block.owner, (part.byOwner.get(block.owner) ?? 0) + shared);
      }
    }
  }
  return parts.map(({ bytes, pins, byOwner }) => ({ share: bytes / cellBytes, owner: mostOf(byOwner), pins }));
}

/** Where in the regions, counted from the first byte of the first, the span lies: the part of it that lies in each. */
export function placesOf(regions: readonly Span[], span: Span): { readonly from: number; readonly bytes: number }[] {
  let before = 0;
  return regions.flatMap((region) => {
    const start = Math.max(span.address, region.address);
    const bytes = Math.min(span.address + span.bytes, region.address + region.bytes) - start;
    const place = { from: before + start - region.address, bytes };
    before += region.bytes;
    return bytes > 0 ? [place] : [];
  });
}

function mostOf(byOwner: ReadonlyMap<number | null, number>): number | null {
  let [owner, most]: [number | null, number] = [null, 0];
  for (const [candidate, bytes] of byOwner) if (bytes > most) [owner, most] = [candidate, bytes];
  return owner;
}
