import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { recordJson } from "../report/record-json.ts";
import { VERDICTS } from "../report/verdict-of.ts";
import { worstText } from "../report/worst-text.ts";
import { LIVE_MOST } from "../risk/worst/game.ts";
import type { SizeResult } from "../risk/worst/record.ts";
import { STATES_CEILING, UNIT_BYTES_MOST, worstCase } from "../risk/worst/worst.ts";
import { collect, parseAssignments, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { EXIT_CODES } from "./run.ts";

interface WorstOptions {
  readonly allocator: string;
  readonly live: string;
  readonly largest: string;
  readonly option?: string[];
  readonly unit?: string;
  readonly maxStates?: string;
  readonly json?: string;
  readonly trace?: string;
  readonly quiet?: boolean;
}

/** The exit code of each verdict. */

const EXAMPLES = `
An adversary allocates and releases in any order, with requests of 1 to M units and at most N units live. Every state of
the heap that it can reach is searched, size by size, until one is found that it cannot make refuse a request. What is
counted is what the firmware asks for; headers and rounding are the allocator's affair and part of the answer. The
textbook's lists (first-fit, next-fit, best-fit, worst-fit) are searched without headers, unless --option says otherwise.
The number of states grows steeply: a dozen units live is about what can be searched.

Examples:
  $ heapsoak worst --allocator first-fit --live 6 --largest 3
  The sequence as a trace, which the allocator fails on:
    $ heapsoak worst --allocator best-fit --live 6 --largest 3 --trace worst.trace
    $ heapsoak replay worst.trace
  An allocator as it is shipped, in units of 16 bytes:
    $ heapsoak worst --allocator freertos-heap4 --live 5 --largest 2 --unit 16
  Without merging:
    $ heapsoak worst --allocator first-fit --live 4 --largest 2 --option coalesce=false

Exit codes: 0 the worst case is known, 1 every heap that was tried can be defeated, 2 bad input, 3 not known: the search
would be larger than --max-states.`;

/** `heapsoak worst`: the exact worst case of an allocator on tiny heaps. */
export function worstCommand(): Command {
  return new Command("worst")
    .summary("find an allocator's exact worst case on tiny heaps")
    .description("Finds the least heap that no sequence of requests defeats, and the shortest one that defeats less.")
    .requiredOption("--allocator <name>", "the allocator (see: heapsoak allocators)")
    .requiredOption("--live <n>", "units that may be live at once")
    .requiredOption("--largest <n>", "units of the largest request")
    .option("--option <key=value>", "an option of the allocator; repeatable", collect)
    .option("--unit <bytes>", "bytes of a unit; the least distance between two payloads by default")
    .option("--max-states <n>", "give up beyond so many states of a heap; as many as take seconds by default")
    .option("--json <file>", "write the record; - for standard output, the report then goes to stderr")
    .option("--trace <file>", "write the sequence that defeats the largest heap as a trace")
    .option("--quiet", "no progress, only the report")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(options: WorstOptions): Promise<void> {
  const { json, trace } = options;
  if (trace === "-")
    throw new HeapsoakError("bad-argument", "--trace: a file is needed; the report is on standard output.");
  for (const path of [json, trace]) if (path !== undefined) await refuseUnwritable(path);
  const result = worstCase({
    allocator: options.allocator,
    options: parseAssignments(options.option ?? [], "--option"),
    live: parseCount(options.live, "--live", 1, LIVE_MOST),
    largest: parseCount(options.largest, "--largest", 1, LIVE_MOST),
    ...(options.unit !== undefined && { unitBytes: parseCount(options.unit, "--unit", 1, UNIT_BYTES_MOST) }),
    ...(options.maxStates !== undefined && {
      statesMost: parseCount(options.maxStates, "--max-states", 1, STATES_CEILING),
    }),
    ...(!options.quiet && process.stderr.isTTY && { onSize: showSize }),
  });
  process.exitCode = EXIT_CODES[VERDICTS.worst[result.record.verdict]];
  const out = json === "-" ? process.stderr : process.stdout;
  out.write(worstText(result.record, paintFor(out)));
  if (json !== undefined) await writeWhole(json, recordJson(result.record));
  if (trace === undefined) return;
  if (result.trace !== undefined) await writeWhole(trace, result.trace);
  else process.stderr.write("heapsoak: --trace: nothing is written, for no sequence defeats a heap.\n");
}

function showSize({ heapUnits, outcome, states }: SizeResult): void {
  process.stderr.write(`heap of ${heapUnits} units: ${outcome} (${states} states)\n`);
}
