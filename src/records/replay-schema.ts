/** The schema of the record of a replay. */
import { z } from "zod";
import type { FaultRegister } from "../device/fault-registers.ts";
import { REPLAY_FORMAT, type ReplayRecord } from "../report/report-record.ts";
import type { RecordingTotals } from "../trace/format.ts";
import type { AtEnd, PassCycle, PassHistory, PassRow } from "../trace/replay-passes.ts";
import type { HeapState, LeakedBlock, ReplayFault, ReplayResult, WorstMoment } from "../trace/replay-result.ts";
import type { HeapCounters, HeapFinding, HeapSummary } from "../wasm/heap-record.ts";
import { access, faultKind, visits } from "./run-schema.ts";
import {
  absent,
  bytes,
  count,
  list,
  number,
  object,
  optionValues,
  ratio,
  region,
  text,
  timeUs,
  word,
} from "./schema-parts.ts";

const position = { operation: count, line: count };

const summary = object<HeapSummary>({
  freeBytes: bytes,
  holes: count,
  largestHoleBytes: bytes,
  largestFreeBytes: bytes,
  liveBlocks: count,
  liveBytes: bytes,
});

const state = object<HeapState>({
  summary: absent(summary),
  requestedBytes: bytes,
  externalFragmentationRatio: ratio,
  internalFragmentationRatio: ratio,
  picture: text,
  map: text,
});

const counters = object<HeapCounters>({
  requests: count,
  zeroSizeRequests: count,
  failedRequests: count,
  fragmentationFailures: count,
  frees: count,
  doubleFrees: count,
  wildFrees: count,
  overlappingBlocks: count,
  liveBlocks: count,
  liveBytes: bytes,
  requestedBytes: bytes,
  peakLiveBytes: bytes,
  peakRequestedBytes: bytes,
  peakLiveBlocks: count,
  largestRequestBytes: bytes,
  visits,
});

const passes = object<PassHistory>({
  atEnd: word<AtEnd>({ keep: true, release: true, reboot: true }),
  rows: list(
    object<PassRow>({
      pass: count,
      freeBytes: absent(bytes),
      largestFreeBytes: absent(bytes),
      liveBlocks: count,
      failedRequests: count,
    }),
  ),
  firstRefusal: absent(object<NonNullable<PassHistory["firstRefusal"]>>({ pass: count, failedRequests: count })),
  cycle: absent(object<PassCycle>({ from: count, every: count, failedRequests: count })),
});

const fault = object<ReplayFault>({
  ...position,
  kind: faultKind,
  address: bytes,
  access,
  bytes,
  message: text,
  exception: text,
  registers: list(object<FaultRegister>({ name: text, value: count, meaning: text })),
});

const result = object<ReplayResult>({
  allocator: text,
  options: optionValues,
  device: text,
  regions: list(region),
  stateAddress: bytes,
  passes: count,
  history: passes,
  passUs: absent(timeUs),
  operations: count,
  recording: absent(object<RecordingTotals>({ boots: count, gaps: count, missingFrames: count, tornBytes: bytes })),
  counters,
  unknownIds: count,
  reusedIds: count,
  minimumLargestFreeBytes: bytes,
  worst: absent(
    object<WorstMoment>({
      ...position,
      kind: word<WorstMoment["kind"]>({ fragmentation: true, failed: true, "least-free": true }),
      requestBytes: bytes,
      state,
    }),
  ),
  end: state,
  leaks: object<ReplayResult["leaks"]>({
    blocks: count,
    requestBytes: bytes,
    first: list(object<LeakedBlock>({ id: count, address: bytes, requestBytes: bytes })),
  }),
  leftHeap: absent(fault),
  fault: absent(fault),
  inconsistency: absent(object<HeapFinding>({ inconsistency: text, address: bytes, expected: number, found: number })),
});

export const replaySchema = object<ReplayRecord>({
  format: z.literal(REPLAY_FORMAT),
  version: z.literal(1),
  replays: list(object<ReplayRecord["replays"][number]>({ trace: text, results: list(result) })),
});
