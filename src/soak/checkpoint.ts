/**
 * Checkpoints: a run on disk, from which it goes on as if it had never stopped. The file has the same size however
 * long the run has been going, and is replaced as a whole: whoever kills the process finds the one before.
 *
 *        ┌──────────────────────────────────────────────┐
 *   +0   │ "HSOAKCKP"                                   │
 *   +8   │ format version · bytes of the text           │  u32 each, little-endian
 *   +16  │ SHA-256 of text and state                    │
 *   +48  │ text: what run this is, where the state lies,│  JSON
 *        │ and what only the host knows of the run      │
 *        │ state: the ranges of memory, end to end;     │
 *        │ behind it the kept state                     │
 *        ├ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┤
 *        │ zeros (a hole in the file) up to the size    │
 *        └──────────────────────────────────────────────┘
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { LAYOUT_VERSION } from "../../assembly/memory-map.ts";
import { syncFolder, writeWhole } from "../durable-files.ts";
import { HeapsoakError } from "../errors.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { Snapshot } from "../wasm/engine.ts";

/** What must be equal for a run to go on from a checkpoint. */
export interface RunIdentity {
  /** Version of this package. */
  readonly heapsoak: string;
  /** SHA-256 of the core module. */
  readonly core: string;
  /** SHA-256 of the scenario with its settings. */
  readonly scenario: string;
  readonly seed: string;
  readonly uptimeUs: number;
}

/** A run at a moment: memory, and what the host has found out that memory does not hold. */
export interface CheckpointState<T> {
  readonly simulatedUs: number;
  readonly device: Snapshot;
  /** An earlier state that the run is compared with; may be empty. */
  readonly kept: Uint8Array;
  /** Plain data, small and bounded. */
  readonly host: T;
}

interface CheckpointText {
  readonly layout: number;
  readonly identity: RunIdentity;
  readonly simulatedUs: number;
  readonly ranges: readonly (readonly [number, number])[];
  readonly heapCount: number;
  readonly poolHigh: number;
  readonly keptBytes: number;
  readonly host: unknown;
}

const MAGIC = Buffer.from("HSOAKCKP", "latin1");
const FORMAT_VERSION = 1;
const VERSION_AT = 8;
const TEXT_BYTES_AT = 12;
const CHECKSUM_AT = 16;
const CHECKSUM_BYTES = 32;
const TEXT_AT = CHECKSUM_AT + CHECKSUM_BYTES;
/** Room for the text, most of it zeros: so that a file keeps its size while the history grows, twice what that takes. */
const TEXT_ROOM = 2 * 1024 * 1024;
/** More than the history and the blocks of a first failure take with the longest names. */
const TEXT_MOST = 8 * TEXT_ROOM;

/** Writes checkpoints of one run to one file. */
export class CheckpointFile<T> {
  readonly path: string;
  readonly #identity: RunIdentity;
  readonly #bytesMost: number;

  /** `bytesMost` is what a snapshot and the kept state can grow to. */
  constructor(path: string, identity: RunIdentity, bytesMost: number) {
    this.path = path;
    this.#identity = identity;
    this.#bytesMost = bytesMost;
  }

  /** Replaces the file. Throws `cannot-write`; the one before is then still there, and nothing else. */
  write(state: CheckpointState<T>): void {
    const text = Buffer.from(JSON.stringify(this.#text(state)));
    const head = Buffer.alloc(TEXT_AT);
    MAGIC.copy(head);
    head.writeUInt32LE(FORMAT_VERSION, VERSION_AT);
    head.writeUInt32LE(text.length, TEXT_BYTES_AT);
    checksum(text, state.device.bytes, state.kept).copy(head, CHECKSUM_AT);
    const room = Math.ceil(text.length / TEXT_ROOM) * TEXT_ROOM;
    replaceFile(this.path, [head, text, state.device.bytes, state.kept], TEXT_AT + room + this.#bytesMost);
  }

  /**
   * The state in the file. `shape` is a snapshot of the same run at its start. Throws `cannot-read`, or
   * `bad-checkpoint` for a file that is damaged or of another run.
   */
  read(shape: Snapshot): CheckpointState<T> {
    const file = this.#open();
    try {
      return this.#readFrom(file, shape);
    } catch (cause) {
      if (cause instanceof HeapsoakError) throw cause;
      throw new HeapsoakError("cannot-read", `${this.path}: the checkpoint ${systemReason(cause)}.`, { cause });
    } finally {
      closeSync(file);
    }
  }

  #readFrom(file: number, shape: Snapshot): CheckpointState<T> {
    const head = readAt(file, 0, TEXT_AT);
    const textBytes = this.#textBytes(head);
    const textPart = readAt(file, TEXT_AT, textBytes);
    const text = textPart.length === textBytes ? parseText(textPart) : undefined;
    if (!text) throw this.#damaged();
    this.#refuseOtherRun(text);
    if (!sameShape(text, shape, this.#bytesMost)) throw this.#damaged();
    const { ranges, heapCount, poolHigh, simulatedUs, keptBytes } = text;
    const bytes = readAt(file, TEXT_AT + textBytes, stateBytes(ranges));
    const kept = readAt(file, TEXT_AT + textBytes + bytes.length, keptBytes);
    if (!checksum(textPart, bytes, kept).equals(head.subarray(CHECKSUM_AT))) throw this.#damaged();
    return { simulatedUs, device: { ranges, heapCount, poolHigh, bytes }, kept, host: text.host as T };
  }

  #text({ simulatedUs, device, kept, host }: CheckpointState<T>): CheckpointText {
    const { ranges, heapCount, poolHigh } = device;
    const run = { layout: LAYOUT_VERSION, identity: this.#identity, simulatedUs };
    return { ...run, ranges, heapCount, poolHigh, keptBytes: kept.length, host };
  }

  #open(): number {
    try {
      if (!statSync(this.path).isFile()) throw new HeapsoakError("cannot-read", `${this.path}: not a plain file.`);
      return openSync(this.path, "r");
    } catch (cause) {
      if (cause instanceof HeapsoakError) throw cause;
      throw new HeapsoakError("cannot-read", `${this.path}: the checkpoint ${systemReason(cause)}.`, { cause });
    }
  }

  /** Bytes of the text, in a file that is one of ours. */
  #textBytes(head: Buffer): number {
    if (head.length < TEXT_AT || !head.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw this.#refusal("is not a checkpoint of heapsoak");
    }
    const version = head.readUInt32LE(VERSION_AT);
    if (version !== FORMAT_VERSION) {
      throw this.#refusal(`is a checkpoint of format ${version}; this heapsoak reads format ${FORMAT_VERSION}`);
    }
    const textBytes = head.readUInt32LE(TEXT_BYTES_AT);
    if (textBytes > TEXT_MOST) throw this.#damaged();
    return textBytes;
  }

  /** Says in which way the checkpoint is of another run. */
  #refuseOtherRun({ layout, identity }: CheckpointText): void {
    const mine = this.#identity;
    if (identity.heapsoak !== mine.heapsoak || layout !== LAYOUT_VERSION || identity.core !== mine.core) {
      const its = identity.heapsoak === mine.heapsoak ? "another build" : `version ${identity.heapsoak}`;
      throw this.#refusal(`was written by ${its} of heapsoak; this is ${mine.heapsoak}`);
    }
    if (identity.scenario !== mine.scenario) {
      throw this.#refusal("belongs to another scenario, or to this one before it was changed");
    }
    if (identity.seed !== mine.seed) throw this.#refusal(`belongs to seed ${identity.seed}, not ${mine.seed}`);
    if (identity.uptimeUs !== mine.uptimeUs) {
      const [its, wanted] = [identity.uptimeUs, mine.uptimeUs].map(formatDuration);
      throw this.#refusal(`belongs to an uptime of ${its}, not ${wanted}`);
    }
  }

  #refusal(what: string): HeapsoakError {
    return new HeapsoakError("bad-checkpoint", `${this.path} ${what}.`, {
      hint: "A run goes on only from a checkpoint of the same scenario, settings, seed, uptime and heapsoak.",
    });
  }

  #damaged(): HeapsoakError {
    return new HeapsoakError(
      "bad-checkpoint",
      `${this.path}: the checkpoint is damaged: its checksum does not match.`,
      {
        hint: "Start the run anew, without --resume.",
      },
    );
  }
}

function checksum(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function parseText(bytes: Buffer): CheckpointText | undefined {
  try {
    const text: unknown = JSON.parse(bytes.toString("utf8"));
    return isText(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Enough to read on: the checksum vouches for the rest. */
function isText(value: unknown): value is CheckpointText {
  if (typeof value !== "object" || value === null) return false;
  if (!("identity" in value && "ranges" in value && "keptBytes" in value)) return false;
  const { identity, ranges, keptBytes } = value;
  if (typeof identity !== "object" || identity === null || !Array.isArray(ranges)) return false;
  if (typeof keptBytes !== "number" || !Number.isInteger(keptBytes) || keptBytes < 0) return false;
  return ranges.every(
    (range) => Array.isArray(range) && range.length === 2 && range.every(Number.isInteger) && range[0] <= range[1],
  );
}

/** Whether the ranges are those of the run: one of them, of which only the used part is kept, may have grown. */
function sameShape(text: CheckpointText, shape: Snapshot, bytesMost: number): boolean {
  if (text.poolHigh !== shape.poolHigh || text.heapCount !== shape.heapCount) return false;
  if (text.ranges.length !== shape.ranges.length) return false;
  const lowsAreEqual = text.ranges.every(([low], index) => low === shape.ranges[index]?.[0]);
  const grown = text.ranges.filter(([, high], index) => high !== shape.ranges[index]?.[1]);
  return lowsAreEqual && grown.length <= 1 && stateBytes(text.ranges) + text.keptBytes <= bytesMost;
}

function stateBytes(ranges: Snapshot["ranges"]): number {
  return ranges.reduce((sum, [low, high]) => sum + high - low, 0);
}

/** The bytes of a file from `offset` on: fewer where it ends. */
function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(file, bytes, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Writes `parts` and zeros up to `bytes` beside the file, makes sure they are on the disk, and puts them in its place. */
function replaceFile(path: string, parts: readonly Uint8Array[], bytes: number): void {
  const beside = `${path}.tmp`;
  try {
    refuseToReplace(path);
    const file = openSync(beside, "w");
    try {
      for (const part of parts) writeWhole(file, part);
      ftruncateSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
    syncFolder(dirname(path));
  } catch (cause) {
    if (cause instanceof HeapsoakError) throw cause;
    removeIfThere(beside);
    throw new HeapsoakError("cannot-write", `${path}: the checkpoint ${systemReason(cause)}.`, {
      hint: "The checkpoint before it, if there was one, is untouched.",
      cause,
    });
  }
}

/** A device or a pipe would be gone, with a file in its place. */
function refuseToReplace(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status || status.isFile() || status.isDirectory()) return; // renaming says what is wrong with a folder
  throw new HeapsoakError("cannot-write", `${path}: the checkpoint cannot be written: not a plain file.`);
}

/** What is there instead of a file of ours stays: the first error is what counts. */
function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was not ours.
  }
}

function systemReason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOSPC") return "cannot be written: the disk is full";
  if (code === "ENOENT") return "cannot be found or made: there is no such file or folder";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return `cannot be opened: not permitted (${code})`;
  return `cannot be read or written (${code ?? String(cause)})`;
}
