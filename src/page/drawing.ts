import type { PageData, PageHeap, PageRun } from "../report/html/page-data.ts";
import { AddressSpace } from "./address-space.ts";
import { Axis } from "./axis.ts";
import type { Coloring } from "./block-classes.ts";
import { Link } from "./link.ts";

/** As far as addresses can be zoomed into. */
const LEAST_BYTES = 64;

/** A heap of a run as it is drawn in one place of the page: what survives when the drawing itself is taken away. */
export interface Drawing {
  readonly run: PageRun;
  readonly heap: PageHeap;
  readonly space: AddressSpace;
  readonly link: Link;
  readonly bytes: Axis;
  /** The heaps whose charts have a common scale, this one among them. */
  readonly peers: readonly PageHeap[];
  coloring: Coloring;
}

/**
 * What is to be drawn into the elements: those of a `data-group` share both axes, those of a run outside of
 * groups share the axis of time, and those of a heap the axis of addresses.
 */
export function drawingsOf(elements: Iterable<HTMLElement>, data: PageData): Map<HTMLElement, Drawing> {
  const scopes = new Map<Element | number, Scope>();
  for (const element of elements) {
    const run = data.runs[Number(element.dataset.run)];
    const heap = run?.heaps[Number(element.dataset.heap)];
    if (!run || !heap) continue;
    const key = element.closest("[data-group]") ?? Number(element.dataset.run);
    const scope = scopes.get(key) ?? { isGroup: typeof key !== "number", places: [] };
    scopes.set(key, scope);
    scope.places.push({ element, run, heap });
  }
  return new Map([...scopes.values()].flatMap(linked));
}

interface Place {
  readonly element: HTMLElement;
  readonly run: PageRun;
  readonly heap: PageHeap;
}

interface Scope {
  readonly isGroup: boolean;
  readonly places: Place[];
}

function linked({ isGroup, places }: Scope): [HTMLElement, Drawing][] {
  const link = new Link(Math.max(...places.map(({ run }) => run.simulatedUs)));
  const heaps = [...new Set(places.map(({ heap }) => heap))];
  const spaces = new Map(heaps.map((heap) => [heap, new AddressSpace(heap.regions)]));
  const bytesOf = (heap: PageHeap) => spaces.get(heap)?.bytes ?? 0;
  const axisTo = (bytes: number) => new Axis(bytes, LEAST_BYTES, link.touch);
  const common = axisTo(Math.max(...heaps.map(bytesOf)));
  const axes = new Map(heaps.map((heap) => [heap, isGroup ? common : axisTo(bytesOf(heap))]));
  return places.map(({ element, run, heap }) => {
    const space = spaces.get(heap) ?? new AddressSpace([]);
    const bytes = axes.get(heap) ?? common;
    return [element, { run, heap, space, link, bytes, peers: isGroup ? heaps : [heap], coloring: "owner" }];
  });
}
