import { formatBytes } from "../quantities.ts";
import { formatCount, formatShare } from "../soak/figures.ts";
import type { Column, HeapSeries } from "../soak/record.ts";
import { byteTicks, countTicks } from "./ticks.ts";

/** A figure of a heap over time. */
export interface ChartLine {
  readonly label: string;
  readonly color: string;
  readonly values: Column;
  /** Least and greatest value in each window. */
  readonly band?: { readonly min: Column; readonly max: Column };
}

export interface Chart {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** Values of whole windows, not of instants: drawn as steps on a filled ground. */
  readonly isPerWindow: boolean;
  /** The top of its axis. */
  readonly most: number;
  readonly format: (value: number) => string;
  readonly ticks: (low: number, high: number, most: number) => number[];
}

const TICKS_OF_SHARES = [0, 0.5, 1];

/** The charts of a heap, in the order in which they stand. */
export function chartsOf(series: HeapSeries): Chart[] {
  const { freeBytes, largestFreeBytes, holes, liveBlocks, failedRequests, visitsMax } = series;
  const fragmentation = freeBytes.last.map((free, row) =>
    free > 0 ? 1 - (largestFreeBytes.last[row] ?? 0) / free : 0,
  );
  return [
    chart("Free memory", { format: formatBytes, ticks: byteTicks }, [
      { label: "free", color: "--series-1", values: freeBytes.last, band: freeBytes },
      { label: "largest free", color: "--series-2", values: largestFreeBytes.last, band: largestFreeBytes },
    ]),
    chart("Fragmentation", { format: formatShare, ticks: () => TICKS_OF_SHARES, most: 1 }, [
      { label: "1 − largest free / free", color: "--series-4", values: fragmentation },
    ]),
    chart("Holes", {}, [{ label: "holes", color: "--series-3", values: holes.last, band: holes }]),
    chart("Live blocks", {}, [{ label: "blocks", color: "--series-7", values: liveBlocks.last, band: liveBlocks }]),
    chart("Failed requests", { isPerWindow: true }, [
      { label: "in the window", color: "--bad", values: failedRequests },
    ]),
    chart("Visits", { isPerWindow: true }, [
      { label: "most for one operation", color: "--series-5", values: visitsMax },
    ]),
  ];
}

function chart(title: string, options: Partial<Chart>, lines: readonly ChartLine[]): Chart {
  const greatest = lines.flatMap(({ values, band }) => band?.max ?? values).reduce((a, b) => Math.max(a, b), 1);
  return { title, lines, isPerWindow: false, most: greatest, format: formatCount, ticks: countTicks, ...options };
}
