/** What of runs and comparisons can be compared. */
import { formatBytes } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import type { HeapRecordOfRun, RunRecord, StackRecordOfRun, Verdict } from "../../soak/record.ts";
import type { ComparedCandidate, CompareRecord } from "../report-record.ts";
import { type Figure, figuresOf, RUNS, refusedSubject, type Statement, type Subject } from "./figures.ts";

/** How bad a verdict is. */
export const BADNESS = { pass: 0, undecided: 1, fail: 2 } as const satisfies Record<Verdict, number>;

export function runSubject(record: RunRecord, title = ""): Subject {
  return { title, facts: runFacts(record), statements: runStatements(record), figures: runFigures(record) };
}

/** A subject a candidate. The scenario is named where there are several. */
export function compareSubjects({ runs }: CompareRecord): Subject[] {
  const several = new Set(runs.map(({ scenario }) => scenario)).size > 1;
  return runs.map((candidate) => {
    const title = titleOf(candidate, several);
    if ("refused" in candidate) return refusedSubject(title, candidate.refused);
    const subject = runSubject(candidate.record, title);
    return { ...subject, statements: [RUNS, ...subject.statements] };
  });
}

function titleOf({ scenario, allocator, size }: ComparedCandidate, several: boolean): string {
  const parts = [several ? scenario : null, allocator, size].filter((part) => part !== null);
  return parts.length === 0 ? scenario : parts.join(" ");
}

function runFacts({ provenance, scenario, simulatedUs, heaps }: RunRecord): Record<string, string> {
  const facts: Record<string, string> = {
    title: scenario.title,
    scenario: provenance.scenario.slice(0, 12),
    device: scenario.device,
    seed: String(scenario.seed),
    uptime: formatDuration(scenario.uptimeUs),
    // Of a run that ended early all least values look better.
    "time simulated": formatDuration(simulatedUs),
    "version of heapsoak": provenance.heapsoak,
    core: provenance.core.slice(0, 12),
  };
  for (const [name, { allocator, arenaBytes }] of Object.entries(heaps)) {
    facts[`heap ${name}`] = `${allocator} ${formatBytes(arenaBytes)}`;
  }
  return facts;
}

function runStatements(record: RunRecord): Statement[] {
  const { verdict, expectations, failure, heaps, stacks, faults } = record;
  return [
    { name: "verdict", text: verdict, badness: BADNESS[verdict] },
    ...expectations.map(({ text, met }): Statement => {
      const name = `expectation ${text}`;
      return met === null
        ? { name, text: "undecided", badness: 1 }
        : { name, text: met ? "met" : "NOT MET", badness: met ? 0 : 2 };
    }),
    ...(failure ? [happened(`failure ${failure.kind}`)] : []),
    ...[...new Set(faults.map(({ exception }) => exception))].map((exception) => happened(`fault ${exception}`)),
    ...Object.entries(heaps).flatMap(([name, { inconsistentUs }]) =>
      inconsistentUs === null ? [] : [happened(`broken metadata of heap ${name}`)],
    ),
    ...Object.entries(stacks).flatMap(([name, { overflow }]) =>
      overflow === null ? [] : [happened(`overflow of stack ${name}`)],
    ),
  ];
}

function happened(name: string): Statement {
  return { name, text: "happened", badness: 2 };
}

function runFigures({ failure, reboots, heaps, tasks, stacks }: RunRecord): Figure[] {
  return [
    ...figuresOf("", { failedAtUs: failure?.atUs, reboots }),
    ...Object.entries(heaps).flatMap(([name, heap]) => heapFigures(`heaps.${name}`, heap)),
    ...Object.entries(tasks).flatMap(([name, { skipped, failedRequests, leaks }]) =>
      figuresOf(`tasks.${name}`, { skipped, failedRequests, leaks }),
    ),
    ...Object.entries(stacks).flatMap(([name, stack]) => stackFigures(`stacks.${name}`, stack)),
  ];
}

function heapFigures(owner: string, heap: HeapRecordOfRun): Figure[] {
  return figuresOf(owner, {
    failedRequests: heap.failedRequests,
    fragmentationFailures: heap.fragmentationFailures,
    peakLiveBytes: heap.peakLiveBytes,
    minimumFreeBytes: heap.minimumFreeBytes,
    minimumLargestFreeBytes: heap.minimumLargestFreeBytes,
    lossBytesPerDay: heap.drift && lossOf(heap.drift),
    visitsP99: heap.visits.p99,
    visitsMax: heap.visits.max,
    longestCollectionVisits: heap.collections?.longestVisits,
    freeBytes: heap.freeBytes,
    largestFreeBytes: heap.largestFreeBytes,
    holes: heap.holes,
    externalFragmentationRatio: heap.externalFragmentationRatio,
    internalFragmentationRatio: heap.internalFragmentationRatio,
  });
}

/** The part of a trend that shrinks. */
function lossOf({ bytesPerDay, low, high }: { bytesPerDay: number; low: number; high: number }) {
  const loss = (slope: number) => Math.max(0, -slope);
  return { value: loss(bytesPerDay), interval: [loss(high), loss(low)] as const };
}

function stackFigures(owner: string, { sizeBytes, observedBytes, worstCaseBytes }: StackRecordOfRun): Figure[] {
  return figuresOf(owner, { observedBytes, worstCaseBytes, headroomBytes: sizeBytes - worstCaseBytes });
}
