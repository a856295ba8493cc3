import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { formatCount } from "../report/table.ts";
import { parseQueueAddress } from "../risk/queue/queue-address.ts";
import { runQueueWorker } from "../risk/queue/queue-worker.ts";
import { parseJobs, tellLine } from "./campaign-options.ts";
import { interruptible } from "./interruption.ts";

interface WorkerFlags {
  readonly queue?: string;
  readonly jobs?: string;
  readonly once?: boolean;
}

const EXAMPLES = `
A worker does runs of every campaign at the queue whose coordinator (heapsoak risk … --queue URL) is alive. It needs no
file of theirs, only the same build of heapsoak: others are refused. What a worker that dies had taken, another one
does 10 to 15 s later. Ctrl-C lets it finish what it can within 3 s.

Examples:
  $ heapsoak worker --queue redis://build-server:6379
  A worker of a batch system, which ends with the first campaign:
    $ heapsoak worker --queue rediss://:password@queue.example:6380 --jobs 4 --once

Exit codes: 0 ended by Ctrl-C or --once, 2 bad input, no queue, or nothing but campaigns of another build.`;

/** `heapsoak worker`: does runs for campaigns on other machines. */
export function workerCommand(): Command {
  return new Command("worker")
    .summary("do runs for campaigns at a queue")
    .description("Does runs for the campaigns that other machines have at a Redis or Valkey queue.")
    .option("--queue <url>", "the queue, such as redis://host:6379 (needed)")
    .option("--jobs <n>", "threads; as many as this machine has cores by default")
    .option("--once", "end with the first campaign")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run({ queue, jobs, once = false }: WorkerFlags): Promise<void> {
  if (queue === undefined) {
    throw new HeapsoakError("bad-argument", "--queue is missing.", { hint: "heapsoak worker --queue redis://HOST" });
  }
  const address = parseQueueAddress(queue);
  const threads = parseJobs(jobs);
  const runs = await interruptible(
    (signal) => runQueueWorker(address, { jobs: threads, once, signal, tell: tellLine }),
    () => {},
  );
  process.stdout.write(`${formatCount(runs)} runs done.\n`);
}
