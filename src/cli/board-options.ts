import type { Command } from "commander";
import type { OptionValues } from "../allocators/entry.ts";
import { DEFAULT_BAUD_RATE, type LinkOptions } from "../board/link/link.ts";
import { collect, parseAssignments, parseCount } from "./arguments.ts";

/** Options by which commands reach a board. */
export interface PortFlags {
  readonly port: string;
  readonly baud: string;
}

/** The slowest and fastest rates of adapters that are sold. */
const BAUD_LEAST = 50;
const BAUD_MOST = 20_000_000;

/** Gives a command the options that say where the board is. */
export function withPortOptions(command: Command): Command {
  return command
    .requiredOption("--port <path>", "serial port of the board, or a pty; `heapsoak board list` shows the ports")
    .option("--baud <rate>", "bits a second, as the firmware sets them", String(DEFAULT_BAUD_RATE));
}

/** Options of the emulated allocator. */
export interface AllocatorFlags {
  readonly option?: readonly string[];
}

/** Gives a command the option that says how the board's allocator was built. */
export function withAllocatorOptions(command: Command): Command {
  return command.option(
    "--option <key=value>",
    "an option of the allocator, as the firmware's build sets it (see: heapsoak allocators); repeatable",
    collect,
  );
}

/** Throws `bad-argument`. */
export function allocatorOptions({ option = [] }: AllocatorFlags): { options: OptionValues } {
  return { options: parseAssignments(option, "--option") };
}

/** What `openLink` takes. Throws `bad-argument`. */
export function linkOptions({ port, baud }: PortFlags): LinkOptions {
  return { path: port, baudRate: parseCount(baud, "--baud", BAUD_LEAST, BAUD_MOST) };
}
