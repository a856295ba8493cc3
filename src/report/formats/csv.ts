/** CSV: one table a file, its columns by the kind of the records. A run and a comparison share one. */
import { HeapsoakError } from "../../errors.ts";
import type { NamedRecord, RecordKind } from "../report-record.ts";
import { riskCsv } from "./csv-risk.ts";
import { runCsv } from "./csv-run.ts";
import { sizeCsv } from "./csv-size.ts";
import { stackCsv } from "./csv-stack.ts";
import { validationCsv } from "./csv-validation.ts";
import { kindName } from "./report-format.ts";

type Table = (records: readonly NamedRecord[]) => string;

const TABLES: Readonly<Partial<Record<RecordKind, Table>>> = {
  "heapsoak.run": runCsv,
  "heapsoak.compare": runCsv,
  "heapsoak.risk": riskCsv,
  "heapsoak.size": sizeCsv,
  "heapsoak.validation": validationCsv,
  "heapsoak.stack-bound": stackCsv,
};

/** The records as one table. Throws `bad-argument` for kinds that have different ones. */
export function csv(records: readonly NamedRecord[]): string {
  const tables = new Set(records.map(({ record }) => TABLES[record.format]));
  const [table] = tables;
  if (tables.size === 1 && table !== undefined) return table(records);
  const kinds = [...new Set(records.map(({ record }) => kindName(record.format)))].join(", ");
  throw new HeapsoakError(
    "bad-argument",
    `A CSV file has the columns of one kind of record, not of ${kinds || "none"}.`,
    {
      hint: "Write a file for each kind; run and compare records share one.",
    },
  );
}
