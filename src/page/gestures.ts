import type { Axis } from "./axis.ts";
import type { Plot } from "./plot.ts";

/** A rectangle in CSS pixels of the canvas. */
export interface Marquee {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface GestureTarget {
  readonly plot: Plot;
  /** The pointer is there; null: it has left. */
  point(position: { x: number; y: number } | null): void;
  /** What is being dragged over; null: nothing any more. */
  mark(marquee: Marquee | null): void;
}

/** Below this, in CSS pixels, a drag is a click, and along one axis means all of the other. */
const DRAG_LEAST = 6;
const WHEEL_RATE = 0.0015;
const LINE_PIXELS = 16;

/**
 * Zooming with the pointer: dragging marks what is to be shown, two fingers pinch, a double click shows all. The
 * wheel zooms time, with Shift addresses, with Ctrl both; without Ctrl only where the canvas has the focus, so that
 * scrolling over pictures scrolls the page.
 */
export function listenToPointers(canvas: HTMLCanvasElement, target: GestureTarget): void {
  const fingers = new Map<number, { x: number; y: number }>();
  let start: { x: number; y: number } | null = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") fingers.set(event.pointerId, positionOf(event));
    else if (event.button === 0) start = positionOf(event);
    target.point(positionOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const position = positionOf(event);
    if (fingers.has(event.pointerId)) pinch(target.plot, fingers, event.pointerId, position);
    if (start) target.mark(marqueeOf(start, position, target.plot));
    target.point(position);
  });
  const end = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    if (start && event.type === "pointerup") showMarked(target.plot, marqueeOf(start, positionOf(event), target.plot));
    start = null;
    target.mark(null);
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => target.point(null));
  canvas.addEventListener("dblclick", () => resetAxes(target.plot));
  canvas.addEventListener("wheel", (event) => turn(event, canvas, target.plot), { passive: false });
}

/** Shows all of both axes. */
export function resetAxes({ time, bytes }: Plot): void {
  time.reset();
  bytes.reset();
}

function positionOf(event: MouseEvent): { x: number; y: number } {
  return { x: event.offsetX, y: event.offsetY };
}

/** A drag along one axis marks all of the other. */
function marqueeOf(start: { x: number; y: number }, end: { x: number; y: number }, plot: Plot): Marquee | null {
  const isWide = Math.abs(end.x - start.x) >= DRAG_LEAST;
  const isHigh = Math.abs(end.y - start.y) >= DRAG_LEAST;
  if (!isWide && !isHigh) return null;
  const [left, right] = isWide ? [start.x, end.x] : [plot.xOf(plot.time.low), plot.xOf(plot.time.high)];
  const [top, bottom] = isHigh ? [start.y, end.y] : [plot.yOf(plot.bytes.high), plot.yOf(plot.bytes.low)];
  return {
    x0: Math.min(left, right),
    y0: Math.min(top, bottom),
    x1: Math.max(left, right),
    y1: Math.max(top, bottom),
  };
}

function showMarked(plot: Plot, marquee: Marquee | null): void {
  if (!marquee) return;
  const [from, to] = [plot.timeAt(marquee.x0), plot.timeAt(marquee.x1)];
  const [low, high] = [plot.offsetAt(marquee.y1), plot.offsetAt(marquee.y0)];
  plot.time.show(from, to);
  plot.bytes.show(low, high);
}

/** Each axis by how far two fingers have moved apart along it, around their middle. */
function pinch(
  plot: Plot,
  fingers: Map<number, { x: number; y: number }>,
  moved: number,
  to: { x: number; y: number },
): void {
  const from = fingers.get(moved);
  const other = [...fingers].find(([id]) => id !== moved)?.[1];
  fingers.set(moved, to);
  if (!from || !other) return;
  stretch(plot.time, plot.timeAt((to.x + other.x) / 2), from.x - other.x, to.x - other.x);
  stretch(plot.bytes, plot.offsetAt((to.y + other.y) / 2), from.y - other.y, to.y - other.y);
}

function stretch(axis: Axis, around: number, before: number, after: number): void {
  // Fingers in line with the other axis say nothing about this one.
  if (Math.min(Math.abs(before), Math.abs(after)) > 4 * DRAG_LEAST) axis.zoom(around, Math.abs(before / after));
}

function turn(event: WheelEvent, canvas: HTMLCanvasElement, plot: Plot): void {
  if (!event.ctrlKey && document.activeElement !== canvas) return;
  event.preventDefault();
  // Some systems turn the wheel sideways while Shift is held.
  const pixels = (event.deltaY || event.deltaX) * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1);
  const factor = Math.exp(pixels * WHEEL_RATE);
  const { x, y } = positionOf(event);
  if (!event.shiftKey) plot.time.zoom(plot.timeAt(x), factor);
  if (event.shiftKey || event.ctrlKey) plot.bytes.zoom(plot.offsetAt(y), factor);
}
