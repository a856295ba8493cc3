/** Latency of the heaps: visits, the slowest operations, and cycles where a board has measured what a visit costs. */
import { formatDuration } from "../../scenario/quantities.ts";
import type { HeapRecordOfRun, OperationOfRun, RunRecord } from "../../soak/record.ts";
import { placeText } from "../place-text.ts";
import { simulatedInstant } from "../simulated-time.ts";
import { formatCount } from "../table.ts";
import { type Html, html } from "./markup.ts";
import type { BoardCycles, PageContext } from "./page-context.ts";
import { type PageRow, subheading, table } from "./parts.ts";
import type { Section } from "./record-page.ts";

/** The verbs of a calibration by the operations of a run; a reboot is none. */
const VERBS = {
  allocate: "allocate",
  "allocate-aligned": "allocateAligned",
  reallocate: "reallocate",
  release: "release",
  reboot: undefined,
} as const;

/** The section; nothing where the run has no heaps. */
export function latencySection({ heaps }: RunRecord, context: PageContext): Section[] {
  const entries = Object.entries(heaps);
  if (entries.length === 0) return [];
  const measured = entries.some(([, heap]) => context.cyclesOf(heap.allocator));
  const rows = entries.map(([name, heap]) => visitsRow(name, heap, measured, context.cyclesOf(heap.allocator)));
  const heads = [
    "heap",
    "allocator",
    "median",
    "99th percentile",
    "most",
    ...(measured ? ["most, as an allocation"] : []),
  ];
  const advice = measured ? "" : " Give the record of a validation on a board along with this one for cycles.";
  const body = html`<p class="note">A visit is a block or list node that the allocator looks at.${advice}</p>
${table(heads, rows, { caption: "Visits for each operation", words: [1, 5] })}
${entries.map(([name, heap]) => slowestOf(name, heap, context.cyclesOf(heap.allocator)))}`;
  return [{ id: "latency", title: "Latency", body }];
}

function visitsRow(
  name: string,
  { allocator, visits }: HeapRecordOfRun,
  measured: boolean,
  cycles: BoardCycles | undefined,
): PageRow {
  const cost = cycles ? `${cyclesText("allocate", visits.max, cycles)} on ${cycles.board}` : "not measured";
  const counts = [visits.p50, visits.p99, visits.max].map(formatCount);
  return { title: name, cells: [allocator, ...counts, ...(measured ? [cost] : [])] };
}

function slowestOf(name: string, { slowest = [] }: HeapRecordOfRun, cycles: BoardCycles | undefined): Html | null {
  if (slowest.length === 0) return null;
  const heads = ["visits", ...(cycles ? [`on ${cycles.board}`] : []), "operation", "bytes", "where", "when"];
  const rows = slowest.map((operation) => slowestRow(operation, cycles));
  const wordsFrom = heads.indexOf("operation");
  return html`${subheading(`The slowest operations of ${name}`)}
${table(heads, rows, { caption: `The slowest operations of ${name}`, captionHidden: true, words: [wordsFrom - 1, wordsFrom, wordsFrom + 2, wordsFrom + 3] })}`;
}

function slowestRow(operation: OperationOfRun, cycles: BoardCycles | undefined): PageRow {
  const { atUs, requestBytes, step, task, visits } = operation;
  return {
    title: formatCount(visits),
    cells: [
      ...(cycles ? [cyclesText(operation.operation, visits, cycles)] : []),
      operation.operation,
      formatCount(requestBytes),
      html`<code>${placeText(task, step)}</code>`,
      simulatedInstant(atUs),
    ],
  };
}

/** By the line that the board's calibration fitted: `1,204 cycles, 7.166 us`. */
function cyclesText(operation: OperationOfRun["operation"], visits: number, { calibration }: BoardCycles): string {
  const verb = VERBS[operation];
  const fitted = calibration.lines.find((line) => line.verb === verb);
  if (!fitted) return "not measured";
  const cycles = Math.round(fitted.baseCycles + fitted.cyclesPerVisit * visits);
  return `${formatCount(cycles)} cycles, ${formatDuration((cycles / calibration.cycleHz) * 1e6)}`;
}
