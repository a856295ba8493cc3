/** A validation for the terminal. */

import { type CalibrationLine, isPoorFit } from "../board/validation/calibration.ts";
import type { ValidationViews } from "../board/validation/closer-look.ts";
import type { Validation } from "../board/validation/validate.ts";
import type { FirstDifference, ValidationRecord } from "../board/validation/validation-record.ts";
import type { BoardView } from "../board/validation/validation-views.ts";
import { printable } from "../errors.ts";
import { formatAddress, formatBytes, formatFrequency } from "../quantities.ts";
import { counted } from "../soak/figures.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";
import { wrapped } from "./wrapped.ts";

export const VERB_NAMES: Readonly<Record<CalibrationLine["verb"], string>> = {
  allocate: "allocate",
  allocateAligned: "aligned",
  reallocate: "reallocate",
  release: "release",
};
const MARGIN = 4;

/** The verdict, what was compared, and where the two first differ. */
export function validationText({ record, views, warnings }: Validation, paint: Paint = plainPaint): string {
  const paragraphs = [
    [validationHeadline(record, paint)],
    validationFacts(record),
    record.firstDifference ? differenceLines(record.firstDifference, views) : [],
    record.firstDifference ? ["Likely causes:", ...causes(record).flatMap(bullet)] : [],
    warnings.length > 0 ? warnings.flatMap((warning) => bullet(`note: ${warning}`)) : [],
    calibrationLines(record),
  ];
  const shown = paragraphs.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

export function validationHeadline(
  { verdict, operations, firstDifference, reason }: ValidationRecord,
  paint: Paint,
): string {
  const count = `${formatCount(operations)} operations`;
  if (verdict === "equal") return paint.strong(`${count} compared, all equal`);
  if (verdict === "undecided") return paint.strong(`undecided: ${count} were equal, then: ${printable(reason ?? "")}`);
  return paint.bad(`different: ${firstDifference ? differenceWords(firstDifference) : count}`);
}

function differenceWords(difference: FirstDifference): string {
  switch (difference.kind) {
    case "placement":
      return `operation ${formatCount(difference.operation)} (line ${difference.line}: ${difference.text})`;
    case "statistic":
      return `the allocator's figure "${difference.key}" behind operation ${formatCount(difference.operation)}`;
    case "ram":
      return `RAM behind operation ${formatCount(difference.operation)}, ${counted(difference.differingBytes, "byte")} of it`;
  }
}

export function validationFacts(record: ValidationRecord): string[] {
  return comparedFacts(record).map(([title, words]) => `  ${title.padEnd(10)} ${printable(words)}`);
}

/** What was compared with what: names and words. */
export function comparedFacts(record: ValidationRecord): [name: string, words: string][] {
  const { board, buildId, allocator, allocatorVersion, emulatedAs, heap, start, source, line, compared, ram } = record;
  const named = `${allocator} ${allocatorVersion}`.trim();
  return [
    ["board", `${board || "unnamed"}, build ${buildId || "unnamed"}`],
    ["allocator", `${named}${emulatedAs === allocator ? "" : `, emulated as ${emulatedAs}`}${optionWords(record)}`],
    ["heap", `${formatBytes(heap.bytes)} at ${formatAddress(heap.address)}, ${START_WORDS[start]}`],
    ["source", `${source.name}${leftOutWords(record.leftOut)}`],
    [
      "compared",
      `${formatCount(compared.placements)} placements, ${formatCount(compared.refusals)} refused requests, ${figures(compared.statistics)}`,
    ],
    ["RAM", ramWords(ram)],
    [
      "line",
      `${counted(line.retries, "command")} repeated, ${counted(line.lost, "frame")} lost, ${line.corrupt} damaged`,
    ],
  ];
}

const START_WORDS = { fresh: "fresh from a restart", adopted: "taken over as it was" } as const;

function figures(count: number): string {
  return count === 0 ? "no figures of the allocator's own" : `${formatCount(count)} figures of the allocator's own`;
}

function optionWords({ options }: ValidationRecord): string {
  const given = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return given.length === 0 ? "" : `, emulated with ${given.join(", ")}`;
}

function leftOutWords(leftOut: number): string {
  return leftOut === 0 ? "" : `; ${counted(leftOut, "operation")} on blocks that were not live left out`;
}

function ramWords(ram: ValidationRecord["ram"]): string {
  if (!ram) return "not compared";
  return `${formatCount(ram.bytes)} bytes compared, ${ram.equal ? "all equal" : "not equal"}`;
}

function differenceLines(difference: FirstDifference, views: ValidationViews | undefined): string[] {
  const { board, emulated } = values(difference);
  return [
    `  board      ${board}`,
    `  emulator   ${emulated}`,
    ...(views ? viewLines(views) : ["  The heaps are not shown: the board was lost, or only the record is at hand."]),
  ];
}

/** What each side says, in words. */
export function values(difference: FirstDifference): { board: string; emulated: string } {
  switch (difference.kind) {
    case "placement":
      return { board: placed(difference.boardAddress), emulated: placed(difference.emulatedAddress) };
    case "statistic":
      return { board: String(difference.board), emulated: String(difference.emulated) };
    case "ram": {
      const at = (byte: number) => `${hexByte(byte)} at ${formatAddress(difference.address)}`;
      return { board: at(difference.board), emulated: at(difference.emulated) };
    }
  }
}

function placed(address: number): string {
  return address === 0 ? "refused" : formatAddress(address);
}

function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

function viewLines({ operations, happenedAgain, board, emulated, ram }: ValidationViews): string[] {
  return [
    ...again(happenedAgain),
    "",
    `The heaps behind operation ${formatCount(operations)}:   # live  . free  + both  - bookkeeping`,
    ...heapLines("board", board),
    ...heapLines("emulator", emulated),
    ...(ram
      ? [
          "",
          `First byte of RAM that differs there: ${formatAddress(ram.address)}`,
          ...ram.board.map((row) => `  board      ${row}`),
          ...ram.emulated.map((row) => `  emulator   ${row}`),
        ]
      : ["  Every byte of their RAM is equal."]),
  ];
}

function again(happenedAgain: boolean | undefined): string[] {
  if (happenedAgain === undefined) return [];
  return [
    happenedAgain
      ? "  A second run from a restart came to the same."
      : "  A second run from a restart did not come to the same: something else on the board has a part in it.",
  ];
}

function heapLines(side: string, view: BoardView): string[] {
  const title = `  ${side.padEnd(10)} `;
  if ("broken" in view) return [`${title}cannot be walked: ${printable(view.broken)}`];
  return [`${title}[${view.map}]`, `${" ".repeat(title.length)}${view.picture}`];
}

/** What such a difference usually comes from, the likeliest first. */
export function causes({ emulatedAs, allocatorVersion, versionsExactFor, heap, start }: ValidationRecord): string[] {
  const told = allocatorVersion === "" ? "the board does not tell its version" : `the board tells ${allocatorVersion}`;
  return [
    `another version: ${emulatedAs} is exact for ${versionsExactFor}; ${told}`,
    `other bounds: is the heap really ${heap.bytes} bytes at ${formatAddress(heap.address)}, with nothing in front?`,
    "another alignment or other options of the allocator in the firmware's build: see --option",
    "calls that the agent does not see, in an interrupt or in a library that was linked without the wrappers",
    ...(start === "adopted" ? ["a heap that was not taken over completely: validate without --no-restart"] : []),
  ];
}

function bullet(text: string): string[] {
  return wrapped(printable(text), 100 - MARGIN).map((line, index) => `${index === 0 ? "  - " : "    "}${line}`);
}

function calibrationLines({ calibration }: ValidationRecord): string[] {
  if (!calibration) return [];
  const rows = calibration.lines.map(calibrationRow).map(({ title, cells }) => ({ title: `  ${title}`, cells }));
  return [
    `visits → cycles of the board's counter (${formatFrequency(calibration.cycleHz)})`,
    ...tableLines(CALIBRATION_HEADS, rows),
    ...poorFitWords(calibration.lines).flatMap(bullet),
  ];
}

export const CALIBRATION_HEADS = ["operations", "cycles", "a visit", "deviation", "99 % within", "explained"];

export function calibrationRow(line: CalibrationLine): TableRow {
  return {
    title: VERB_NAMES[line.verb],
    cells: [
      formatCount(line.operations),
      line.baseCycles.toFixed(1),
      signed(line.cyclesPerVisit),
      line.residualCycles.toFixed(1),
      `± ${line.residualP99Cycles.toFixed(1)}`,
      formatRatio(line.explainedRatio),
    ],
  };
}

/** Which lines are no basis for a prediction, in a sentence; nothing where all are. */
export function poorFitWords(lines: readonly CalibrationLine[]): string[] {
  const poor = lines.filter(isPoorFit).map(({ verb }) => VERB_NAMES[verb]);
  if (poor.length === 0) return [];
  return [
    `Visits do not explain the cycles of ${poor.join(", ")}: copied bytes, caches, wait states or interrupts may.`,
  ];
}

/** `+ 22.18`, `− 9.28`. */
function signed(slope: number): string {
  return `${slope < 0 ? "−" : "+"} ${Math.abs(slope).toFixed(2)}`;
}
