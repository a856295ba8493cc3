import type { TraceHeader } from "../../allocators/entry.ts";
import { HeapsoakError } from "../../errors.ts";
import { inflated, openSource, unreadable } from "../../trace/input.ts";
import { LineParser } from "../../trace/line-parser.ts";
import { wholeLines } from "../../trace/reader.ts";
import { Annotations } from "./annotations.ts";
import type { BlockTable } from "./block-table.ts";
import { HistoryMaker } from "./history-maker.ts";

/** Every request of a trace with its times, in columns. Times are microseconds since the trace's time 0. */
export interface TraceHistory {
  /** The file's path, or `standard input`. */
  readonly name: string;
  readonly header: TraceHeader;
  /** Up to the last operation. */
  readonly durationUs: number;
  /** False: the trace has no times. An operation's time is then its number × 1 ms, which `remarks` say. */
  readonly timed: boolean;
  /** The trace's own clock at time 0: not 0 where a log without a boot begins late by it. */
  readonly originUs: number;
  readonly operations: number;
  readonly blocks: BlockTable;
  /** By number; the first is empty and stands for what the trace does not say. */
  readonly sites: readonly string[];
  readonly tasks: readonly string[];
  /** When the heap started anew, in order; the first is 0. */
  readonly startsUs: readonly number[];
  /** Resets inside the trace and its beginning: how often `! boot` stands in it. */
  readonly boots: number;
  readonly gaps: number;
  readonly unmatchedFrees: number;
  /** Requests that were refused; those that are no reallocations have a row of their own in `blocks`. */
  readonly refused: number;
  /** What a reader of the result must know of the trace, in sentences. */
  readonly remarks: readonly string[];
}

/** More operations than this are refused: the history is kept in memory, some 50 bytes a block. */
export const OPERATIONS_MOST = 20_000_000;

/**
 * Reads a trace, plain or gzip, `-` for standard input, into its blocks. Throws `cannot-read`, and `bad-trace` for
 * what the format does not allow or beyond `operationsMost`.
 */
export async function readHistory(path: string, operationsMost = OPERATIONS_MOST): Promise<TraceHistory> {
  const name = path === "-" ? "standard input" : path;
  const source = await openSource(path, name, "Give one trace.");
  const parser = new LineParser(name);
  const annotations = new Annotations();
  const maker = new HistoryMaker(annotations);
  try {
    for await (const piece of wholeLines(inflated(source, name), parser)) {
      for (let at = 0; at < piece.length; ) {
        const next = parser.parse(piece, at, piece.length);
        annotations.read(piece, at, next);
        maker.add(parser.take());
        at = next;
        if (maker.operations > operationsMost) throw tooLong(name, operationsMost);
      }
    }
  } catch (cause) {
    throw unreadable(name, cause, parser.line);
  }
  if (maker.operations === 0) throw new HeapsoakError("bad-trace", `${name}: holds no operations.`);
  return maker.finish(name, parser.header);
}

function tooLong(name: string, most: number): HeapsoakError {
  return new HeapsoakError(
    "bad-trace",
    `${name}: more than ${most} operations, which is as many as are fitted at once.`,
    {
      hint: "Fit a part of it: split the file by time, or give some representative days.",
    },
  );
}
