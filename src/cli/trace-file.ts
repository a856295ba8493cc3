/** Telling traces from scenarios, for commands that take both. */
import { closeSync, openSync, readSync, statSync } from "node:fs";

const HEAD_BYTES = 64 * 1024;
const GZIP = "\x1f\x8b";

/** Whether the argument is a file that is no scenario: compressed, or without a scenario's first key. */
export function isTraceFile(argument: string): boolean {
  if (/\.(ya?ml|json)$/i.test(argument) || !statSync(argument, { throwIfNoEntry: false })?.isFile()) return false;
  const text = headOf(argument);
  if (text === undefined) return false; // finding the scenario says what is wrong
  return text.startsWith(GZIP) || !(/^\s*\{/.test(text) || /^["']?heapsoak["']?\s*:/m.test(text));
}

function headOf(path: string): string | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0)).toString("latin1");
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
