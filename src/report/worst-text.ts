import { letterOf, type WorstRecord, type WorstStep } from "../risk/worst/record.ts";
import { counted } from "../soak/figures.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, type TableRow, tableLines } from "./table.ts";

/** A heap of more units is drawn block by block instead of unit by unit. */
const MAP_UNITS_MOST = 72;

/** The exact worst case of an allocator, beside what is proved, and the sequence that shows it. */
export function worstText(record: WorstRecord, paint: Paint = plainPaint): string {
  const sections = [
    [paint.strong(worstHeadline(record))],
    [worstVerdict(record), ...ownLine(record)],
    [...boundTable(record), ...boundNote(record)],
    sizeTable(record),
    sequenceLines(record, paint),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

export function worstHeadline({ allocator, options, unitBytes, liveUnits, largestUnits }: WorstRecord): string {
  const values = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  const name = values.length > 0 ? `${allocator} (${values.join(" ")})` : allocator;
  const requests = largestUnits === 1 ? "requests of 1 unit" : `requests of 1 to ${largestUnits} units`;
  return `${name}: ${requests}, ${counted(liveUnits, "unit")} live at most, of ${counted(unitBytes, "byte")} each`;
}

export function worstVerdict(record: WorstRecord): string {
  const { verdict, heapUnits, heapBytes, sizes, affordable } = record;
  const size = `${counted(heapUnits, "unit")} (${counted(heapBytes, "byte")})`;
  if (verdict === "exact") return `No sequence defeats a heap of ${size}${confirmation(record)}`;
  if (verdict === "no-heap") return `Every heap up to ${size} can be defeated; no larger one was tried.`;
  const states = formatCount(sizes.at(-1)?.states ?? 0);
  const defeated = record.sequence ? `Every heap below ${size} can be defeated. ` : "";
  const hint = affordable ? ` Affordable: ${budget(affordable)}; or a larger --max-states.` : "";
  return `${defeated}Whether ${size} can is not known: the search went beyond ${states} states.${hint}`;
}

function budget({ liveUnits, largestUnits }: { readonly liveUnits: number; readonly largestUnits: number }): string {
  return `--live ${liveUnits} --largest ${largestUnits}`;
}

function confirmation({ monotone, heapUnits, sizes }: WorstRecord): string {
  if (monotone === null) return "; the next sizes were too large to be searched.";
  const others = `, nor one of ${heapUnits + 1} or ${heapUnits + 2}.`;
  if (monotone) return others;
  const odd = sizes.find(({ outcome }) => outcome === "survives")?.heapUnits ?? heapUnits;
  const larger = sizes.find((size) => size.heapUnits > odd && size.outcome === "defeated")?.heapUnits ?? odd;
  return `${others} A larger heap is not always a better one: none defeats ${odd} units, but ${larger} can be defeated.`;
}

export function ownLine({ ownBytes }: WorstRecord): string[] {
  return ownBytes > 0 ? [`${counted(ownBytes, "byte")} of it are the allocator's own while it is empty.`] : [];
}

function boundTable(record: WorstRecord): string[] {
  const rows = boundRows(record);
  const width = Math.max(...rows.map(({ cells }) => (cells[0] ?? "").length), "UNITS".length);
  const padded = rows.map(({ title, cells: [units = "", ...rest] }) => ({
    title,
    cells: [units.padStart(width), ...rest],
  }));
  return tableLines(["UNITS".padStart(width), "PROVED BY"], padded, "left");
}

/** What is proved, and what was found, in units. */
export function boundRows({ bounds, heapUnits, verdict }: WorstRecord): TableRow[] {
  const { unavoidable, policy } = bounds;
  const exact = { exact: "exactly, by search", "no-heap": "more than", undecided: "at least, by search" }[verdict];
  return [
    {
      title: "any allocator, at least",
      cells: [formatCount(unavoidable.units), `${unavoidable.formula}: ${unavoidable.source}`],
    },
    { title: `this one, ${exact}`, cells: [formatCount(heapUnits)] },
    policy
      ? {
          title: `this policy, at most${policy.precision === "about" ? " about" : ""}`,
          cells: [formatCount(policy.units), policyNote(policy)],
        }
      : { title: "this policy, at most", cells: ["", "no known bound"] },
  ];
}

/** Formulas that are rounded say nothing of the smallest cases, and here it shows. */
export function boundNote({ bounds: { policy }, heapUnits, verdict }: WorstRecord): string[] {
  if (!policy || verdict === "no-heap" || policy.units >= heapUnits) return [];
  return ["The policy's formula does not hold here: it is rounded, and for large blocks."];
}

function policyNote({
  formula,
  source,
  liveUnits,
  largestUnits,
}: NonNullable<WorstRecord["bounds"]["policy"]>): string {
  return `${formula} with M = ${liveUnits}, n = ${largestUnits} (blocks): ${source}`;
}

function sizeTable({ sizes }: WorstRecord): string[] {
  return tableLines(SEARCHED_HEADS, sizes.map(searchedRow));
}

export const SEARCHED_HEADS = ["OUTCOME", "MOVES", "STATES"];

/** How the search of one size ended. */
export function searchedRow({ heapUnits, outcome, states, moves }: WorstRecord["sizes"][number]): TableRow {
  const ended = { defeated: "defeated", survives: "survives", beyond: "not known" }[outcome];
  return {
    title: `${heapUnits} units`,
    cells: [ended, moves === null ? "" : formatCount(moves), formatCount(states)],
  };
}

function sequenceLines({ sequence }: WorstRecord, paint: Paint): string[] {
  if (!sequence) return [];
  const isDrawn = (sequence.steps[0]?.map.length ?? 0) <= MAP_UNITS_MOST;
  const width = Math.max(...sequence.steps.map((step) => moveWords(step).length));
  const lines = sequence.steps.map((step, index) => {
    const text = `${String(index + 1).padStart(4)}  ${moveWords(step).padEnd(width)}  ${isDrawn ? step.map : step.picture}`;
    return step.refused ? paint.bad(text) : text;
  });
  return [paint.strong(`The shortest sequence that defeats ${counted(sequence.heapUnits, "unit")}:`), ...lines];
}

export function moveWords({ operation, id, units, refused }: WorstStep): string {
  if (operation === "release") return `release ${letterOf(id)}`;
  return `${letterOf(id)} = allocate ${units}${refused ? ", refused" : ""}`;
}
