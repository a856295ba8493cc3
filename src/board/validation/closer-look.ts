/** What two heaps look like where they differ, for people. */
import type { BoardResult } from "../wire/messages.ts";
import type { OperationSource } from "./operation-source.ts";
import type { FirstDifference } from "./validation-record.ts";
import { type Run, type RunStarter, ramOf } from "./validation-run.ts";
import { type BoardView, describeRam, firstRamDifference, pictureOf } from "./validation-views.ts";

/** Both heaps where they first differ. */
export interface ValidationViews {
  /** Operations that both had carried out. */
  readonly operations: number;
  /** Whether a second run from a restart came to the same; undefined where there was none. */
  readonly happenedAgain: boolean | undefined;
  readonly board: BoardView;
  readonly emulated: BoardView;
  /** The first byte of RAM that differs, with its surroundings; undefined where all are equal. */
  readonly ram:
    | { readonly address: number; readonly board: readonly string[]; readonly emulated: readonly string[] }
    | undefined;
}

/**
 * Both heaps behind the operation that differed in `run`. Where the board may be restarted they come from a second
 * run that ends there: the first one's batch went further.
 */
export async function lookCloser(
  starter: RunStarter,
  { run, source, difference, restart }: LookRequest,
): Promise<ValidationViews> {
  if (difference.kind !== "placement" || !restart) return viewsOf(starter, run, undefined);
  const again = await starter.begin(true);
  const found = await runTo(starter, again, source, difference.operation);
  return viewsOf(starter, again, found?.address === difference.boardAddress);
}

export interface LookRequest {
  readonly run: Run;
  readonly source: OperationSource;
  readonly difference: FirstDifference;
  readonly restart: boolean;
}

/** Runs exactly `wanted` operations and returns what the board answered to the last one. */
async function runTo(
  starter: RunStarter,
  run: Run,
  source: OperationSource,
  wanted: number,
): Promise<BoardResult | undefined> {
  const { commander } = starter;
  let last: BoardResult | undefined;
  for (const operation of source.operations) {
    run.mirror.perform(operation);
    const done = run.operations + run.mirror.planned.length >= wanted;
    if (!done && run.mirror.planned.length < commander.batchOperations) continue;
    const { planned } = run.mirror;
    const results = await commander.run(planned.map((one) => one.operation));
    last = results[wanted - run.operations - 1];
    run.operations += planned.length;
    starter.report("looking-closer", run.operations, wanted);
    if (done) break;
    run.mirror.beginChunk();
  }
  return last;
}

async function viewsOf(starter: RunStarter, run: Run, happenedAgain: boolean | undefined): Promise<ValidationViews> {
  const image = await starter.readHeap(run.identity, "reading-back");
  const statics = await starter.commander.statics();
  const emulated = ramOf(run.board);
  const found = firstRamDifference(image, emulated, run.identity.heapLow);
  return {
    operations: run.operations,
    happenedAgain,
    board: pictureOf(() => {
      const board = starter.emulate(run.identity);
      board.adopt(image, statics);
      return board;
    }),
    emulated: pictureOf(() => run.board),
    ram: found && describeRam(found.address, image, emulated, run.identity.heapLow),
  };
}
