import uPlot from "uplot";
import type { PageHeap } from "../report/html/page-data.ts";
import { type Chart, type ChartLine, chartsOf } from "./chart-series.ts";
import type { Drawing } from "./drawing.ts";
import { element, swatch } from "./element.ts";
import { columnAt } from "./heap-columns.ts";
import { FONT, LEFT, line, RIGHT, TICK_GAP } from "./plot.ts";
import { color, faint, onColorsChanged } from "./theme.ts";
import { timeLabel, timeTicks } from "./ticks.ts";

/** Of a chart, in CSS pixels; the last one has the times below. */
const HEIGHT = 84;
const TIMES_HEIGHT = 24;

/** Draws the charts of a heap. Returns how to take them away. */
export function drawCharts(container: HTMLElement, drawing: Drawing): () => void {
  const mostOf = mostOfPeers(drawing.peers);
  const charts = chartsOf(drawing.heap.series);
  const views = charts.map((chart, index) => {
    const shown = { ...chart, most: mostOf[index] ?? chart.most };
    return new ChartView(container, shown, drawing, index === charts.length - 1);
  });
  const each = (act: (view: ChartView) => void) => () => {
    for (const view of views) act(view);
  };
  const observer = new ResizeObserver(each((view) => view.resize(container.clientWidth)));
  observer.observe(container);
  const ends = [
    drawing.link.subscribe(each((view) => view.follow())),
    onColorsChanged(each((view) => view.redraw())),
    () => observer.disconnect(),
    each((view) => view.remove()),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** The top of each chart's axis, common to heaps side by side. */
function mostOfPeers(peers: readonly PageHeap[]): number[] {
  const tops = peers.map(({ series }) => chartsOf(series).map(({ most }) => most));
  return (tops[0] ?? []).map((_, index) => Math.max(...tops.map((top) => top[index] ?? 0)));
}

/** One chart, with the values at the cursor above it. */
class ChartView {
  readonly #root: HTMLElement;
  readonly #values: readonly HTMLElement[];
  readonly #plot: uPlot;
  readonly #chart: Chart;
  readonly #drawing: Drawing;

  constructor(container: HTMLElement, chart: Chart, drawing: Drawing, hasTimes: boolean) {
    this.#chart = chart;
    this.#drawing = drawing;
    this.#values = chart.lines.map(() => element("span", { class: "chart-value" }));
    const keys = chart.lines.map((entry, index) => {
      return element("span", { class: "chart-key" }, swatch(entry.color), `${entry.label} `, this.#values[index] ?? "");
    });
    const plane = element("div", { class: "chart-plane", role: "img", "aria-label": spoken(chart) });
    this.#root = element(
      "div",
      { class: "chart" },
      element("p", { class: "chart-head" }, element("strong", {}, chart.title), ...keys),
      plane,
    );
    container.append(this.#root);
    this.#plot = new uPlot(this.#options(container.clientWidth, hasTimes), this.#columns(), plane);
    const { over } = this.#plot;
    over.addEventListener("mousemove", ({ offsetX }) => drawing.link.point(this.#plot.posToVal(offsetX, "x")));
    over.addEventListener("mouseleave", () => drawing.link.point(null));
  }

  resize(width: number): void {
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#plot.height });
  }

  redraw(): void {
    this.#plot.redraw(false);
  }

  remove(): void {
    this.#plot.destroy();
    this.#root.remove();
  }

  /** Shows what the link says: a part of the time, and the cursor. */
  follow(): void {
    const { time, cursorUs } = this.#drawing.link;
    const { min, max } = this.#plot.scales.x ?? {};
    // In a batch, since what follows needs the new scale at once.
    if (min !== time.low || max !== time.high) {
      this.#plot.batch(() => this.#plot.setScale("x", { min: time.low, max: time.high }));
    }
    const isShown = cursorUs !== null && cursorUs >= time.low && cursorUs <= time.high;
    this.#plot.setCursor({ left: isShown ? this.#plot.valToPos(cursorUs, "x") : -10, top: isShown ? 0 : -10 }, false);
    this.#tellValues(cursorUs);
  }

  #tellValues(cursorUs: number | null): void {
    const { atUs } = this.#drawing.heap.series;
    const column = cursorUs === null ? -1 : columnAt(atUs, cursorUs);
    for (const [index, { values, band }] of this.#chart.lines.entries()) {
      const value = values[column];
      const text = value === undefined ? "" : this.#valueText(value, band?.min[column], band?.max[column]);
      const cell = this.#values[index];
      if (cell && cell.textContent !== text) cell.textContent = text;
    }
  }

  #valueText(value: number, least = value, greatest = value): string {
    const { format } = this.#chart;
    return least === greatest ? format(value) : `${format(value)} (${format(least)} to ${format(greatest)})`;
  }

  #columns(): uPlot.AlignedData {
    const columns = this.#chart.lines.flatMap(({ values, band }) => (band ? [values, band.max, band.min] : [values]));
    return [[...this.#drawing.heap.series.atUs], ...columns.map((column) => [...column])];
  }

  #options(width: number, hasTimes: boolean): uPlot.Options {
    const { link } = this.#drawing;
    const chart = this.#chart;
    return {
      width,
      height: HEIGHT + (hasTimes ? TIMES_HEIGHT : 0),
      padding: [4, RIGHT, hasTimes ? 0 : 4, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [link.time.low, link.time.high] },
        y: { range: () => [0, chart.most * 1.04] },
      },
      axes: [timesAxis(hasTimes), valuesAxis(chart)],
      series: [{}, ...chart.lines.flatMap((entry) => seriesOf(entry, chart.isPerWindow))],
      bands: bandsOf(chart.lines),
      cursor: this.#cursor(),
      hooks: {
        setSelect: [(plot) => this.#selected(plot)],
        draw: [(plot) => this.#drawFailure(plot)],
      },
    };
  }

  #cursor(): uPlot.Cursor {
    const { link } = this.#drawing;
    return {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          link.time.reset();
          return null;
        },
      },
    };
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width <= 0) return;
    const { time } = this.#drawing.link;
    time.show(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  #drawFailure(plot: uPlot): void {
    const { failure } = this.#drawing.run;
    if (!failure) return;
    const x = plot.valToPos(failure.atUs, "x", true);
    const { left, top, width, height } = plot.bbox;
    if (x < left || x > left + width) return;
    plot.ctx.strokeStyle = color("--bad");
    plot.ctx.lineWidth = 1.5 * devicePixelRatio;
    line(plot.ctx, x, top, x, top + height);
  }
}

/** What a chart shows, for those who do not see it. */
function spoken({ title, lines, format }: Chart): string {
  const figures = lines.map(({ label, values, band }) => {
    const least = (band?.min ?? values).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const greatest = (band?.max ?? values).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    return values.length === 0 ? `${label}: no values` : `${label}: from ${format(least)} to ${format(greatest)}`;
  });
  return `${title} over time. ${figures.join(". ")}.`;
}

/** A line; behind it, where there is a band, its edges. */
function seriesOf({ color: property, band }: ChartLine, isPerWindow: boolean): uPlot.Series[] {
  const edge: uPlot.Series = { stroke: () => "transparent", width: 0, points: { show: false } };
  const stepped = uPlot.paths.stepped?.({ align: -1 });
  const shown: uPlot.Series = {
    stroke: () => color(property),
    width: 1.5,
    points: { show: false },
    ...(isPerWindow && stepped && { paths: stepped, fill: () => faint(property, 25) }),
  };
  return band ? [shown, edge, edge] : [shown];
}

function bandsOf(lines: readonly ChartLine[]): uPlot.Band[] {
  let index = 1;
  return lines.flatMap(({ band, color: property }) => {
    const first = index;
    index += band ? 3 : 1;
    return band ? [{ series: [first + 1, first + 2] as [number, number], fill: () => faint(property, 22) }] : [];
  });
}

function timesAxis(isShown: boolean): uPlot.Axis {
  return {
    size: isShown ? TIMES_HEIGHT : 0,
    font: FONT,
    stroke: () => color("--muted"),
    grid: { stroke: () => color("--line"), width: 1 },
    ticks: { show: false },
    splits: (plot, _, low, high) => timeTicks(low, high, Math.max(2, (plot.width - LEFT - RIGHT) / TICK_GAP)),
    values: (_, ticks) => ticks.map((us) => (isShown ? timeLabel(us) : "")),
  };
}

function valuesAxis({ ticks, format }: Chart): uPlot.Axis {
  return {
    size: LEFT,
    font: FONT,
    gap: 8,
    stroke: () => color("--muted"),
    grid: { stroke: () => color("--line"), width: 1 },
    ticks: { show: false },
    splits: (_plot, _axis, low, high) => ticks(low, high, 3),
    values: (_, values) => values.map(format),
  };
}
