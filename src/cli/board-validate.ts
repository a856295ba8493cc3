import { existsSync, statSync } from "node:fs";
import { Command } from "commander";
import { encodeOptions, findAllocator } from "../allocators/catalogue.ts";
import { openLink } from "../board/link/serial-link.ts";
import {
  OPERATIONS_MOST,
  OPERATIONS_USUAL,
  type OperationSource,
  traceOperations,
} from "../board/validation/operation-source.ts";
import { scenarioOperations } from "../board/validation/scenario-operations.ts";
import { type Validation, validateBoard } from "../board/validation/validate.ts";
import type { RunSettings } from "../board/validation/validation-run.ts";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { validationText } from "../report/validation-text.ts";
import { VERDICTS } from "../report/verdict-of.ts";
import { parseCount } from "./arguments.ts";
import {
  type AllocatorFlags,
  allocatorOptions,
  linkOptions,
  type PortFlags,
  withAllocatorOptions,
  withPortOptions,
} from "./board-options.ts";
import { paintFor } from "./colors.ts";
import { findScenario } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { refuseOutputs, reportStream, withHtmlOption, writeOutputs } from "./record-outputs.ts";
import { EXIT_CODES } from "./run.ts";
import { parseSeed } from "./scenario-options.ts";
import { ValidationLine } from "./validation-line.ts";

interface ValidateOptions extends PortFlags, AllocatorFlags {
  readonly operations?: string;
  readonly allocator?: string;
  readonly device?: string;
  readonly heap?: string;
  readonly seed?: string;
  readonly restart: boolean;
  readonly json?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

/** The exit code of each verdict. */

const EXAMPLES = `
The board runs the operations on its own allocator, the emulator the same ones on its; compared are every address,
every refused request, the allocator's own figures, and at the end the heap's RAM byte by byte. Where the board
counts cycles, what a visit (a block or list node looked at) costs is fitted too. The firmware must hold the agent
with its command mode and leave the heap alone meanwhile.
A scenario is run with the board's allocator and heap size, and what it asks of the heap is the source.

Examples:
  A recorded trace:
    $ heapsoak board validate churn.trace.gz --port /dev/ttyACM0
  What a shipped scenario asks of its heap, with a record for reports to cite:
    $ heapsoak board validate mqtt-tls --port /dev/ttyUSB0 --baud 921600 --json validation.json
  Go on from the heap as the board has it now:
    $ heapsoak board validate churn.trace --port COM5 --no-restart --operations 500

Exit codes: 0 equal, 1 different, 2 bad input, 3 undecided: the board was lost before the end.`;

/** `heapsoak board validate`: the same operations on a board and in the emulator. */
export function boardValidateCommand(): Command {
  const command = new Command("validate")
    .summary("run operations on a board and in the emulator, and compare")
    .description("Runs operations on a board's own allocator and in the emulator, and compares everything they leave.")
    .argument("<source>", "a trace (- for standard input), a scenario, or the name of a shipped scenario");
  const validate = withAllocatorOptions(withPortOptions(command))
    .option("--operations <n>", "operations to run at most", String(OPERATIONS_USUAL))
    .option("--allocator <name>", "emulate this one, whatever the board says (see: heapsoak allocators)")
    .option("--device <id>", "the board's device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--heap <name>", "which heap of a scenario; the first by default")
    .option("--seed <n>", "seed of a scenario's random draws; the scenario's by default")
    .option("--no-restart", "do not restart the board: take its heap over as it is")
    .option("--json <file>", "write the validation record; - for standard output, everything else then goes to stderr");
  return withHtmlOption(validate)
    .option("--quiet", "no progress, only the verdict")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, options: ValidateOptions): Promise<void> {
  const source = sourceOf(argument, options);
  const emulated = await emulatedAs(options);
  await refuseOutputs(options);
  const line = options.quiet ? undefined : new ValidationLine(process.stderr);
  const link = await openLink(linkOptions(options));
  const startedAt = new Date().toISOString();
  try {
    const validation = await interruptible(
      (signal) =>
        validateBoard(link, {
          source,
          restart: options.restart,
          ...emulated,
          signal,
          startedAt,
          ...(line && { progress: (progress) => line.update(progress) }),
        }),
      () => line?.clear(),
    );
    line?.clear();
    await report(validation, options);
  } finally {
    line?.clear();
    await link.close();
  }
}

async function report(validation: Validation, options: ValidateOptions): Promise<void> {
  process.exitCode = EXIT_CODES[VERDICTS.validation[validation.record.verdict]];
  const out = reportStream(options);
  out.write(validationText(validation, paintFor(out)));
  await writeOutputs(options, { name: "validation", record: validation.record });
}

/** What the user says of the board's heap. */
async function emulatedAs(flags: ValidateOptions): Promise<RunSettings> {
  const options = allocatorOptions(flags);
  const allocator = flags.allocator === undefined ? undefined : findAllocator(flags.allocator);
  if (allocator) encodeOptions(allocator, options.options);
  const device = flags.device === undefined ? undefined : await resolveDevice(flags.device);
  return { ...options, ...(allocator && { allocator: allocator.name }), ...(device && { device }) };
}

type Source = (place: { allocator: string; heapBytes: number }) => Promise<OperationSource>;

/** A file that is not YAML is a trace; everything else a scenario. */
function sourceOf(argument: string, options: ValidateOptions): Source {
  const most = parseCount(options.operations ?? "", "--operations", 1, OPERATIONS_MOST);
  if (isTrace(argument)) {
    refuseScenarioOptions(argument, options);
    return () => traceOperations(argument, most);
  }
  const file = findScenario(argument);
  const seed = options.seed === undefined ? undefined : parseSeed(options.seed);
  return (place) =>
    scenarioOperations(file, {
      ...place,
      most,
      ...(options.heap !== undefined && { heap: options.heap }),
      ...(seed !== undefined && { seed }),
    });
}

function isTrace(argument: string): boolean {
  if (argument === "-") return true;
  return existsSync(argument) && !statSync(argument).isDirectory() && !/\.ya?ml$/i.test(argument);
}

function refuseScenarioOptions(argument: string, { heap, seed }: ValidateOptions): void {
  const given = [heap !== undefined && "--heap", seed !== undefined && "--seed"].filter((flag) => flag !== false);
  if (given.length === 0) return;
  throw new HeapsoakError(
    "bad-argument",
    `${argument} is a trace: ${given.join(" and ")} can be given with a scenario only.`,
  );
}
