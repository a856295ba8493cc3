/** Runs operations on a board and in the emulator and compares everything that can be compared. */
import { HeapsoakError } from "../../errors.ts";
import { packageVersion } from "../../version.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import { BoardCommander } from "../commands/commander.ts";
import type { Timers } from "../commands/exchange.ts";
import type { BoardLink, LinkItem } from "../link/link.ts";
import type { BoardResult } from "../wire/messages.ts";
import { Calibrator } from "./calibration.ts";
import { lookCloser, type ValidationViews } from "./closer-look.ts";
import type { OperationSource } from "./operation-source.ts";
import type { PlannedOperation, ValidationMirror } from "./validation-mirror.ts";
import {
  type FirstDifference,
  VALIDATION_FORMAT,
  VALIDATION_VERSION,
  type ValidationRecord,
  type ValidationVerdict,
} from "./validation-record.ts";
import { type Run, type RunSettings, RunStarter, ramOf } from "./validation-run.ts";
import { firstRamDifference } from "./validation-views.ts";

/** Operations between two comparisons of the allocator's own figures. */
const STATISTICS_EVERY = 1000;
/** What ends a run without saying anything of the board's allocator. */
const LOST: readonly string[] = ["board-silent", "board-rebooted", "board-unreachable"];
const EVENTS: readonly LinkItem["kind"][] = ["allocate", "allocateAligned", "reallocate", "release"];

export interface ValidationRequest extends RunSettings {
  /** The operations, for the board's allocator and heap. */
  readonly source: (place: { allocator: string; heapBytes: number }) => Promise<OperationSource>;
  /** Restart the board first; else its heap is taken over as it is. */
  readonly restart: boolean;
  readonly timers?: Timers;
  /** ISO 8601, for the record. */
  readonly startedAt?: string;
  /** Ends the run after the batch under way. */
  readonly signal?: AbortSignal;
}

/** What a validation found: the record, and for people what the two heaps look like where they differ. */
export interface Validation {
  readonly record: ValidationRecord;
  readonly views: ValidationViews | undefined;
  /** What speaks against comparing at all: another version, an unknown board. */
  readonly warnings: readonly string[];
}

/**
 * Validates the emulation against the board at the other end of the link. Throws `HeapsoakError` for what is wrong
 * before the first operation (no agent, an unknown allocator, a bad trace) and `board-not-quiet` where the firmware
 * itself uses the heap meanwhile.
 */
export async function validateBoard(link: BoardLink, request: ValidationRequest): Promise<Validation> {
  const validator = new Validator(link, request);
  try {
    return await validator.validate();
  } finally {
    validator.close();
  }
}

class Validator {
  readonly #link: BoardLink;
  readonly #request: ValidationRequest;
  readonly #commander: BoardCommander;
  readonly #starter: RunStarter;
  readonly #calibrator = new Calibrator();
  #ownEvents = 0;
  #placements = 0;
  #refusals = 0;
  #statistics = 0;
  #ram: ValidationRecord["ram"] = null;

  constructor(link: BoardLink, request: ValidationRequest) {
    this.#link = link;
    this.#request = request;
    this.#commander = new BoardCommander(link, {
      onItem: (item) => {
        if (EVENTS.includes(item.kind)) this.#ownEvents++;
      },
      ...(request.timers && { timers: request.timers }),
    });
    this.#starter = new RunStarter(this.#commander, request);
  }

  close(): void {
    this.#commander.close();
  }

  async validate(): Promise<Validation> {
    const { restart } = this.#request;
    const identity = await this.#commander.identify();
    const place = this.#starter.emulate(identity);
    const source = await this.#request.source({ allocator: place.allocator.name, heapBytes: identity.heapBytes });
    const run = await this.#starter.begin(restart, () => {
      this.#ownEvents = 0;
    });
    const { difference, reason } = await this.#decide(run, source);
    const views =
      difference && (await this.#unlessLost(() => lookCloser(this.#starter, { run, source, difference, restart })));
    const verdict = difference ? "different" : reason === undefined ? "equal" : "undecided";
    return {
      record: this.#record(run, source, { verdict, reason: reason ?? null, difference }),
      views,
      warnings: run.board.warnings,
    };
  }

  /** All comparisons, up to the first difference or the loss of the board. */
  async #decide(run: Run, source: OperationSource): Promise<{ difference?: FirstDifference; reason?: string }> {
    try {
      const difference = (await this.#compare(run, source)) ?? (await this.#compareRam(run));
      await this.#confirmBoot(difference !== undefined);
      this.#refuseOwnEvents(run);
      return difference ? { difference } : {};
    } catch (error) {
      if (error instanceof GuestFault) return { reason: faultReason(run, error) };
      if (error instanceof Stopped) return { reason: "it was interrupted" };
      if (!isLoss(error)) throw error;
      return { reason: error.message };
    }
  }

  /** What was compared says something only of one boot. A board that fell silent behind a difference differs all the same. */
  async #confirmBoot(differs: boolean): Promise<void> {
    try {
      await this.#commander.confirm();
    } catch (error) {
      if (!differs || !isLoss(error) || error.code === "board-rebooted") throw error;
    }
  }

  async #compare(run: Run, source: OperationSource): Promise<FirstDifference | undefined> {
    const total = source.operations.length;
    for (let next = 0; next < total; ) {
      if (this.#request.signal?.aborted) throw new Stopped();
      const before = run.operations;
      const end = Math.min(total, next + this.#commander.batchOperations);
      const difference = await this.#compareChunk(run, source, next, end);
      if (difference) return difference;
      next = end;
      this.#starter.report("running", next, total);
      const isDue = Math.floor(run.operations / STATISTICS_EVERY) > Math.floor(before / STATISTICS_EVERY);
      const wrong = isDue || next === total ? await this.#compareStatistics(run) : undefined;
      if (wrong) return wrong;
    }
    return undefined;
  }

  async #compareChunk(
    run: Run,
    source: OperationSource,
    first: number,
    end: number,
  ): Promise<FirstDifference | undefined> {
    const fault = performChunk(run.mirror, source, first, end);
    const { planned } = run.mirror;
    run.sent += planned.length;
    const results = await this.#commander.run(planned.map(({ operation }) => operation));
    const wrong = planned.findIndex(({ address }, index) => address !== results[index]?.address);
    const equal = wrong < 0 ? planned.length : wrong;
    this.#count(planned.slice(0, equal), results);
    run.operations += equal;
    if (wrong >= 0) return placementDifference(run.operations + 1, planned[wrong], results[wrong]);
    if (fault) throw fault;
    return undefined;
  }

  #count(planned: readonly PlannedOperation[], results: readonly BoardResult[]): void {
    for (const [index, { operation, address, visits }] of planned.entries()) {
      if (operation.verb !== "release" && address === 0) this.#refusals++;
      else if (operation.verb !== "release") this.#placements++;
      this.#calibrator.add(operation.verb, visits, results[index]?.cycles ?? 0);
    }
  }

  async #compareStatistics(run: Run): Promise<FirstDifference | undefined> {
    const board = await this.#commander.statistics();
    if (!board) return undefined;
    const emulated = run.board.heap.statistics();
    for (const [key, value] of Object.entries(board) as [keyof typeof board, number][]) {
      const expected = emulated[key];
      if (expected === undefined) continue;
      this.#statistics++;
      if (expected >>> 0 === value >>> 0) continue;
      return { kind: "statistic", operation: run.operations, key, board: value, emulated: expected };
    }
    return undefined;
  }

  async #compareRam(run: Run): Promise<FirstDifference | undefined> {
    const board = await this.#starter.readHeap(run.identity, "reading-back");
    const found = firstRamDifference(board, ramOf(run.board), run.identity.heapLow);
    this.#ram = { bytes: board.length, equal: found === undefined };
    return found && { kind: "ram", operation: run.operations, ...found };
  }

  /** What cannot be looked at any more because the board is lost. */
  async #unlessLost<T>(look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      if (isLoss(error) || error instanceof GuestFault) return undefined;
      throw error;
    }
  }

  /** Events that arrived, or that the board counted and that were lost on the way. */
  #refuseOwnEvents({ identity, sent }: Run): void {
    const counted = (this.#commander.identity.captured - identity.captured) >>> 0;
    const own = Math.max(this.#ownEvents, counted - sent);
    if (own <= 0) return;
    throw new HeapsoakError("board-not-quiet", "The firmware allocates by itself: validation needs a quiet heap.", {
      hint: "Build a firmware that only starts the agent, or stop the tasks that use the heap while commands are served.",
    });
  }

  #record(
    { board, identity, start, mirror, operations }: Run,
    { name, digest }: OperationSource,
    found: { verdict: ValidationVerdict; reason: string | null; difference: FirstDifference | undefined },
  ): ValidationRecord {
    const [boardName = "", buildId = "", allocator = "", allocatorVersion = ""] = identity.names;
    const { lost, corrupt } = this.#link.counters;
    const { startedAt } = this.#request;
    return {
      format: VALIDATION_FORMAT,
      version: VALIDATION_VERSION,
      verdict: found.verdict,
      reason: found.reason,
      board: boardName,
      buildId,
      allocator,
      allocatorVersion,
      emulatedAs: board.allocator.name,
      options: this.#request.options ?? {},
      versionsExactFor: board.allocator.versions,
      heap: { address: identity.heapLow, bytes: identity.heapBytes },
      start,
      source: { name, digest },
      operations,
      leftOut: mirror.leftOut.notLive + mirror.leftOut.badAlignment,
      compared: { placements: this.#placements, refusals: this.#refusals, statistics: this.#statistics },
      ram: this.#ram,
      firstDifference: found.difference ?? null,
      calibration: this.#calibrator.fit(identity.cycleHz) ?? null,
      line: { retries: this.#commander.retries, lost, corrupt },
      heapsoak: packageVersion(),
      ...(startedAt !== undefined && { startedAt }),
    };
  }
}

/** The user ended the run. */
class Stopped extends Error {}

/** Performs operations [first, end) as one chunk; a fault of the emulated device ends it early. */
function performChunk(
  mirror: ValidationMirror,
  source: OperationSource,
  first: number,
  end: number,
): GuestFault | undefined {
  mirror.beginChunk();
  try {
    for (const operation of source.operations.slice(first, end)) mirror.perform(operation);
    return undefined;
  } catch (error) {
    if (error instanceof GuestFault) return error;
    throw error;
  }
}

function placementDifference(
  operation: number,
  planned: PlannedOperation | undefined,
  result: BoardResult | undefined,
): FirstDifference {
  return {
    kind: "placement",
    operation,
    line: planned?.line ?? 0,
    text: planned?.text ?? "",
    boardAddress: result?.address ?? 0,
    emulatedAddress: planned?.address ?? 0,
  };
}

function faultReason({ operations }: Run, { message }: GuestFault): string {
  return `operation ${operations + 1} stops the emulated device (${message}); it was not sent to the board`;
}

function isLoss(error: unknown): error is HeapsoakError {
  return error instanceof HeapsoakError && LOST.includes(error.code);
}
