/** The schema of the record of a fit. */
import { z } from "zod";
import type { EvaluatedRun, Evaluation } from "../fit/evaluation/evaluate.ts";
import type { FigureRecord, FigureVerdict } from "../fit/evaluation/judge.ts";
import type { EarlyEnd } from "../fit/evaluation/soaked.ts";
import type { FitPlace, FitRecord, FittedTrace, PlaceSource } from "../fit/record.ts";
import { fitVerdict } from "./risk-schemas.ts";
import { FAILURE_KINDS } from "./run-schema.ts";
import {
  amount,
  bytes,
  count,
  flag,
  list,
  nullable,
  number,
  object,
  optionValues,
  text,
  timeUs,
  word,
} from "./schema-parts.ts";

const placeSource = word<PlaceSource>({ trace: true, option: true, default: true });
const pair: z.ZodType<readonly [number, number]> = z.tuple([count, count]);

const trace = object<FittedTrace>({
  name: text,
  operations: count,
  blocks: count,
  durationUs: timeUs,
  timed: flag,
  sites: count,
  tasks: count,
  boots: count,
  gaps: count,
  unmatchedFrees: count,
  refused: count,
});

const place = object<FitPlace>({
  allocator: text,
  allocatorFrom: placeSource,
  options: optionValues,
  heapBytes: bytes,
  heapBytesFrom: placeSource,
});

const figure = object<FigureRecord>({
  name: text,
  unit: word<FigureRecord["unit"]>({ bytes: true, count: true, ratio: true }),
  firstHalf: nullable(number),
  trace: nullable(number),
  scenario: number,
  runs: list(number),
  scale: number,
  differenceRatio: number,
  toleranceRatio: amount,
  chanceRatio: amount,
  swingsRatio: nullable(amount),
  verdict: word<FigureVerdict>({ within: true, beyond: true, untold: true, wilder: true }),
});

const run = object<EvaluatedRun>({
  seed: count,
  failure: nullable(
    object<EarlyEnd>({
      kind: word<EarlyEnd["kind"]>({ ...FAILURE_KINDS, "too-many-requests": true }),
      atUs: timeUs,
    }),
  ),
});

const evaluation = object<Evaluation>({
  verdict: fitVerdict,
  reasons: list(text),
  splitUs: timeUs,
  endUs: timeUs,
  stretches: pair,
  looks: count,
  figures: list(figure),
  runs: list(run),
  requests: pair,
});

export const fitSchema = object<FitRecord>({
  format: z.literal("heapsoak.fit"),
  version: z.literal(1),
  heapsoak: text,
  trace,
  place,
  fittedOn: word<FitRecord["fittedOn"]>({ whole: true, "first-half": true }),
  evaluation,
  remarks: list(text),
});
