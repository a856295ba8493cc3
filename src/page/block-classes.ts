import { formatBytes } from "../quantities.ts";
import { placeText } from "../report/place-text.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { BlockRows } from "./block-rows.ts";

export const COLORINGS = ["owner", "age", "size"] as const;
/** What the colour of a block says. */
export type Coloring = (typeof COLORINGS)[number];

/** Blocks of one colour. */
export interface BlockClass {
  readonly label: string;
  /** The custom property that colours it. */
  readonly color: string;
  /** In ascending order. */
  readonly rows: readonly number[];
}

const OWNER_COLORS = 8;
const SIZE_LIMITS = [32, 128, 512, 2048, 8192];
const AGE_LIMITS_US = [1e3, 1e6, 60e6, 3600e6, 86_400e6, 7 * 86_400e6, 30 * 86_400e6];
const AGE_LIMITS_MOST = 5;

/** The rows by what their colour says. */
export function blockClasses(rows: BlockRows, coloring: Coloring): BlockClass[] {
  if (coloring === "owner") return byOwner(rows);
  if (coloring === "size") return byLimit(rows, SIZE_LIMITS, formatBytes, (row) => rows.bytes[row] ?? 0);
  const wholeUs = rows.endsUs.at(-1) ?? 0;
  const limits = AGE_LIMITS_US.filter((limit) => limit < wholeUs).slice(-AGE_LIMITS_MOST);
  return byLimit(rows, limits, formatDuration, (row) => rows.ageUs(row));
}

/**
 * By step where there are few of them, else by task. Those that hold the most have a colour each, in alphabetical
 * order, so that the same owners have the same colours in heaps side by side.
 */
function byOwner(rows: BlockRows): BlockClass[] {
  const steps = grouped(rows, (row) => placeText(rows.site(row).task, rows.site(row).step));
  const owners = steps.size <= OWNER_COLORS ? steps : grouped(rows, (row) => placeText(rows.site(row).task, null));
  const ranked = [...owners].sort(([, a], [, b]) => weight(rows, b) - weight(rows, a));
  const colored = ranked.splice(0, ranked.length > OWNER_COLORS ? OWNER_COLORS - 1 : OWNER_COLORS);
  const classes = colored
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, members], index) => ({ label, color: `--series-${index + 1}`, rows: members }));
  const others = ranked.flatMap(([, members]) => members).sort((a, b) => a - b);
  return others.length > 0 ? [...classes, { label: "others", color: "--muted", rows: others }] : classes;
}

function grouped(rows: BlockRows, ownerOf: (row: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (let row = 0; row < rows.count; row++) {
    const owner = ownerOf(row);
    const group = groups.get(owner);
    if (group) group.push(row);
    else groups.set(owner, [row]);
  }
  return groups;
}

/** Bytes times columns. */
function weight(rows: BlockRows, members: readonly number[]): number {
  return members.reduce((sum, row) => {
    return sum + (rows.bytes[row] ?? 0) * ((rows.last[row] ?? 0) - (rows.first[row] ?? 0) + 1);
  }, 0);
}

function byLimit(
  rows: BlockRows,
  limits: readonly number[],
  format: (limit: number) => string,
  amountOf: (row: number) => number,
): BlockClass[] {
  const members: number[][] = Array.from({ length: limits.length + 1 }, () => []);
  for (let row = 0; row < rows.count; row++) {
    const value = amountOf(row);
    const index = limits.findIndex((limit) => value < limit);
    members.at(index)?.push(row);
  }
  return members.map((group, index) => ({
    label: index < limits.length ? `under ${format(limits[index] ?? 0)}` : `${format(limits.at(-1) ?? 0)} or more`,
    color: `--ramp-${index + 1}`,
    rows: group,
  }));
}
