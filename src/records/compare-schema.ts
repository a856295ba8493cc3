/** The schema of the record of a comparison. */
import { z } from "zod";
import {
  COMPARE_FORMAT,
  type ComparedCandidate,
  type ComparedStack,
  type CompareRecord,
} from "../report/report-record.ts";
import type { RunRecord } from "../soak/record.ts";
import { runSchema } from "./run-schema.ts";
import { absent, chosen, list, nullable, object, text } from "./schema-parts.ts";

const asked = { scenario: text, heap: nullable(text), allocator: nullable(text), size: nullable(text) };
type Ran = Extract<ComparedCandidate, { readonly record: RunRecord }>;
type Refused = Extract<ComparedCandidate, { readonly refused: string }>;
const ran = object<Ran>({ ...asked, record: runSchema });
const refused = object<Refused>({ ...asked, refused: text });

export const compareSchema = object<CompareRecord>({
  format: z.literal(COMPARE_FORMAT),
  version: z.literal(1),
  runs: list(
    chosen<ComparedCandidate>(
      (candidate) => ("refused" in candidate ? refused : ran),
      "a candidate with its record, or why it was refused",
    ),
  ),
  stack: absent(object<ComparedStack>({ task: text, protections: list(text) })),
});
