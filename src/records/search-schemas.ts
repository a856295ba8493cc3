/** The schemas of the records that look for one run or one reason: blame, hunt, worst and shrink. */
import { z } from "zod";
import {
  BLAME_FORMAT,
  BLAME_VERSION,
  type BlameRecord,
  type MeasuredRisk,
  type MomentRecord,
  type PinningSite,
  type PinRecord,
  type PinSet,
  type RemedyRecord,
  type Site,
  type WholeRunRecord,
} from "../risk/blame/record.ts";
import type { HuntFind, HuntGoal, HuntRecipe, HuntRecord } from "../risk/hunt/record.ts";
import type { SizeResult, WorstRecord, WorstStep } from "../risk/worst/record.ts";
import { SHRINK_FORMAT, SHRINK_VERSION, type ShrinkRecord, type ShrunkStep } from "../shrink/record.ts";
import { outcomeFailure } from "./risk-schemas.ts";
import {
  amount,
  bytes,
  count,
  flag,
  interval,
  list,
  mapOf,
  nullable,
  object,
  optionValues,
  ratio,
  region,
  seed,
  text,
  timeUs,
  word,
} from "./schema-parts.ts";

const site = { task: nullable(text), step: nullable(text) };

const pin = object<PinRecord>({
  ...site,
  address: bytes,
  bytes,
  requestBytes: bytes,
  ageUs: nullable(timeUs),
  ageOperations: nullable(count),
  owner: nullable(text),
});

const pinSet = object<PinSet>({ pins: list(pin), releasedBytes: bytes, largestFreeBytes: bytes, tried: count });

const moment = object<MomentRecord>({
  atUs: nullable(timeUs),
  operation: nullable(count),
  kind: word<MomentRecord["kind"]>({ failure: true, refused: true, asked: true }),
  requestBytes: bytes,
  by: object<Site>(site),
  freeBytes: bytes,
  largestFreeBytes: bytes,
  liveBlocks: count,
  map: text,
  set: nullable(pinSet),
  otherSet: nullable(pinSet),
});

const wholeRun = object<WholeRunRecord>({
  requestBytes: bytes,
  samples: count,
  refused: count,
  sites: list(
    object<PinningSite>({
      ...site,
      pinnedSamples: count,
      limitingSamples: count,
      limitingRatio: ratio,
      byteSeconds: amount,
    }),
  ),
});

const measuredRisk = object<MeasuredRisk>({
  failures: count,
  runs: count,
  probability: ratio,
  interval,
  upperBound95: nullable(ratio),
});

const remedy = object<RemedyRecord>({
  kind: word<RemedyRecord["kind"]>({ pool: true, static: true, allocator: true, size: true }),
  title: text,
  set: mapOf(z.unknown()),
  risk: nullable(measuredRisk),
  problem: nullable(text),
  mended: count,
  broken: count,
  pValue: nullable(ratio),
});

export const blameSchema = object<BlameRecord>({
  format: z.literal(BLAME_FORMAT),
  version: z.literal(BLAME_VERSION),
  source: object<BlameRecord["source"]>({
    kind: word<BlameRecord["source"]["kind"]>({ scenario: true, trace: true }),
    path: text,
    title: text,
    device: text,
    seed: nullable(text),
    uptimeUs: nullable(timeUs),
  }),
  heap: text,
  allocator: text,
  arenaBytes: bytes,
  moment: nullable(moment),
  wholeRun: nullable(wholeRun),
  remedies: nullable(
    object<NonNullable<BlameRecord["remedies"]>>({
      baseSeed: seed,
      horizonUs: timeUs,
      before: measuredRisk,
      tried: list(remedy),
    }),
  ),
});

const branch: z.ZodType<HuntRecipe["branches"][number]> = z.tuple([timeUs, count]);

const find = object<HuntFind>({
  recipe: object<HuntRecipe>({ seed, phasesUs: mapOf(timeUs), branches: list(branch), endUs: timeUs }),
  failure: nullable(outcomeFailure),
  neededBytes: nullable(bytes),
  needsMore: flag,
});

export const huntSchema = object<HuntRecord>({
  format: z.literal("heapsoak.hunt"),
  version: z.literal(1),
  scenario: object<HuntRecord["scenario"]>({ title: text, path: text, device: text }),
  goal: word<HuntGoal>({ failure: true, heap: true }),
  heap: text,
  allocator: text,
  arenaBytes: bytes,
  huntedBytes: bytes,
  horizonUs: timeUs,
  seed,
  budgetSteps: count,
  spentSteps: count,
  branches: count,
  heapsSeen: count,
  phaseVariants: count,
  plain: find,
  found: nullable(find),
});

const unavoidableBound = { units: amount, formula: text, source: text };

export const worstSchema = object<WorstRecord>({
  format: z.literal("heapsoak.worst"),
  version: z.literal(1),
  allocator: text,
  options: optionValues,
  unitBytes: bytes,
  liveUnits: count,
  largestUnits: count,
  ownBytes: bytes,
  verdict: word<WorstRecord["verdict"]>({ exact: true, "no-heap": true, undecided: true }),
  heapUnits: count,
  heapBytes: bytes,
  monotone: nullable(flag),
  bounds: object<WorstRecord["bounds"]>({
    unavoidable: object<WorstRecord["bounds"]["unavoidable"]>(unavoidableBound),
    policy: nullable(
      object<NonNullable<WorstRecord["bounds"]["policy"]>>({
        ...unavoidableBound,
        precision: word<"exact" | "about">({ exact: true, about: true }),
        liveUnits: amount,
        largestUnits: amount,
      }),
    ),
  }),
  sizes: list(
    object<SizeResult>({
      heapUnits: count,
      outcome: word<SizeResult["outcome"]>({ defeated: true, survives: true, beyond: true }),
      states: count,
      moves: nullable(count),
    }),
  ),
  sequence: nullable(
    object<NonNullable<WorstRecord["sequence"]>>({
      heapUnits: count,
      steps: list(
        object<WorstStep>({
          operation: word<WorstStep["operation"]>({ allocate: true, release: true }),
          id: count,
          units: count,
          refused: flag,
          map: text,
          picture: text,
        }),
      ),
    }),
  ),
  affordable: nullable(object<NonNullable<WorstRecord["affordable"]>>({ liveUnits: count, largestUnits: count })),
});

const step = object<ShrunkStep>({
  verb: word<ShrunkStep["verb"]>({ allocate: true, reallocate: true, free: true }),
  block: text,
  requestBytes: bytes,
  tracedBytes: nullable(bytes),
  alignment: count,
  offset: nullable(bytes),
  picture: text,
  line: nullable(count),
  site: nullable(text),
  task: nullable(text),
});

export const shrinkSchema = object<ShrinkRecord>({
  format: z.literal(SHRINK_FORMAT),
  version: z.literal(SHRINK_VERSION),
  trace: text,
  allocator: text,
  options: optionValues,
  device: text,
  regions: list(region),
  failure: object<ShrinkRecord["failure"]>({
    kind: word<ShrinkRecord["failure"]["kind"]>({
      fragmentation: true,
      exhaustion: true,
      fault: true,
      overlap: true,
      corruption: true,
    }),
    detail: text,
    requestBytes: bytes,
    freeBytes: nullable(bytes),
    largestFreeBytes: nullable(bytes),
  }),
  before: object<ShrinkRecord["before"]>({ operations: count, blocks: count, boots: count, line: count }),
  after: object<ShrinkRecord["after"]>({ operations: count, blocks: count }),
  unknownFrees: count,
  minimal: flag,
  rebuilt: flag,
  replays: count,
  replayedOperations: count,
  steps: list(step),
});
