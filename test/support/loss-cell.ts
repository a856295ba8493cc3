import type { Cell } from "../../src/risk/run/cell.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import { lossProbability, lossScenario } from "./loss-system.ts";

/** Pools that lose their first call with a probability of 1e-3 to 1e-9: each of 4 arrivals a second stays 1 s. */
export const LOSS_POOLS = [14, 16, 17, 19, 21, 23] as const;

/** A pool of so many blocks as a cell, with the probability of its first loss. */
export async function lossCell(blocks: number): Promise<{ cell: Cell; exact: number }> {
  const system = { blocks, rate: 4, holdS: 1, horizonS: 10 };
  const cell: Cell = {
    scenario: await parseScenario(lossScenario(system), "loss-system.yaml"),
    heap: "pool",
    allocator: "fixed-pool",
    heapBytes: blocks * 16,
    horizonUs: system.horizonS * 1e6,
    failOn: "request",
  };
  return { cell, exact: lossProbability(system) };
}
