import { deviationOf, meanOf } from "../../statistics/moments.ts";
import type { BlockClass } from "./block-class.ts";
import { areRankDependent, binsOf, livesDiffer } from "./dependence.ts";
import { type FittedDraw, sizeDraw } from "./draw.ts";
import type { Family } from "./followers.ts";
import { retentionOf } from "./retention.ts";
import { at, correlationOf, sorted } from "./statistics.ts";
import { countsBy, memberBy } from "./windows.ts";

/** A size that follows from one drawn before: `factor` times it and `offset` more. */
export interface SampledSize {
  readonly kind: "sampled";
  /** Whose size was drawn. */
  readonly of: BlockClass;
  readonly factor: number;
  readonly offset: number;
  readonly mean: number;
}

export type FittedSize = FittedDraw | SampledSize;

/** Sizes of one start that are drawn together, at its beginning: by one of the cases. */
export interface JointDraw {
  readonly cases: readonly JointCase[];
  /** How large the blocks of each class are, by what was drawn. */
  readonly sizes: ReadonlyMap<BlockClass, SampledSize>;
  /** Of the classes whose lives differ with the case, its blocks by case. */
  readonly lives: ReadonlyMap<BlockClass, readonly Uint32Array[]>;
}

export interface JointCase {
  readonly weight: number;
  readonly draws: ReadonlyMap<BlockClass, FittedDraw>;
}

/** The draw on which a class's size depends, by class. */
export type JointDraws = ReadonlyMap<BlockClass, JointDraw>;

/** As many blocks of both, and of those as many that are not of the commonest size, tell a dependence. */
const PAIRS_LEAST = 40;
const VARYING_LEAST = 8;
const PAIRED_RATIO = 0.98;
/** A line explains nearly all of the variance, and of nearly all sizes all but what rounding makes. */
const LINE_CORRELATION = 0.995;
const LINE_RATIO = 0.995;
const ROUNDING = 0.5;
const FACTOR_DIGITS = 3;
/** More classes in one start are not compared with each other. */
const COMPARED_MOST = 32;

interface Pairs {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** What is drawn together in each start of the family, of the classes that come once in it at most. */
export function jointDraws(family: Family, known: JointDraws): Map<BlockClass, JointDraw> {
  const leader = family.blocks;
  const varying = onceIn(leader, family)
    .filter((blocks) => !known.has(blocks) && doesVary(blocks.requestBytes))
    .sort((a, b) => b.rows.length - a.rows.length || deviationOf(b.requestBytes) - deviationOf(a.requestBytes))
    .slice(0, COMPARED_MOST);
  const living = varying.length === 0 ? [] : onceIn(leader, family).filter(isFree).slice(0, COMPARED_MOST);
  const draws = new Map(known);
  for (const source of varying) {
    if (draws.has(source)) continue;
    const others = varying.filter((blocks) => blocks !== source && !draws.has(blocks));
    const draw = jointDraw(
      leader,
      source,
      others,
      living.filter((blocks) => blocks !== source && !draws.has(blocks)),
    );
    if (draw) for (const blocks of [...draw.sizes.keys(), ...draw.lives.keys()]) draws.set(blocks, draw);
  }
  return draws;
}

function isFree(blocks: BlockClass): boolean {
  return retentionOf(blocks).kind === "free";
}

/** The leader and whatever follows it, if there is never more than one in a start. */
function onceIn(leader: BlockClass, { blocks, children }: Family): BlockClass[] {
  if (blocks.growth) return [];
  if (blocks !== leader && countsBy(leader, blocks).some((count) => count > 1)) return [];
  return [blocks, ...children.flatMap((child) => onceIn(leader, child))];
}

function doesVary(values: Float64Array): boolean {
  if (values.length < PAIRS_LEAST) return false;
  const commonest = at(sorted(values), 0.5);
  return values.filter((value) => value !== commonest).length >= VARYING_LEAST;
}

/** The source's draw, and what depends on it; undefined where nothing does. */
function jointDraw(
  leader: BlockClass,
  source: BlockClass,
  others: readonly BlockClass[],
  living: readonly BlockClass[],
): JointDraw | undefined {
  const sourceBy = memberBy(leader, source);
  const sizes = new Map<BlockClass, SampledSize>();
  const tabled: BlockClass[] = [];
  for (const blocks of others) {
    const pairs = pairsOf(source, sourceBy, blocks, memberBy(leader, blocks));
    if (!pairs) continue;
    const line = lineOf(pairs);
    if (line) sizes.set(blocks, { kind: "sampled", of: source, ...line, mean: meanOf(blocks.requestBytes) });
    else if (areRankDependent(pairs.x, pairs.y)) tabled.push(blocks);
  }
  const bins = binsOf(source);
  const byCase = (blocks: BlockClass) => casesOf(bins, sourceBy, memberBy(leader, blocks));
  const lives = new Map(
    living
      .filter((blocks) => isPaired(sourceBy, memberBy(leader, blocks)))
      .map((blocks) => [blocks, byCase(blocks)] as const)
      .filter(([blocks, own]) => bins.length > 1 && livesDiffer(blocks, own)),
  );
  if (sizes.size + tabled.length + lives.size === 0) return undefined;
  if (isFree(source) && livesDiffer(source, bins)) lives.set(source, bins);
  for (const blocks of [source, ...tabled]) sizes.set(blocks, ownSize(blocks));
  const drawn = [source, ...tabled];
  if (tabled.length + lives.size === 0) return { cases: [caseOf(1, [[source, source.requestBytes]])], sizes, lives };
  const binned = drawn.map((blocks) => [blocks, blocks === source ? bins : byCase(blocks)] as const);
  const cases = bins.map((bin, index) =>
    caseOf(
      bin.length,
      binned.map(([blocks, own]) => [blocks, sizesAt(blocks, own[index])]),
    ),
  );
  return { cases, sizes, lives };
}

function caseOf(weight: number, sizes: readonly (readonly [BlockClass, Float64Array])[]): JointCase {
  return { weight, draws: new Map(sizes.map(([blocks, bytes]) => [blocks, sizeDraw(bytes)])) };
}

function ownSize(blocks: BlockClass): SampledSize {
  return { kind: "sampled", of: blocks, factor: 1, offset: 0, mean: meanOf(blocks.requestBytes) };
}

function sizesAt({ requestBytes }: BlockClass, rows: Uint32Array = new Uint32Array()): Float64Array {
  // A case in which none was seen has no size to draw; none is asked for then, or hardly ever.
  return rows.length === 0
    ? Float64Array.of(meanOf(requestBytes))
    : Float64Array.from(rows, (i) => requestBytes[i] ?? 0);
}

/** The other class's blocks by the bin in which the source's block of their start is. */
function casesOf(bins: readonly Uint32Array[], sourceBy: Int32Array, otherBy: Int32Array): Uint32Array[] {
  const startOf = new Map<number, number>();
  sourceBy.forEach((index, start) => {
    if (index >= 0) startOf.set(index, start);
  });
  return bins.map((bin) =>
    Uint32Array.from(
      Array.from(bin, (index) => otherBy[startOf.get(index) ?? -1] ?? -1).filter((own) => own >= 0),
    ).sort(),
  );
}

/** Whether nearly all starts that have the other have the source, too. */
function isPaired(sourceBy: Int32Array, otherBy: Int32Array): boolean {
  let both = 0;
  let all = 0;
  otherBy.forEach((index, start) => {
    if (index < 0) return;
    all++;
    if ((sourceBy[start] ?? -1) >= 0) both++;
  });
  return both >= PAIRS_LEAST && both >= PAIRED_RATIO * all;
}

function pairsOf(source: BlockClass, sourceBy: Int32Array, other: BlockClass, otherBy: Int32Array): Pairs | undefined {
  if (!isPaired(sourceBy, otherBy)) return undefined;
  const starts = Array.from(otherBy.keys()).filter(
    (start) => (otherBy[start] ?? -1) >= 0 && (sourceBy[start] ?? -1) >= 0,
  );
  return {
    x: Float64Array.from(starts, (start) => source.requestBytes[sourceBy[start] ?? 0] ?? 0),
    y: Float64Array.from(starts, (start) => other.requestBytes[otherBy[start] ?? 0] ?? 0),
  };
}

/** The line on which all but what rounding makes of the sizes lie; of a few factors the simplest that does. */
function lineOf({ x, y }: Pairs): { factor: number; offset: number } | undefined {
  if (Math.abs(correlationOf(x, y)) < LINE_CORRELATION) return undefined;
  const slope = (correlationOf(x, y) * deviationOf(y)) / deviationOf(x);
  const factors = [Math.round(slope), Math.round(slope * 4) / 4, Number(slope.toPrecision(FACTOR_DIGITS)), slope];
  for (const factor of factors) {
    const rests = sorted(y.map((value, index) => value - factor * (x[index] ?? 0)));
    const exact = at(rests, 0.5);
    const offset = Number.isInteger(factor) ? exact : meanOf(rests);
    const most = ROUNDING * (Number.isInteger(factor) && factor === 1 ? 0 : 1 + Math.abs(factor)) + 1e-6;
    const near = rests.filter((rest) => Math.abs(rest - offset) <= most).length;
    if (factor !== 0 && near >= LINE_RATIO * rests.length) return { factor, offset: Number(offset.toFixed(2)) };
  }
  return undefined;
}
