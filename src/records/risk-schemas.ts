/** The schemas of the records of campaigns: risk and size. */
import { z } from "zod";
import type { EvaluationVerdict } from "../fit/evaluation/evaluate.ts";
import type { RefusedCell } from "../risk/grid.ts";
import {
  type CellName,
  type Monotony,
  type PairedDifference,
  RISK_FORMAT,
  RISK_VERSION,
  type RiskCell,
  type RiskRecord,
} from "../risk/record.ts";
import type { FailOn } from "../risk/run/cell.ts";
import type { OutcomeFailure, OutcomeFailureKind } from "../risk/run/outcome.ts";
import type { StopReason } from "../risk/size/meter.ts";
import type {
  AllocatorSize,
  BoundRecord,
  MonotonicityRecord,
  RefusedAllocator,
  SearchedAllocator,
  SizeEvidence,
  SizeRecord,
  StackSize,
} from "../risk/size/record.ts";
import type { SplittingEstimate, SplittingLevel } from "../risk/splitting/splitting.ts";
import type { SurvivalPoint } from "../risk/statistics/kaplan-meier.ts";
import type { Least, SeededFailure } from "../risk/tally.ts";
import { FAILURE_KINDS, failurePlace, verdict } from "./run-schema.ts";
import {
  absent,
  amount,
  bytes,
  chosen,
  count,
  flag,
  interval,
  list,
  mapOf,
  nullable,
  number,
  object,
  ratio,
  seed,
  signedBytes,
  text,
  timeUs,
  word,
} from "./schema-parts.ts";

export const fitVerdict = word<EvaluationVerdict>({ fits: true, "does-not-fit": true, undecided: true });

const OUTCOME_KINDS: Readonly<Record<OutcomeFailureKind, true>> = { ...FAILURE_KINDS, request: true };
const outcomeKind = word<OutcomeFailureKind>(OUTCOME_KINDS);
const failOn = word<FailOn>({ failure: true, request: true });
const kinds: z.ZodType<RiskCell["kinds"]> = z.partialRecord(z.enum(Object.keys(OUTCOME_KINDS)), count);
const scenario = object<RiskRecord["scenario"]>({ title: text, path: text, device: text });
const cellName = { allocator: text, arenaBytes: bytes };

export const outcomeFailure = object<OutcomeFailure>({ ...failurePlace, kind: outcomeKind });

const splitting = object<SplittingEstimate>({
  probability: ratio,
  interval,
  upperBound95: ratio,
  importance: word<SplittingEstimate["importance"]>({ "occupied-blocks": true, "live-bytes": true, shortfall: true }),
  replications: list(amount),
  levels: list(
    object<SplittingLevel>({
      threshold: nullable(number),
      probability: ratio,
      trials: count,
      entrances: count,
      ancestors: count,
    }),
  ),
  steps: count,
  pilotSteps: count,
  trials: count,
  workNormalisedVariance: nullable(amount),
  plainWorkNormalisedVariance: nullable(amount),
  warnings: list(text),
});

const least = object<Least>({ bytes: signedBytes, seed });

const cell = object<RiskCell>({
  ...cellName,
  heap: text,
  runs: count,
  failures: count,
  probability: ratio,
  interval,
  upperBound95: ratio,
  method: word<RiskCell["method"]>({ runs: true, splitting: true }),
  intervalMethod: word<RiskCell["intervalMethod"]>({
    "clopper-pearson": true,
    "confidence-sequence": true,
    exact: true,
    replications: true,
  }),
  splitting: absent(splitting),
  medianTimeToFailureUs: nullable(timeUs),
  kinds,
  earliest: nullable(object<SeededFailure>({ ...failurePlace, kind: outcomeKind, seed })),
  survival: list(object<SurvivalPoint>({ atUs: timeUs, surviving: ratio, low: ratio, high: ratio })),
  margins: object<RiskCell["margins"]>({
    heaps: mapOf(object<RiskCell["margins"]["heaps"][string]>({ leastFree: least, leastLargestFree: least })),
    stacks: mapOf(object<RiskCell["margins"]["stacks"][string]>({ sizeBytes: bytes, headroom: least })),
  }),
  steps: count,
});

const paired = object<PairedDifference>({
  first: object<CellName>(cellName),
  second: object<CellName>(cellName),
  runs: count,
  onlyFirstFailed: count,
  onlySecondFailed: count,
  p: ratio,
  adjustedP: ratio,
  better: nullable(word<"first" | "second">({ first: true, second: true })),
});

const monotony = object<Monotony>({
  allocator: text,
  holds: flag,
  rises: list(
    object<Monotony["rises"][number]>({
      fromBytes: bytes,
      toBytes: bytes,
      onlySmallerFailed: count,
      onlyLargerFailed: count,
      isReal: flag,
    }),
  ),
});

export const riskSchema = object<RiskRecord>({
  format: z.literal(RISK_FORMAT),
  version: z.literal(RISK_VERSION),
  provenance: object<RiskRecord["provenance"]>({ heapsoak: text, core: text, plan: text }),
  scenario,
  fit: nullable(object<NonNullable<RiskRecord["fit"]>>({ trace: text, verdict: fitVerdict })),
  horizonUs: timeUs,
  failOn,
  seeds: object<RiskRecord["seeds"]>({ first: seed, most: count }),
  precision: nullable(ratio),
  maxRisk: nullable(ratio),
  verdict,
  complete: flag,
  drawsNothing: flag,
  cells: list(cell),
  refused: list(object<RefusedCell>({ allocator: text, heap: text, arenaBytes: bytes, reason: text })),
  paired: list(paired),
  monotone: list(monotony),
  recommended: nullable(object<NonNullable<RiskRecord["recommended"]>>({ ...cellName, heap: text })),
  cost: object<RiskRecord["cost"]>({ runs: count, steps: count, simulatedUs: timeUs }),
});

const evidence = object<SizeEvidence>({
  heapBytes: bytes,
  runs: count,
  failures: count,
  kinds,
  probability: ratio,
  interval,
  upperBound: ratio,
});

const bound = object<BoundRecord>({ bytes: nullable(amount), formula: nullable(text), source: nullable(text) });

const monotonicity = object<MonotonicityRecord>({
  monotone: flag,
  sizesTried: count,
  seedsCompared: count,
  seedsNotMonotone: count,
  examples: list(object<MonotonicityRecord["examples"][number]>({ seed, survivesBytes: bytes, failsBytes: bytes })),
  smallerMeet: list(bytes),
  largerFail: list(bytes),
});

const refusedAllocator = object<RefusedAllocator>({ allocator: text, verdict: z.literal("refused"), reason: text });

const searchedAllocator = object<SearchedAllocator>({
  allocator: text,
  verdict: word<SearchedAllocator["verdict"]>({ found: true, none: true, undecided: true }),
  stepBytes: bytes,
  mostBytes: bytes,
  heapBytes: nullable(bytes),
  steadyBytes: nullable(bytes),
  at: nullable(evidence),
  below: nullable(evidence),
  above: nullable(evidence),
  most: nullable(evidence),
  refutedBytes: nullable(bytes),
  candidateBytes: nullable(bytes),
  peakLiveBytes: nullable(bytes),
  largestBlockBytes: nullable(bytes),
  unavoidable: nullable(bound),
  policy: nullable(bound),
  monotone: monotonicity,
  runsTaken: count,
  steps: count,
  gridSizes: count,
  gridRuns: count,
});

export const sizeSchema = object<SizeRecord>({
  format: z.literal("heapsoak.size"),
  version: z.literal(1),
  provenance: object<SizeRecord["provenance"]>({ heapsoak: text, core: text, scenario: text }),
  scenario,
  heap: text,
  nowBytes: bytes,
  horizonUs: timeUs,
  failOn,
  risk: ratio,
  confidence: ratio,
  runs: count,
  failuresMost: count,
  baseSeed: seed,
  stopped: nullable(word<StopReason>({ interrupted: true, runs: true, cpu: true })),
  allocators: list(
    chosen<AllocatorSize>(
      ({ verdict: found }) => (found === "refused" ? refusedAllocator : searchedAllocator),
      "an allocator and what came of it",
    ),
  ),
  stacks: list(
    object<StackSize>({
      name: text,
      sizeBytes: bytes,
      observedBytes: bytes,
      worstCaseBytes: nullable(bytes),
      guardBytes: bytes,
      recommendedBytes: bytes,
    }),
  ),
  runsTaken: count,
});
