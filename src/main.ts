#!/usr/bin/env node
import { CommanderError } from "commander";
import { heapsoakProgram } from "./cli/program.ts";
import { HeapsoakError } from "./errors.ts";

const BAD_INPUT = 2;
/** EX_SOFTWARE: a mistake of ours. */
const INTERNAL = 70;

// The reader of a pipe that goes away (`heapsoak devices | head`) is no error; a full disk is one.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    if (stream === process.stdout) process.stderr.write(`heapsoak: the output cannot be written (${error.code}).\n`);
    process.exit(BAD_INPUT);
  });
}

try {
  await heapsoakProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints what went wrong and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT;
  if (error instanceof HeapsoakError) {
    const hint = error.hint === undefined ? "" : `  ${error.hint}\n`;
    process.stderr.write(`heapsoak: ${error.message}\n${hint}`);
    return BAD_INPUT;
  }
  const details = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`heapsoak: this is a mistake in heapsoak itself; please report it.\n${details}\n`);
  return INTERNAL;
}
