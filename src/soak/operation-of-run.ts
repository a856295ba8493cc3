/** A heap operation of the engine's records in the terms of the scenario. */
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { JournalEntry } from "../wasm/soak-readers.ts";
import { siteOfBlock } from "./pins-of-run.ts";
import type { OperationOfRun } from "./record.ts";

/** Task and step are null for what the kernel itself does. */
export function operationOfRun({ heaps, compiled }: SoakMachine, entry: JournalEntry): OperationOfRun {
  return {
    atUs: entry.atUs,
    operation: entry.operation,
    heap: heaps[entry.heap]?.name ?? "",
    ...siteOfBlock(compiled, entry),
    requestBytes: entry.requestBytes,
    address: entry.payload || null,
    result: entry.result || null,
    visits: entry.visits,
  };
}
