/** The schema of the record of a run. */
import { z } from "zod";
import type {
  BankOfRun,
  BlockAtFailure,
  BlocksOverTime,
  Column,
  Drift,
  FaultRecordOfRun,
  HeapRecordOfRun,
  HeapSeries,
  HistoryOfRun,
  MemoryOfRun,
  MemoryRangeOfRun,
  MemoryUse,
  MomentOfFailure,
  OperationOfRun,
  PinOfRun,
  PinsOfRun,
  RunFailure,
  RunFailureKind,
  RunRecord,
  SiteOfRun,
  StackOverflowRecord,
  StackRecordOfRun,
  TaskRecordOfRun,
  Verdict,
} from "../soak/record.ts";
import { RUN_FORMAT, RUN_VERSION } from "../soak/record.ts";
import type { FaultKind } from "../wasm/guest-fault.ts";
import {
  absent,
  amount,
  ascendingColumn,
  bytes,
  column,
  count,
  flag,
  list,
  mapOf,
  nullable,
  number,
  object,
  ratio,
  text,
  timeUs,
  word,
} from "./schema-parts.ts";

/** Cells of the address map of a series. */
const MAP_CELLS_MOST = 64;

export const verdict = word<Verdict>({ pass: true, fail: true, undecided: true });

/** The kinds as `word` takes them. */
export const FAILURE_KINDS: Readonly<Record<RunFailureKind, true>> = {
  crash: true,
  "reboot-by-policy": true,
  fault: true,
  "stack-overflow": true,
  "stack-corruption": true,
  deadlock: true,
  "boot-loop": true,
  overload: true,
  "no-progress": true,
  "queue-full": true,
  "allocation-in-interrupt": true,
  "too-many-blocks": true,
};

export const faultKind = word<FaultKind>({
  unmapped: true,
  "read-only": true,
  unaligned: true,
  "left-heap": true,
  assertion: true,
  endless: true,
  "stack-guard": true,
  "stack-guard-stacking": true,
  "stack-limit": true,
  watchpoint: true,
});

export const access = word<"load" | "store">({ load: true, store: true });
export const visits = object<HeapRecordOfRun["visits"]>({ p50: count, p99: count, max: count });

/** What the failures of all kinds of records say of the place. */
export const failurePlace = {
  atUs: timeUs,
  heap: nullable(text),
  task: nullable(text),
  step: nullable(text),
  requestBytes: nullable(bytes),
  freeBytes: nullable(bytes),
  largestFreeBytes: nullable(bytes),
  line: absent(nullable(count)),
};

const failure = object<RunFailure>({ ...failurePlace, kind: word<RunFailureKind>(FAILURE_KINDS), message: text });

const pin = object<PinOfRun>({
  task: nullable(text),
  step: nullable(text),
  bytes,
  ageUs: timeUs,
  leaked: flag,
});

const pins = object<PinsOfRun>({ pins: list(pin), releasedBytes: bytes, largestFreeBytes: bytes });

const memory = object<MemoryOfRun>({
  banks: list(object<BankOfRun>({ name: text, low: bytes, bytes })),
  ranges: list(
    object<MemoryRangeOfRun>({
      use: word<MemoryUse>({ static: true, heap: true, "main-stack": true, "task-stack": true, taken: true }),
      name: text,
      low: bytes,
      bytes,
    }),
  ),
});

const blocks = object<BlocksOverTime>({
  address: column,
  bytes: column,
  requestBytes: column,
  site: column,
  ageUs: column,
  first: ascendingColumn,
  last: column,
  leaked: ascendingColumn,
}).refine(({ leaked, ...columns }) => areEquallyLong(Object.values(columns)), "columns of the same length");

const history = object<HistoryOfRun>({
  atUs: ascendingColumn,
  sites: list(object<SiteOfRun>({ task: nullable(text), step: nullable(text) })),
  heaps: mapOf(blocks),
}).refine(indicesExist, "sites, moments and rows that exist");

const operation = object<OperationOfRun>({
  atUs: timeUs,
  operation: word<OperationOfRun["operation"]>({
    allocate: true,
    "allocate-aligned": true,
    reallocate: true,
    release: true,
    reboot: true,
  }),
  heap: text,
  task: nullable(text),
  step: nullable(text),
  requestBytes: bytes,
  address: nullable(bytes),
  result: nullable(bytes),
  visits: count,
});

const moment = object<MomentOfFailure>({
  blocks: nullable(
    list(
      object<BlockAtFailure>({
        address: bytes,
        bytes,
        state: word<BlockAtFailure["state"]>({ live: true, free: true, untouched: true, bookkeeping: true }),
        requestBytes: absent(bytes),
        task: absent(nullable(text)),
        step: absent(nullable(text)),
        ageUs: absent(timeUs),
        leaked: absent(flag),
        pins: absent(flag),
      }),
    ),
  ),
  operations: list(operation),
});

const range = object<HeapSeries["holes"]>({ min: column, max: column, last: column });

const series = object<HeapSeries>({
  atUs: ascendingColumn,
  freeBytes: range,
  largestFreeBytes: range,
  holes: range,
  liveBlocks: range,
  requestedBytes: range,
  failedRequests: column,
  visitsMax: column,
  map: list(z.string().regex(new RegExp(`^\\d{0,${MAP_CELLS_MOST}}$`), `at most ${MAP_CELLS_MOST} digits`)),
}).refine((columns) => areEquallyLong(Object.values(columns).flatMap(columnsIn)), "columns of the same length");

const drift = object<Drift>({
  bytesPerDay: number,
  low: number,
  high: number,
  shrinking: flag,
  exhaustionUs: nullable(timeUs),
  steadyFromUs: nullable(timeUs),
});

const heap = object<HeapRecordOfRun>({
  allocator: text,
  arenaBytes: bytes,
  requests: count,
  zeroSizeRequests: count,
  frees: count,
  failedRequests: count,
  fragmentationFailures: count,
  liveBlocks: count,
  liveBytes: bytes,
  requestedBytes: bytes,
  peakLiveBytes: bytes,
  freeBytes: bytes,
  minimumFreeBytes: bytes,
  largestFreeBytes: bytes,
  minimumLargestFreeBytes: bytes,
  holes: count,
  externalFragmentationRatio: ratio,
  internalFragmentationRatio: ratio,
  splitRatio: ratio,
  visits,
  slowest: absent(list(operation)),
  collections: absent(
    object<NonNullable<HeapRecordOfRun["collections"]>>({ count, longestVisits: count, blocks: count }),
  ),
  holders: list(
    object<HeapRecordOfRun["holders"][number]>({
      task: text,
      step: text,
      blocks: count,
      bytes,
      oldestUs: timeUs,
      leaked: flag,
    }),
  ),
  inconsistentUs: nullable(timeUs),
  drift: nullable(drift),
  largestFreeDrift: nullable(drift),
  series,
});

const task = object<TaskRecordOfRun>({
  activations: count,
  skipped: count,
  allocations: count,
  failedRequests: count,
  leaks: count,
  leakStep: absent(text),
});

const stack = object<StackRecordOfRun>({
  sizeBytes: bytes,
  observedBytes: bytes,
  worstCaseBytes: bytes,
  paintedBytes: bytes,
  overflow: nullable(
    object<StackOverflowRecord>({
      atUs: timeUs,
      detectedBy: nullable(text),
      detectedAfterUs: nullable(timeUs),
      bytesBeyond: bytes,
      overwrote: list(text),
    }),
  ),
});

const fault = object<FaultRecordOfRun>({
  atUs: timeUs,
  kind: faultKind,
  address: text,
  access,
  exception: text,
  registers: list(object<FaultRecordOfRun["registers"][number]>({ name: text, value: text, meaning: text })),
  task: nullable(text),
  step: nullable(text),
});

export const runSchema = object<RunRecord>({
  format: z.literal(RUN_FORMAT),
  version: z.literal(RUN_VERSION),
  provenance: object<RunRecord["provenance"]>({ heapsoak: text, core: text, scenario: text }),
  scenario: object<RunRecord["scenario"]>({
    title: text,
    path: text,
    device: text,
    seed: z.union([amount, text]),
    uptimeUs: timeUs,
  }),
  verdict,
  digest: text,
  expectations: list(
    object<RunRecord["expectations"][number]>({
      text,
      met: nullable(flag),
      observed: text,
      line: absent(count),
    }),
  ),
  simulatedUs: timeUs,
  reboots: count,
  periodic: nullable(object<NonNullable<RunRecord["periodic"]>>({ periodUs: timeUs, fromUs: timeUs })),
  failure: nullable(failure),
  pinned: absent(pins),
  heaps: mapOf(heap),
  tasks: mapOf(task),
  stacks: mapOf(stack),
  faults: list(fault),
  memory: absent(memory),
  history: absent(history),
  moment: absent(moment),
});

function areEquallyLong(columns: readonly (readonly unknown[])[]): boolean {
  return new Set(columns.map(({ length }) => length)).size <= 1;
}

function columnsIn(value: HeapSeries[keyof HeapSeries]): readonly (readonly unknown[])[] {
  return "min" in value ? [value.min, value.max, value.last] : [value];
}

function indicesExist({ atUs, sites, heaps }: HistoryOfRun): boolean {
  return Object.values(heaps).every(({ site, first, last, leaked }) => {
    const isOrdered = first.every((moment, row) => moment <= (last[row] ?? -1));
    return isOrdered && areBelow(site, sites.length) && areBelow(last, atUs.length) && areBelow(leaked, site.length);
  });
}

function areBelow(indices: Column, end: number): boolean {
  return indices.every((index) => index < end);
}
