import type { Axis } from "./axis.ts";
import { resetAxes } from "./gestures.ts";
import type { Plot } from "./plot.ts";

/** A share of what is shown that a key moves it by, and what one zooms by. */
const PAN = 0.2;
export const ZOOM = 0.6;

export interface KeyTarget {
  readonly plot: Plot;
  /** Moves the cursor by a column, or to the part above (1) or below (-1). */
  moveCursor(columns: number, parts: number): void;
  /** Zooms both axes around the cursor, or their middle. */
  zoom(factor: number): void;
}

/** The keys of a picture: arrows move the cursor, with Shift what is shown; + and - zoom, 0 shows all. */
export function listenToKeys(canvas: HTMLCanvasElement, target: KeyTarget): void {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = actionOf(event.key, event.shiftKey, target);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function actionOf(key: string, isShifted: boolean, target: KeyTarget): (() => void) | undefined {
  const { time, bytes } = target.plot;
  const arrow = (axis: Axis, direction: number, columns: number, parts: number) => () =>
    isShifted ? axis.pan(direction * PAN) : target.moveCursor(columns, parts);
  const actions: Record<string, () => void> = {
    ArrowLeft: arrow(time, -1, -1, 0),
    ArrowRight: arrow(time, 1, 1, 0),
    ArrowUp: arrow(bytes, 1, 0, 1),
    ArrowDown: arrow(bytes, -1, 0, -1),
    "+": () => target.zoom(ZOOM),
    "=": () => target.zoom(ZOOM),
    "-": () => target.zoom(1 / ZOOM),
    "0": () => resetAxes(target.plot),
  };
  return actions[key];
}
