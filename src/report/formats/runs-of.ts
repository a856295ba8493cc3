import type { RunRecord } from "../../soak/record.ts";
import type { ComparedCandidate, CompareRecord, NamedRecord } from "../report-record.ts";

/** A run, and what it is called among the records. */
export interface NamedRun {
  readonly name: string;
  readonly run: RunRecord;
}

/** All runs in the records, a comparison's candidates included; those that were refused are left out. */
export function runsOf(records: readonly NamedRecord[]): NamedRun[] {
  return records.flatMap(({ name, record }) => {
    if (record.format === "heapsoak.run") return [{ name, run: record }];
    if (record.format !== "heapsoak.compare") return [];
    return candidatesOf(name, record).flatMap(({ name: own, candidate }) =>
      "refused" in candidate ? [] : [{ name: own, run: candidate.record }],
    );
  });
}

/** A candidate of a comparison: `name` with the record's name, `variant` without. */
export interface NamedCandidate {
  readonly name: string;
  readonly variant: string;
  readonly candidate: ComparedCandidate;
}

/** The candidates of a comparison: `compare: mqtt-tls tlsf 40KiB`. */
export function candidatesOf(record: string, { runs }: CompareRecord): NamedCandidate[] {
  const names = new UniqueNames();
  return runs.map((candidate) => {
    const { scenario, allocator, size } = candidate;
    const variant = names.unique([scenario, allocator, size].filter((part) => part !== null).join(" "));
    return { name: `${record}: ${variant}`, variant, candidate };
  });
}

/** The records with names that no two of them share. */
export function distinctlyNamed(records: readonly NamedRecord[]): NamedRecord[] {
  const names = new UniqueNames();
  return records.map(({ name, record }) => ({ name: names.unique(name), record }));
}

/** Names as they are given, the second of two equal ones as `name (2)`. */
export class UniqueNames {
  readonly #taken = new Set<string>();

  unique(name: string): string {
    let free = name;
    for (let count = 2; this.#taken.has(free); count++) free = `${name} (${count})`;
    this.#taken.add(free);
    return free;
  }
}
