/** The history of a run as its record tells it: columns by heap, and who the blocks belong to. */
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { SeenBlock, SeenHistory } from "./history.ts";
import { siteOfBlock } from "./pins-of-run.ts";
import type { BlocksOverTime, HistoryOfRun, SiteOfRun } from "./record.ts";

/** The history's part of the record. */
export function historyOfRun({ heaps, compiled }: SoakMachine, { atUs, rows, leftOut }: SeenHistory): HistoryOfRun {
  const sites = new Sites();
  const ordered = rows.toSorted((a, b) => a.heap - b.heap || a.first - b.first || a.address - b.address);
  const siteOf = ({ context, step }: SeenBlock) =>
    sites.index(siteOfBlock(compiled, { context: numberOf(context), step: numberOf(step) }));
  const columns = heaps.flatMap(({ name }, index): [string, BlocksOverTime][] => {
    if (leftOut.has(index)) return [];
    const own = ordered.filter(({ heap }) => heap === index);
    return [[name, columnsOf(own, atUs, siteOf)]];
  });
  return { atUs, sites: sites.list, heaps: Object.fromEntries(columns) };
}

function columnsOf(
  rows: readonly SeenBlock[],
  atUs: readonly number[],
  siteOf: (row: SeenBlock) => number,
): BlocksOverTime {
  return {
    address: rows.map(({ address }) => address),
    bytes: rows.map(({ bytes }) => bytes),
    requestBytes: rows.map(({ requestBytes }) => requestBytes),
    site: rows.map(siteOf),
    ageUs: rows.map(({ first, allocatedAtUs }) => (atUs[first] ?? 0) - allocatedAtUs),
    first: rows.map(({ first }) => first),
    last: rows.map(({ last }) => last),
    leaked: rows.flatMap(({ leaked }, index) => (leaked ? [index] : [])),
  };
}

/** Each place that allocates, once. */
class Sites {
  readonly list: SiteOfRun[] = [];
  readonly #indices = new Map<string, number>();

  index(site: SiteOfRun): number {
    const key = JSON.stringify([site.task, site.step]);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    this.#indices.set(key, this.list.length);
    return this.list.push(site) - 1;
  }
}

function numberOf(index: number): number | undefined {
  return index < 0 ? undefined : index;
}
