/** What the firmware asks of its heap, whatever its size: for the bounds that hold for any workload. */

import { boundOf, granuleBytesOf, UNAVOIDABLE, unavoidableBytes, worstCaseBytes } from "../../allocators/bounds.ts";
import { findAllocator } from "../../allocators/catalogue.ts";
import { layOut } from "../../scenario/layout.ts";
import { CellRunner } from "../run/cell-runner.ts";
import type { Meter } from "./meter.ts";
import type { BoundRecord } from "./record.ts";
import type { SizeGrid } from "./size-grid.ts";

/** Instructions and events between two looks at the journal. */
const BATCH_STEPS = 200_000;

/**
 * Bytes of the largest block, header included, of one run with the largest heap; undefined where nothing was granted.
 * Journalling is slow, so one run has to do. Throws `SearchStopped`.
 */
export async function largestBlockBytes(grid: SizeGrid, seed: bigint, meter: Meter): Promise<number | undefined> {
  const runner = new CellRunner(grid.cell(grid.last));
  const { machine } = runner;
  runner.start(seed);
  machine.journalling = true;
  let largest = 0;
  for (let end = ""; end !== "horizon" && end !== "failed"; ) {
    await meter.breathe();
    end = machine.advance(BATCH_STEPS);
    if (end === "stack-overrun") machine.takeOverrun();
    for (const { heap, result, requestBytes } of machine.journal()) {
      if (heap === grid.heapIndex && result !== 0 && requestBytes > largest) largest = requestBytes;
    }
  }
  return largest === 0 ? undefined : blockBytesOf(grid, largest);
}

/** What the allocator takes for a request in a fresh heap. */
function blockBytesOf(grid: SizeGrid, requestBytes: number): number {
  const heap = layOut(grid.cell(grid.last).scenario).heaps[grid.heapIndex];
  const payload = heap?.allocate(requestBytes) ?? 0;
  const block = [...(heap?.blocks() ?? [])].find((candidate) => candidate.payload === payload);
  return block ? block.bytes : requestBytes;
}

/** What no allocator can do without, and what suffices for this one's policy, for that peak and that largest block. */
export function boundsOf(
  allocator: string,
  peakBytes: number,
  largestBytes: number,
): { unavoidable: BoundRecord; policy: BoundRecord } {
  const entry = findAllocator(allocator);
  const largest = Math.min(largestBytes, peakBytes);
  const bound = boundOf(entry);
  const { formula, source } = UNAVOIDABLE;
  return {
    unavoidable: { bytes: unavoidableBytes(peakBytes, largest, granuleBytesOf(entry)), formula, source },
    policy: {
      bytes: worstCaseBytes(entry, peakBytes, largest) ?? null,
      formula: bound?.formula ?? null,
      source: bound?.source ?? null,
    },
  };
}
