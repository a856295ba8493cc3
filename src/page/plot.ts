import { formatAddress } from "../quantities.ts";
import type { AddressSpace } from "./address-space.ts";
import type { Axis } from "./axis.ts";
import { color } from "./theme.ts";
import { byteTicks, timeLabel, timeTicks } from "./ticks.ts";

/** What stands left of a plot, and right: the same for pictures and charts, so that their times are in line. In CSS pixels. */
export const LEFT = 84;
export const RIGHT = 24;
const TOP = 6;
const BOTTOM = 24;
/** Between times, at least. */
export const TICK_GAP = 96;
export const FONT = '11px system-ui, -apple-system, "Segoe UI", sans-serif';

/** The plane of a picture, in CSS pixels: time to the right, addresses upwards. */
export class Plot {
  readonly time: Axis;
  readonly bytes: Axis;
  /** Of the canvas. */
  canvasWidth = 0;
  canvasHeight = 0;
  /** Device pixels in a CSS pixel. */
  ratio = 1;

  constructor(time: Axis, bytes: Axis) {
    this.time = time;
    this.bytes = bytes;
  }

  get width(): number {
    return Math.max(1, this.canvasWidth - LEFT - RIGHT);
  }

  get height(): number {
    return Math.max(1, this.canvasHeight - TOP - BOTTOM);
  }

  get bottom(): number {
    return TOP + this.height;
  }

  xOf(us: number): number {
    return LEFT + ((us - this.time.low) / this.time.span) * this.width;
  }

  yOf(offset: number): number {
    return this.bottom - ((offset - this.bytes.low) / this.bytes.span) * this.height;
  }

  timeAt(x: number): number {
    return this.time.low + clamp((x - LEFT) / this.width) * this.time.span;
  }

  offsetAt(y: number): number {
    return this.bytes.low + clamp((this.bottom - y) / this.height) * this.bytes.span;
  }

  contains(x: number, y: number): boolean {
    return x >= LEFT && x <= LEFT + this.width && y >= TOP && y <= this.bottom;
  }

  get bytesPerPixel(): number {
    return this.bytes.span / this.height;
  }

  /** Makes the canvas as large as it is shown, and draws in CSS pixels from then on. */
  fit(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
    this.ratio = devicePixelRatio;
    this.canvasWidth = canvas.clientWidth;
    this.canvasHeight = canvas.clientHeight;
    canvas.width = Math.round(this.canvasWidth * this.ratio);
    canvas.height = Math.round(this.canvasHeight * this.ratio);
    const context = canvas.getContext("2d");
    context?.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return context;
  }

  /** Has `draw` draw within the plot only, and as far right of it as `beyond` says. */
  clipped(context: CanvasRenderingContext2D, draw: () => void, beyond = 0): void {
    context.save();
    context.beginPath();
    context.rect(LEFT, TOP, this.width + beyond, this.height);
    context.clip();
    draw();
    context.restore();
  }

  drawAxes(context: CanvasRenderingContext2D, space: AddressSpace): void {
    context.font = FONT;
    context.lineWidth = 1;
    context.fillStyle = color("--muted");
    context.strokeStyle = color("--line");
    context.strokeRect(LEFT - 0.5, TOP - 0.5, this.width + 1, this.height + 1);
    this.#drawTimes(context);
    this.#drawAddresses(context, space);
  }

  #drawTimes(context: CanvasRenderingContext2D): void {
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const us of timeTicks(this.time.low, this.time.high, Math.max(2, this.width / TICK_GAP))) {
      const x = Math.round(this.xOf(us)) + 0.5;
      line(context, x, this.bottom, x, this.bottom + 4);
      context.fillText(timeLabel(us), x, this.bottom + 7);
    }
  }

  #drawAddresses(context: CanvasRenderingContext2D, space: AddressSpace): void {
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { low, bytes, start } of space.regions) {
      const from = Math.max(this.bytes.low, start) + low - start;
      const to = Math.min(this.bytes.high, start + bytes) + low - start;
      const most = this.height / 44;
      const ticks = to > from ? byteTicks(from, to, (most * (to - from)) / this.bytes.span + 1) : [];
      for (const address of ticks) {
        const y = Math.round(this.yOf(start + address - low)) + 0.5;
        line(context, LEFT - 4, y, LEFT, y);
        context.fillText(formatAddress(address), LEFT - 8, y);
      }
      if (start > 0) this.#drawSeam(context, start);
    }
  }

  /** Where a region ends and the next begins. */
  #drawSeam(context: CanvasRenderingContext2D, offset: number): void {
    const y = Math.round(this.yOf(offset)) + 0.5;
    if (y < TOP || y > this.bottom) return;
    context.strokeStyle = color("--ink");
    line(context, LEFT - 12, y, LEFT + this.width, y);
    context.strokeStyle = color("--line");
  }
}

export function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
