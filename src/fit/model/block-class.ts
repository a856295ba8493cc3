import { type BlockTable, Ending, NO_BLOCK } from "../history/block-table.ts";
import type { TraceHistory } from "../history/history.ts";
import { type Chain, chainsOf, type Growth, growthOf, meanBytes } from "./growth.ts";
import type { Retention } from "./retention.ts";

/** Blocks that the same place of the firmware asked for, or of one size where the trace does not name places. */
export interface BlockClass {
  /** As the trace names them; empty where it does not. */
  readonly site: string;
  readonly task: string;
  /** Of the history's tasks; 0: not said. */
  readonly taskIndex: number;
  /** `48 B` or `33 to 64 B` where blocks are told apart by their size alone. */
  readonly sizes: string;
  /** Rows of the history's table, in order of birth. */
  readonly rows: Uint32Array;
  readonly bornUs: Float64Array;
  readonly bornOrder: Float64Array;
  /** Infinity: not ended before the time that the fit looks at. */
  readonly diedUs: Float64Array;
  readonly diedOrder: Float64Array;
  /** Up to when each was seen to live: its end, or where the trace stops telling. */
  readonly seenUs: Float64Array;
  /** Of containers that grow: what each held on average. */
  readonly requestBytes: Float64Array;
  /** 1: there never was a block, only the request; `diedUs` is infinite then, and `seenUs` the birth. */
  readonly isRefused: Uint8Array;
  /** By which of the history's tasks each was freed; 0: not said. */
  readonly freedBy: Uint32Array;
  readonly alignment: number;
  /** How many of them took over another block's memory. */
  readonly reallocations: number;
  /** How they grow, where they do: a row then stands for all blocks that a container had, by the first one. */
  readonly growth?: Growth;
  /** What blocks of other classes go into, too. */
  readonly holder?: Retention;
}

/** Endings that do not tell how long a block would have lived. */
const UNSEEN_ENDINGS: readonly Ending[] = [Ending.Reset, Ending.Lost, Ending.Refused];
/** Sizes that make up at least this share of a task's blocks are a class of their own. */
const OWN_CLASS_RATIO = 0.02;
/** More classes than this no reader follows; the rarest are joined by task. */
const CLASSES_MOST = 200;

/** The blocks born before `untilUs`, by where they come from. What happens from then on is not looked at. */
export function classesOf(history: TraceHistory, untilUs: number): BlockClass[] {
  const rows = rowsUntil(history.blocks, untilUs);
  const groups = new Map<string, number[]>();
  const sizeOf = sizeClasses(history.blocks, rows);
  const isGrown = reallocatedRows(history.blocks, rows);
  for (const row of rows) {
    const key = keyOf(history.blocks, row, (own) => (isGrown[own] ? "reallocated" : sizeOf(own)));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return joined(history.blocks, groups).map((group) => classOf(history, group, untilUs, sizeOf));
}

function rowsUntil({ count, bornUs }: BlockTable, untilUs: number): Uint32Array {
  let end = count;
  while (end > 0 && (bornUs[end - 1] ?? 0) >= untilUs) end--;
  return Uint32Array.from({ length: end }, (_, row) => row);
}

/** The class without what was refused: what it says of lives and of the order of frees. */
export function grantedOf(blocks: BlockClass): BlockClass {
  if (!blocks.isRefused.includes(1)) return blocks;
  return rowsOf(blocks, (index) => blocks.isRefused[index] === 0);
}

/** The class with some of its rows. */
export function rowsOf(blocks: BlockClass, isPicked: (index: number) => boolean): BlockClass {
  const picked = (_: number, index: number) => isPicked(index);
  return {
    ...blocks,
    rows: blocks.rows.filter(picked),
    bornUs: blocks.bornUs.filter(picked),
    bornOrder: blocks.bornOrder.filter(picked),
    diedUs: blocks.diedUs.filter(picked),
    diedOrder: blocks.diedOrder.filter(picked),
    seenUs: blocks.seenUs.filter(picked),
    requestBytes: blocks.requestBytes.filter(picked),
    isRefused: blocks.isRefused.filter(picked),
    freedBy: blocks.freedBy.filter(picked),
  };
}

/** Rows that took over another's memory, or gave theirs up for one. */
function reallocatedRows({ previous }: BlockTable, rows: Uint32Array): Uint8Array {
  const marks = new Uint8Array(rows.length);
  for (const row of rows) {
    const before = previous[row] ?? NO_BLOCK;
    if (before === NO_BLOCK) continue;
    marks[row] = 1;
    marks[before] = 1;
  }
  return marks;
}

function keyOf(blocks: BlockTable, row: number, sizeOf: (row: number) => string): string {
  const site = blocks.site[row] ?? 0;
  const task = blocks.task[row] ?? 0;
  return `${site} ${task} ${site === 0 ? sizeOf(row) : ""}`;
}

/** Names of size classes, for blocks whose site is not known: a frequent size, or a power of two and what it bounds. */
function sizeClasses(blocks: BlockTable, rows: Uint32Array): (row: number) => string {
  const counts = new Map<string, number>();
  const totals = new Map<number, number>();
  const key = (row: number) => `${blocks.task[row]} ${blocks.requestBytes[row]}`;
  for (const row of rows) {
    if (blocks.site[row] !== 0) continue;
    counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
    const task = blocks.task[row] ?? 0;
    totals.set(task, (totals.get(task) ?? 0) + 1);
  }
  return (row) => {
    const bytes = blocks.requestBytes[row] ?? 0;
    const share = (counts.get(key(row)) ?? 0) / (totals.get(blocks.task[row] ?? 0) ?? 1);
    if (share >= OWN_CLASS_RATIO || bytes === 0) return `${bytes} B`;
    const high = 2 ** Math.ceil(Math.log2(bytes));
    return `${high / 2 + 1} to ${high} B`;
  };
}

/** The groups, the rarest beyond CLASSES_MOST joined by their task. */
function joined(blocks: BlockTable, groups: ReadonlyMap<string, number[]>): number[][] {
  const bySize = [...groups.values()].sort((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0));
  const kept = bySize.slice(0, CLASSES_MOST);
  const rest = new Map<number, number[]>();
  for (const group of bySize.slice(CLASSES_MOST)) {
    const task = blocks.task[group[0] ?? 0] ?? 0;
    rest.set(task, [...(rest.get(task) ?? []), ...group]);
  }
  for (const group of rest.values()) kept.push(group.sort((a, b) => a - b));
  return kept.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

function classOf(
  { blocks, sites, tasks }: TraceHistory,
  group: readonly number[],
  untilUs: number,
  sizeOf: (row: number) => string,
): BlockClass {
  const first = group[0] ?? 0;
  const site = sites[blocks.site[first] ?? 0] ?? "";
  return {
    site,
    task: tasks[blocks.task[first] ?? 0] ?? "",
    taskIndex: blocks.task[first] ?? 0,
    sizes: site === "" ? sizeOf(first) : "",
    alignment: blocks.alignment[first] ?? 0,
    ...(grownColumns(blocks, group, untilUs) ?? plainColumns(blocks, group, untilUs)),
  };
}

type Columns = Omit<BlockClass, "site" | "task" | "taskIndex" | "sizes" | "alignment">;

/** Every container a row; undefined where they are none. What none of them got is left out. */
function grownColumns(blocks: BlockTable, group: readonly number[], untilUs: number): Columns | undefined {
  const granted = group.filter((row) => blocks.ending[row] !== Ending.Refused);
  const chains = chainsOf(blocks, Uint32Array.from(granted));
  const growth = chains && growthOf(blocks, chains);
  if (!growth) return undefined;
  const columns = columnsOf(blocks, chains, untilUs);
  const requestBytes = columns.seenUs.map((us, index) => meanBytes(blocks, chains[index] ?? [], us));
  return { ...columns, requestBytes, reallocations: 0, growth };
}

function plainColumns(blocks: BlockTable, group: readonly number[], untilUs: number): Columns {
  const columns = columnsOf(
    blocks,
    group.map((row) => [row]),
    untilUs,
  );
  return {
    ...columns,
    requestBytes: Float64Array.from(columns.rows, (row) => blocks.requestBytes[row] ?? 0),
    reallocations: columns.rows.filter((row) => (blocks.previous[row] ?? NO_BLOCK) !== NO_BLOCK).length,
  };
}

/** Born as the first of each chain, ended as the last. */
function columnsOf(blocks: BlockTable, chains: readonly Chain[], untilUs: number) {
  const rows = Uint32Array.from(chains, (chain) => chain[0] ?? 0);
  const lasts = Uint32Array.from(chains, (chain) => chain.at(-1) ?? 0);
  const isSeen = (row: number) =>
    (blocks.diedUs[row] ?? 0) < untilUs && !UNSEEN_ENDINGS.includes(blocks.ending[row] ?? 0);
  return {
    rows,
    bornUs: Float64Array.from(rows, (row) => blocks.bornUs[row] ?? 0),
    bornOrder: Float64Array.from(rows, (row) => blocks.bornOrder[row] ?? 0),
    diedUs: Float64Array.from(lasts, (row) => (isSeen(row) ? (blocks.diedUs[row] ?? 0) : Number.POSITIVE_INFINITY)),
    diedOrder: Float64Array.from(lasts, (row) =>
      isSeen(row) ? (blocks.diedOrder[row] ?? 0) : Number.POSITIVE_INFINITY,
    ),
    isRefused: Uint8Array.from(rows, (row) => (blocks.ending[row] === Ending.Refused ? 1 : 0)),
    freedBy: Uint32Array.from(lasts, (row) => blocks.freedBy[row] ?? 0),
    seenUs: Float64Array.from(lasts, (row) => Math.min(untilUs, blocks.diedUs[row] ?? untilUs)),
  };
}
