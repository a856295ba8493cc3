/**
 * The lines of a results file: JSON with the CRC-32 of what follows it as the first entry,
 *
 *   {"crc32":"1c291ca3","format":"heapsoak.campaign","version":1, …}   the first line: whose runs these are
 *   {"crc32":"90f5bd12","wanted":{ … }}                                from here on so many runs, or so precise
 *   {"crc32":"5f3a01cc","cell":3,"run":17,"outcome":{ … }}             a finished run
 */
import { crc32 } from "node:zlib";
import { z } from "zod";
import type { RunOutcome } from "../run/outcome.ts";
import { exactJson, parseExactJson } from "./exact-json.ts";
import type { CampaignIdentity } from "./identity.ts";
import type { PackedCells } from "./packed-cells.ts";

export const RESULTS_FORMAT = "heapsoak.campaign";
export const RESULTS_VERSION = 1;

/** The first line. */
export interface ResultsHeader {
  readonly identity: CampaignIdentity;
  /** What was asked for first. */
  readonly wanted: WantedRuns;
  readonly cells: PackedCells;
}

/** How much of a campaign is wanted: what may change when it goes on. */
export interface WantedRuns {
  /** Runs of a cell at most. */
  readonly runs: number;
  /** Half the width of the interval that is enough, or null. */
  readonly precision: number | null;
  /** What else the record is made from. */
  readonly question: unknown;
}

/** A finished run. */
export interface FinishedRun {
  readonly cell: number;
  /** From 0; its seed is that many above the first. */
  readonly run: number;
  readonly outcome: RunOutcome;
}

export type ResultsLine =
  | { readonly kind: "header"; readonly version: number; readonly header: ResultsHeader | undefined }
  | { readonly kind: "wanted"; readonly wanted: WantedRuns }
  | ({ readonly kind: "run" } & FinishedRun);

const PREFIX = '{"crc32":"';
const PREFIX_BYTES = '{"crc32":"01234567",'.length;

const count = z.int().nonnegative();
const bytes = z.int();
const time = z.number().nonnegative();
const text = z.string().nullable();
const amount = z.number().nullable();

const failureSchema = z.looseObject({
  kind: z.string(),
  atUs: time,
  heap: text,
  task: text,
  step: text,
  requestBytes: amount,
  freeBytes: amount,
  largestFreeBytes: amount,
});

const outcomeSchema = z.looseObject({
  seed: z.string().regex(/^\d{1,20}$/),
  endUs: time,
  failure: failureSchema.nullable(),
  steps: count,
  margins: z.strictObject({
    heaps: z.record(
      z.string(),
      z.looseObject({ leastFreeBytes: bytes, leastLargestFreeBytes: bytes, failedRequests: count }),
    ),
    stacks: z.record(z.string(), z.looseObject({ headroomBytes: bytes })),
  }),
});

const finishedRunSchema = z.strictObject({ cell: count, run: count, outcome: outcomeSchema });
const wantedSchema = z.strictObject({
  runs: z.int().positive(),
  precision: z.number().positive().nullable(),
  question: z.unknown(),
});
const extensionSchema = z.strictObject({ wanted: wantedSchema });
const headerSchema = z.looseObject({ format: z.literal(RESULTS_FORMAT), version: z.int() });
const identitySchema = z.strictObject({
  heapsoak: z.string(),
  core: z.string(),
  scenario: z.string(),
  grid: z.array(z.strictObject({ heap: z.string(), allocator: z.string(), heapBytes: count })).min(1),
  horizonUs: count,
  failOn: z.enum(["failure", "request"]),
  firstSeed: z.string().regex(/^\d{1,20}$/),
});
const contentSchema = z.strictObject({
  identity: identitySchema,
  wanted: wantedSchema,
  cells: z.strictObject({ common: z.looseObject({}), cells: z.array(z.looseObject({})).min(1) }),
});

export function headerLine({ identity, wanted, cells }: ResultsHeader): string {
  return line({ format: RESULTS_FORMAT, version: RESULTS_VERSION, identity, wanted, cells });
}

export function wantedLine(wanted: WantedRuns): string {
  return line({ wanted });
}

export function runLine({ cell, run, outcome }: FinishedRun): string {
  return line({ cell, run, outcome });
}

/** What a line (without its end) says; undefined for one that is damaged. */
export function parseLine(line: string): ResultsLine | undefined {
  const rest = line.slice(PREFIX_BYTES);
  if (!line.startsWith(`${PREFIX}${checksum(rest)}",`)) return undefined;
  const value = parsed(`{${rest}`);
  const run = finishedRunSchema.safeParse(value);
  if (run.success) return { kind: "run", ...(value as FinishedRun) };
  const extension = extensionSchema.safeParse(value);
  if (extension.success) return { kind: "wanted", ...extension.data };
  const header = headerSchema.safeParse(value);
  if (!header.success) return undefined;
  const { format: _, version, ...content } = header.data;
  const isOurs = version === RESULTS_VERSION && contentSchema.safeParse(content).success;
  return { kind: "header", version, header: isOurs ? (content as unknown as ResultsHeader) : undefined };
}

/** The outcome in the value, or undefined where it is none: for what comes over a network. */
export function asOutcome(value: unknown): RunOutcome | undefined {
  return outcomeSchema.safeParse(value).success ? (value as RunOutcome) : undefined;
}

function line(content: object): string {
  const rest = exactJson(content).slice(1);
  return `${PREFIX}${checksum(rest)}",${rest}\n`;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
