/** A trace as a sequence: the operations since the last boot before its first failure. */
import { Opcode } from "../../assembly/memory-map.ts";
import { HeapsoakError } from "../errors.ts";
import type { TraceBatch } from "../trace/format.ts";
import type { OpenTrace } from "../trace/reader.ts";
import { prefix, type Sequence, SequenceBuilder } from "./sequence.ts";
import type { Trial, TrialFailure } from "./trial.ts";

/** Operations between two boots that are kept in memory. */
export const OPERATIONS_KEPT_MOST = 20_000_000;

/** What a trace comes to, up to its failure if it has one. */
export interface TraceSequence {
  /** Since the last boot. */
  readonly sequence: Sequence;
  readonly failure: TrialFailure | undefined;
  /** Operations of the trace up to its end or failure, those before the last boot included. */
  readonly operations: number;
  /** Boots of the recorded board before that. */
  readonly boots: number;
  /** Frees of blocks that the trace never allocated: left out. */
  readonly unknownFrees: number;
}

/** Collects the records of a trace between boots. */
class Collector {
  builder = new SequenceBuilder();
  unknownFrees = 0;
  #blocks = new Map<number, number>();

  add(batch: TraceBatch, index: number): void {
    const opcode = batch.opcodes[index] ?? 0;
    const id = batch.ids[index] ?? 0;
    const requestBytes = batch.requestBytes[index] ?? 0;
    const line = batch.lines[index] ?? 0;
    const block = this.#blocks.get(id);
    if (opcode === Opcode.Release) {
      if (block === undefined) this.unknownFrees++;
      else this.builder.release(block, line);
    } else if (opcode === Opcode.Reallocate && block !== undefined) this.builder.reallocate(block, requestBytes, line);
    else this.#blocks.set(id, this.builder.allocate(requestBytes, batch.alignments[index] ?? 0, line));
  }

  boot(): void {
    this.builder = new SequenceBuilder();
    this.#blocks = new Map();
  }
}

/** A trace that fails. */
export interface FailingSequence extends TraceSequence {
  readonly failure: TrialFailure;
}

/**
 * Reads the trace up to its first failure, or to its end. Throws `bad-trace`, also where more operations lie between
 * two boots than can be kept.
 */
export async function readSequence(trace: OpenTrace, trial: Trial): Promise<TraceSequence> {
  const collector = new Collector();
  let operationsBefore = 0;
  let boots = 0;
  const lastBoot = (): TraceSequence => {
    const { sequence, failure } = firstFailure(collector.builder.build(), trial);
    const { unknownFrees } = collector;
    return { sequence, failure, operations: operationsBefore + sequence.opcodes.length, boots, unknownFrees };
  };
  for await (const batch of trace.batches()) {
    let from = 0;
    for (const { kind, after } of [...batch.breaks, { kind: "end", after: batch.count } as const]) {
      for (let index = from; index < after; index++) collector.add(batch, index);
      from = after;
      if (collector.builder.length > OPERATIONS_KEPT_MOST) throw tooLong(trace);
      if (kind !== "boot") continue;
      const found = lastBoot();
      if (found.failure) return found;
      operationsBefore = found.operations;
      collector.boot();
      boots++;
    }
  }
  return lastBoot();
}

/** The sequence up to its first failure, or all of it. */
function firstFailure(sequence: Sequence, trial: Trial): { sequence: Sequence; failure: TrialFailure | undefined } {
  const failure = trial.run(sequence, { checked: true });
  if (failure?.kind === "corruption") return firstCorruption(sequence, trial);
  return failure ? { sequence: prefix(sequence, failure.index + 1), failure } : { sequence, failure };
}

/** The shortest beginning of the sequence behind which the metadata is found broken, by bisection. */
function firstCorruption(sequence: Sequence, trial: Trial): { sequence: Sequence; failure: TrialFailure | undefined } {
  let intact = 0;
  let broken = sequence.opcodes.length;
  while (broken - intact > 1) {
    const middle = (intact + broken) >>> 1;
    if (trial.run(prefix(sequence, middle), { checked: true })?.kind === "corruption") broken = middle;
    else intact = middle;
  }
  const shortest = prefix(sequence, broken);
  return { sequence: shortest, failure: trial.run(shortest, { checked: true }) };
}

function tooLong({ name }: OpenTrace): HeapsoakError {
  return new HeapsoakError(
    "bad-trace",
    `${name}: more than ${OPERATIONS_KEPT_MOST} operations without a boot are more than can be shrunk.`,
    { hint: "Cut it: `head -n LINES` keeps its beginning." },
  );
}
