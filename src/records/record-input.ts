/** Where records come from: files, and standard input. */
import { HeapsoakError } from "../errors.ts";
import { baseName, readLimited } from "../files.ts";
import { formatBytes } from "../quantities.ts";
import type { NamedRecord, ReportRecord } from "../report/report-record.ts";
import { readRecord } from "./read-record.ts";

/** A comparison of a hundred runs of a year has half of it. */
const RECORD_BYTES_MOST = 128 * 1024 * 1024;

/** The record in the file; `-` is standard input. Throws `cannot-read`, `bad-record`. */
export async function readRecordFile(path: string): Promise<ReportRecord> {
  const isInput = path === "-";
  const bytes = isInput ? await standardInput() : await readLimited(path, RECORD_BYTES_MOST);
  return readRecord(new TextDecoder().decode(bytes), isInput ? "standard input" : path);
}

/** The records in the files, each called by its file without folder and ending, or by its whole path where two are called the same. */
export async function readNamedRecords(paths: readonly string[]): Promise<NamedRecord[]> {
  const bases = paths.map((path) => (path === "-" ? "standard input" : baseName(path).replace(/\.json$/i, "")));
  const records: NamedRecord[] = [];
  for (const [index, path] of paths.entries()) {
    const base = bases[index] ?? path;
    const name = bases.indexOf(base) === bases.lastIndexOf(base) ? base : path;
    records.push({ name, record: await readRecordFile(path) });
  }
  return records;
}

async function standardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= RECORD_BYTES_MOST) continue;
    throw new HeapsoakError("cannot-read", `standard input: more than ${formatBytes(RECORD_BYTES_MOST)}.`);
  }
  return Buffer.concat(chunks);
}
