import type { StackBoundRecord } from "../../firmware-stack/stack-record.ts";
import type { NamedRecord } from "../report-record.ts";
import { type BoundedStack, stacksOf } from "./bounded-stacks.ts";
import { type CsvColumn, csvText } from "./csv-text.ts";

interface StackRow {
  readonly name: string;
  readonly record: StackBoundRecord;
  readonly stack: BoundedStack;
}

const COLUMNS: readonly CsvColumn<StackRow>[] = [
  ["record", ({ name }) => name],
  ["elf", ({ record }) => record.elf],
  ["stack", ({ stack }) => stack.name],
  ["kind", ({ stack }) => stack.kind],
  ["worst_case_bytes", ({ stack }) => stack.bytes],
  ["bounded", ({ stack }) => stack.bounded],
  ["given_bytes", ({ stack }) => stack.givenBytes],
  ["limit_bytes", (row) => limitOf(row)?.limitBytes ?? null],
  ["limit_verdict", (row) => limitOf(row)?.verdict ?? null],
];

function limitOf({ record, stack }: StackRow): StackBoundRecord["limits"][number] | undefined {
  return record.limits.find(({ name }) => name === stack.name);
}

/** Worst cases of programs: a line a stack. */
export function stackCsv(records: readonly NamedRecord[]): string {
  const rows = records.flatMap(({ name, record }) =>
    record.format === "heapsoak.stack-bound"
      ? stacksOf(record).map((stack): StackRow => ({ name, record, stack }))
      : [],
  );
  return csvText(COLUMNS, rows);
}
