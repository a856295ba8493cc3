/** A record of each kind as the commands of version 0.2 wrote it: every later version must read them. */
import { readdirSync, readFileSync } from "node:fs";

export interface Sample {
  readonly kind: string;
  /** On one line, without blanks. */
  readonly text: string;
}

/** Those that have pages of their own are there for the tests of these pages, too. */
const FOLDERS = ["samples/", "../report/page-records/"].map((path) => new URL(path, import.meta.url));

export const SAMPLES: readonly Sample[] = FOLDERS.flatMap((folder) => {
  return readdirSync(folder).map((file) => ({
    kind: file.replace(".json", ""),
    text: JSON.stringify(JSON.parse(readFileSync(new URL(file, folder), "utf8"))),
  }));
});

/** The text of one of them. */
export function sample(kind: string): string {
  const found = SAMPLES.find((candidate) => candidate.kind === kind);
  if (!found) throw new RangeError(`there is no sample of ${kind}`);
  return found.text;
}
