/** What a validation runs: operations on ids, from a recorded trace or from a scenario. */
import { createHash, type Hash } from "node:crypto";
import { Opcode } from "../../../assembly/memory-map.ts";
import type { TraceBatch } from "../../trace/format.ts";
import { openTrace } from "../../trace/reader.ts";
import type { VERBS } from "../wire/protocol.ts";

/** One operation on an id: what it allocates is called so until it is released, or allocated again. */
export interface SourceOperation {
  readonly verb: keyof typeof VERBS;
  readonly id: number;
  /** 0 of releases. */
  readonly requestBytes: number;
  /** 0 but of `allocateAligned`. */
  readonly alignment: number;
  /** Line of the trace, from 1; of a scenario the operation's number. */
  readonly line: number;
}

export interface OperationSource {
  /** The trace's path, or the scenario's name and heap. */
  readonly name: string;
  /** SHA-256 of the operations, as the lines of a trace without offsets. */
  readonly digest: string;
  readonly operations: readonly SourceOperation[];
}

/** More would not fit a program's memory comfortably. */
export const OPERATIONS_MOST = 1_000_000;
/** What is run unless `--operations` says otherwise. */
export const OPERATIONS_USUAL = 20_000;

const VERB_OF: { readonly [K in Opcode]: SourceOperation["verb"] } = {
  [Opcode.Allocate]: "allocate",
  [Opcode.AllocateAligned]: "allocateAligned",
  [Opcode.Reallocate]: "reallocate",
  [Opcode.Release]: "release",
};

/** The first `most` operations of a trace (a path, or `-`). Offsets in it are not looked at. Throws as `openTrace`. */
export async function traceOperations(path: string, most: number): Promise<OperationSource> {
  const trace = await openTrace(path);
  const operations: SourceOperation[] = [];
  try {
    for await (const batch of trace.batches()) {
      for (let index = 0; index < batch.count && operations.length < most; index++) {
        operations.push(operationOf(batch, index));
      }
      if (operations.length === most) break;
    }
  } finally {
    await trace.close();
  }
  return { name: trace.name, digest: digestOf(operations), operations };
}

/** The operation as a line of a trace. */
export function operationText({ verb, id, requestBytes, alignment }: Omit<SourceOperation, "line">): string {
  switch (verb) {
    case "allocate":
      return `a ${id} ${requestBytes}`;
    case "allocateAligned":
      return `z ${id} ${alignment} ${requestBytes}`;
    case "reallocate":
      return `r ${id} ${requestBytes}`;
    case "release":
      return `f ${id}`;
  }
}

/** SHA-256 of the operations in hexadecimal. */
export function digestOf(operations: readonly SourceOperation[]): string {
  const hash: Hash = createHash("sha256");
  for (const operation of operations) hash.update(`${operationText(operation)}\n`);
  return hash.digest("hex");
}

function operationOf(batch: TraceBatch, index: number): SourceOperation {
  return {
    verb: VERB_OF[(batch.opcodes[index] ?? 0) as Opcode],
    id: batch.ids[index] ?? 0,
    requestBytes: batch.requestBytes[index] ?? 0,
    alignment: batch.alignments[index] ?? 0,
    line: batch.lines[index] ?? 0,
  };
}
