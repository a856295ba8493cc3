/** The record of a validation: what reports cite to say how sure they are of the emulation. Plain versioned data. */
import type { OptionValues } from "../../allocators/entry.ts";
import type { BoardFigures } from "../wire/messages.ts";
import type { Calibration } from "./calibration.ts";

export const VALIDATION_FORMAT = "heapsoak.validation";
export const VALIDATION_VERSION = 1;

/** `undecided`: the board was lost before the end; all that was compared was equal. */
export type ValidationVerdict = "equal" | "different" | "undecided";

/** The first thing that was not equal. */
export type FirstDifference = {
  /** Operations carried out when it showed; of a placement its own number, from 1. */
  readonly operation: number;
} & (
  | {
      readonly kind: "placement";
      /** Line of the trace, or number of the scenario's operation. */
      readonly line: number;
      /** The operation as a line of a trace. */
      readonly text: string;
      /** 0: refused. */
      readonly boardAddress: number;
      readonly emulatedAddress: number;
    }
  | { readonly kind: "statistic"; readonly key: keyof BoardFigures; readonly board: number; readonly emulated: number }
  | {
      readonly kind: "ram";
      readonly address: number;
      readonly board: number;
      readonly emulated: number;
      readonly differingBytes: number;
    }
);

export interface ValidationRecord {
  readonly format: typeof VALIDATION_FORMAT;
  readonly version: typeof VALIDATION_VERSION;
  readonly verdict: ValidationVerdict;
  /** Why it is undecided, in words; null otherwise. */
  readonly reason: string | null;
  readonly board: string;
  readonly buildId: string;
  /** The allocator and its version as the board tells them. */
  readonly allocator: string;
  readonly allocatorVersion: string;
  /** The allocator it was compared with, and the versions that is exact for. */
  readonly emulatedAs: string;
  /** Options that the emulated allocator was given; the others have their defaults. */
  readonly options: OptionValues;
  readonly versionsExactFor: string;
  readonly heap: { readonly address: number; readonly bytes: number };
  /** Whether the heap was fresh from a boot, or taken over with what was in it. */
  readonly start: "fresh" | "adopted";
  /** `digest`: SHA-256 of the operations as lines of a trace without offsets. */
  readonly source: { readonly name: string; readonly digest: string };
  /** Operations that both sides carried out and that were compared. */
  readonly operations: number;
  /** Operations of the source that were not run: of blocks that were not live, or badly aligned. */
  readonly leftOut: number;
  readonly compared: { readonly placements: number; readonly refusals: number; readonly statistics: number };
  /** The heap's RAM at the end; null where it was not read. */
  readonly ram: { readonly bytes: number; readonly equal: boolean } | null;
  readonly firstDifference: FirstDifference | null;
  /** Cycles by visits; null where the board counts none. */
  readonly calibration: Calibration | null;
  /** Commands that were repeated; frames lost and damaged on the way here. */
  readonly line: { readonly retries: number; readonly lost: number; readonly corrupt: number };
  readonly heapsoak: string;
  /** ISO 8601, UTC; absent where no clock was given. */
  readonly startedAt?: string;
}
