import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { LOG_FORMATS, OTHER_FORMATS } from "../import/formats.ts";
import { type ImportSummary, importLog } from "../import/import-log.ts";
import { parseRange } from "../quantities.ts";
import { importText } from "../report/import-text.ts";
import { packageVersion } from "../version.ts";
import { paintFor } from "./colors.ts";
import { interruptible } from "./interruption.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { isSameFile, TraceOutput } from "./trace-output.ts";

interface ImportOptions {
  readonly out: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly heap?: string;
  readonly json?: string;
}

const FORMATS = [...LOG_FORMATS, ...Object.entries(OTHER_FORMATS).map(([name, format]) => ({ name, ...format }))].map(
  ({ name, title, example }) => `  ${name.padEnd(11)} ${title}\n${" ".repeat(14)}${example}`,
);

const EXAMPLES = `
Formats, each with a line of it:
${FORMATS.join("\n")}

The format is recognised. Lines may have other text in front, such as times, which then count, or log tags; colours
and CR LF do not matter. What is cut off, run into another line or of another kind is left out, counted, and told with
its first line, and so are frees of blocks that the log does not know.

A pattern is a regular expression with named groups: addr (hexadecimal), size, op (malloc, free, realloc or the like;
without it a line with a size allocates, one without frees), old (of a reallocation), align, time (whole microseconds,
or seconds with a decimal point), task and site. Each line is searched for it; one that takes
more than 10 s for a piece of the log is refused.

Examples:
  From a serial log:
    $ heapsoak import uart.log --out day.trace.gz
  With the blocks' places, so that what lies outside the heap is left out:
    $ heapsoak import uart.log --heap 0x20004000:40KiB --out day.trace
  Lines of your own:
    $ heapsoak import app.log --out app.trace \\
        --pattern 'heap: (?<op>alloc|free) (?<addr>[0-9a-f]+)(?: (?<size>\\d+))? by (?<task>\\w+)'
  What it does to an allocator:
    $ heapsoak replay day.trace.gz --allocator freertos-heap4 --heap-size 40KiB

Exit codes: 0 imported, 2 bad input (nothing recognised: the formats that were tried and the first lines are told).`;

/** `heapsoak import`: a log of any program's allocations as a trace. */
export function importCommand(): Command {
  return new Command("import")
    .summary("turn a log of allocations into a trace")
    .description("Reads the log of a program's allocations, in the format of many tracers, and writes it as a trace.")
    .argument("<file>", "the log, plain or gzip; - for standard input")
    .requiredOption("--out <file>", "the trace; compressed where the name ends in .gz")
    .option("--format <name>", "read it as this format")
    .option("--pattern <regex>", "read lines of your own, by named groups")
    .option("--heap <address:size>", "the heap: gives offsets, and leaves out what lies outside")
    .option("--json <file>", "write the figures as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(source: string, options: ImportOptions): Promise<void> {
  const { out, json } = options;
  if (await isSameFile(source, out)) {
    throw new HeapsoakError("bad-argument", `--out: got "${out}", expected another file than the log.`);
  }
  if (json !== undefined && (json === out || (await isSameFile(json, out)))) {
    throw new HeapsoakError("bad-argument", `--json: got "${json}", expected another file than --out has.`);
  }
  await refuseUnwritable(out);
  if (json !== undefined) await refuseUnwritable(json);
  const summary = await imported(source, options);
  if (json !== "-") process.stdout.write(importText(summary, out, paintFor(process.stdout)));
  if (json !== undefined) await writeWhole(json, jsonText(summary, out));
}

async function imported(source: string, { out, format, pattern, heap }: ImportOptions): Promise<ImportSummary> {
  const region = heap === undefined ? undefined : parseRange(heap, "--heap");
  const output = new TraceOutput(out);
  try {
    const summary = await interruptible(
      (signal) =>
        importLog({
          source,
          ...(format !== undefined && { format }),
          ...(pattern !== undefined && { pattern }),
          ...(region && { heap: region }),
          version: packageVersion(),
          signal,
          write: (piece) => output.write(piece),
        }),
      () => {},
    );
    await output.finish();
    return summary;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

function jsonText(summary: ImportSummary, out: string): string {
  return `${JSON.stringify({ format: "heapsoak.import", version: 1, out, log: summary }, undefined, 2)}\n`;
}
