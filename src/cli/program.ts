import { Command } from "commander";
import { printable } from "../errors.ts";
import { packageVersion } from "../version.ts";
import { allocatorsCommand } from "./allocators.ts";
import { autopsyCommand } from "./autopsy.ts";
import { blameCommand } from "./blame.ts";
import { boardCommand } from "./board.ts";
import { checkCommand } from "./check.ts";
import { compareCommand } from "./compare.ts";
import { diffCommand } from "./diff.ts";
import { fitCommand } from "./fit.ts";
import { forecastCommand } from "./forecast.ts";
import { huntCommand } from "./hunt.ts";
import { importCommand } from "./import.ts";
import { initCommand } from "./init.ts";
import { devicesCommand } from "./list-devices.ts";
import { mergeCommand } from "./merge.ts";
import { replayCommand } from "./replay.ts";
import { reportCommand } from "./report.ts";
import { riskCommand } from "./risk.ts";
import { runCommand } from "./run.ts";
import { scenariosCommand } from "./scenarios.ts";
import { shrinkCommand } from "./shrink.ts";
import { sizeCommand } from "./size.ts";
import { stackCommand } from "./stack.ts";
import { workerCommand } from "./worker.ts";
import { worstCommand } from "./worst.ts";

/** In the order of the help. */
const COMMANDS = [
  runCommand,
  compareCommand,
  reportCommand,
  diffCommand,
  riskCommand,
  sizeCommand,
  mergeCommand,
  workerCommand,
  huntCommand,
  worstCommand,
  checkCommand,
  scenariosCommand,
  initCommand,
  importCommand,
  fitCommand,
  replayCommand,
  shrinkCommand,
  blameCommand,
  autopsyCommand,
  stackCommand,
  boardCommand,
  forecastCommand,
  devicesCommand,
  allocatorsCommand,
] as const;

const EXAMPLES = `
Examples:
  $ heapsoak run mqtt-tls
  $ heapsoak compare mqtt-tls --allocators freertos-heap4,tlsf --heap-sizes 36KiB,40KiB
  $ heapsoak report run.json --html run.html --junit run.xml
  $ heapsoak diff main.json branch.json
  $ heapsoak risk mqtt-tls --horizon 2d --max-risk 1%
  $ heapsoak size mqtt-tls --risk 5% --horizon 1d
  $ heapsoak check gateway.yaml
  $ heapsoak init --elf build/app.elf --device stm32f407vg --out app.yaml
  $ heapsoak import uart.log --out day.trace.gz
  $ heapsoak fit day.trace.gz --out day.yaml
  $ heapsoak replay trace.gz --allocator freertos-heap4 --allocator tlsf --heap-size 40KiB
  $ heapsoak shrink failing.trace --c short.c
  $ heapsoak blame mqtt-tls-too-small
  $ heapsoak autopsy ram.bin --at 0x20000000 --allocator freertos-heap4 --heap 0x20004000:40KiB
  $ heapsoak stack build/app.elf --su build --limit sensor=1KiB
  $ heapsoak board watch --port /dev/ttyACM0 --elf build/app.elf
  $ heapsoak forecast counters.csv --request 16KiB
  $ heapsoak devices stm32f407vg
  $ heapsoak allocators tlsf

"heapsoak COMMAND --help" explains a command. Colours appear on a terminal only; NO_COLOR switches them off.`;

/** The command line: one command a file. Errors are thrown; src/main.ts prints them. */
export function heapsoakProgram(): Command {
  const program = new Command("heapsoak")
    .description("Soaks the heaps of embedded firmware at the very addresses the device would use.")
    .version(packageVersion(), "-V, --version")
    .addHelpText("after", EXAMPLES);
  for (const make of COMMANDS) program.addCommand(make());
  program.helpCommand("help [command]", "show the help of a command");
  settle(program);
  return program;
}

/** What all commands have in common, down to the last one. */
function settle(command: Command): void {
  command.helpOption("-h, --help", "show this help").exitOverride().configureOutput({ outputError });
  for (const inner of command.commands) settle(inner);
}

/** Mistakes in the command line look like all others. */
function outputError(text: string, write: (text: string) => void): void {
  write(printable(text.replace(/^error: /, "heapsoak: ")));
}
