import type { Scenario } from "../../scenario/model.ts";
import type { Cell } from "../run/cell.ts";
import { exactJson } from "./exact-json.ts";

/** The cells of a campaign with what their scenarios have in common written once: a grid varies little of them. */
export interface PackedCells {
  /** The first cell's scenario. */
  readonly common: Scenario;
  readonly cells: readonly (Omit<Cell, "scenario"> & {
    /** The entries in which it differs from `common`. */
    readonly scenario: Partial<Scenario>;
  })[];
}

/** Packs cells for threads, files and queues. There must be at least one. */
export function packCells(cells: readonly Cell[]): PackedCells {
  const common = cells[0]?.scenario;
  if (!common) throw new RangeError("A campaign has at least one cell.");
  const texts = new Map(Object.entries(common).map(([key, value]) => [key, exactJson(value)]));
  const packed = cells.map((cell) => {
    const changed = Object.entries(cell.scenario).filter(([key, value]) => texts.get(key) !== exactJson(value));
    return { ...cell, scenario: Object.fromEntries(changed) };
  });
  return { common, cells: packed };
}

/** The cells as they were, the order of their entries included: digests go by it. */
export function unpackCells({ common, cells }: PackedCells): Cell[] {
  return cells.map((cell) => ({ ...cell, scenario: { ...common, ...cell.scenario } }));
}
