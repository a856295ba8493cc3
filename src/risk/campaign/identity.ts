/** What must be equal for two campaigns to share their runs. */
import { createHash } from "node:crypto";
import { formatBytes } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { packageVersion } from "../../version.ts";
import { coreDigest } from "../../wasm/module.ts";
import type { FailOn } from "../run/cell.ts";
import { exactJson } from "./exact-json.ts";
import type { PackedCells } from "./packed-cells.ts";

export interface CampaignIdentity {
  /** Version of this package. */
  readonly heapsoak: string;
  /** SHA-256 of the core module. */
  readonly core: string;
  /** SHA-256 of the scenario as it was read, all its cells with it. */
  readonly scenario: string;
  readonly grid: readonly { readonly heap: string; readonly allocator: string; readonly heapBytes: number }[];
  readonly horizonUs: number;
  readonly failOn: FailOn;
  /** Seed of run 0; decimal of a u64. */
  readonly firstSeed: string;
}

const GRID_SHOWN = 4;

export function identityOf(packed: PackedCells, firstSeed: bigint): CampaignIdentity {
  const [first] = packed.cells;
  return {
    heapsoak: packageVersion(),
    core: coreDigest(),
    scenario: sha256(exactJson({ ...packed, common: { ...packed.common, file: "" }, cells: withoutPaths(packed) })),
    grid: packed.cells.map(({ heap, allocator, heapBytes }) => ({ heap, allocator, heapBytes })),
    horizonUs: first?.horizonUs ?? 0,
    failOn: first?.failOn ?? "failure",
    firstSeed: String(firstSeed),
  };
}

/** Names the campaign in a queue; hexadecimal. */
export function campaignDigest(identity: CampaignIdentity): string {
  return sha256(exactJson(identity));
}

/** How `its` differs from `mine`, in words to follow "belongs to"; empty where they are the same campaign. */
export function differences(its: CampaignIdentity, mine: CampaignIdentity): string[] {
  const found: string[] = [];
  if (its.heapsoak !== mine.heapsoak) found.push(`heapsoak ${its.heapsoak}, not ${mine.heapsoak}`);
  else if (its.core !== mine.core) {
    found.push(`another build of heapsoak (core ${shortDigest(its.core)}, not ${shortDigest(mine.core)})`);
  }
  const grids = [its, mine].map(({ grid }) => exactJson(grid));
  if (grids[0] !== grids[1]) found.push(`the grid ${gridText(its)}, not ${gridText(mine)}`);
  if (its.horizonUs !== mine.horizonUs) {
    found.push(`a horizon of ${formatDuration(its.horizonUs)}, not ${formatDuration(mine.horizonUs)}`);
  }
  if (its.failOn !== mine.failOn) found.push(`--fail-on ${its.failOn}, not ${mine.failOn}`);
  if (its.firstSeed !== mine.firstSeed) found.push(`seeds from ${its.firstSeed} on, not from ${mine.firstSeed}`);
  // The other differences are part of its digest.
  if (found.length === 0 && its.scenario !== mine.scenario) {
    found.push("another scenario, or to this one before it was changed");
  }
  return found;
}

/** Enough of a digest to tell builds apart. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

function withoutPaths({ cells }: PackedCells) {
  return cells.map((cell) => ({ ...cell, scenario: { ...cell.scenario, file: "" } }));
}

function gridText({ grid }: CampaignIdentity): string {
  const shown = grid.slice(0, GRID_SHOWN).map(({ allocator, heapBytes }) => `${allocator} ${formatBytes(heapBytes)}`);
  const more = grid.length > GRID_SHOWN ? ` and ${grid.length - GRID_SHOWN} more` : "";
  return `of ${shown.join(", ")}${more}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
