import { Command, Option } from "commander";
import type { OptionValues } from "../allocators/entry.ts";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { parseRange, parseSize } from "../quantities.ts";
import { replayText } from "../report/replay-text.ts";
import { REPLAY_FORMAT, type ReplayRecord } from "../report/report-record.ts";
import { verificationText, verificationTotal } from "../report/verify-text.ts";
import { type ReplayRequest, replayTrace } from "../trace/replay.ts";
import { AT_END, type AtEnd } from "../trace/replay-passes.ts";
import type { ReplayResult } from "../trace/replay-result.ts";
import { traceFiles, type Verification, verifyTrace } from "../trace/verify.ts";
import { collect, parseAssignments, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { writeJson } from "./output.ts";
import { refuseOutputs, withHtmlOption, writeOutputs } from "./record-outputs.ts";

interface ReplayOptions {
  readonly allocator?: string[];
  readonly device?: string;
  readonly heapSize?: string;
  readonly region?: string[];
  readonly option?: string[];
  readonly repeat: string;
  readonly atEnd?: AtEnd;
  readonly assertions: boolean;
  readonly verify?: boolean;
  readonly json?: string;
  readonly html?: string;
}

const PASSES_MOST = 1_000_000;

const EXAMPLES = `
Traces are text, plain or gzip: "# key=value" lines, then "a ID SIZE [OFF]" (allocate), "f ID" (free),
"r ID SIZE [OFF]" (reallocate), "z ID ALIGN SIZE [OFF]" (aligned). OFF is the recorded offset from the arena's
base, -1 a refused request; only --verify compares it.

Examples:
  On the heap it was recorded on:
    $ heapsoak replay trace.gz
  Against three allocators on 40 KiB of an STM32F407:
    $ heapsoak replay trace.gz --allocator freertos-heap4 --allocator tlsf --allocator o1heap \\
        --device stm32f407vg --heap-size 40KiB
  The same day again and again: what it leaves behind stays, and what becomes of the heap?
    $ heapsoak replay day.trace.gz --allocator freertos-heap4 --heap-size 40KiB --repeat 365
  The same, without what each pass leaves behind:
    $ heapsoak replay trace.gz --repeat 100 --at-end release
  From another program:
    $ recorder | heapsoak replay - --allocator newlib-nano --heap-size 16KiB --json result.json
  Does the emulation place every block where the original did?
    $ heapsoak replay --verify test/golden

  Did a board's allocator place what was recorded of it as the emulated one does?
    $ heapsoak board record --port /dev/ttyUSB0 --out board.trace
    $ heapsoak replay --verify board.trace

With --repeat the memory at the end of a pass is compared with that of earlier ones, byte for byte (but for counters that
the allocator never reads): once it is the same, all that follows is known, for ever.

In the recording of a board the heap starts anew at each boot. Behind a gap nothing is compared until the next one.

Exit codes: 0 replayed, 1 a mismatch (--verify), 2 bad input, 3 nothing could be compared (--verify).`;

/** `heapsoak replay`: recorded operations on chosen heaps, or their comparison with the recording. */
export function replayCommand(): Command {
  const command = new Command("replay")
    .summary("replay recorded traces against allocators, or verify placement")
    .description(
      "Replays recorded traces and reports failed requests, peak, fragmentation, visits and the worst moment.",
    )
    .argument("<trace...>", "trace files, - for standard input; folders with --verify")
    .option(
      "--allocator <name>",
      "replay against this allocator (see: heapsoak allocators); repeat it for a table",
      collect,
    )
    .option("--device <id>", "the device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--heap-size <size>", "bytes of the heap, such as 40KiB; the trace's by default")
    .option("--region <address:size>", "exact place of the heap; repeat it for further regions", collect)
    .option("--option <key=value>", "an option of the allocators that have it; repeatable", collect)
    .option("--repeat <n>", "run through the trace n times, and tell how the heap fares from pass to pass", "1")
    .addOption(
      new Option(
        "--at-end <what>",
        "blocks live at a pass's end: keep them (the default), release them, or reboot, so that the heap starts anew",
      ).choices(AT_END),
    )
    .option("--no-assertions", "compile the allocators' own assertions out, so that they go on")
    .option("--verify", "compare every offset, statistic and checksum with the recording")
    .option("--json <file>", "write the results as JSON; - for standard output");
  return withHtmlOption(command).addHelpText("after", EXAMPLES).action(run);
}

async function run(traces: string[], options: ReplayOptions): Promise<void> {
  if (options.verify) await verify(traces, options);
  else await replay(traces, options);
}

async function replay(traces: readonly string[], options: ReplayOptions): Promise<void> {
  const request = await requestOf(options);
  await refuseOutputs(options);
  const isSilent = options.json === "-" || options.html === "-";
  const replays: { trace: string; results: ReplayResult[] }[] = [];
  for (const trace of traces) {
    const results = await replayTrace(trace, request);
    replays.push({ trace, results });
    if (isSilent) continue;
    const gap = replays.length > 1 ? "\n" : "";
    process.stdout.write(gap + replayText(trace === "-" ? "standard input" : trace, results, paintFor(process.stdout)));
  }
  const record: ReplayRecord = { format: REPLAY_FORMAT, version: 1, replays };
  await writeOutputs(options, { name: "replay", record });
}

async function requestOf(options: ReplayOptions): Promise<ReplayRequest> {
  if (options.region && options.heapSize !== undefined) {
    throw new HeapsoakError("bad-argument", "--heap-size and --region exclude each other: a region has its size.");
  }
  const repeat = parseCount(options.repeat, "--repeat", 1, PASSES_MOST);
  if (options.atEnd === "reboot" && repeat === 1) {
    throw new HeapsoakError("bad-argument", "--at-end reboot: happens between passes, so it needs --repeat.");
  }
  return {
    allocators: options.allocator ?? [],
    ...(options.heapSize !== undefined && { heapBytes: parseSize(options.heapSize, "--heap-size") }),
    ...(options.region && { regions: options.region.map((text) => parseRange(text, "--region")) }),
    ...(options.device !== undefined && { device: await resolveDevice(options.device) }),
    options: parseAssignments(options.option ?? [], "--option") satisfies OptionValues,
    repeat,
    atEnd: options.atEnd ?? "keep",
    assertionsStop: options.assertions,
  };
}

async function verify(paths: readonly string[], options: ReplayOptions): Promise<void> {
  refuseReplayOptions(options);
  const results: Verification[] = [];
  const unread: { file: string; message: string }[] = [];
  const silent = options.json === "-";
  const files = await traceFiles(paths);
  for (const file of files) {
    try {
      const result = await verifyTrace(file);
      results.push(result);
      if (!silent) process.stdout.write(verificationText(result, paintFor(process.stdout)));
    } catch (error) {
      if (!(error instanceof HeapsoakError) || files.length === 1) throw error;
      unread.push({ file, message: error.message });
      process.stderr.write(`heapsoak: ${error.message}\n`);
    }
  }
  if (options.json !== undefined)
    await writeJson(options.json, { format: "heapsoak.verification", version: 1, results, unread });
  if (!silent) process.stdout.write(`${verificationTotal(results)}\n`);
  process.exitCode = unread.length > 0 ? 2 : verdict(results);
}

/** 0 equal, 1 a mismatch, 3 nothing of a recording could be compared. */
function verdict(results: readonly Verification[]): number {
  if (results.some(({ mismatches }) => mismatches > 0)) return 1;
  return results.some(({ recording, operations, notCompared }) => recording && notCompared === operations) ? 3 : 0;
}

/** With --verify everything comes from the trace's header. */
function refuseReplayOptions(options: ReplayOptions): void {
  if (options.html !== undefined) throw new HeapsoakError("bad-argument", "--html: a verification has no page.");
  const given = [
    options.allocator && "--allocator",
    options.device !== undefined && "--device",
    options.heapSize !== undefined && "--heap-size",
    options.region && "--region",
    options.option && "--option",
    options.repeat !== "1" && "--repeat",
    options.atEnd && "--at-end",
    !options.assertions && "--no-assertions",
  ].filter((flag) => typeof flag === "string");
  if (given.length === 0) return;
  throw new HeapsoakError(
    "bad-argument",
    `--verify takes everything from the trace's header, so ${given.join(", ")} cannot be given.`,
  );
}
