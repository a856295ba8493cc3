import { resolve } from "node:path";
import { Command } from "commander";
import type { BoardLink } from "../board/link/link.ts";
import { openLink } from "../board/link/serial-link.ts";
import { type RecordingSummary, recordBoard } from "../board/recording/record-session.ts";
import { discardRecording, type OpenRecording, openRecording } from "../board/recording/recording-file.ts";
import { Twin } from "../board/twin/twin.ts";
import { HeapsoakError, printable } from "../errors.ts";
import { recordJson } from "../report/record-json.ts";
import { recordLine } from "../report/record-line.ts";
import { recordSummaryText } from "../report/record-summary.ts";
import { parseTime } from "../scenario/quantities.ts";
import { packageVersion } from "../version.ts";
import { linkOptions, type PortFlags, withPortOptions } from "./board-options.ts";
import { paintFor } from "./colors.ts";
import { interruptible } from "./interruption.ts";
import { LiveLine } from "./live-line.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";

interface RecordOptions extends PortFlags {
  readonly out: string;
  readonly duration?: string;
  readonly append?: boolean;
  readonly json?: string;
}

const EXAMPLES = `
The file is a trace: each operation with its size, its place, when, from where and by which task; lines that begin
with "!" tell of boots, losses, stacks and log lines. It is written four times a second and synced each second, and
after a crash all of it but perhaps the last line can be read.

Examples:
  Until Ctrl-C:
    $ heapsoak board record --port /dev/ttyUSB0 --out board.trace
  An hour at another rate, the figures as JSON:
    $ heapsoak board record --port /dev/ttyACM0 --baud 921600 --duration 1h --out board.trace --json figures.json
  On in the same file:
    $ heapsoak board record --port /dev/ttyUSB0 --out board.trace --append
  What the same operations do to another allocator, and whether the emulation places as the board did:
    $ heapsoak replay board.trace --allocator tlsf
    $ heapsoak replay --verify board.trace

Exit codes: 0 recorded, 2 no board, or the file cannot be written (what was received before is in it).`;

/** `heapsoak board record`: what a board does, as a trace. */
export function boardRecordCommand(): Command {
  return withPortOptions(
    new Command("record")
      .summary("record a board's allocations as a trace")
      .description("Records every operation of the board's allocator, with what else the board reports, until Ctrl-C."),
  )
    .requiredOption("--out <file>", "the recording; a file that exists is never overwritten")
    .option("--duration <time>", "end by itself after this long, such as 90s or 1h")
    .option("--append", "go on in a recording of the same heap")
    .option("--json <file>", "write the figures at the end as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(options: RecordOptions): Promise<void> {
  const port = linkOptions(options);
  const durationMs = options.duration === undefined ? undefined : durationOf(options.duration);
  if (options.json !== undefined) await refuseJson(options.json, options.out);
  const recording = await openRecording(options.out, options.append ?? false);
  const link = await openLink(port).catch(async (error: unknown) => {
    await discardRecording(recording);
    throw error;
  });
  try {
    const summary = await record(link, recording, durationMs);
    if (options.json !== "-") process.stdout.write(recordSummaryText(summary, paintFor(process.stdout)));
    // Last, so that a full disk does not take the summary with it.
    if (options.json !== undefined)
      await writeWhole(options.json, recordJson({ format: "heapsoak.recording", version: 1, ...summary }));
  } finally {
    await link.close();
  }
}

/** Throws where the figures cannot be written, or would replace the recording. */
async function refuseJson(json: string, out: string): Promise<void> {
  if (json !== "-" && resolve(json) === resolve(out)) {
    throw new HeapsoakError("bad-argument", `--json: got "${json}", expected another file than --out has.`);
  }
  await refuseUnwritable(json);
}

async function record(
  link: BoardLink,
  recording: OpenRecording,
  durationMs: number | undefined,
): Promise<RecordingSummary> {
  const line = new LiveLine(process.stderr);
  // With a handler a file that may not grow fails the write (EFBIG) instead of ending the process.
  const tooLarge = () => {};
  process.on("SIGXFSZ", tooLarge);
  try {
    return await interruptible(
      (signal) =>
        recordBoard({
          link,
          recording,
          start: { version: packageVersion(), startedIso: new Date().toISOString() },
          ...(durationMs !== undefined && { durationMs }),
          signal,
          shadow: new Twin(),
          progress: (progress) => line.update(() => printable(recordLine(progress))),
        }),
      () => line.clear(),
    );
  } finally {
    line.clear();
    process.off("SIGXFSZ", tooLarge);
  }
}

/** Milliseconds. A timer takes no more than 24 days. Throws `bad-argument`. */
function durationOf(text: string): number {
  try {
    const ms = parseTime(text) / 1000;
    if (ms >= 1 && ms < 2 ** 31) return ms;
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
  }
  throw new HeapsoakError("bad-argument", `--duration: got "${text}", expected a time up to 24 d, such as 90s or 1h.`);
}
