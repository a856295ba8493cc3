import { readFileSync } from "node:fs";
import { join } from "node:path";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { type RecordingSummary, recordBoard, type SessionOptions } from "../../src/board/recording/record-session.ts";
import { openRecording } from "../../src/board/recording/recording-file.ts";
import { FakeBoard, type FakeBoardOptions } from "./fake-board.ts";
import { temporaryFolder } from "./traces.ts";

const { folder } = temporaryFolder();
/** What a recording begins with. */
export const START = { version: "0.0.0", startedIso: "2026-11-21T10:00:00.000Z" };
let files = 0;
/** The path of a file that is not there yet. */
export const newPath = () => join(folder, `recording-${files++}.trace`);

/** Lets the stream's events run. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

/** Records while `work` moves the board; ends with it. */
export async function recorded(
  work: (board: FakeBoard) => Promise<void> | void,
  { board: boardOptions, append = false, path = newPath(), ...options }: Recording = {},
): Promise<Recorded> {
  const board = new FakeBoard(boardOptions);
  const controller = new AbortController();
  const recording = await openRecording(path, append);
  const link = linkOver(board.stream, "fake");
  const session = recordBoard({ link, recording, start: START, signal: controller.signal, ...options });
  session.catch(() => {}); // it may fail while the board is being moved
  await settle();
  await work(board);
  await settle();
  controller.abort();
  const summary = await session.finally(() => link.close());
  return { path, summary, text: readFileSync(path, "utf8"), board };
}

interface Recorded {
  readonly path: string;
  readonly summary: RecordingSummary;
  readonly text: string;
  readonly board: FakeBoard;
}

/** How a recording is made; everything has a default. */
export interface Recording extends Partial<Omit<SessionOptions, "signal" | "recording">> {
  readonly board?: FakeBoardOptions;
  readonly append?: boolean;
  readonly path?: string;
}

/** A random but repeatable load. */
export function churn(board: FakeBoard, operations: number, seed = 1): number[] {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const live: number[] = [];
  for (let i = 0; i < operations; i++) {
    const verb = random(10);
    if (verb < 5 || live.length === 0) {
      const address = board.allocate(1 + random(300), { site: 0x8000_0100 + random(4), task: 1 + random(3) });
      if (address) live.push(address);
    } else if (verb < 8) board.release(live.splice(random(live.length), 1)[0] ?? 0);
    else {
      const at = random(live.length);
      const moved = board.reallocate(live[at] ?? 0, 1 + random(300));
      if (moved) live[at] = moved;
    }
  }
  return live;
}
