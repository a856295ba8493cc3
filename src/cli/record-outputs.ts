/** What commands write of a record beside the terminal's report: `--json FILE` and `--html FILE`. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { htmlPage } from "../report/html/page.ts";
import { readPageAssets } from "../report/page-assets.ts";
import { recordJson } from "../report/record-json.ts";
import type { NamedRecord } from "../report/report-record.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";

export interface OutputFlags {
  readonly json?: string;
  readonly html?: string;
}

/** A file, or none, and the option that names it. */
export type NamedFile = readonly [option: string, file: string | undefined];

/** Adds `--html`. */
export function withHtmlOption(command: Command): Command {
  return command.option(
    "--html <file>",
    "write the report as one self-contained page for browsers; - for standard output",
  );
}

/**
 * Throws `cannot-write` for what could not be written in the end, and `bad-argument` for one file behind two options;
 * `others` are files that the command writes as well.
 */
export async function refuseOutputs({ json, html }: OutputFlags, ...others: readonly NamedFile[]): Promise<void> {
  refuseSharedFiles([["--json", json], ["--html", html], ...others]);
  for (const file of [json, html]) if (file !== undefined) await refuseUnwritable(file);
  if (html !== undefined) readPageAssets();
}

/** Throws `bad-argument` where two options name the same file, or both standard output. */
export function refuseSharedFiles(files: readonly NamedFile[]): void {
  const options = new Map<string, string>();
  for (const [option, file] of files) {
    if (file === undefined) continue;
    const place = file === "-" ? file : resolve(file);
    const other = options.get(place);
    if (other !== undefined) throw new HeapsoakError("bad-argument", `${other} and ${option} name the same file.`);
    options.set(place, option);
  }
}

/** Where the terminal's report goes: standard error, where an output has taken standard output. */
export function reportStream({ json, html }: OutputFlags): NodeJS.WriteStream {
  return json === "-" || html === "-" ? process.stderr : process.stdout;
}

/** Writes what was asked for; last, so that a full disk does not take the verdict with it. Throws `cannot-write`. */
export async function writeOutputs({ json, html }: OutputFlags, named: NamedRecord): Promise<void> {
  if (json !== undefined) await writeWhole(json, recordJson(named.record));
  if (html !== undefined) await writeWhole(html, htmlPage([named], readPageAssets()));
}
