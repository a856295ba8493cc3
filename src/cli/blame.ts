import { Command } from "commander";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import { blameText } from "../report/blame-text.ts";
import { measureRemedies } from "../risk/blame/measure.ts";
import type { BlameRecord } from "../risk/blame/record.ts";
import { type Remedy, remediesFor } from "../risk/blame/remedies.ts";
import { type BlameRequest, blameScenario, type ScenarioBlame } from "../risk/blame/scenario-blame.ts";
import { blameTrace, type TraceBlameRequest } from "../risk/blame/trace-blame.ts";
import { loadScenario, type ScenarioOptions } from "../scenario/load.ts";
import type { Scenario } from "../scenario/model.ts";
import { collect, parseAssignments, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { findScenario } from "./find-scenario.ts";
import { LiveLine } from "./live-line.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { parseTimeOption, runOptions, type ScenarioFlags, scenarioOptions } from "./scenario-options.ts";
import { isTraceFile } from "./trace-file.ts";

interface BlameOptions extends ScenarioFlags {
  readonly at: string;
  readonly request?: string;
  readonly heap?: string;
  readonly option?: string[];
  readonly remedies?: boolean;
  readonly runs?: string;
  readonly json?: string;
}

const RUNS_BY_DEFAULT = 20;
const RUNS_MOST = 1_000_000;
const FAILURE = "failure";
/** Of a file, to tell a scenario from a trace. */

const EXAMPLES = `
The smallest set of live blocks whose release would have made a refused request fit: it is really released, and the
request is asked again. Then over the whole run: which steps or call sites stood in the way how often.
Of a trace --at takes a number of operations, of a scenario a time. Without --at it is the failure that counts, or, where
the firmware copes, the first refused request.

Examples:
  Who stands in the way when it fails?
    $ heapsoak blame mqtt-tls-too-small
  And what helps? Each remedy is run with the same seeds, before and after:
    $ heapsoak blame mqtt-tls-too-small --remedies --runs 20
  What would keep 8 KiB from fitting after a day?
    $ heapsoak blame gateway.yaml --at 1d --request 8KiB --heap main
  In a trace:
    $ heapsoak blame failing.trace
    $ heapsoak blame day.trace.gz --at 20000 --request 4KiB

Exit codes: 0 looked at, 2 bad input, or nothing to look at.`;

/** `heapsoak blame`: who stands in the way of a request, and what to try. */
export function blameCommand(): Command {
  return new Command("blame")
    .summary("tell whose blocks are in a request's way")
    .description("Tells which live blocks stand in the way of a request, whose they are, and measures what helps.")
    .argument("<source>", "a scenario (a file, or the name of a shipped one), or a trace")
    .option("--at <moment>", "a time, of traces a number of operations, or the failure", FAILURE)
    .option("--request <size>", "what is asked for; what was refused by default")
    .option("--heap <name>", "the heap of the scenario; the one that refused by default")
    .option("--seed <n>", "seed of all random draws; the scenario's by default")
    .option("--uptime <time>", "how long to simulate; the scenario's by default")
    .option("--allocator <[heap=]name>", "allocator of a heap, the first by default; repeatable", collect)
    .option("--heap-size <[heap=]size>", "bytes of a heap, the first by default; repeatable", collect)
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--option <key=value>", "of traces: an option of the allocator; repeatable", collect)
    .option("--remedies", "run the scenario again with what may help, and measure")
    .option("--runs <n>", `runs for each remedy, ${RUNS_BY_DEFAULT} by default`)
    .option("--json <file>", "write the record; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, options: BlameOptions): Promise<void> {
  if (options.runs !== undefined && !options.remedies) {
    throw new HeapsoakError("bad-argument", "--runs says how often each remedy is run; add --remedies.");
  }
  if (options.json !== undefined) await refuseUnwritable(options.json);
  const record =
    argument === "-" || isTraceFile(argument) ? await ofTrace(argument, options) : await ofScenario(argument, options);
  const out = options.json === "-" ? process.stderr : process.stdout;
  out.write(blameText(record, paintFor(out)));
  if (options.json !== undefined) await writeWhole(options.json, `${JSON.stringify(record, undefined, 2)}\n`);
}

async function ofTrace(path: string, options: BlameOptions): Promise<BlameRecord> {
  const given = [
    options.heap !== undefined && "--heap",
    options.seed !== undefined && "--seed",
    options.uptime !== undefined && "--uptime",
    options.set && "--set",
    options.remedies && "--remedies",
    (options.allocator?.length ?? 0) > 1 && "a second --allocator",
    (options.heapSize?.length ?? 0) > 1 && "a second --heap-size",
  ].filter((flag) => typeof flag === "string");
  if (given.length > 0) {
    throw new HeapsoakError("bad-argument", `${path} is a trace, so ${given.join(", ")} cannot be given.`, {
      hint: "`heapsoak fit` makes a scenario of a trace.",
    });
  }
  const request: TraceBlameRequest = {
    ...(options.at !== FAILURE && { operation: parseCount(options.at, "--at", 0, Number.MAX_SAFE_INTEGER) }),
    ...(options.request !== undefined && { requestBytes: parseSize(options.request, "--request") }),
    ...(options.allocator?.[0] !== undefined && { allocator: options.allocator[0] }),
    ...(options.heapSize?.[0] !== undefined && { heapBytes: parseSize(options.heapSize[0], "--heap-size") }),
    ...(options.device !== undefined && { device: await resolveDevice(options.device) }),
    options: parseAssignments(options.option ?? [], "--option"),
  };
  return await blameTrace(path, request);
}

async function ofScenario(argument: string, options: BlameOptions): Promise<BlameRecord> {
  if (options.option) {
    throw new HeapsoakError("bad-argument", "--option is for traces.", {
      hint: "Use --set heaps.NAME.options.KEY=VALUE.",
    });
  }
  const runs = parseCount(options.runs ?? String(RUNS_BY_DEFAULT), "--runs", 1, RUNS_MOST);
  const file = findScenario(argument);
  const base = scenarioOptions(options);
  const { uptimeUs, seed } = runOptions(options);
  const load = async (changed: ScenarioOptions): Promise<Scenario> => {
    const scenario = await loadScenario(file, changed);
    return uptimeUs === undefined ? scenario : { ...scenario, uptimeUs };
  };
  const request: BlameRequest = {
    ...(options.at !== FAILURE && { atUs: parseTimeOption(options.at, "--at") }),
    ...(options.request !== undefined && { requestBytes: parseSize(options.request, "--request") }),
    ...(options.heap !== undefined && { heap: options.heap }),
    ...(seed !== undefined && { seed }),
  };
  const scenario = await load(base);
  const blame = blameScenario(scenario, request);
  if (!options.remedies) return blame.record;
  const remedies = await measured(blame, {
    runs,
    seed: seed ?? scenario.seed,
    load: (remedy) => load(withRemedy(base, remedy)),
  });
  return { ...blame.record, remedies };
}

/** The scenario's options with a remedy's change behind them. */
function withRemedy(base: ScenarioOptions, remedy: Remedy | undefined): ScenarioOptions {
  return remedy ? { ...base, set: { ...base.set, ...remedy.set } } : base;
}

async function measured(
  { record, run, census, askingStep }: ScenarioBlame,
  { runs, seed, load }: { runs: number; seed: bigint; load: (remedy: Remedy | undefined) => Promise<Scenario> },
) {
  const remedies = remediesFor(record, run, census, askingStep);
  const line = new LiveLine(process.stderr);
  const total = (remedies.length + 1) * runs;
  process.stderr.write(
    `heapsoak: ${total} runs: ${remedies.length} remedies and the scenario as it is, ${runs} seeds each.\n`,
  );
  return await measureRemedies({
    remedies,
    load,
    heap: record.heap,
    runs,
    baseSeed: seed,
    horizonUs: run.scenario.uptimeUs,
    failOn: record.moment?.kind === "refused" ? "request" : "failure",
    progress: ({ done, of, title }) => line.update(() => `run ${done} of ${of}: ${title}`),
  }).finally(() => line.clear());
}
