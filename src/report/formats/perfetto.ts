/**
 * The trace event format's JSON object form ("Trace Event Format", Google 2016), which ui.perfetto.dev and
 * chrome://tracing open: a process for each run, a thread for each task, counters from the heaps' series. Times are
 * microseconds of simulated time.
 */

import { formatAddress } from "../../quantities.ts";
import type { HeapSeries, OperationOfRun, RunRecord } from "../../soak/record.ts";
import { placeText } from "../place-text.ts";
import type { NamedRecord } from "../report-record.ts";
import { simulatedInstant } from "../simulated-time.ts";
import { formatCount } from "../table.ts";
import { cleanLine } from "./clean-text.ts";
import { runsOf } from "./runs-of.ts";

/** The kernel's thread, and that of operations without a task. */
const KERNEL_TID = 0;

interface TraceEvent {
  readonly name: string;
  /** Metadata, counter, instant. */
  readonly ph: "M" | "C" | "i";
  readonly ts: number;
  readonly pid: number;
  readonly tid: number;
  /** Of instants, how far they reach: thread, process, global. */
  readonly s?: "t" | "p" | "g";
  readonly args: Readonly<Record<string, string | number>>;
}

/** The runs among the records as a trace. */
export function perfetto(records: readonly NamedRecord[]): string {
  const events = runsOf(records).flatMap(({ name, run }, index) => runEvents(name, run, index + 1));
  const lines = events.map((event) => JSON.stringify(event)).join(",\n");
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines}\n]}\n`;
}

function runEvents(name: string, run: RunRecord, pid: number): TraceEvent[] {
  const threads = threadsOf(run);
  const place = { pid, tid: KERNEL_TID };
  const heaps = Object.entries(run.heaps).flatMap(([heap, { series }]) => counters(cleanLine(heap), series, place));
  return [
    metadata("process_name", cleanLine(`${name}: ${run.scenario.title}`), place),
    ...[...threads].map(([task, tid]) =>
      metadata("thread_name", task === null ? "kernel" : cleanLine(task), { pid, tid }),
    ),
    ...heaps,
    ...(run.moment?.operations ?? []).map((one) => operation(one, { pid, tid: threads.get(one.task) ?? KERNEL_TID })),
    ...overflows(run, threads, pid),
    ...failure(run, threads, pid),
  ];
}

type Threads = ReadonlyMap<string | null, number>;
type Place = Pick<TraceEvent, "pid" | "tid">;

/** Thread ids of the tasks, the kernel's first. */
function threadsOf({ tasks, moment, failure }: RunRecord): Threads {
  const named = [...Object.keys(tasks), ...(moment?.operations ?? []).map(({ task }) => task), failure?.task ?? null];
  return new Map([...new Set([null, ...named])].map((task, index) => [task, KERNEL_TID + index]));
}

function metadata(kind: "process_name" | "thread_name", name: string, place: Place): TraceEvent {
  return { name: kind, ph: "M", ts: 0, ...place, args: { name } };
}

/** Counters of a heap at the end of each window; what stays as it was is told at the last one again. */
function counters(heap: string, series: HeapSeries, place: Place): TraceEvent[] {
  const { freeBytes, largestFreeBytes, holes, liveBlocks, failedRequests, visitsMax } = series;
  const columns = [
    ["free", "bytes", freeBytes.last],
    ["least free", "bytes", freeBytes.min],
    ["largest free", "bytes", largestFreeBytes.last],
    ["least largest free", "bytes", largestFreeBytes.min],
    ["holes", "count", holes.last],
    ["live blocks", "count", liveBlocks.last],
    ["failed requests", "count", failedRequests],
    ["most visits", "visits", visitsMax],
  ] as const;
  return columns.flatMap(([name, unit, column]) =>
    series.atUs.flatMap((ts, window): TraceEvent[] => {
      const value = column[window];
      if (value === undefined || !Number.isFinite(value) || !Number.isFinite(ts)) return [];
      if (value === column[window - 1] && window < column.length - 1) return [];
      return [{ name: `heap ${heap}: ${name}`, ph: "C", ts, ...place, args: { [unit]: value } }];
    }),
  );
}

function operation(one: OperationOfRun, place: Place): TraceEvent {
  const { atUs, operation: verb, heap, task, step, requestBytes, address, result, visits } = one;
  const bytes = requestBytes > 0 ? ` ${formatCount(requestBytes)} B` : "";
  return instant("t", `${verb}${bytes}`, atUs, place, {
    heap: cleanLine(heap),
    step: cleanLine(placeText(task, step)),
    ...(address !== null && { block: formatAddress(address) }),
    result: result === null ? "none" : formatAddress(result),
    visits,
  });
}

function overflows({ stacks }: RunRecord, threads: Threads, pid: number): TraceEvent[] {
  return Object.entries(stacks).flatMap(([name, { overflow }]) => {
    if (!overflow) return [];
    const { atUs, bytesBeyond, overwrote, detectedBy } = overflow;
    const place = { pid, tid: threads.get(name) ?? KERNEL_TID };
    const args = {
      bytesBeyond,
      overwrote: cleanLine(overwrote.join("; ")),
      detectedBy: cleanLine(detectedBy ?? "nobody"),
    };
    return [instant("p", cleanLine(`stack ${name} overflows`), atUs, place, args)];
  });
}

function failure({ failure: failed }: RunRecord, threads: Threads, pid: number): TraceEvent[] {
  if (!failed) return [];
  const { atUs, kind, task, step, message } = failed;
  const args = { when: simulatedInstant(atUs), where: cleanLine(placeText(task, step)), message: cleanLine(message) };
  return [instant("g", `failure: ${kind}`, atUs, { pid, tid: threads.get(task) ?? KERNEL_TID }, args)];
}

function instant(s: "t" | "p" | "g", name: string, ts: number, place: Place, args: TraceEvent["args"]): TraceEvent {
  return { name, ph: "i", ts, ...place, s, args };
}
