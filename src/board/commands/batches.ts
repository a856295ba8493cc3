/** Cuts operations into batches that an agent can take and answer. */
import type { BoardIdentity, BoardOperation, BoardResult } from "../wire/messages.ts";
import { FRAME_BYTES_MOST, FRAME_HEADER_BYTES, OPERATION_BYTES, RESULT_BYTES } from "../wire/protocol.ts";

/** CRC-16. */
const CHECK_BYTES = 2;
/** `batch`: type, sequence, number, count, reserved. */
const BATCH_HEADER_BYTES = 8;
/** Of a results frame: type, sequence, number, check. */
const RESULTS_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 2 + CHECK_BYTES;
/** What COBS adds at most to a frame of up to 1,024 bytes, with the zero behind it and a byte that a ring keeps free. */
const COBS_BYTES = 5 + 1 + 1;
/** `count` is a byte. */
const COUNT_MOST = 255;

/** Operations in the longest batch that the agent can take and whose results fit its ring; 0: it takes no commands. */
export function batchOperationsMost({ commandBytes, ringBytes }: BoardIdentity): number {
  const room = Math.min(commandBytes, FRAME_BYTES_MOST - BATCH_HEADER_BYTES);
  const taken = Math.floor((room - CHECK_BYTES) / OPERATION_BYTES);
  const answer = Math.min(ringBytes - COBS_BYTES, FRAME_BYTES_MOST) - RESULTS_OVERHEAD_BYTES;
  // A ring too small for one result is the agent's to refuse.
  const answered = Math.max(1, Math.floor(answer / RESULT_BYTES));
  return Math.max(0, Math.min(taken, answered, COUNT_MOST));
}

/**
 * Operations [results.length, end) as one batch: references, which are indices into all operations, become indices
 * into the batch, or the addresses that earlier batches have returned.
 */
export function placeOperations(
  operations: readonly BoardOperation[],
  results: readonly BoardResult[],
  end: number,
): BoardOperation[] {
  const first = results.length;
  return operations.slice(first, end).map((operation) => {
    if (!operation.blockIsReference) return operation;
    if (operation.block >= first) return { ...operation, block: operation.block - first };
    return { ...operation, block: results[operation.block]?.address ?? 0, blockIsReference: false };
  });
}
