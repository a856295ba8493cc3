import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { readNamedRecords } from "../records/record-input.ts";
import { diffRecords } from "../report/diff/diff.ts";
import { diffMarkdown } from "../report/diff/diff-markdown.ts";
import { diffText } from "../report/diff/diff-text.ts";
import { FIGURES, type FigureKind } from "../report/diff/figures.ts";
import { Thresholds } from "../report/diff/thresholds.ts";
import { recordJson } from "../report/record-json.ts";
import type { NamedRecord } from "../report/report-record.ts";
import { collect } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { refuseSharedFiles } from "./record-outputs.ts";

interface DiffOptions {
  readonly threshold?: readonly string[];
  readonly markdown?: string;
  readonly json?: string;
  readonly all?: boolean;
}

const WORSE = 1;

const EXAMPLES = `
Both records are of one kind: of run, compare (held against each other by candidate), risk (by cell), size (by
allocator), stack or board validate. Worse is: a verdict that got worse, an expectation that is no longer met, a kind
of failure that did not happen before, and a figure that is worse by more than its threshold. Of estimates (chances of
failure, the trend of a heap) only what chance does not explain: 95 % intervals that do not overlap.

Figures, which way is better, and by how much each may become worse:
${Object.entries(FIGURES).map(figureLine).join("\n")}

A threshold without a figure changes all those of 5 %. With a figure it is a share of the old value, or an amount
(bytes such as 512B, times such as 1h, else a number), or off. heaps.main.minimumFreeBytes is that of one heap,
minimumFreeBytes that of all; the longer name counts.

Examples:
  $ heapsoak diff main.json branch.json
  As a comment on a pull request:
    $ heapsoak diff main.json branch.json --markdown comment.md
  Stricter on one heap, and on the slowest operation not at all:
    $ heapsoak diff old.json new.json --threshold main.minimumLargestFreeBytes=0 --threshold visitsMax=off

Exit codes: 0 nothing is worse, 1 something is, 2 bad input.`;

function figureLine([name, { better, threshold, meaning }]: [string, FigureKind]): string {
  const allowed = threshold === null ? "off" : "share" in threshold ? `${threshold.share * 100} %` : threshold.amount;
  return `  ${name.padEnd(27)} ${better}  ${String(allowed).padStart(3)}  ${meaning}`;
}

/** `heapsoak diff`: what got worse from one record to another. */
export function diffCommand(): Command {
  return new Command("diff")
    .summary("tell what got worse from one record to another")
    .description("Holds a record against an older one: what got worse, by how much, and whether that is too much.")
    .argument("<old>", "the record before, as --json has written it; - for standard input")
    .argument("<new>", "the record after")
    .option("--threshold <[figure=]limit>", "how much worse may be; repeatable", collect)
    .option("--markdown <file>", "write the comparison as Markdown; - for standard output")
    .option("--json <file>", "write the comparison as a record; - for standard output")
    .option("--all", "show all that has changed, also what is within its threshold or not judged")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(oldFile: string, newFile: string, options: DiffOptions): Promise<void> {
  const { json, markdown, all = false } = options;
  refuseSameFiles([oldFile, newFile], options);
  const thresholds = new Thresholds(options.threshold);
  for (const file of [json, markdown]) if (file !== undefined) await refuseUnwritable(file);
  const [old, fresh] = (await readNamedRecords([oldFile, newFile])) as [NamedRecord, NamedRecord];
  const diff = diffRecords(old, fresh, thresholds);
  process.exitCode = diff.worse > 0 ? WORSE : 0;
  const out = json === "-" || markdown === "-" ? process.stderr : process.stdout;
  out.write(diffText(diff, { paint: paintFor(out), all }));
  if (markdown !== undefined) await writeWhole(markdown, diffMarkdown(diff));
  if (json !== undefined) await writeWhole(json, recordJson(diff));
}

function refuseSameFiles(read: readonly string[], { json, markdown }: DiffOptions): void {
  if (read.every((file) => file === "-")) {
    throw new HeapsoakError("bad-argument", "Only one of the records can come from standard input.");
  }
  const records = [...new Set(read)]
    .filter((file) => file !== "-")
    .map((file) => [`the record ${file}`, file] as const);
  refuseSharedFiles([...records, ["--json", json], ["--markdown", markdown]]);
}
