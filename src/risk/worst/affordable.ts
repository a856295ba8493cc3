/** What a search of all states may cost, before it is made. */

/** A budget of live units, and of the largest request. */
export interface Affordable {
  readonly liveUnits: number;
  readonly largestUnits: number;
}

/** The search that was too large has not come to the least heap: that may be so much larger. */
const HEAP_GROWTH = 1.5;

/**
 * The largest budget of live units, with requests as large as asked for or else smaller ones, whose heaps have no
 * more arrangements of blocks than states may be held. How large the heaps will be is not known: they are taken to
 * grow with the budget from the `heapUnits` for `live` that were too large. Null where nothing is affordable.
 */
export function affordableBudget(
  { live, largest, heapUnits }: { readonly live: number; readonly largest: number; readonly heapUnits: number },
  statesMost: number,
): Affordable | null {
  for (let largestUnits = largest; largestUnits >= 1; largestUnits--) {
    for (let liveUnits = live - 1; liveUnits >= largestUnits; liveUnits--) {
      const units = Math.ceil((HEAP_GROWTH * heapUnits * liveUnits) / live);
      if (arrangements(units, liveUnits, largestUnits) <= statesMost) return { liveUnits, largestUnits };
    }
  }
  return null;
}

/** In how many ways blocks of 1 to `largest` units, `live` together at most, can lie in a heap: holes are what is left. */
export function arrangements(heapUnits: number, live: number, largest: number): number {
  // ways[h][l]: of the first h units, with l of them live. The last of them is free, or the last of a block.
  const ways = Array.from({ length: heapUnits + 1 }, () => new Float64Array(live + 1));
  for (const [h, row] of ways.entries()) {
    for (let l = 0; l <= live; l++) {
      let count = h === 0 ? Number(l === 0) : (ways[h - 1]?.[l] ?? 0);
      for (let size = 1; size <= Math.min(largest, l, h); size++) count += ways[h - size]?.[l - size] ?? 0;
      row[l] = count;
    }
  }
  return Array.from(ways[heapUnits] ?? []).reduce((sum, count) => sum + count, 0);
}
