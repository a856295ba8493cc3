import type { PageHeap } from "../report/html/page-data.ts";

/** A region of a heap, and where it begins in the heap's addresses put end to end. */
export interface PlacedRegion {
  readonly low: number;
  readonly bytes: number;
  readonly start: number;
}

/** The regions of a heap end to end: the offsets from 0 to `bytes` that an axis shows, and the device's addresses. */
export class AddressSpace {
  readonly regions: readonly PlacedRegion[];
  readonly bytes: number;

  constructor(regions: PageHeap["regions"]) {
    let start = 0;
    this.regions = regions
      .filter(({ bytes }) => bytes > 0)
      .map(({ low, bytes }) => {
        const placed = { low, bytes, start };
        start += bytes;
        return placed;
      });
    this.bytes = start;
  }

  /** Undefined for an address in none of the regions. */
  offsetOf(address: number): number | undefined {
    const region = this.regions.find(({ low, bytes }) => address >= low && address < low + bytes);
    return region && region.start + address - region.low;
  }

  addressOf(offset: number): number {
    const region = this.regionAt(offset);
    return region ? region.low + offset - region.start : offset;
  }

  /** The region of an offset; the last one for offsets beyond. */
  regionAt(offset: number): PlacedRegion | undefined {
    return this.regions.findLast(({ start }) => offset >= start) ?? this.regions[0];
  }
}
