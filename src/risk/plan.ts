/** What a campaign is to run, and how its outcomes come back: all that an executor of runs has to know. */
import { createHash } from "node:crypto";
import { packageVersion } from "../version.ts";
import { coreDigest } from "../wasm/module.ts";
import type { Cell, FailOn } from "./run/cell.ts";
import type { RunOutcome } from "./run/outcome.ts";

/** A grid of cells times seeds. Run number `i` of every cell has seed `baseSeed + i` modulo 2^64: common random numbers. */
export interface CampaignPlan {
  readonly cells: readonly Cell[];
  readonly baseSeed: bigint;
  /** Runs of a cell at most; all of them unless the sink says earlier that it has enough. */
  readonly runs: number;
  readonly horizonUs: number;
  readonly failOn: FailOn;
  /** Half the width of the interval at which a cell has had enough runs; null: never before `runs`. */
  readonly precision: number | null;
  /** SHA-256, hexadecimal, of what decides the outcome of run number `i` of a cell: version, core, cells, seeds. */
  readonly identity: string;
}

/** Takes outcomes in any order of runs; what it makes of them does not depend on the order. */
export interface CampaignSink {
  /** Run `run` (from 0) of a cell. One that is reported again changes nothing. */
  report(cell: number, run: number, outcome: RunOutcome): void;
  /** Whether the cell needs its run number `run`, as far as is known now. Once false it stays false. */
  needs(cell: number, run: number): boolean;
}

/** Runs the plan, or as much of it as comes before the signal; resolves then, too. */
export type Executor = (plan: CampaignPlan, sink: CampaignSink, signal: AbortSignal) => Promise<void>;

/** The seed of a run. */
export function seedOfRun({ baseSeed }: Pick<CampaignPlan, "baseSeed">, run: number): bigint {
  return BigInt.asUintN(64, baseSeed + BigInt(run));
}

/** The plan with its identity. */
export function planOf(plan: Omit<CampaignPlan, "identity">): CampaignPlan {
  const { cells, baseSeed } = plan;
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ heapsoak: packageVersion(), core: coreDigest(), baseSeed: String(baseSeed) }));
  for (const cell of cells) hash.update(JSON.stringify(cell, deciding));
  return { ...plan, identity: hash.digest("hex") };
}

/** Where the scenario's file lies decides nothing. */
function deciding(key: string, value: unknown): unknown {
  if (key === "file") return undefined;
  return typeof value === "bigint" ? String(value) : value;
}
