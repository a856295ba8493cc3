/** The configurations of a campaign: every allocator on every size of one heap. */
import { findAllocator } from "../allocators/catalogue.ts";
import { HeapsoakError } from "../errors.ts";
import { formatBytes, parseSize } from "../quantities.ts";
import { layOut } from "../scenario/layout.ts";
import type { ScenarioOptions } from "../scenario/load.ts";
import type { HeapModel, Scenario } from "../scenario/model.ts";
import type { Cell, FailOn } from "./run/cell.ts";

/** What is varied. Undefined: as the scenario has it. */
export interface GridRequest {
  readonly allocators?: readonly string[];
  readonly heapSizes?: readonly number[];
  /** The heap that is varied; the first by default. */
  readonly heap?: string;
  readonly horizonUs?: number;
  readonly failOn: FailOn;
}

/** A configuration that the device or the allocator does not take, and why. */
export interface RefusedCell {
  readonly allocator: string;
  readonly heap: string;
  readonly arenaBytes: number;
  readonly reason: string;
}

export interface Grid {
  /** By allocator, sizes ascending. */
  readonly cells: readonly Cell[];
  readonly refused: readonly RefusedCell[];
}

/** The scenario with changes: `loadScenario` or `parseScenario` with the rest of what they need. */
export type ScenarioSource = (changes: Pick<ScenarioOptions, "allocator" | "heapSize">) => Promise<Scenario>;

/** More cells than anybody compares. */
export const CELLS_MOST = 10_000;

/**
 * Lays out every configuration. Those that cannot be are listed; throws what is wrong with the first where none can,
 * and `bad-argument` for heaps and grids that make no sense.
 */
export async function gridOf(source: ScenarioSource, request: GridRequest): Promise<Grid> {
  const scenario = await source({});
  const heap = heapOf(scenario, request.heap);
  const allocators = request.allocators?.map((name) => findAllocator(name).name) ?? [
    findAllocator(heap.allocator).name,
  ];
  refuseRepeated(allocators, "--allocators");
  const sizes = request.heapSizes?.toSorted((a, b) => a - b) ?? [bytesOf(heap)];
  refuseManyCells(allocators.length * sizes.length);
  const cells: Cell[] = [];
  const refused: RefusedCell[] = [];
  let trouble: HeapsoakError | undefined;
  for (const allocator of allocators) {
    for (const arenaBytes of sizes) {
      const place = { heap: heap.name, allocator, heapBytes: arenaBytes };
      try {
        const changed = await source(changesFor(heap, place, request));
        layOut(changed);
        cells.push({
          scenario: changed,
          ...place,
          horizonUs: request.horizonUs ?? changed.uptimeUs,
          failOn: request.failOn,
        });
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
        trouble ??= error;
        refused.push({ allocator, heap: heap.name, arenaBytes, reason: firstLine(error) });
      }
    }
  }
  if (cells.length === 0 && trouble) throw trouble;
  return { cells, refused };
}

/** Sizes as `--heap-sizes` takes them: `36KiB,40KiB`, or `32KiB..48KiB/4KiB`, ends included. Throws `bad-argument`. */
export function parseHeapSizes(text: string): number[] {
  const sizes = text.split(",").flatMap((part) => sizesOf(part.trim(), text));
  refuseRepeated(sizes.map(formatBytes), "--heap-sizes");
  return sizes;
}

/** Names as `--allocators` takes them: `a,b,c`. Throws `bad-argument`, `unknown-allocator`. */
export function parseAllocators(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new HeapsoakError("bad-argument", `--allocators: got "${text}", expected a,b,c.`);
  for (const name of names) findAllocator(name);
  return names;
}

function sizesOf(part: string, text: string): number[] {
  if (!part.includes("..")) {
    const bytes = parseSize(part, "--heap-sizes");
    if (bytes === 0) throw badSizes(text, "a heap of at least 1 B");
    return [bytes];
  }
  const [, from, to, step] = /^([^/]*?)\.\.([^/]*)\/(.*)$/.exec(part) ?? [];
  if (from === undefined || to === undefined || step === undefined) {
    throw badSizes(text, "FROM..TO/STEP", "For example: --heap-sizes 32KiB..48KiB/4KiB.");
  }
  const [low, high, stepBytes] = [from, to, step].map((size) => parseSize(size, "--heap-sizes")) as [
    number,
    number,
    number,
  ];
  if (stepBytes === 0) throw badSizes(text, "a step above 0");
  if (low > high) throw badSizes(text, "the smaller size first", `Write ${to.trim()}..${from.trim()}/${step.trim()}.`);
  if (low === 0) throw badSizes(text, "a heap of at least 1 B");
  const count = Math.floor((high - low) / stepBytes) + 1;
  refuseManyCells(count);
  return Array.from({ length: count }, (_, i) => low + i * stepBytes);
}

function badSizes(text: string, expected: string, hint?: string): HeapsoakError {
  return new HeapsoakError("bad-argument", `--heap-sizes: got "${text}", expected ${expected}.`, hint ? { hint } : {});
}

function refuseRepeated(names: readonly string[], flag: string): void {
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) throw new HeapsoakError("bad-argument", `${flag}: ${repeated} is given twice.`);
}

function refuseManyCells(count: number): void {
  if (count <= CELLS_MOST) return;
  throw new HeapsoakError("bad-argument", `A grid of ${count} cells: at most ${CELLS_MOST} are compared at once.`, {
    hint: "Take a larger step between sizes, or fewer allocators.",
  });
}

/** Only what differs is changed: options of the scenario's own allocator stay as they are. */
function changesFor(
  heap: HeapModel,
  { allocator, heapBytes }: Pick<Cell, "allocator" | "heapBytes">,
  { allocators, heapSizes }: GridRequest,
): Pick<ScenarioOptions, "allocator" | "heapSize"> {
  return {
    ...(allocators && { allocator: { [heap.name]: allocator } }),
    ...(heapSizes && { heapSize: { [heap.name]: String(heapBytes) } }),
  };
}

function heapOf({ heaps }: Scenario, name: string | undefined): HeapModel {
  const heap = name === undefined ? heaps[0] : heaps.find((candidate) => candidate.name === name);
  if (heap) return heap;
  if (name === undefined) throw new HeapsoakError("bad-argument", "The scenario has no heap.");
  const names = heaps.map((candidate) => candidate.name).join(", ");
  throw new HeapsoakError("bad-argument", `There is no heap "${name}".`, {
    hint: `Heaps of the scenario: ${names || "none"}.`,
  });
}

function bytesOf({ parts }: HeapModel): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function firstLine({ message }: HeapsoakError): string {
  return message.split("\n", 1)[0] ?? message;
}
