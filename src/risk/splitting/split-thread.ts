/** The thread that estimates one cell by splitting, which takes long and looks up nowhere. */
import { parentPort, workerData } from "node:worker_threads";
import { HeapsoakError } from "../../errors.ts";
import type { SplitReply, SplitTask } from "./split-protocol.ts";
import { splitCell } from "./splitting.ts";

const { cell, seed, effort } = workerData as SplitTask;
const reply = (message: SplitReply) => parentPort?.postMessage(message);

try {
  const onReplication = (done: number, of: number) => reply({ kind: "replication", done, of });
  reply({ kind: "estimate", estimate: splitCell(cell, { seed, effort, onReplication }) });
} catch (error) {
  if (!(error instanceof HeapsoakError)) throw error;
  reply({ kind: "refusal", code: error.code, message: error.message, hint: error.hint });
}
