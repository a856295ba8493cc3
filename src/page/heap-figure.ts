import { type BlockClass, blockClasses, COLORINGS, type Coloring } from "./block-classes.ts";
import { BlockRows } from "./block-rows.ts";
import type { Drawing } from "./drawing.ts";
import { element, swatch } from "./element.ts";
import { listenToPointers, type Marquee, resetAxes } from "./gestures.ts";
import { columnAt, columnStartUs, type HeapPart } from "./heap-columns.ts";
import { drawBlocks, drawFailure, drawLeakMarks, drawMap } from "./heap-drawing.ts";
import { listenToKeys, ZOOM } from "./keys.ts";
import { MapCells } from "./map-cells.ts";
import { line, Plot, RIGHT } from "./plot.ts";
import { color, faint, onColorsChanged } from "./theme.ts";

/** Pixels of the pointer around blocks that are too thin to be hit. */
const REACH = 2;
const HINT =
  "Drag to zoom, double-click to show all. Click first, then: wheel zooms time, Shift+wheel addresses; " +
  "arrows step from block to block, Shift+arrows move, + − 0 zoom.";

interface Cursor {
  readonly us: number;
  readonly offset: number;
  /** How near a block has to be to be meant. */
  readonly reachBytes: number;
}

/** Draws a heap over time into the figure. Returns how to take the drawing away. */
export function drawHeap(figure: HTMLElement, drawing: Drawing): () => void {
  const picture = new HeapPicture(drawing);
  figure.append(picture.root);
  const ends = [
    drawing.link.subscribe(picture.redraw),
    onColorsChanged(picture.redraw),
    onResized(picture.root, picture.redraw),
  ];
  return () => {
    for (const end of ends) end();
    picture.root.remove();
  };
}

function onResized(root: HTMLElement, redraw: () => void): () => void {
  const observer = new ResizeObserver(redraw);
  observer.observe(root);
  return () => observer.disconnect();
}

/** The picture of a heap over time, with its legend, its controls and what the cursor is at. */
class HeapPicture {
  readonly root: HTMLElement;
  readonly plot: Plot;
  readonly #drawing: Drawing;
  readonly #columns: BlockRows | MapCells;
  readonly #canvas: HTMLCanvasElement;
  /** What changes with the cursor is drawn above, so that the blocks need not be. */
  readonly #overlay = element("canvas", { class: "heap-overlay", "aria-hidden": "true" });
  readonly #detail = element("p", { class: "heap-detail", role: "status" });
  readonly #legend = element("ul", { class: "legend" });
  #classes: readonly BlockClass[] = [];
  #cursor: Cursor | null = null;
  #marquee: Marquee | null = null;

  constructor(drawing: Drawing) {
    const { run, heap, space, link, bytes } = drawing;
    this.#drawing = drawing;
    this.#columns =
      heap.blocks && run.historyAtUs.length > 0
        ? new BlockRows(run, heap.blocks, space)
        : new MapCells(heap.series, space);
    this.plot = new Plot(link.time, bytes);
    this.#canvas = element("canvas", {
      class: "heap-canvas",
      tabindex: "0",
      role: "application",
      "aria-label": `Heap ${heap.name} of ${run.name}, addresses over time`,
      "aria-description": HINT,
    });
    this.root = element(
      "div",
      { class: "heap-drawing" },
      this.#controls(),
      element("div", { class: "heap-plane" }, this.#canvas, this.#overlay),
      this.#legend,
      this.#detail,
    );
    listenToPointers(this.#canvas, this);
    listenToKeys(this.#canvas, this);
    this.#colorBy(drawing.coloring);
    this.#tell(null);
  }

  /** Draws everything anew. */
  readonly redraw = (): void => {
    const context = this.plot.fit(this.#canvas);
    if (!context) return;
    const { run, heap, space } = this.#drawing;
    const columns = this.#columns;
    this.plot.clipped(context, () => {
      if (columns instanceof BlockRows) drawBlocks(context, this.plot, columns, this.#classes);
      else drawMap(context, this.plot, columns, space.bytes);
    });
    if (columns instanceof BlockRows) drawLeakMarks(context, this.plot, columns);
    this.plot.drawAxes(context, space);
    const { failure } = run;
    const gap = this.#gapAtFailure(heap.name);
    if (failure) this.plot.clipped(context, () => drawFailure(context, this.plot, failure.atUs, gap), RIGHT);
    this.#drawOverlay();
  };

  point(position: { x: number; y: number } | null): void {
    const inside = position && this.plot.contains(position.x, position.y);
    const reachBytes = REACH * this.plot.bytesPerPixel;
    this.#moveTo(
      inside ? { us: this.plot.timeAt(position.x), offset: this.plot.offsetAt(position.y), reachBytes } : null,
    );
  }

  mark(marquee: Marquee | null): void {
    this.#marquee = marquee;
    this.#drawOverlay();
  }

  moveCursor(columns: number, parts: number): void {
    const part = this.#cursor && this.#partAtCursor();
    if (!this.#cursor || !part) {
      this.#moveTo(this.#middle());
      return;
    }
    const { endsUs } = this.#columns;
    const column = Math.min(Math.max(columnAt(endsUs, this.#cursor.us) + columns, 0), endsUs.length - 1);
    const us = (columnStartUs(endsUs, column) + (endsUs[column] ?? 0)) / 2;
    const next = this.#columns.partAt(column, this.#beyond(part, parts), 0);
    this.#moveTo({ us, offset: parts === 0 ? this.#cursor.offset : next.offset + next.bytes / 2, reachBytes: 0 });
    this.plot.time.reveal(us);
    if (this.#cursor) this.plot.bytes.reveal(this.#cursor.offset);
  }

  zoom(factor: number): void {
    const { us, offset } = this.#cursor ?? this.#middle();
    this.plot.time.zoom(us, factor);
    this.plot.bytes.zoom(offset, factor);
  }

  /** An offset in the part above or below. */
  #beyond(part: HeapPart, parts: number): number {
    if (parts > 0) return Math.min(part.offset + part.bytes, this.#drawing.space.bytes - 1);
    return parts < 0 ? Math.max(part.offset - 1, 0) : part.offset;
  }

  #middle(): Cursor {
    const { time, bytes } = this.plot;
    return { us: (time.low + time.high) / 2, offset: (bytes.low + bytes.high) / 2, reachBytes: 0 };
  }

  #moveTo(cursor: Cursor | null): void {
    this.#cursor = cursor;
    this.#drawing.link.point(cursor?.us ?? null);
    const part = this.#partAtCursor();
    this.#tell(part);
    this.#drawOverlay();
  }

  #partAtCursor(): HeapPart | null {
    const { endsUs } = this.#columns;
    if (!this.#cursor || endsUs.length === 0 || this.#cursor.us > (endsUs.at(-1) ?? 0)) return null;
    if (this.#cursor.offset >= this.#drawing.space.bytes) return null;
    const { us, offset, reachBytes } = this.#cursor;
    return this.#columns.partAt(columnAt(endsUs, us), offset, reachBytes);
  }

  #tell(part: HeapPart | null): void {
    this.#detail.textContent = part?.text ?? HINT;
    this.#detail.classList.toggle("idle", !part);
  }

  /** Where the refused request would have had to fit; null where this heap did not refuse it, or the run went on. */
  #gapAtFailure(heap: string): { offset: number; bytes: number } | null {
    const columns = this.#columns;
    const { failure, simulatedUs } = this.#drawing.run;
    if (!(columns instanceof BlockRows) || failure?.heap !== heap || failure.atUs < simulatedUs) return null;
    return columns.largestGap(columns.endsUs.length - 1);
  }

  #controls(): HTMLElement {
    const { plot } = this;
    const tools = element("div", { class: "heap-tools" });
    if (this.#columns instanceof BlockRows) tools.append(this.#coloringChoice());
    const button = (label: string, name: string, act: () => void) => {
      const made = element("button", { type: "button", "aria-label": name, title: name }, label);
      made.addEventListener("click", act);
      return made;
    };
    tools.append(
      button("+", "Zoom in", () => this.zoom(ZOOM)),
      button("−", "Zoom out", () => this.zoom(1 / ZOOM)),
      button("Show all", "Show all of the heap and of the time", () => resetAxes(plot)),
    );
    return tools;
  }

  #coloringChoice(): HTMLElement {
    const choice = element("select", {}, ...COLORINGS.map((coloring) => element("option", {}, coloring)));
    choice.value = this.#drawing.coloring;
    choice.addEventListener("change", () => {
      this.#colorBy(COLORINGS[choice.selectedIndex] ?? "owner");
      this.redraw();
    });
    return element("label", {}, "Colour by ", choice);
  }

  #colorBy(coloring: Coloring): void {
    this.#drawing.coloring = coloring;
    const columns = this.#columns;
    if (!(columns instanceof BlockRows)) {
      const item = (property: string, label: string) => element("li", {}, swatch(property), label);
      this.#legend.replaceChildren(item("--paper", "free"), item("--live", "live"));
      return;
    }
    this.#classes = blockClasses(columns, coloring);
    const leaked = { label: "leaked (mark at the right)", color: "--bad" };
    const entries = [
      ...this.#classes,
      { label: "no block", color: "--paper" },
      ...(columns.leaked.size > 0 ? [leaked] : []),
    ];
    this.#legend.replaceChildren(...entries.map((entry) => element("li", {}, swatch(entry.color), entry.label)));
  }

  #drawOverlay(): void {
    const context = this.plot.fit(this.#overlay);
    if (!context) return;
    this.plot.clipped(context, () => {
      const { cursorUs } = this.#drawing.link;
      if (cursorUs !== null) this.#drawCursor(context, cursorUs);
      const part = this.#partAtCursor();
      if (part) this.#outline(context, part);
      if (this.#marquee) drawMarquee(context, this.#marquee);
    });
  }

  #drawCursor(context: CanvasRenderingContext2D, us: number): void {
    const x = Math.round(this.plot.xOf(us)) + 0.5;
    context.strokeStyle = color("--muted");
    line(context, x, 0, x, this.plot.bottom);
  }

  #outline(context: CanvasRenderingContext2D, part: HeapPart): void {
    const x = this.plot.xOf(part.fromUs);
    const y = this.plot.yOf(part.offset + part.bytes);
    context.strokeStyle = color("--ink");
    context.lineWidth = 2;
    context.strokeRect(x, y, this.plot.xOf(part.toUs) - x, this.plot.yOf(part.offset) - y);
  }
}

function drawMarquee(context: CanvasRenderingContext2D, { x0, y0, x1, y1 }: Marquee): void {
  context.fillStyle = faint("--accent", 20);
  context.fillRect(x0, y0, x1 - x0, y1 - y0);
  context.strokeStyle = color("--accent");
  context.lineWidth = 1;
  context.strokeRect(x0 + 0.5, y0 + 0.5, x1 - x0, y1 - y0);
}
