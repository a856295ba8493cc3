import { dirname } from "node:path";
import { Command } from "commander";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { type Fit, type FitProgress, type FitRequest, fitTrace } from "../fit/fit.ts";
import { parseSize } from "../quantities.ts";
import { fitComment, fitText } from "../report/fit-text.ts";
import { recordJson } from "../report/record-json.ts";
import { VERDICTS } from "../report/verdict-of.ts";
import { collect, parseAssignments } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { interruptible } from "./interruption.ts";
import { LiveLine } from "./live-line.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { EXIT_CODES } from "./run.ts";
import { isSameFile } from "./trace-output.ts";

interface FitOptions {
  readonly out: string;
  readonly allocator?: string;
  readonly heapSize?: string;
  readonly option?: string[];
  readonly device?: string;
  readonly title?: string;
  readonly half?: boolean;
  readonly json?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
The trace tells who allocates how much, how often and for how long: best with times (t=), tasks and call sites (at=),
as board recordings, imports and run --trace have them; without sites blocks are told apart by size.

The scenario is tested before it is written. Fitted on the first half of the trace alone, it is run sixteen times, from
the boot on, and its heap compared with that of the trace's second half: how much is live, in how many holes the rest
lies, the largest free block, requests that fail. A figure is "beyond" where it differs by more than its tolerance and
by more than chance explains, which the differences between the runs tell. "DOES NOT FIT" then means that the trace
has something the scenario cannot say, such as a rate that drifts or sizes that follow each other: do not forecast with
it. "UNDECIDED" means that chance alone could move the means too far: record for longer.
The scenario is written in any case, with the verdict in its first lines.

Examples:
  $ heapsoak fit day.trace.gz --out day.yaml
  $ heapsoak run day.yaml --uptime 1y
  A log without allocator and size:
    $ heapsoak import uart.log --out uart.trace
    $ heapsoak fit uart.trace --allocator freertos-heap4 --heap-size 40KiB --device stm32f407vg --out uart.yaml
  From a run and back:
    $ heapsoak run mqtt-tls --uptime 2d --trace run.trace.gz
    $ heapsoak fit run.trace.gz --out again.yaml --json fit.json

Exit codes: 0 it fits, 1 it does not fit, 2 bad input, 3 undecided.`;

/** `heapsoak fit`: a scenario from a trace, and how well it reproduces it. */
export function fitCommand(): Command {
  return new Command("fit")
    .summary("make a scenario from a trace, and test whether it fits")
    .description(
      "Makes a scenario whose heap looks like a trace's, and tests on the trace's second half whether it does.",
    )
    .argument("<trace>", "the trace, plain or gzip")
    .requiredOption("--out <file>", "the scenario; - for standard output, everything else then goes to stderr")
    .option("--allocator <name>", "compare on this allocator (see: heapsoak allocators); the trace's by default")
    .option("--heap-size <size>", "bytes of the heap; the trace's by default, else 1.5 times the peak")
    .option("--option <key=value>", "an option of the allocator; repeatable", collect)
    .option(
      "--device <device>",
      "device of the scenario: an id (see: heapsoak devices), device file, linker script or ELF",
    )
    .option("--title <text>", "title of the scenario")
    .option("--half", "write the scenario that was tested, fitted on the first half, not one fitted on the whole")
    .option("--json <file>", "write the record; - for standard output, everything else then goes to stderr")
    .option("--quiet", "no progress, only the report")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(trace: string, options: FitOptions): Promise<void> {
  const { out, json } = options;
  const request = requestOf(trace, options);
  if (options.device !== undefined) await resolveDevice(options.device);
  await refuseSameFiles(trace, options);
  for (const file of [out, json]) if (file !== undefined) await refuseUnwritable(file);
  const line = options.quiet ? undefined : new LiveLine(process.stderr);
  const fit = await interruptible(
    (signal) => fitTrace({ ...request, signal, onProgress: (progress) => line?.update(() => progressText(progress)) }),
    () => line?.clear(),
  ).finally(() => line?.clear());
  process.exitCode = EXIT_CODES[VERDICTS.fit[fit.record.evaluation.verdict]];
  const stream = out === "-" || json === "-" ? process.stderr : process.stdout;
  stream.write(fitText(fit.record, out === "-" ? "standard output" : out, paintFor(stream)));
  await writeWhole(out, scenarioText(fit));
  if (json !== undefined) await writeWhole(json, recordJson(fit.record));
}

function scenarioText({ record, scenario }: Fit): string {
  return `${fitComment(record)}${scenario}`;
}

function progressText(progress: FitProgress): string {
  return progress.phase === "running" ? `run ${progress.run} of ${progress.runs}` : `${progress.phase} …`;
}

function requestOf(trace: string, { out, allocator, heapSize, option, device, title, half }: FitOptions): FitRequest {
  return {
    trace,
    folder: out === "-" ? "." : dirname(out),
    ...(allocator !== undefined && { allocator }),
    ...(option && { options: parseAssignments(option, "--option") }),
    ...(heapSize !== undefined && { heapBytes: parseSize(heapSize, "--heap-size") }),
    ...(device !== undefined && { device }),
    ...(title !== undefined && { title }),
    ...(half && { half }),
  };
}

async function refuseSameFiles(trace: string, { out, json }: FitOptions): Promise<void> {
  if (await isSameFile(trace, out)) {
    throw new HeapsoakError("bad-argument", `--out: got "${out}", expected another file than the trace.`);
  }
  if (json === undefined) return;
  if (json === out || (await isSameFile(json, out)) || (await isSameFile(json, trace))) {
    throw new HeapsoakError("bad-argument", `--json: got "${json}", expected another file than trace and --out have.`);
  }
}
