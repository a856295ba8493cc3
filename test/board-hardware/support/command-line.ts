/** The built command line as a child process. */
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type Leashed, leashed } from "./leash.ts";

/** `npm run build` makes it. */
export const MAIN = fileURLToPath(new URL("../../../dist/src/main.js", import.meta.url));

/** Starts heapsoak without a terminal. It is killed when the test ends. */
export async function heapsoak(...args: string[]): Promise<Leashed> {
  const child = await leashed(process.execPath, [MAIN, ...args]);
  onTestFinished(() => child.kill());
  return child;
}

/** A finished run of the command line. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs heapsoak to its end. */
export async function run(...args: string[]): Promise<Run> {
  const child = await heapsoak(...args);
  const code = await child.ended;
  return { code, ...child.printed };
}
