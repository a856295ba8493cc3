/** Survival over time, a line a cell: how full a column is says which share of the runs still goes on. */
import { formatBytes } from "../quantities.ts";
import type { RiskCell, RiskRecord } from "../risk/record.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { formatProbability } from "./probability-text.ts";

const COLUMNS = 48;
const LEVELS = " ▁▂▃▄▅▆▇█";

/** The plot of the cells that have failures; nothing where none has. */
export function survivalLines({ cells, horizonUs }: RiskRecord, blocks: boolean): string[] {
  const failing = cells.filter(({ failures }) => failures > 0);
  if (failing.length === 0) return [];
  const titles = failing.map(({ allocator, arenaBytes }) => `${allocator} ${formatBytes(arenaBytes)}`);
  const width = Math.max(...titles.map((title) => title.length));
  const legend = blocks ? "a full column: all runs go on" : "a column's digit: tenths of the runs that go on, # all";
  const end = formatDuration(horizonUs);
  return [
    `Survival (${legend})`,
    `${"".padEnd(width)}  0${end.padStart(COLUMNS - 1)}`,
    ...failing.map((cell, index) => {
      const left = formatProbability(1 - cell.probability);
      return `${(titles[index] ?? "").padEnd(width)}  ${curve(cell, horizonUs, blocks)}  ${left} survive`;
    }),
  ];
}

/** Each column shows the share at its end. */
function curve({ survival }: RiskCell, horizonUs: number, blocks: boolean): string {
  return Array.from({ length: COLUMNS }, (_, column) => {
    const endUs = ((column + 1) * horizonUs) / COLUMNS;
    const surviving = survival.findLast(({ atUs }) => atUs < endUs)?.surviving ?? 1;
    return blocks ? block(surviving) : digit(surviving);
  }).join("");
}

/** All and none are shown only where it is all and none. */
function block(surviving: number): string {
  if (surviving <= 0) return LEVELS.charAt(0);
  if (surviving >= 1) return LEVELS.charAt(8);
  return LEVELS.charAt(1 + Math.min(6, Math.floor(surviving * 7)));
}

function digit(surviving: number): string {
  return surviving >= 1 ? "#" : surviving <= 0 ? "." : String(Math.floor(surviving * 10));
}
