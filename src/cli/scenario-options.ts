import { findAllocator } from "../allocators/catalogue.ts";
import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";
import type { ScenarioOptions } from "../scenario/load.ts";
import { parseTime } from "../scenario/quantities.ts";
import { parseSetting, type Settings } from "../scenario/settings.ts";
import type { SoakOptions } from "../soak/soak.ts";

/** Options by which commands change a scenario. */
export interface ScenarioFlags {
  readonly uptime?: string;
  readonly seed?: string;
  readonly allocator?: string[];
  readonly heapSize?: string[];
  readonly device?: string;
  readonly set?: string[];
}

/** What changes the scenario, as `loadScenario` takes it. Throws `bad-argument`, `unknown-allocator`. */
export function scenarioOptions(flags: ScenarioFlags): ScenarioOptions {
  const allocator = byHeap(flags.allocator ?? [], "--allocator");
  const heapSize = byHeap(flags.heapSize ?? [], "--heap-size");
  // Here and not in the scenario's terms, so that the message names what was typed.
  for (const name of Object.values(allocator)) findAllocator(name);
  for (const size of Object.values(heapSize)) parseSize(size, "--heap-size");
  return {
    ...(flags.device !== undefined && { device: flags.device }),
    allocator,
    heapSize,
    ...(flags.set && { set: parseSettings(flags.set) }),
  };
}

/** What changes only how long and with which draws it runs, as `soak` takes it. Throws `bad-argument`. */
export function runOptions({ uptime, seed }: ScenarioFlags): Pick<SoakOptions, "uptimeUs" | "seed"> {
  return {
    ...(uptime !== undefined && { uptimeUs: parseTimeOption(uptime, "--uptime") }),
    ...(seed !== undefined && { seed: parseSeed(seed) }),
  };
}

/** Whole microseconds of a time above zero. Throws `bad-argument` that names the option. */
export function parseTimeOption(text: string, flag: string): number {
  try {
    const us = parseTime(text);
    if (us >= 1) return Math.round(us);
  } catch (cause) {
    if (!(cause instanceof HeapsoakError)) throw cause;
    throw new HeapsoakError("bad-argument", `${flag}: ${cause.message}`, {
      ...(cause.hint && { hint: cause.hint }),
      cause,
    });
  }
  throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected at least 1 us.`);
}

/** `HEAP=VALUE`, or a bare value for the first heap. */
function byHeap(texts: readonly string[], flag: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    const heap = equals < 0 ? "" : text.slice(0, equals).trim();
    const value = text.slice(equals + 1).trim();
    if (value === "" || equals === 0) {
      throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected VALUE or HEAP=VALUE.`);
    }
    if (values.has(heap)) {
      const which = heap === "" ? "the first heap" : `"${heap}"`;
      throw new HeapsoakError("bad-argument", `${flag}: ${which} is given twice.`);
    }
    values.set(heap, value);
  }
  return Object.fromEntries(values);
}

/** A seed of a scenario's draws. Throws `bad-argument`. */
export function parseSeed(text: string): bigint {
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 1n << 64n) return BigInt(text);
  throw new HeapsoakError("bad-argument", `--seed: got "${text}", expected a whole number from 0 and below 2^64.`);
}

function parseSettings(texts: readonly string[]): Settings {
  const settings = new Map<string, unknown>();
  for (const [path, value] of texts.map(parseSetting)) {
    if (settings.has(path)) throw new HeapsoakError("bad-argument", `--set: "${path}" is given twice.`);
    settings.set(path, value);
  }
  return Object.fromEntries(settings);
}
