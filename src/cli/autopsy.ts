import { Command } from "commander";
import { findAllocator } from "../allocators/catalogue.ts";
import { autopsy } from "../device/autopsy.ts";
import { HeapsoakError } from "../errors.ts";
import { readLimited } from "../files.ts";
import { type ImageSegment, loadRamImage } from "../image/ram-image.ts";
import { parseAddress, parseRange } from "../quantities.ts";
import { autopsyText } from "../report/autopsy-text.ts";
import type { Region } from "../wasm/heap-record.ts";
import { parseAssignments } from "./arguments.ts";
import { writeJson } from "./output.ts";

interface AutopsyOptions {
  readonly at?: string;
  readonly allocator: string;
  readonly heap?: string[];
  readonly state?: string;
  readonly static?: string[];
  readonly option?: string[];
  readonly json?: string;
}

const EXAMPLES = `
Examples:
  A dump taken with gdb ("dump binary memory ram.bin 0x20000000 0x20020000"):
    $ heapsoak autopsy ram.bin --at 0x20000000 --allocator freertos-heap4 --heap 0x20004000:40KiB
  An ELF core carries its addresses:
    $ heapsoak autopsy core.elf --allocator tlsf --heap 0x20001000:64KiB
  newlib-nano marks no block as free: its list head is looked up on the board ("print __malloc_free_list"):
    $ heapsoak autopsy ram.bin --at 0x20000000 --allocator newlib-nano --heap 0x20004000:16KiB \\
        --static __malloc_free_list=0x20004120

Exit codes: 0 the heap is consistent, 1 it is not, 2 bad input.`;

/** `heapsoak autopsy`: walks a heap inside a RAM image of a real board. Exits 1 at an inconsistency. */
export function autopsyCommand(): Command {
  const collect = (value: string, all: string[] = []) => [...all, value];
  return new Command("autopsy")
    .summary("walk the heap inside a RAM image of a board")
    .description(
      "Walks the heap inside a RAM image of a real board and shows its map, figures and first inconsistency.",
    )
    .argument("<image>", "raw binary, Intel HEX or ELF core")
    .option("--at <address>", "device address of a raw image's first byte")
    .requiredOption("--allocator <name>", "the heap's allocator (see: heapsoak allocators)")
    .option(
      "--heap <address:size>",
      "where the heap lies; the whole image by default; again for further regions",
      collect,
    )
    .option("--state <address>", "the allocator's static variables, where the image holds them in heapsoak's layout")
    .option("--static <name=value>", "a static variable of the allocator, as read on the board; repeatable", collect)
    .option("--option <key=value>", "an option of the allocator; repeatable", collect)
    .option("--json <file>", "write the autopsy as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(file: string, options: AutopsyOptions): Promise<void> {
  const at = options.at === undefined ? {} : { at: parseAddress(options.at, "--at") };
  const segments = loadRamImage(await readLimited(file), { ...at, file });
  const statics = Object.entries(parseAssignments(options.static ?? [], "--static"));
  const result = autopsy({
    segments,
    allocator: findAllocator(options.allocator),
    regions: regionsOf(options.heap, segments),
    options: parseAssignments(options.option ?? [], "--option"),
    ...(options.state === undefined ? {} : { stateAt: parseAddress(options.state, "--state") }),
    statics: Object.fromEntries(statics.map(([name, value]) => [name, parseAddress(value, `--static ${name}`)])),
  });
  if (options.json !== undefined)
    await writeJson(options.json, { format: "heapsoak.autopsy", version: 1, image: file, ...result });
  if (options.json !== "-") process.stdout.write(`${autopsyText(result, segments)}\n`);
  if (result.finding || !result.walkedToEnd) process.exitCode = 1;
}

function regionsOf(ranges: readonly string[] | undefined, segments: readonly ImageSegment[]): Region[] {
  if (ranges) return ranges.map((range) => parseRange(range, "--heap"));
  const [only, ...others] = segments;
  if (only && others.length === 0) return [{ low: only.low, bytes: only.bytes.length }];
  throw new HeapsoakError(
    "bad-argument",
    `The image has ${segments.length} parts, so it does not say where the heap lies.`,
    {
      hint: "Say it: --heap ADDRESS:SIZE.",
    },
  );
}
