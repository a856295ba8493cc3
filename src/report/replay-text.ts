import { formatAddress, formatBytes } from "../quantities.ts";
import type { ReplayFault, ReplayResult, WorstMoment } from "../trace/replay-result.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { recordingRemarks } from "./recording-remarks.ts";
import { passLines } from "./replay-passes-text.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";

/** A figure of a result as it stands in a table; undefined where it does not apply. */
type Figure = (result: ReplayResult) => string | undefined;

const FIGURES: readonly (readonly [title: string, figure: Figure])[] = [
  ["requests", ({ counters }) => formatCount(counters.requests)],
  ["failed requests", ({ counters }) => formatCount(counters.failedRequests)],
  ["  by fragmentation", ({ counters }) => formatCount(counters.fragmentationFailures)],
  ["peak live bytes", ({ counters }) => formatCount(counters.peakLiveBytes)],
  ["peak requested bytes", ({ counters }) => formatCount(counters.peakRequestedBytes)],
  ["lowest largest free", ({ minimumLargestFreeBytes }) => formatCount(minimumLargestFreeBytes)],
  ["at the worst moment", () => ""],
  ["  free bytes", ({ worst }) => optionalCount(worst?.state.summary?.freeBytes)],
  ["  largest free", ({ worst }) => optionalCount(worst?.state.summary?.largestFreeBytes)],
  ["  holes", ({ worst }) => optionalCount(worst?.state.summary?.holes)],
  ["  external fragmentation", ({ worst }) => worst && formatRatio(worst.state.externalFragmentationRatio)],
  ["  internal fragmentation", ({ worst }) => worst && formatRatio(worst.state.internalFragmentationRatio)],
  ["visits p50 / p99 / max", ({ counters: { visits } }) => `${visits.p50} / ${visits.p99} / ${visits.max}`],
  ["live at the end", ({ leaks }) => formatCount(leaks.blocks)],
];

/** Figures that are shown only where one of them is not 0. */
const RARE_FIGURES: readonly (readonly [title: string, count: (result: ReplayResult) => number])[] = [
  ["zero-size requests refused", ({ counters }) => counters.zeroSizeRequests],
  ["double frees", ({ counters }) => counters.doubleFrees],
  ["wild frees", ({ counters }) => counters.wildFrees],
  ["blocks handed out twice", ({ counters }) => counters.overlappingBlocks],
  ["unknown ids", ({ unknownIds }) => unknownIds],
  ["ids used twice", ({ reusedIds }) => reusedIds],
];

/**
 * The replay of one trace, for the terminal: a table with a column an allocator, then for each the heap at its
 * worst moment, what leaked, how the passes went and what went wrong.
 */
export function replayText(trace: string, results: readonly ReplayResult[], paint: Paint = plainPaint): string {
  const recording = results[0]?.recording;
  const notes = recording ? recordingRemarks(recording) : [];
  const lines = [paint.strong(replayHeadline(trace, results)), ...notes, "", ...replayTable(results)];
  for (const result of results) lines.push("", ...replayRemarks(result, results.length === 1, paint));
  return `${lines.join("\n")}\n`;
}

export function replayHeadline(trace: string, results: readonly ReplayResult[]): string {
  const operations = Math.max(...results.map((result) => result.operations));
  const passes = Math.max(...results.map((result) => result.passes));
  const [first] = results;
  const sizes = new Set(results.map(({ regions }) => formatBytes(regions.reduce((sum, { bytes }) => sum + bytes, 0))));
  const places = new Set(results.map(({ regions }) => regions.map(({ low }) => formatAddress(low)).join(" and ")));
  const where = places.size === 1 ? ` at ${[...places][0]}` : "";
  const repeated = passes > 1 ? ` in ${passes} passes` : "";
  return `${trace}: ${formatCount(operations)} operations${repeated} on ${[...sizes].join(" / ")}${where}, ${deviceName(first)}`;
}

function deviceName(result: ReplayResult | undefined): string {
  return !result || result.device === "plain" ? "a plain device" : result.device;
}

function replayTable(results: readonly ReplayResult[]): string[] {
  return tableLines(results.map(columnHead), replayRows(results));
}

/** The figures, a column a result. */
export function replayRows(results: readonly ReplayResult[]): TableRow[] {
  const rows: TableRow[] = FIGURES.map(([title, figure]) => ({ title, cells: results.map(figure) }));
  for (const [title, count] of RARE_FIGURES) {
    const counts = results.map(count);
    if (counts.some((value) => value > 0)) rows.push({ title, cells: counts.map(formatCount) });
  }
  const stops = results.map(({ fault }) => fault && `operation ${formatCount(fault.operation)}`);
  if (stops.some((stop) => stop)) rows.push({ title: "stopped by a fault at", cells: stops });
  return rows;
}

export function columnHead({ allocator, options }: ReplayResult): string {
  const values = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return values.length > 0 ? `${allocator} ${values.join(" ")}` : allocator;
}

/** `detailed` adds the heap in one line and the leaked blocks. */
export function replayRemarks(result: ReplayResult, detailed: boolean, paint: Paint): string[] {
  const { worst, leftHeap, fault, inconsistency } = result;
  const lines = worst ? [momentLine(result.allocator, worst, paint), `  [${worst.state.map}]`] : [];
  if (worst && detailed) lines.push(`  ${worst.state.picture}`);
  if (detailed) lines.push(...leakLines(result));
  if (result.passes > 1) lines.push(...passLines(result, paint));
  if (leftHeap)
    lines.push(
      paint.bad(`metadata left the heap at ${place(leftHeap)}`),
      `  ${leftHeap.message}; the replay went on as the board would`,
    );
  if (fault) lines.push(...faultLines(fault, paint));
  if (inconsistency) {
    const { address, expected, found } = inconsistency;
    lines.push(
      paint.bad(`the heap is inconsistent at the end: ${inconsistency.inconsistency} (${formatAddress(address)})`),
    );
    lines.push(`  expected ${expected}, found ${found}`);
  }
  return lines;
}

function momentLine(allocator: string, worst: WorstMoment, paint: Paint): string {
  const where = `${allocator} at its worst, ${place(worst)}`;
  const free = worst.state.summary?.freeBytes;
  const among = free === undefined ? "" : `, ${formatCount(free)} bytes free`;
  if (worst.kind === "least-free") return `${paint.strong(where)}: nothing failed${among}`;
  const cause = worst.kind === "fragmentation" ? "by fragmentation" : "for want of memory";
  return `${paint.strong(where)}: ${paint.bad(`${formatCount(worst.requestBytes)} bytes refused ${cause}`)}${among}`;
}

function leakLines({ leaks }: ReplayResult): string[] {
  if (leaks.blocks === 0) return [];
  const shown = leaks.first.map(({ id, requestBytes }) => `${id} (${requestBytes})`).join(", ");
  const more = leaks.blocks > leaks.first.length ? ", …" : "";
  const ids = shown === "" ? "" : `: ids (bytes) ${shown}${more}`;
  return [`never freed: ${formatCount(leaks.blocks)} blocks, ${formatCount(leaks.requestBytes)} bytes asked for${ids}`];
}

function faultLines(fault: ReplayFault, paint: Paint): string[] {
  const registers = fault.registers.map(
    ({ name, value, meaning }) => `  ${name.padEnd(8)} ${hexWord(value)}  ${meaning}`,
  );
  return [
    paint.bad(`the device stopped at ${place(fault)}`),
    `  ${fault.message}`,
    `  the core: ${fault.exception}`,
    ...registers,
  ];
}

function place({ operation, line }: { readonly operation: number; readonly line: number }): string {
  return line > 0 ? `operation ${formatCount(operation)} (line ${formatCount(line)})` : "the release at a pass's end";
}

function hexWord(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function optionalCount(value: number | undefined): string | undefined {
  return value === undefined ? undefined : formatCount(value);
}
