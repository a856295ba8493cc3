import { formatDuration, TIME_MOST_US } from "../scenario/quantities.ts";
import type { RunFailureKind, RunRecord } from "../soak/record.ts";
import type { Rewind } from "../soak/rewind.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { rewindLines } from "./rewind-text.ts";
import { failureLines, faultLines } from "./run-failure-text.ts";
import { heapLines } from "./run-heap-text.ts";
import { hintLines } from "./run-hints.ts";
import { stackLines } from "./run-stack-text.ts";
import { formatCount, tableLines } from "./table.ts";

/** How a run ended, behind "after 11 d 3 h": the words of the first line. */
const ENDINGS: Readonly<Record<RunFailureKind, string>> = {
  crash: "crashed for want of memory",
  "reboot-by-policy": "rebooted for want of memory",
  fault: "faulted",
  "stack-overflow": "overflowed a stack",
  "stack-corruption": "came back to a corrupted stack",
  deadlock: "locked up",
  "boot-loop": "went into a boot loop",
  overload: "was overloaded",
  "no-progress": "stopped making progress",
  "queue-full": "filled a queue",
  "allocation-in-interrupt": "allocated in an interrupt",
  "too-many-blocks": "held more blocks than can be recorded",
};

/**
 * The verdict of a run for the terminal, with the last operations before its failure where there is a rewind. A pure
 * function of both: the same record gives the same text.
 */
export function runText(record: RunRecord, paint: Paint = plainPaint, rewind?: Rewind): string {
  const sections = [
    [headline(record, paint), ...failureLines(record, paint)],
    expectationLines(record, paint),
    heapLines(record, paint),
    stackLines(record, paint),
    taskLines(record),
    remarkLines(record),
    faultLines(record, paint),
    rewind ? rewindLines(rewind, paint) : [],
    hintLines(record, rewind !== undefined),
    [digestLine(record)],
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

function headline(record: RunRecord, paint: Paint): string {
  const word = record.verdict.toUpperCase();
  const mark = record.verdict === "fail" ? paint.bad : paint.strong;
  return `${mark(word)}  ${paint.strong(record.scenario.title)}: ${outcome(record)}`;
}

/** What happened, and how much of the horizon was simulated. */
export function outcome(record: RunRecord): string {
  const { failure, simulatedUs, scenario, verdict } = record;
  const { uptimeUs } = scenario;
  const horizon = simulatedUs < uptimeUs && uptimeUs < TIME_MOST_US ? ` of ${formatDuration(uptimeUs)}` : "";
  if (failure) {
    const expected = verdict === "pass" ? ", as expected" : "";
    return `${ENDINGS[failure.kind]} after ${formatDuration(failure.atUs)}${horizon}${expected}`;
  }
  if (simulatedUs >= uptimeUs) return `${unmet(record)}no failure in ${formatDuration(simulatedUs)}`;
  return `interrupted after ${formatDuration(simulatedUs)}${horizon}, no failure so far`;
}

/** What the word FAIL means where nothing failed. */
function unmet({ expectations }: RunRecord): string {
  const count = expectations.filter(({ met }) => met === false).length;
  return count === 0 ? "" : `${count} of ${expectations.length} expectations not met, though `;
}

function expectationLines({ expectations }: RunRecord, paint: Paint): string[] {
  if (expectations.length === 0) return ["It states no expectations."];
  const width = Math.max(...expectations.map(({ text }) => text.length));
  return expectations.map(({ text, met, observed }) => {
    const word = (met === null ? "undecided" : met ? "met" : "NOT MET").padEnd(9);
    return `  ${met === false ? paint.bad(word) : word}  ${text.padEnd(width)}  ${observed}`.trimEnd();
  });
}

function taskLines({ tasks }: RunRecord): string[] {
  const entries = Object.entries(tasks);
  if (entries.length === 0) return [];
  const rows = entries.map(([name, task]) => ({
    title: name,
    cells: [task.activations, task.skipped, task.allocations, task.failedRequests, task.leaks].map(formatCount),
  }));
  const leaks = entries.flatMap(([name, { leaks, leakStep }]) =>
    leaks > 0 && leakStep !== undefined ? [`  ${name} leaked first at ${leakStep}`] : [],
  );
  return [...tableLines(["STARTS", "SKIPPED", "ALLOCATIONS", "REFUSED", "LEAKED BLOCKS"], rows), ...leaks];
}

function remarkLines({ periodic, reboots }: RunRecord): string[] {
  const lines: string[] = [];
  if (periodic) {
    const from = periodic.fromUs === 0 ? "the start" : formatDuration(periodic.fromUs);
    lines.push(`Proved periodic: from ${from} on its whole state returns every ${formatDuration(periodic.periodUs)},`);
    lines.push("  so what happened in one period happens in all, however long it runs.");
  }
  if (reboots > 0) lines.push(`It rebooted ${formatCount(reboots)} ${reboots === 1 ? "time" : "times"}.`);
  return lines;
}

function digestLine({ digest, scenario, provenance }: RunRecord): string {
  return `digest ${digest}  (${scenario.device}, seed ${scenario.seed}, heapsoak ${provenance.heapsoak})`;
}
