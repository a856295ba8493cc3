/** The moment of a run's first failure: the heap block by block, who stood in the way, and the operations before it. */
import type { Scenario } from "../scenario/model.ts";
import type { HeapBlock } from "../wasm/heap-record.ts";
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { LedgerEntry } from "../wasm/soak-readers.ts";
import { heapFactsOf } from "./failure-heap.ts";
import { operationOfRun } from "./operation-of-run.ts";
import { ledgerOf, pinsOfRun, siteOfBlock } from "./pins-of-run.ts";
import type { BlockAtFailure, RunRecord } from "./record.ts";
import { heapBlocks } from "./rewind.ts";

/** What a record says of the moment. Plain data, which checkpoints keep. */
export type AtFailure = Required<Pick<RunRecord, "moment">> & Pick<RunRecord, "pinned">;

/** Larger heaps are not listed: at some 200 bytes a block of the record they would make most of it. */
const BLOCKS_MOST = 4096;

/** Of a machine that stands at its first failure: it has halted, or is about to reboot. It stays as it is. */
export function momentOfFailure(machine: SoakMachine, scenario: Scenario): AtFailure {
  const found = pinsOfRun(machine, scenario);
  const blocks = blocksAtFailure(machine, scenario, found?.payloads);
  const operations = machine.recentOperations().map((entry) => operationOfRun(machine, entry));
  return { ...(found && { pinned: found.pinned }), moment: { blocks, operations } };
}

/** Null: the failure is about no heap, or about one that is too large or so broken that a walk would tell tales. */
function blocksAtFailure(
  machine: SoakMachine,
  scenario: Scenario,
  pins: ReadonlySet<number> = new Set(),
): BlockAtFailure[] | null {
  const failure = machine.failure();
  const name = failure && heapFactsOf(failure, machine, scenario).heap;
  const index = machine.heaps.findIndex((heap) => heap.name === name);
  if (index < 0 || machine.heaps[index]?.check()) return null;
  const blocks = heapBlocks(machine, index);
  if (blocks.length > BLOCKS_MOST) return null;
  const ledger = ledgerOf(machine, index);
  return blocks.map((block) => ({
    ...blockAtFailure(machine, block, ledger.get(block.payload)),
    ...(block.state === "live" && pins.has(block.payload) && { pins: true }),
  }));
}

function blockAtFailure(
  { compiled, nowUs }: SoakMachine,
  { address, bytes, state }: HeapBlock,
  owner: LedgerEntry | undefined,
): BlockAtFailure {
  if (state !== "live" || !owner) return { address, bytes, state };
  return {
    address,
    bytes,
    state,
    requestBytes: owner.requestBytes,
    ...siteOfBlock(compiled, owner),
    ageUs: nowUs - owner.allocatedAtUs,
    leaked: owner.owner === "leaked",
  };
}
