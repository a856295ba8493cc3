import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { runText } from "../report/run-text.ts";
import { loadScenario } from "../scenario/load.ts";
import type { Scenario } from "../scenario/model.ts";
import type { Verdict } from "../soak/record.ts";
import type { SoakOptions } from "../soak/soak.ts";
import { collect } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenario, scenarioName } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { refuseUnwritable } from "./record-file.ts";
import { refuseOutputs, reportStream, withHtmlOption, writeOutputs } from "./record-outputs.ts";
import { RunProgress } from "./run-progress.ts";
import { parseTimeOption, runOptions, type ScenarioFlags, scenarioOptions } from "./scenario-options.ts";
import { type FinishedRun, soakWithProgress } from "./soak-with-progress.ts";
import { TraceOutput } from "./trace-output.ts";

interface RunOptions extends ScenarioFlags {
  readonly json?: string;
  readonly html?: string;
  readonly checkpoint?: string;
  readonly every?: string;
  readonly resume?: string;
  readonly untilFailure?: boolean;
  readonly rewind?: string;
  readonly trace?: string;
  readonly quiet?: boolean;
}

const CHECKPOINT_EVERY = "1 d";

/** The exit code of each verdict. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { pass: 0, fail: 1, undecided: 3 };

const EXAMPLES = `
A scenario is a file, a folder that holds just one, or the name of one that comes with heapsoak (see: heapsoak
scenarios). Sizes are written 512, 40KiB or "40 KiB"; times have a unit: us, ms, s, min, h, d, y.
Ctrl-C ends the run with the verdict so far; a second one ends it at once.

Examples:
  $ heapsoak run mqtt-tls
  A year on another allocator, with a larger heap:
    $ heapsoak run mqtt-tls --uptime 1y --allocator tlsf --heap-size main=48KiB
  The same as one page for browsers, to look at and to share:
    $ heapsoak run mqtt-tls --html mqtt-tls.html
  What led to the failure:
    $ heapsoak run mqtt-tls --heap-size 36KiB --rewind 10s
  Anything in the scenario can be changed:
    $ heapsoak run gateway.yaml --set tasks.uplink.priority=4 --set 'tasks.uplink.do[0].size={ uniform: [16, 64] }'
  The operations of its heap as a trace with times, tasks and steps, for replay, fit and other tools:
    $ heapsoak run mqtt-tls --uptime 1h --trace hour.trace.gz
    $ heapsoak replay --verify hour.trace.gz
  Ten years that survive a power cut; the same command with --resume goes on:
    $ heapsoak run gateway.yaml --uptime 10y --checkpoint gateway.ckp --every 30d
    $ heapsoak run gateway.yaml --uptime 10y --checkpoint gateway.ckp --every 30d --resume gateway.ckp

The format of scenarios is described in docs/scenario.md of this package, that of records in docs/record.md.

Exit codes: 0 pass, 1 fail, 2 bad input, 3 undecided.`;

/** `heapsoak run`: a scenario to its horizon, and the verdict. */
export function runCommand(): Command {
  const command = new Command("run")
    .summary("run a scenario and judge it by its expectations")
    .description("Runs a scenario for its simulated uptime and judges it by its expectations.")
    .argument("<scenario>", "a file, a folder with one, or the name of a shipped scenario")
    .option("--uptime <time>", "how long to simulate, such as 30d; the scenario's by default")
    .option("--seed <n>", "seed of all random draws; the scenario's by default")
    .option("--allocator <[heap=]name>", "allocator of a heap, the first by default; repeatable", collect)
    .option("--heap-size <[heap=]size>", "bytes of a heap, the first by default; repeatable", collect)
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--json <file>", "write the record of the run; - for standard output, everything else then goes to stderr");
  return withHtmlOption(command)
    .option("--checkpoint <file>", "save the run there now and then, to go on after a crash or power cut")
    .option("--every <time>", `simulated time between checkpoints; ${CHECKPOINT_EVERY} by default`)
    .option("--resume <file>", "go on from a checkpoint of the same run")
    .option(
      "--until-failure",
      "end at the first failure, also one that the device survives; without --uptime, go on until then",
    )
    .option("--rewind <time>", "after a failure, show the last operations before it, from this long before")
    .option(
      "--trace <[heap=]file>",
      "write the operations of a heap, the first by default, as a trace; gzip where it ends in .gz",
    )
    .option("--quiet", "no progress, only the verdict")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, options: RunOptions): Promise<void> {
  const soakOptions = soakOptionsOf(options);
  const scenario = await loadScenario(findScenario(argument), scenarioOptions(options));
  const trace = options.trace === undefined ? undefined : tracePlace(options.trace, scenario);
  await refuseOutputs(options, ["--trace", trace?.file], ["--checkpoint", options.checkpoint]);
  if (trace) await refuseUnwritable(trace.file);
  const progress = options.quiet
    ? undefined
    : new RunProgress(process.stderr, { resumed: options.resume !== undefined });
  const { record, rewind, trouble } = await interruptible(
    (signal) => traced(trace, (target) => soakWithProgress(scenario, { ...soakOptions, ...target, signal }, progress)),
    () => progress?.clear(),
  );
  process.exitCode = EXIT_CODES[record.verdict];
  const out = reportStream(options);
  out.write(runText(record, paintFor(out), rewind));
  await writeOutputs(options, { name: scenarioName(argument), record });
  if (trouble) throw trouble;
  const ended = record.failure !== null || record.simulatedUs >= record.scenario.uptimeUs;
  if (!ended && options.checkpoint !== undefined) {
    process.stderr.write(`heapsoak: the same command with --resume ${options.checkpoint} goes on from here.\n`);
  }
}

interface TracePlace {
  readonly heap?: string;
  readonly file: string;
}

/** Where the text in front of the first `=` is the name of a heap, it is meant. */
function tracePlace(text: string, { heaps }: Scenario): TracePlace {
  const equals = text.indexOf("=");
  const heap = text.slice(0, Math.max(equals, 0));
  const place = heaps.some(({ name }) => name === heap) ? { heap, file: text.slice(equals + 1) } : { file: text };
  if (place.file !== "" && place.file !== "-") return place;
  throw new HeapsoakError("bad-argument", `--trace: got "${text}", expected FILE or HEAP=FILE.`);
}

/** Runs with the trace open. It takes its place when the run is over, however it ended, and not where it could not be written. */
async function traced(
  place: TracePlace | undefined,
  run: (target: Pick<SoakOptions, "trace">) => Promise<FinishedRun>,
): Promise<FinishedRun> {
  if (!place) return run({});
  const output = new TraceOutput(place.file);
  try {
    const { heap } = place;
    const write = (text: string) => output.write(text);
    const finished = await run({ trace: { ...(heap !== undefined && { heap }), write } });
    if (finished.trouble) await output.discard();
    else await output.finish();
    return finished;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

function soakOptionsOf(options: RunOptions): SoakOptions {
  refuseCombinations(options);
  const { checkpoint, every = CHECKPOINT_EVERY, resume, rewind } = options;
  return {
    ...runOptions(options),
    ...(checkpoint !== undefined && { checkpoint: { file: checkpoint, everyUs: parseTimeOption(every, "--every") } }),
    ...(resume !== undefined && { resume }),
    ...(options.untilFailure && { untilFailure: true }),
    ...(rewind !== undefined && { rewindUs: parseTimeOption(rewind, "--rewind") }),
  };
}

function refuseCombinations({ checkpoint, every, resume, trace }: RunOptions): void {
  if (trace !== undefined && (checkpoint ?? resume) !== undefined) {
    throw new HeapsoakError("bad-argument", "--trace does not go with --checkpoint and --resume.", {
      hint: "Run it once more for the trace: same scenario, same seed, same operations.",
    });
  }
  if (every !== undefined && checkpoint === undefined) {
    throw new HeapsoakError("bad-argument", "--every says how often to save a checkpoint, but not where.", {
      hint: "Add --checkpoint FILE.",
    });
  }
}
