/** Risk over heap size: a line for each allocator, with intervals, and the limit. */
import { formatBytes } from "../../quantities.ts";
import type { RiskCell, RiskRecord } from "../../risk/record.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { formatProbability } from "../probability-text.ts";
import { riskWords } from "../risk-text.ts";
import type { Html } from "./markup.ts";
import { figure, seriesColour } from "./parts.ts";
import { type Estimate, estimate, limit, line, type Plane, plot } from "./svg-plot.ts";
import { BYTES, linearScale, logScale, rounded, type Scale, SHARE, SHARE_MARKS } from "./svg-scale.ts";

/** As many as there are colours. */
const ALLOCATORS_MOST = 8;
/** Smaller risks than this are told apart by their powers of ten. */
const LOG_BELOW = 0.02;
/** More sizes are marked at round values. */
const SIZES_MARKED = 9;
/** Between allocators at one size, at most. */
const ASIDE = 10;
const HEIGHT = 300;

/** The figure; nothing where no cell has run. */
export function riskBySize({ cells, maxRisk, horizonUs }: RiskRecord): Html | false {
  const allocators = [...new Set(cells.map(({ allocator }) => allocator))];
  const shown = allocators.slice(0, ALLOCATORS_MOST);
  if (shown.length === 0) return false;
  const y = riskScale(cells, maxRisk);
  const request = {
    label: "Risk of failure by heap size",
    description: `A line for each of ${shown.join(", ")}, with 95 % intervals.`,
    height: HEIGHT,
    x: sizeScale(cells),
    y,
    xTitle: "heap size",
    yTitle: `risk within ${formatDuration(horizonUs)}`,
  };
  const picture = plot(request, (plane) => [
    ...shown.flatMap((allocator, index) => {
      const own = cells.filter((cell) => cell.allocator === allocator);
      const aside = (index - (shown.length - 1) / 2) * asideOf(plane, cells, shown.length);
      return allocatorMarks(own, seriesColour(index), asideBy(plane, aside));
    }),
    ...(maxRisk === null ? [] : [limit(plane, maxRisk, `accepted: ${formatProbability(maxRisk)}`, "bad")]),
  ]);
  const rest = allocators.length - shown.length;
  const more = rest > 0 ? ` ${rest} more allocators are in the table only.` : "";
  return figure(picture, {
    caption: `Dots: share of runs that failed, with its 95 % interval. Arrows: no run failed; the risk lies below the bar's end with 95 %.${more}`,
    legend: shown.map((label, index) => ({ colour: seriesColour(index), label })),
  });
}

function riskScale(cells: readonly RiskCell[], maxRisk: number | null): Scale {
  const bounds = cells.map((cell) => (cell.probability > 0 ? cell.probability : cell.upperBound95));
  const least = Math.min(maxRisk ?? 1, ...bounds.filter((bound) => bound > 0));
  const most = Math.max(
    maxRisk ?? 0,
    ...cells.map(({ interval, upperBound95 }) => Math.max(interval[1], upperBound95)),
  );
  if (least >= LOG_BELOW) return linearScale(rounded([0, most], SHARE), SHARE);
  const low = SHARE_MARKS.findLast((mark) => mark <= least / 2) ?? least / 2;
  return logScale([low, Math.min(1, most * 1.1)], SHARE, SHARE_MARKS);
}

/** A few sizes are marked themselves. */
function sizeScale(cells: readonly RiskCell[]): Scale {
  const sizes = [...new Set(cells.map(({ arenaBytes }) => arenaBytes))].sort((a, b) => a - b);
  const [low = 0, high = low] = [sizes[0], sizes.at(-1)];
  const margin = (high - low) * 0.06 || high * 0.1;
  return linearScale([low - margin, high + margin], BYTES, sizes.length <= SIZES_MARKED ? sizes : undefined);
}

/** Less where there are so many sizes that their allocators would mix. */
function asideOf({ left, right }: Plane, cells: readonly RiskCell[], allocators: number): number {
  const sizes = new Set(cells.map(({ arenaBytes }) => arenaBytes)).size;
  return Math.min(ASIDE, (right - left) / sizes / (allocators + 1));
}

/** The plane with all its marks so far to the right. */
function asideBy(plane: Plane, length: number): Plane {
  return { ...plane, x: (value) => plane.x(value) + length };
}

function allocatorMarks(cells: readonly RiskCell[], colour: string, plane: Plane): Html[] {
  const failing = cells.filter(({ probability }) => probability > 0);
  const path = failing.map(({ arenaBytes, probability }) => [arenaBytes, probability] as const);
  const marks = cells.map((cell): Estimate => {
    const { allocator, arenaBytes, probability, interval, upperBound95 } = cell;
    const title = `${allocator}, ${formatBytes(arenaBytes)}: ${riskWords(cell)}`;
    const isSeen = probability > 0;
    return {
      x: arenaBytes,
      value: isSeen ? probability : null,
      interval: isSeen ? interval : [0, upperBound95],
      colour,
      title,
    };
  });
  return [line(plane, path, `${colour} thin`), ...marks.map((mark) => estimate(plane, mark))];
}
