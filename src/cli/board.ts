import { Command } from "commander";
import { boardListCommand } from "./board-list.ts";
import { boardRecordCommand } from "./board-record.ts";
import { boardValidateCommand } from "./board-validate.ts";
import { boardWatchCommand } from "./board-watch.ts";

/** In the order of the help. */
const COMMANDS = [boardListCommand, boardRecordCommand, boardWatchCommand, boardValidateCommand] as const;

const EXAMPLES = `
Examples:
  $ heapsoak board list
  $ heapsoak board record --port /dev/ttyUSB0 --out board.trace
  $ heapsoak board watch --port /dev/ttyACM0 --elf build/app.elf
  $ heapsoak board validate churn.trace.gz --port /dev/ttyACM0

"heapsoak board COMMAND --help" explains a command. The firmware's side is in docs/board.md of this package, the bytes on
the line are in docs/protocol.md.
Exit codes: 0 done, 1 the board differs, 2 bad input, 3 undecided.`;

/** `heapsoak board`: everything that needs a board on a serial port; one command a file. */
export function boardCommand(): Command {
  const board = new Command("board")
    .summary("record, watch and validate a board over its serial port")
    .description("Works with a board whose firmware holds heapsoak's agent, over a serial port.")
    .addHelpText("after", EXAMPLES)
    .helpCommand("help [command]", "show the help of a command");
  for (const make of COMMANDS) board.addCommand(make());
  return board;
}
