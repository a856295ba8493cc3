import { Command } from "commander";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import { shrinkText } from "../report/shrink-text.ts";
import { formatCount } from "../report/table.ts";
import { shrunkC } from "../shrink/c-text.ts";
import { REPLAYS_BY_DEFAULT, type ShrinkProgress, type ShrinkRequest, shrinkTrace } from "../shrink/shrink.ts";
import { shrunkTrace } from "../shrink/trace-text.ts";
import { collect, parseAssignments, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { LiveLine } from "./live-line.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";

interface ShrinkOptions {
  readonly allocator?: string;
  readonly device?: string;
  readonly heapSize?: string;
  readonly option?: string[];
  readonly out?: string;
  readonly c?: string;
  readonly json?: string;
  readonly maxReplays: string;
}

const REPLAYS_MOST = 1_000_000_000;

const EXAMPLES = `
The first failure counts: a refused request, a fault inside the allocator, memory handed out twice, or broken metadata.
What is left still fails in the same way: the same kind of failure, the same size asked for. Blocks are left out with all
that happens to them, then single frees and reallocations; frees are moved behind the rest, neighbours become one block,
and sizes small or round.

Examples:
  What made this heap fail, in as few steps as possible?
    $ heapsoak run mqtt-tls-too-small --trace failing.trace
    $ heapsoak shrink failing.trace
  As a trace, and as C for a unit test on the board:
    $ heapsoak shrink failing.trace --out short.trace --c short.c
    $ heapsoak replay short.trace
  Would it fail on another allocator, and what is the shortest way there?
    $ heapsoak shrink day.trace.gz --allocator tlsf --heap-size 32KiB

Exit codes: 0 shrunk, 2 bad input, or nothing fails.`;

/** `heapsoak shrink`: a failing trace to the shortest sequence that fails in the same way. */
export function shrinkCommand(): Command {
  return new Command("shrink")
    .summary("shrink a failing trace to a few calls")
    .description("Shrinks a trace that fails to the shortest sequence found that fails in the same way.")
    .argument("<trace>", "a trace file, as `heapsoak run --trace` or `heapsoak import` write it")
    .option("--allocator <name>", "the allocator (see: heapsoak allocators); the trace's by default")
    .option("--device <id>", "the device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--heap-size <size>", "bytes of the heap, such as 40KiB; the trace's by default")
    .option("--option <key=value>", "an option of the allocator; repeatable", collect)
    .option("--out <file>", "write the short sequence as a trace")
    .option("--c <file>", "write it as C")
    .option("--json <file>", "write the record; - for standard output")
    .option("--max-replays <n>", "sequences to try at most", String(REPLAYS_BY_DEFAULT))
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(path: string, options: ShrinkOptions): Promise<void> {
  const request = await requestOf(options);
  const files = [options.out, options.c, options.json].filter((file) => file !== undefined);
  if (new Set(files).size < files.length || files.includes(path)) {
    throw new HeapsoakError("bad-argument", "--out, --c and --json need a file each, other than the trace.");
  }
  for (const file of files) await refuseUnwritable(file);
  const line = new LiveLine(process.stderr);
  const progress = (now: ShrinkProgress) => line.update(() => progressText(now));
  const record = await shrinkTrace(path, { ...request, progress }).finally(() => line.clear());
  const out = options.json === "-" ? process.stderr : process.stdout;
  out.write(shrinkText(record, paintFor(out)));
  if (options.out !== undefined) await writeWhole(options.out, shrunkTrace(record));
  if (options.c !== undefined) await writeWhole(options.c, shrunkC(record));
  if (options.json !== undefined) await writeWhole(options.json, `${JSON.stringify(record, undefined, 2)}\n`);
}

async function requestOf(options: ShrinkOptions): Promise<ShrinkRequest> {
  return {
    ...(options.allocator !== undefined && { allocator: options.allocator }),
    ...(options.heapSize !== undefined && { heapBytes: parseSize(options.heapSize, "--heap-size") }),
    ...(options.device !== undefined && { device: await resolveDevice(options.device) }),
    options: parseAssignments(options.option ?? [], "--option"),
    maxReplays: parseCount(options.maxReplays, "--max-replays", 1, REPLAYS_MOST),
  };
}

function progressText({ replays, blocks, operations }: ShrinkProgress): string {
  return `${formatCount(replays)} sequences tried: ${formatCount(operations)} operations on ${formatCount(blocks)} blocks are left`;
}
