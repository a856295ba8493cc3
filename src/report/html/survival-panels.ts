/** Kaplan and Meier's curves with their 95 % bands: a panel for each allocator, on common axes. */
import { formatBytes } from "../../quantities.ts";
import type { RiskCell, RiskRecord } from "../../risk/record.ts";
import { formatProbability } from "../probability-text.ts";
import type { Html } from "./markup.ts";
import { seriesColour } from "./parts.ts";
import { band, endLabels, line, type Plane, type Point, plot, stepped } from "./svg-plot.ts";
import { linearScale, rounded, type Scale, SHARE, TIME } from "./svg-scale.ts";

/** More curves lie on each other. */
const CURVES_MOST = 6;
const PANELS_MOST = 8;
const HEIGHT = 240;
const LABELS = 130;

export interface Panel {
  readonly picture: Html;
  readonly caption: string;
}

/** A size has the same colour in every panel. */
type Curve = RiskCell & { readonly colour: string };

/** Panels of the allocators that have failures. */
export function survivalPanels({ cells, horizonUs }: RiskRecord): Panel[] {
  const failing = cells.filter(({ survival }) => survival.length > 0);
  const points = failing.flatMap(({ survival }) => survival);
  const least = points.reduce((lowest, { low }) => Math.min(lowest, low), 1);
  const axes = { x: linearScale([0, horizonUs], TIME), y: linearScale(rounded([least, 1], SHARE), SHARE) };
  const sizes = [...new Set(failing.map(({ arenaBytes }) => arenaBytes))].sort((a, b) => a - b);
  const curves = failing.map((cell) => ({ ...cell, colour: seriesColour(sizes.indexOf(cell.arenaBytes)) }));
  const allocators = [...new Set(failing.map(({ allocator }) => allocator))].slice(0, PANELS_MOST);
  return allocators.map((allocator) => {
    const own = curves.filter((curve) => curve.allocator === allocator);
    return panel(allocator, own, horizonUs, axes);
  });
}

function panel(allocator: string, cells: readonly Curve[], horizonUs: number, axes: { x: Scale; y: Scale }): Panel {
  const shown = cells.slice(0, CURVES_MOST);
  const rest = cells.length - shown.length;
  const ends = shown.map((cell) => `${sizeText(cell)}: ${formatProbability(lastShare(cell))}`);
  const request = {
    label: `Survival with ${allocator}`,
    description: `Share of the runs without a failure over time. At the end: ${ends.join("; ")}.`,
    height: HEIGHT,
    ...axes,
    xTitle: "simulated time",
    yTitle: "runs without a failure",
    right: LABELS,
  };
  return {
    picture: plot(request, (plane) => [
      ...shown.flatMap((cell) => curve(plane, cell, horizonUs)),
      ...endLabels(plane, shown.map(endLabel)),
    ]),
    caption: `${allocator}: share of the runs that go on, with its 95 % band.${rest > 0 ? ` ${rest} more sizes are in the table only.` : ""}`,
  };
}

/** Where none is left, there is no band: nothing is watched any more. */
function curve(plane: Plane, { survival, colour }: Curve, horizonUs: number): Html[] {
  const path = (points: typeof survival, of: (point: (typeof survival)[number]) => number, endUs: number) => {
    return stepped([[0, 1], ...points.map((point): Point => [point.atUs, of(point)])], endUs);
  };
  const left = survival.filter(({ surviving }) => surviving > 0);
  const bandEndUs = survival[left.length]?.atUs ?? horizonUs;
  const [upper, lower] = [path(left, ({ high }) => high, bandEndUs), path(left, ({ low }) => low, bandEndUs)];
  return [
    band(plane, upper, lower, colour),
    line(
      plane,
      path(survival, ({ surviving }) => surviving, horizonUs),
      colour,
    ),
  ];
}

function endLabel(curve: Curve) {
  const share = lastShare(curve);
  return { y: share, text: `${sizeText(curve)}: ${formatProbability(share)}`, colour: curve.colour };
}

function lastShare({ survival }: RiskCell): number {
  return survival.at(-1)?.surviving ?? 1;
}

function sizeText({ arenaBytes }: RiskCell): string {
  return formatBytes(arenaBytes);
}
