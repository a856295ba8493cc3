/** The schema of the record of a validation on a board. */
import { z } from "zod";
import type { Calibration, CalibrationLine } from "../board/validation/calibration.ts";
import {
  type FirstDifference,
  VALIDATION_FORMAT,
  VALIDATION_VERSION,
  type ValidationRecord,
  type ValidationVerdict,
} from "../board/validation/validation-record.ts";
import { FIGURES } from "../board/wire/protocol.ts";
import {
  absent,
  amount,
  bytes,
  chosen,
  count,
  flag,
  list,
  nullable,
  number,
  object,
  optionValues,
  ratio,
  text,
  word,
} from "./schema-parts.ts";

type DifferenceOf<K extends FirstDifference["kind"]> = Extract<FirstDifference, { readonly kind: K }>;

const DIFFERENCES: { readonly [K in FirstDifference["kind"]]: z.ZodType<DifferenceOf<K>> } = {
  placement: object<DifferenceOf<"placement">>({
    operation: count,
    kind: z.literal("placement"),
    line: count,
    text,
    boardAddress: bytes,
    emulatedAddress: bytes,
  }),
  statistic: object<DifferenceOf<"statistic">>({
    operation: count,
    kind: z.literal("statistic"),
    key: z.enum(Object.keys(FIGURES) as (keyof typeof FIGURES)[]),
    board: count,
    emulated: count,
  }),
  ram: object<DifferenceOf<"ram">>({
    operation: count,
    kind: z.literal("ram"),
    address: bytes,
    board: count,
    emulated: count,
    differingBytes: bytes,
  }),
};

const firstDifference = chosen<FirstDifference>(
  ({ kind }) => (typeof kind === "string" && isDifference(kind) ? DIFFERENCES[kind] : undefined),
  `a map with a kind: ${Object.keys(DIFFERENCES).join(", ")}`,
);

function isDifference(kind: string): kind is FirstDifference["kind"] {
  return Object.hasOwn(DIFFERENCES, kind);
}

const calibration = object<Calibration>({
  cycleHz: amount,
  lines: list(
    object<CalibrationLine>({
      verb: word<CalibrationLine["verb"]>({ allocate: true, allocateAligned: true, reallocate: true, release: true }),
      operations: count,
      baseCycles: number,
      cyclesPerVisit: number,
      residualCycles: amount,
      residualP99Cycles: amount,
      explainedRatio: ratio,
      maximumVisits: count,
      maximumCycles: amount,
    }),
  ),
});

export const validationSchema = object<ValidationRecord>({
  format: z.literal(VALIDATION_FORMAT),
  version: z.literal(VALIDATION_VERSION),
  verdict: word<ValidationVerdict>({ equal: true, different: true, undecided: true }),
  reason: nullable(text),
  board: text,
  buildId: text,
  allocator: text,
  allocatorVersion: text,
  emulatedAs: text,
  options: optionValues,
  versionsExactFor: text,
  heap: object<ValidationRecord["heap"]>({ address: bytes, bytes }),
  start: word<ValidationRecord["start"]>({ fresh: true, adopted: true }),
  source: object<ValidationRecord["source"]>({ name: text, digest: text }),
  operations: count,
  leftOut: count,
  compared: object<ValidationRecord["compared"]>({ placements: count, refusals: count, statistics: count }),
  ram: nullable(object<NonNullable<ValidationRecord["ram"]>>({ bytes, equal: flag })),
  firstDifference: nullable(firstDifference),
  calibration: nullable(calibration),
  line: object<ValidationRecord["line"]>({ retries: count, lost: count, corrupt: count }),
  heapsoak: text,
  startedAt: absent(text),
});
