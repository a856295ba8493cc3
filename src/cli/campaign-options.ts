import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { formatCount } from "../report/table.ts";
import type { CampaignOptions, CampaignProgress } from "../risk/campaign/executor.ts";
import { parseShard, type Shard } from "../risk/campaign/shard.ts";
import { queueRunner } from "../risk/queue/coordinator.ts";
import { parseQueueAddress } from "../risk/queue/queue-address.ts";
import { parseCount } from "./arguments.ts";
import type { OutputFlags } from "./record-outputs.ts";

/** Options of commands that run campaigns. */
export interface CampaignFlags extends OutputFlags {
  readonly jobs?: string;
  readonly out?: string;
  readonly shard?: string;
  readonly queue?: string;
}

const JOBS_MOST = 1024;

export function addCampaignOptions(command: Command): Command {
  return command
    .option("--jobs <n>", "worker threads; as many as this machine has cores by default")
    .option("--out <dir>", "keep finished runs there; the same command goes on from them, also after a crash")
    .option("--shard <i/n>", "only the i-th of n parts of the runs, into --out; see: heapsoak merge")
    .option(
      "--queue <url>",
      "hand the runs to the workers of a Redis queue, such as redis://host:6379; see: heapsoak worker",
    );
}

/** What the flags ask for. `precision`: whether the number of runs is found on the way. Throws `bad-argument`. */
export function campaignOptions(
  flags: CampaignFlags,
  { precision }: { precision: boolean },
): Pick<CampaignOptions, "jobs" | "out" | "shard" | "queue"> {
  const shard = flags.shard === undefined ? undefined : parseShard(flags.shard);
  refuseCombinations(flags, { precision });
  const { out, queue } = flags;
  return {
    jobs: parseJobs(flags.jobs),
    ...(out !== undefined && { out }),
    ...(shard && { shard }),
    ...(queue !== undefined && { queue: queueRunner(parseQueueAddress(queue), { tell: tellLine }) }),
  };
}

/** `--jobs`, or a thread for each core. Throws `bad-argument`. */
export function parseJobs(text: string | undefined): number {
  return text === undefined ? availableParallelism() : parseCount(text, "--jobs", 1, JOBS_MOST);
}

/** A remark on standard error. */
export function tellLine(remark: string): void {
  process.stderr.write(`heapsoak: ${remark}\n`);
}

/** What there is to say after a part of a campaign. */
export function shardText({ index, count }: Shard, out: string, { finished, left }: CampaignProgress): string {
  const part = `Part ${index + 1} of ${count}`;
  const runs = `${formatCount(finished)} runs are in ${out}`;
  if (left > 0) return `${part}: ${runs}, ${formatCount(left)} are left. The same command goes on.\n`;
  return `${part} is done: ${runs}.\nWhen all parts are: heapsoak merge DIR… with the ${count} folders.\n`;
}

function refuseCombinations(
  { jobs, out, shard, queue, json, html }: CampaignFlags,
  { precision }: { precision: boolean },
): void {
  if (out === "") throw new HeapsoakError("bad-argument", "--out: expected a folder.");
  if (shard !== undefined && out === undefined) {
    throw new HeapsoakError("bad-argument", "--shard says which part of the runs to do, but not where they go.", {
      hint: "Add --out DIR, another one for each part.",
    });
  }
  if (shard !== undefined && (json ?? html) !== undefined) {
    const flag = json === undefined ? "--html" : "--json";
    throw new HeapsoakError("bad-argument", `--shard does not go with ${flag}: a part of a campaign has no record.`, {
      hint: "heapsoak merge DIR… --json FILE writes it when all parts are done.",
    });
  }
  if (shard !== undefined && precision) {
    throw new HeapsoakError(
      "bad-argument",
      "--shard does not go with --precision: no part knows what the others find.",
      {
        hint: "Say --runs N, or use --queue.",
      },
    );
  }
  if (shard !== undefined && queue !== undefined) {
    throw new HeapsoakError("bad-argument", "--shard does not go with --queue, which shares the runs out itself.");
  }
  if (queue !== undefined && jobs !== undefined) {
    throw new HeapsoakError("bad-argument", "--jobs does not go with --queue: the runs are done by its workers.", {
      hint: "Give --jobs to heapsoak worker.",
    });
  }
}
