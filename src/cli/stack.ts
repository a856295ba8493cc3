import { Command } from "commander";
import { coreOfElf } from "../device/elf-memory.ts";
import { coreFrames } from "../device/frames.ts";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { baseName, readLimited } from "../files.ts";
import { readCompilerFiles } from "../firmware-stack/compiler-files.ts";
import { analyseProgram, type WantedEntry, type WantedHandler } from "../firmware-stack/program.ts";
import { raisedScenario, stackLines } from "../firmware-stack/scenario-stacks.ts";
import { type StackBoundRecord, stackRecord } from "../firmware-stack/stack-record.ts";
import { readArmAttributes } from "../image/arm-attributes.ts";
import { type Elf, ElfMachine, readElf } from "../image/elf.ts";
import { parseSize } from "../quantities.ts";
import { stackBoundText } from "../report/stack-bound-text.ts";
import { parseScenario } from "../scenario/load.ts";
import { collect, parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { refuseOutputs, withHtmlOption, writeOutputs } from "./record-outputs.ts";
import { EXIT_CODES } from "./run.ts";

interface StackOptions {
  readonly su?: string;
  readonly entry?: readonly string[];
  readonly interrupts?: readonly string[];
  readonly calls?: readonly string[];
  readonly device?: string;
  readonly limit?: readonly string[];
  readonly scenario?: string;
  readonly out?: string;
  readonly json?: string;
  readonly html?: string;
}

const SCENARIO_BYTES_MOST = 1024 * 1024;

const EXAMPLES = `
Examples:
  From the program's code alone:
    $ heapsoak stack build/app.elf
  With the frames that GCC wrote (-fstack-usage or -fcallgraph-info=su):
    $ heapsoak stack build/app.elf --su build
  A task with its limit, and handlers that share a priority:
    $ heapsoak stack app.elf --entry sensor=vSensorTask --limit sensor=1KiB \\
        --interrupts UART0_Handler=5,SPI1_Handler=5,SysTick_Handler=15
  What a call through a pointer can lead to:
    $ heapsoak stack app.elf --calls dispatch=on_open,on_close
  Stacks of a scenario made large enough:
    $ heapsoak stack app.elf --scenario gateway.yaml --out gateway-stacks.yaml

Exit codes: 0 within the limits, 1 a limit is exceeded, 2 bad input, 3 only lower bounds are known.`;

/** `heapsoak stack`: the worst case of every stack of a firmware, from its ELF file. */
export function stackCommand(): Command {
  const command = new Command("stack")
    .summary("bound the stacks of a firmware from its ELF file")
    .description(
      "Finds the worst case of every stack of a firmware: after reset, of each task and handler, and with all handlers nested. What cannot be known (recursion, calls through pointers, dynamic frames, unknown code) is named, and the figure is then a lower bound.",
    )
    .argument("<elf>", "linked program with symbols: Arm Cortex-M; others with --su and .ci files")
    .option("--su <folder>", "read frames from the .su and .ci files in the folder and below")
    .option("--entry <function>", "a task, as FUNCTION or NAME=FUNCTION; repeatable", collect)
    .option(
      "--interrupts <list>",
      "handlers that can interrupt, as NAME or NAME=PRIORITY, or none; those of one priority do not nest; by default all of the vector table, each on top of the others; repeatable",
      collect,
    )
    .option("--calls <list>", "what calls through pointers lead to, as CALLER=FUNCTION,...; repeatable", collect)
    .option("--device <id>", "device whose core saves registers; by default the core that the file names")
    .option("--limit <name=size>", "most bytes for an entry point, a handler or main-stack; repeatable", collect)
    .option("--scenario <file>", "print the stacks of this scenario with sizes that hold the worst cases")
    .option("--out <file>", "write the scenario with those sizes; - for standard output")
    .option("--json <file>", "write the record as JSON; - for standard output");
  return withHtmlOption(command).addHelpText("after", EXAMPLES).action(run);
}

async function run(file: string, options: StackOptions): Promise<void> {
  if (options.out !== undefined && options.scenario === undefined) {
    throw new HeapsoakError("bad-argument", "--out: there is no --scenario whose stacks it could hold.");
  }
  await refuseOutputs(options, ["--out", options.out]);
  if (options.out !== undefined) await refuseUnwritable(options.out);
  const record = await recordOf(file, options);
  const toOutput = ![options.json, options.html, options.out].includes("-");
  if (toOutput) process.stdout.write(stackBoundText(record, paintFor(process.stdout)));
  if (options.scenario !== undefined) await writeScenario(record, options.scenario, options.out, toOutput);
  process.exitCode = EXIT_CODES[record.verdict];
  await writeOutputs(options, { name: baseName(file), record });
}

async function recordOf(file: string, options: StackOptions): Promise<StackBoundRecord> {
  const limits = new Map((options.limit ?? []).map((text) => limitOf(text)));
  const elf = readElf(await readLimited(file), file);
  const files = options.su === undefined ? undefined : await readCompilerFiles(options.su);
  const program = analyseProgram({
    elf,
    files,
    entries: (options.entry ?? []).map(entryOf),
    handlers: options.interrupts === undefined ? undefined : handlersOf(options.interrupts),
    calls: callsOf(options.calls ?? []),
  });
  const core = options.device === undefined ? coreOf(elf) : await resolveDevice(options.device);
  return stackRecord(program, { elf: file, coreName: core.coreName, frames: coreFrames(core), limits });
}

/** The core that the file names; one with floating point by its own name. */
function coreOf(elf: Elf) {
  const { core, coreName } = coreOfElf(elf);
  const attributes = elf.section(".ARM.attributes")?.contents ?? new Uint8Array();
  const hasFpu = elf.machine === ElfMachine.Arm && readArmAttributes(attributes).floatingPoint;
  const isNamed = coreName.endsWith("F") || core !== "armv7e-m";
  return hasFpu && !isNamed
    ? { core, coreName: coreName === "Cortex-M7" ? "Cortex-M7F" : "Cortex-M4F" }
    : { core, coreName };
}

function entryOf(text: string): WantedEntry {
  const [, name, wanted] = /^(?:([^=\s]+)=)?([^=\s]+)$/.exec(text) ?? [];
  if (wanted === undefined) throw refusal("--entry", text, "[NAME=]FUNCTION");
  return { name: name ?? wanted, function: wanted };
}

function handlersOf(texts: readonly string[]): WantedHandler[] {
  const words = texts.flatMap((text) => text.split(",")).map((word) => word.trim());
  if (words.length === 1 && words[0] === "none") return [];
  return words.map((word) => {
    const [, name, priority] = /^([^=\s]+)(?:=(.+))?$/.exec(word) ?? [];
    if (name === undefined) throw refusal("--interrupts", word, "HANDLER[=PRIORITY]");
    return {
      function: name,
      priority: priority === undefined ? undefined : parseCount(priority, `--interrupts ${name}`, 0, 255),
    };
  });
}

function callsOf(texts: readonly string[]): Map<string, string[]> {
  const calls = new Map<string, string[]>();
  for (const text of texts) {
    const [, caller, callees] = /^([^=\s]+)=([^=\s]+)$/.exec(text) ?? [];
    const names = callees?.split(",").filter((name) => name !== "") ?? [];
    if (caller === undefined || names.length === 0) throw refusal("--calls", text, "CALLER=FUNCTION,…");
    calls.set(caller, [...(calls.get(caller) ?? []), ...names]);
  }
  return calls;
}

function limitOf(text: string): [string, number] {
  const [, name, size] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || size === undefined) throw refusal("--limit", text, "NAME=SIZE");
  return [name, parseSize(size, `--limit ${name}`)];
}

function refusal(flag: string, got: string, expected: string): HeapsoakError {
  return new HeapsoakError("bad-argument", `${flag}: got "${got}", expected ${expected}.`);
}

async function writeScenario(
  record: StackBoundRecord,
  file: string,
  out: string | undefined,
  toOutput: boolean,
): Promise<void> {
  const text = Buffer.from(await readLimited(file, SCENARIO_BYTES_MOST)).toString("utf8");
  const scenario = await parseScenario(text, file);
  const raised = raisedScenario(text, scenario, record);
  if (toOutput) process.stdout.write(`\n${stackLines(scenario, record).join("\n")}\n`);
  if (out === undefined) return;
  await parseScenario(raised, out === "-" ? file : out);
  await writeWhole(out, raised);
}
