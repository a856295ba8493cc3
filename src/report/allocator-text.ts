import type { AllocatorEntry, OptionSpec } from "../allocators/entry.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, tableLines } from "./table.ts";

/** What `worstCaseBytes` says for a demand: bytes, or undefined where no bound is known. */
export interface WorstCase {
  readonly peakBytes: number;
  readonly largestBytes: number;
  readonly bytes: number | undefined;
}

const EVIDENCE: Readonly<Record<AllocatorEntry["evidence"], string>> = {
  original: "placement compared with the original's own code",
  provisional: "provisional: compared with a transcription, not with a shipped build",
  definition: "defined here, not by an original",
};

/** The table of `heapsoak allocators`; with a demand, what each needs at worst. */
export function allocatorListText(entries: readonly AllocatorEntry[], worstCases?: readonly WorstCase[]): string {
  const rows = entries.map((entry, index) => ({
    title: entry.name,
    cells: [
      firstClause(entry.headerBytes),
      firstClause(entry.alignment),
      firstClause(entry.cost.allocate),
      firstClause(entry.cost.release),
      ...(worstCases ? [worstCaseCell(worstCases[index])] : []),
    ],
  }));
  const heads = ["HEADER", "ALIGNMENT", "ALLOCATE", "RELEASE", ...(worstCases ? ["WORST CASE"] : [])];
  return `${tableLines(heads, rows, "left").join("\n")}\n\n\`heapsoak allocators NAME\` shows one with its options.\n`;
}

/** The page of `heapsoak allocators NAME`. */
export function allocatorText(entry: AllocatorEntry, worstCase?: WorstCase, paint: Paint = plainPaint): string {
  const facts: [string, string][] = [
    ["source", entry.source],
    ["versions", entry.versions],
    ["evidence", EVIDENCE[entry.evidence]],
    ["also called", [...entry.aliases, ...(entry.traceNames ?? [])].join(", ")],
    ["header", bytes(entry.headerBytes)],
    ["alignment", bytes(entry.alignment)],
    ["allocate", entry.cost.allocate],
    ["release", entry.cost.release],
    ["reallocate", entry.reallocates ? "its own" : "allocate, copy and release"],
    ["aligned requests", entry.aligns ? "its own" : "refused above its own alignment"],
    ["regions", entry.manyRegions ? "several" : "one"],
    ["statistics", entry.statisticKeys.join(", ")],
    ["worst case", worstCaseLine(entry, worstCase)],
  ];
  const width = Math.max(...facts.map(([title]) => title.length));
  const lines = facts.filter(([, text]) => text !== "").map(([title, text]) => `  ${title.padEnd(width)}  ${text}`);
  return `${[paint.strong(entry.name), `  ${entry.summary}`, "", ...lines, ...optionLines(entry)].join("\n")}\n`;
}

function optionLines(entry: AllocatorEntry): string[] {
  const options = Object.entries(entry.options);
  if (options.length === 0) return ["", "  It has no options."];
  const width = Math.max(...options.map(([name]) => name.length));
  return [
    "",
    "  options (--option KEY=VALUE):",
    ...options.map(([name, spec]) => `    ${name.padEnd(width)}  ${describeOption(spec)}`),
  ];
}

function describeOption(spec: OptionSpec): string {
  const choice = Object.entries(spec.choices ?? {}).find(([, value]) => value === spec.default)?.[0];
  return `${spec.describe}; ${range(spec)}${choice ?? spec.default} by default`;
}

function range({ choices, least, most, powerOfTwo }: OptionSpec): string {
  if (choices) return `${Object.keys(choices).join(", ")}; `;
  const kind = powerOfTwo ? "a power of two" : "";
  const from = most === undefined ? "" : `${least ?? 0} to ${most}`;
  const text = [kind, from].filter((part) => part !== "").join(" from ");
  return text === "" ? "" : `${text}; `;
}

function worstCaseLine(entry: AllocatorEntry, worstCase: WorstCase | undefined): string {
  if (entry.bound === "none") return "no known bound";
  if (!worstCase) return "known for a given demand: --peak SIZE --largest SIZE";
  const { peakBytes, largestBytes } = worstCase;
  return `${worstCaseCell(worstCase)} for any program with at most ${formatCount(peakBytes)} bytes live and no request above ${formatCount(largestBytes)}`;
}

function worstCaseCell(worstCase: WorstCase | undefined): string {
  return worstCase?.bytes === undefined ? "no known bound" : `${formatCount(worstCase.bytes)} bytes`;
}

/** What fits into a table: `4 (every payload is at 4 modulo 8)` is 4. */
function firstClause(text: string): string {
  return text.split(/[;,]| \(/)[0] ?? text;
}

function bytes(text: string): string {
  return /^\d+$/.test(text) ? `${text} bytes` : text;
}
