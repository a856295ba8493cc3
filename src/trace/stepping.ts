import { GuestFault } from "../wasm/guest-fault.ts";
import type { HeapRecord } from "../wasm/heap-record.ts";
import type { CoreExports } from "../wasm/module.ts";

/** Runs one operation of the engine's buffer. */
export function step(core: CoreExports, record: HeapRecord, index: number): void {
  core.heapReplay(record.address, index, index + 1);
}

/** Runs the operations [0, count) of a run that is known to fault, one at a time, and returns which does. */
export function stepToFault(
  core: CoreExports,
  record: HeapRecord,
  count: number,
): { index: number; fault: GuestFault } {
  for (let index = 0; index < count; index++) {
    try {
      step(core, record, index);
    } catch (error) {
      if (error instanceof GuestFault) return { index, fault: error };
      throw error;
    }
  }
  throw new Error("a run that faulted does not fault when it is repeated");
}
