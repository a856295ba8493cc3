import { Command } from "commander";
import { worstCaseBytes } from "../allocators/bounds.ts";
import { allocators, findAllocator } from "../allocators/catalogue.ts";
import type { AllocatorEntry } from "../allocators/entry.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import { allocatorListText, allocatorText, type WorstCase } from "../report/allocator-text.ts";
import { paintFor } from "./colors.ts";
import { writeJson } from "./output.ts";

interface AllocatorsOptions {
  readonly peak?: string;
  readonly largest?: string;
  readonly json?: string;
}

/** The most live bytes, and the largest request, of the program in question. */
interface Demand {
  readonly peakBytes: number;
  readonly largestBytes: number;
}

const EXAMPLES = `
Examples:
  $ heapsoak allocators
  $ heapsoak allocators tlsf
  What must the heap hold if the program has at most 20 KiB live and asks for at most 512 bytes at once?
    $ heapsoak allocators --peak 20KiB --largest 512

Exit codes: 0 shown, 2 bad input.`;

/** `heapsoak allocators`: what each is, what it costs, and what it needs at worst. */
export function allocatorsCommand(): Command {
  return new Command("allocators")
    .summary("list the allocators, or show one")
    .description(
      "Lists the allocators, or shows one: source and versions, header, alignment, costs, options, worst case.",
    )
    .argument("[name]", "a name or alias")
    .option("--peak <size>", "the most bytes live at once, for the worst case")
    .option("--largest <size>", "the largest request, for the worst case")
    .option("--json <file>", "write it as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(name: string | undefined, options: AllocatorsOptions): Promise<void> {
  const demand = demandOf(options);
  const entries = name === undefined ? allocators : [findAllocator(name)];
  const worstCases = demand && entries.map((entry) => worstCase(entry, demand));
  if (options.json !== undefined) await writeJson(options.json, allocatorsJson(entries, worstCases));
  if (options.json === "-") return;
  const [only] = entries;
  if (name === undefined || !only) process.stdout.write(allocatorListText(entries, worstCases));
  else process.stdout.write(allocatorText(only, worstCases?.[0], paintFor(process.stdout)));
}

function allocatorsJson(entries: readonly AllocatorEntry[], worstCases: readonly WorstCase[] | undefined): object {
  const described = entries.map((entry, index) => {
    const { kind: _, optionsFromTrace: __, ...facts } = entry;
    return worstCases ? { ...facts, worstCaseBytes: worstCases[index]?.bytes ?? null } : facts;
  });
  return { format: "heapsoak.allocators", version: 1, allocators: described };
}

function worstCase(entry: AllocatorEntry, demand: Demand): WorstCase {
  return { ...demand, bytes: worstCaseBytes(entry, demand.peakBytes, demand.largestBytes) };
}

function demandOf({ peak, largest }: AllocatorsOptions): Demand | undefined {
  if (peak === undefined && largest === undefined) return undefined;
  if (peak === undefined || largest === undefined) {
    throw new HeapsoakError("bad-argument", "A worst case needs both --peak SIZE and --largest SIZE.");
  }
  const demand = { peakBytes: parseSize(peak, "--peak"), largestBytes: parseSize(largest, "--largest") };
  if (demand.largestBytes >= 1 && demand.largestBytes <= demand.peakBytes) return demand;
  throw new HeapsoakError("bad-argument", "--largest is a request of at least 1 byte, and at most what --peak allows.");
}
