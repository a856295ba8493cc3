import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type ImportRequest, type ImportSummary, importLog } from "../../src/import/import-log.ts";
import { temporaryFolder } from "./traces.ts";

const { write } = temporaryFolder();
let files = 0;

/** Logs of every format, as they are on disk. */
export const SAMPLES = join(import.meta.dirname, "../import/samples");

export const SAMPLE_FILES = readdirSync(SAMPLES).filter((name) => name !== "expected");

/** What lines of `pattern.log` look like. */
export const SAMPLE_PATTERN =
  "heap: (?<op>\\w+) (?<addr>[0-9a-f]+)(?: (?<size>\\d+))? by (?<task>\\w+) at (?<site>\\S+)";

/** A log and what came of it. */
export interface Imported {
  readonly summary: ImportSummary;
  /** The trace without its header. */
  readonly lines: readonly string[];
  readonly text: string;
}

/** Imports a file. */
export async function importFile(path: string, request: Partial<ImportRequest> = {}): Promise<Imported> {
  const pieces: Buffer[] = [];
  const summary = await importLog({
    source: path,
    version: "0.0.0",
    write: async (piece) => void pieces.push(Buffer.from(piece)),
    ...request,
  });
  const text = Buffer.concat(pieces).toString("utf8");
  return { summary, text, lines: text.split("\n").filter((line) => line !== "" && !line.startsWith("#")) };
}

/** Imports a text. */
export function importText(content: string | Uint8Array, request: Partial<ImportRequest> = {}): Promise<Imported> {
  return importFile(write(`${files++}.log`, content), request);
}

/** How many findings of each kind. */
export function counts({ summary }: Imported): Record<string, number> {
  return Object.fromEntries(summary.findings.map(({ kind, count }) => [kind, count]));
}

/** The first line of a kind of finding. */
export function firstLine({ summary }: Imported, kind: string): number | undefined {
  return summary.findings.find((finding) => finding.kind === kind)?.firstLine;
}
