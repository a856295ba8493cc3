/** What the page's own script draws. It stands in the page as JSON (`script#page-data`); the rest of the page is plain markup. */
import type { BlocksOverTime, HeapSeries, SiteOfRun } from "../../soak/record.ts";

export interface PageData {
  /** In the order of the page: `data-run` of a drawing is the index. */
  readonly runs: readonly PageRun[];
}

export interface PageRun {
  /** Unique on the page. */
  readonly name: string;
  readonly simulatedUs: number;
  readonly failure: null | { readonly atUs: number; readonly heap: string | null; readonly message: string };
  /** When heaps were looked at; empty where the record has no history. */
  readonly historyAtUs: readonly number[];
  readonly sites: readonly SiteOfRun[];
  /** `data-heap` of a drawing is the index. */
  readonly heaps: readonly PageHeap[];
}

export interface PageHeap {
  readonly name: string;
  readonly allocator: string;
  /** Its ranges of RAM, in address order; one from 0 on where the record has no memory map. */
  readonly regions: readonly { readonly low: number; readonly bytes: number }[];
  /** Null where the record has no history: then `map` is all there is. */
  readonly blocks: BlocksOverTime | null;
  readonly series: HeapSeries;
}
