/** A machine format of records, as the registry lists it and the command line offers it. */
import { HeapsoakError } from "../../errors.ts";
import type { NamedRecord, RecordKind } from "../report-record.ts";

export interface ReportFormat {
  /** As people call it: `JUnit XML`. */
  readonly name: string;
  /** Of the command line, without dashes: `junit` of `--junit FILE`. */
  readonly option: string;
  /** What it is for, as a help text says it. */
  readonly description: string;
  /** The kinds of record that can be written in it. */
  readonly kinds: readonly RecordKind[];
  /** The whole file: the same records give the same text. Throws `bad-argument` for records it cannot hold. */
  readonly of: (records: readonly NamedRecord[]) => string;
}

/** The record's kind as people write it: `stack-bound`. */
export function kindName(kind: RecordKind): string {
  return kind.slice("heapsoak.".length);
}

/** Throws `bad-argument` for the first record that `format` does not take, and names the formats in `all` that do. */
export function refuseOtherKinds(
  records: readonly NamedRecord[],
  format: ReportFormat,
  all: readonly ReportFormat[],
): void {
  const other = records.find(({ record }) => !format.kinds.includes(record.format));
  if (!other) return;
  const kind = other.record.format;
  const able = all.filter(({ kinds }) => kinds.includes(kind)).map(({ option }) => `--${option}`);
  const taken = `${format.name} takes ${format.kinds.map(kindName).join(", ")}.`;
  const hint = able.length === 0 ? taken : `${taken} Formats for a ${kindName(kind)} record: ${able.join(", ")}.`;
  const message = `${other.name}: a ${kindName(kind)} record cannot be written as ${format.name}.`;
  throw new HeapsoakError("bad-argument", message, { hint });
}
