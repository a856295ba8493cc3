/** The formats of text that `import` knows. Where two fit a log equally well, the first is taken. */
import { closest, HeapsoakError } from "../errors.ts";
import { android } from "./formats/android.ts";
import { bohraGabber } from "./formats/bohra-gabber.ts";
import { calls } from "./formats/calls.ts";
import { espDump } from "./formats/esp-dump.ts";
import { espHost } from "./formats/esp-host.ts";
import { freertos } from "./formats/freertos.ts";
import { mallocLab } from "./formats/malloc-lab.ts";
import { mbed } from "./formats/mbed.ts";
import { mtrace } from "./formats/mtrace.ts";
import { zephyr } from "./formats/zephyr.ts";
import type { LogFormat } from "./log-format.ts";

export const LOG_FORMATS: readonly LogFormat[] = [
  mbed,
  espDump,
  espHost,
  android,
  mtrace,
  mallocLab,
  bohraGabber,
  zephyr,
  freertos,
  calls,
];

/** Formats that are not lines of a log, with what the help says of them. */
export const OTHER_FORMATS = {
  systemview: {
    title: "SEGGER SystemView recording (.SVDat)",
    example: "binary; heap events of an uncompressed recording",
  },
  heapsoak: { title: "a trace or a board's recording", example: "a 7 100 2064 t=15300   (checked and copied)" },
} as const;

/** The name of any format. */
export type FormatName = string;

/** Names that --format takes. */
export const FORMAT_NAMES: readonly FormatName[] = [
  ...LOG_FORMATS.map(({ name }) => name),
  ...Object.keys(OTHER_FORMATS),
];

/** Throws `bad-argument` for a name that is none. */
export function checkedFormat(name: string): FormatName {
  if (FORMAT_NAMES.includes(name)) return name;
  const guess = closest(name, FORMAT_NAMES);
  const hint = guess ? { hint: `Did you mean "${guess}"?` } : {};
  throw new HeapsoakError(
    "bad-argument",
    `--format: got "${name.slice(0, 60)}", expected ${FORMAT_NAMES.join(", ")}.`,
    hint,
  );
}

/** The format of the lines at a log's beginning, or undefined where none of them is of any. */
export function recognise(lines: readonly string[]): LogFormat | undefined {
  const certain = LOG_FORMATS.find((format) => format.begins?.(lines));
  if (certain) return certain;
  let best: LogFormat | undefined;
  let most = 0;
  for (const format of LOG_FORMATS) {
    if (format.begins) continue;
    const count = lines.reduce((sum, line) => sum + (format.recognises(line) ? 1 : 0), 0);
    if (count > most) [best, most] = [format, count];
  }
  return best;
}

/** Whether the lines at a file's beginning are those of a trace in heapsoak's own format. */
export function isTrace(lines: readonly string[]): boolean {
  const told = lines.filter((line) => line !== "");
  const record = told.find((line) => !line.startsWith("#"));
  const isHeader = told[0]?.startsWith("# ") === true && told[0].includes("=");
  if (record === undefined) return isHeader;
  const isRecord = /^(?:[ar] \d+ \d+|f \d+|z \d+ \d+ \d+|! [a-z-]+)(?: |$)/.test(record);
  return isRecord && (isHeader || told[0] === record);
}
