import { meanOf } from "../../statistics/moments.ts";
import { type BlockTable, Ending, NO_BLOCK } from "../history/block-table.ts";
import { countDraw, type FittedDraw, sizeDraw, timeDraw } from "./draw.ts";

/** How a container that fills moves to a larger block: by a factor, holding both, or by reallocation. */
export type GrowthPolicy = "double" | "half-again" | "exact";

/** Containers that grow: what they hold at first, then by how much, how often, and how long in between. */
export interface Growth {
  readonly policy: GrowthPolicy;
  readonly first: FittedDraw;
  readonly by: FittedDraw;
  readonly times: FittedDraw;
  /** Of each one. */
  readonly counts: Float64Array;
  readonly wait: FittedDraw;
  /** Whether the first one is but one of the steps. */
  readonly isEven: boolean;
  /** When each had grown to the end. */
  readonly reachedUs: Float64Array;
  readonly reachedOrder: Float64Array;
}

/** Rows of the table that were one container's, one after the other. */
export type Chain = readonly number[];

/** Of a class's blocks as many must have grown out of another for it to be one of containers. */
const GROWN_RATIO = 0.2;
const GROWN_LEAST = 4;
/** As many must keep to a policy. */
const RULE_RATIO = 0.98;
/** More steps than this for one container say less than its sizes. */
const TIMES_MOST = 4096;
const EVEN_RATIO = 0.15;

/** The rows as containers, where many of them took over from another of the rows; undefined where they did not. */
export function chainsOf(table: BlockTable, rows: Uint32Array): Chain[] | undefined {
  const chains = new Map<number, number[]>();
  let grown = 0;
  let movable: number | undefined;
  for (const row of rows) {
    const before = predecessor(table, row, movable);
    movable = row;
    const chain = before === undefined ? undefined : chains.get(before);
    if (before !== undefined && chain) {
      chains.delete(before);
      chain.push(row);
      chains.set(row, chain);
      grown++;
    } else chains.set(row, [row]);
  }
  if (grown < GROWN_LEAST || grown < GROWN_RATIO * rows.length) return undefined;
  return [...chains.values()].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

/** The block that became this one: by reallocation, or as the one before it, freed right behind this one's birth. */
function predecessor(table: BlockTable, row: number, before: number | undefined): number | undefined {
  const previous = table.previous[row] ?? NO_BLOCK;
  if (previous !== NO_BLOCK) return previous;
  if (before === undefined || table.ending[before] !== Ending.Freed) return undefined;
  const isNext = (table.diedOrder[before] ?? 0) === (table.bornOrder[row] ?? 0) + 1;
  const isMoved = isNext && table.diedUs[before] === table.bornUs[row];
  return isMoved && factorOf(table.requestBytes[before] ?? 0, table.requestBytes[row] ?? 0) ? before : undefined;
}

function factorOf(fromBytes: number, toBytes: number): GrowthPolicy | undefined {
  if (toBytes === 2 * fromBytes) return "double";
  return toBytes === fromBytes + (fromBytes >> 1) && toBytes > fromBytes ? "half-again" : undefined;
}

/** How the containers grow; undefined where some shrink, or no policy explains them. */
export function growthOf(table: BlockTable, chains: readonly Chain[]): Growth | undefined {
  const policy = policyOf(table, chains);
  if (policy === undefined) return undefined;
  const bytes = (row: number | undefined) => table.requestBytes[row ?? 0] ?? 0;
  const first = Float64Array.from(chains, (chain) => bytes(chain[0]));
  const least = first.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
  if (least < 1) return undefined;
  const increments = chains.flatMap((chain) => chain.slice(1).map((row, index) => bytes(row) - bytes(chain[index])));
  const unit = policy === "double" ? least : Math.max(1, least >> 1);
  const pushes = Float64Array.from(chains, (chain) =>
    policy === "exact" ? chain.length - 1 : pushesTo(bytes(chain[0]), chain.length - 1, policy, unit),
  );
  if (pushes.some((count) => count > TIMES_MOST)) return undefined;
  const isEven = policy === "exact" && areAlike(first, increments);
  const counts = isEven ? pushes.map((count) => count + 1) : pushes;
  const last = (chain: Chain) => chain.at(-1) ?? 0;
  return {
    policy,
    isEven,
    first: sizeDraw(first),
    by: policy === "exact" ? sizeDraw(isEven ? [...first, ...increments] : increments) : constant(unit),
    counts,
    times: countDraw(counts),
    wait: timeDraw(waitsOf(table, chains, pushes)),
    reachedUs: Float64Array.from(chains, (chain) => table.bornUs[last(chain)] ?? 0),
    reachedOrder: Float64Array.from(chains, (chain) => table.bornOrder[last(chain)] ?? 0),
  };
}

function constant(value: number): FittedDraw {
  return { kind: "constant", value };
}

function policyOf({ previous, requestBytes }: BlockTable, chains: readonly Chain[]): GrowthPolicy | undefined {
  const counts = { double: 0, "half-again": 0, exact: 0 };
  let links = 0;
  for (const chain of chains) {
    for (const [index, row] of chain.slice(1).entries()) {
      const from = requestBytes[chain[index] ?? 0] ?? 0;
      const to = requestBytes[row] ?? 0;
      if (to < from) return undefined;
      const isMoved = (previous[row] ?? NO_BLOCK) === NO_BLOCK;
      counts[(isMoved ? factorOf(from, to) : undefined) ?? "exact"]++;
      links++;
    }
  }
  if (counts.double >= RULE_RATIO * links) return "double";
  if (counts["half-again"] >= RULE_RATIO * links) return "half-again";
  return counts.exact >= RULE_RATIO * links ? "exact" : undefined;
}

/** How many steps of `unit` bytes take a container of `firstBytes` through so many moves. */
function pushesTo(firstBytes: number, moves: number, policy: GrowthPolicy, unit: number): number {
  let capacity = firstBytes;
  for (let move = 1; move < moves; move++) capacity += policy === "double" ? capacity : capacity >> 1;
  return moves === 0 ? 0 : Math.floor((capacity - firstBytes) / unit) + 1;
}

/** Whether the first sizes may be steps like the others. */
function areAlike(first: Float64Array, increments: readonly number[]): boolean {
  const [one, other] = [meanOf(first), meanOf(increments)];
  return Math.abs(one - other) <= EVEN_RATIO * other && Math.max(...range(first)) <= 2 * Math.max(...range(increments));
}

function range(values: ArrayLike<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i] ?? 0);
    high = Math.max(high, values[i] ?? 0);
  }
  return [low, high];
}

/** Between steps, as far as the moves tell: evenly between the first and the last one of each. */
function waitsOf(table: BlockTable, chains: readonly Chain[], pushes: Float64Array): number[] {
  return chains.flatMap((chain, index) => {
    const count = pushes[index] ?? 0;
    const us = (table.bornUs[chain.at(-1) ?? 0] ?? 0) - (table.bornUs[chain[0] ?? 0] ?? 0);
    return count > 0 ? [us / count] : [];
  });
}

/** Bytes that the container held on average between its first block's birth and `seenUs`. */
export function meanBytes(table: BlockTable, chain: Chain, seenUs: number): number {
  const bornUs = table.bornUs[chain[0] ?? 0] ?? 0;
  let sum = 0;
  for (const [index, row] of chain.entries()) {
    const next = chain[index + 1];
    const endUs = next === undefined ? seenUs : (table.bornUs[next] ?? 0);
    sum += (table.requestBytes[row] ?? 0) * (endUs - (table.bornUs[row] ?? 0));
  }
  return seenUs > bornUs ? sum / (seenUs - bornUs) : (table.requestBytes[chain.at(-1) ?? 0] ?? 0);
}
