import { Command } from "commander";
import { listPorts } from "../board/link/port-list.ts";
import { portListText } from "../report/port-text.ts";
import { writeJson } from "./output.ts";

interface ListOptions {
  readonly json?: string;
}

const EXAMPLES = `
Examples:
  $ heapsoak board list
  $ heapsoak board list --json -

Ptys and links to ports are never listed, but --port takes them all the same.
Exit codes: 0 shown, 2 serial ports cannot be used here.`;

/** `heapsoak board list`: the serial ports of this machine. */
export function boardListCommand(): Command {
  return new Command("list")
    .summary("list the serial ports of this machine")
    .description("Lists the serial ports of this machine, with what is known of the adapter or board behind each.")
    .option("--json <file>", "write it as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(options: ListOptions): Promise<void> {
  const list = await listPorts();
  if (options.json !== undefined) {
    const { ports, remark = null } = list;
    await writeJson(options.json, { format: "heapsoak.ports", version: 1, ports, remark });
  }
  if (options.json !== "-") process.stdout.write(portListText(list));
}
