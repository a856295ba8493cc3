import { Command } from "commander";
import { z } from "zod";
import { HeapsoakError } from "../errors.ts";
import { recordJson } from "../report/record-json.ts";
import { riskText } from "../report/risk-text.ts";
import { formatCount } from "../report/table.ts";
import { buildRiskRecord, type RiskQuestion } from "../risk/build-record.ts";
import { type MergedCampaign, mergeResults } from "../risk/campaign/merge.ts";
import { Tally } from "../risk/tally.ts";
import { tellLine } from "./campaign-options.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { EXIT_CODES } from "./run.ts";

const EXAMPLES = `
The folders are those of heapsoak risk --out: the parts of one campaign (--shard), or a whole one. The report and the
record are those of the same command without --shard, byte for byte. The folders are only read. Estimates by splitting
(--method) are not in them: the same risk command with --out makes them anew.

Examples:
  $ heapsoak risk mqtt-tls --horizon 2d --runs 1000 --shard 1/2 --out part1      (on one machine)
  $ heapsoak risk mqtt-tls --horizon 2d --runs 1000 --shard 2/2 --out part2      (on another)
  $ heapsoak merge part1 part2 --json risk.json

Exit codes: 0 pass, 1 a failed verdict, 2 runs are missing or folders do not belong together, 3 undecided.`;

const questionSchema = z.strictObject({
  refused: z.array(z.looseObject({})),
  maxRisk: z.number().nullable(),
  fit: z.strictObject({ trace: z.string(), verdict: z.string() }).nullable(),
  drawsNothing: z.boolean(),
});

/** `heapsoak merge`: the report of a campaign from the folders of its parts. */
export function mergeCommand(): Command {
  return new Command("merge")
    .summary("put the parts of a campaign together")
    .description("Puts the finished runs of the parts of a campaign together, and reports as if it had been one.")
    .argument("<dir...>", "folders of heapsoak risk --out")
    .option("--json <file>", "write the record; - for standard output, everything else then goes to stderr")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(folders: readonly string[], { json }: { json?: string }): Promise<void> {
  if (json !== undefined) await refuseUnwritable(json);
  const merged = mergeResults(folders);
  const tally = new Tally(merged.plan);
  for (const { cell, run, outcome } of merged.runs) tally.report(cell, run, outcome);
  if (merged.damagedLines > 0) tellLine(`${formatCount(merged.damagedLines)} damaged lines are left out.`);
  if (!tally.isComplete) throw missingRuns(merged, tally);
  const record = buildRiskRecord(questionIn(merged), tally);
  process.exitCode = EXIT_CODES[record.verdict];
  const out = json === "-" ? process.stderr : process.stdout;
  out.write(riskText(record, paintFor(out)));
  if (json !== undefined) await writeWhole(json, recordJson(record));
}

function questionIn({ plan, question }: MergedCampaign): RiskQuestion {
  const known = questionSchema.safeParse(question);
  if (known.success) return { plan, ...(known.data as unknown as Omit<RiskQuestion, "plan">) };
  throw new HeapsoakError("bad-results", "The first folder does not say what was asked of its campaign.");
}

/** Names the first run that no folder has. */
function missingRuns({ plan }: MergedCampaign, tally: Tally): HeapsoakError {
  const cell = tally.cells.findIndex(({ isDone }) => !isDone);
  const { allocator = "", heapBytes = 0 } = plan.cells[cell] ?? {};
  const run = tally.cells[cell]?.runs ?? 0;
  return new HeapsoakError(
    "bad-results",
    `Runs are missing: the first is run ${run} of ${formatCount(plan.runs)} on ${allocator} with ${formatCount(heapBytes)} bytes.`,
    { hint: "Name the folders of all parts, and let those that are not done go on with their own command." },
  );
}
