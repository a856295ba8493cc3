/**
 * The finished runs of a campaign in one append-only file: what is in it survives a kill at any moment. The first line
 * says whose runs they are; a last line that was being written is dropped, and its run is run again.
 */
import {
  closeSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder, writeWhole } from "../../durable-files.ts";
import { HeapsoakError } from "../../errors.ts";
import { exactJson } from "./exact-json.ts";
import { FolderLock } from "./folder-lock.ts";
import { differences } from "./identity.ts";
import {
  type FinishedRun,
  headerLine,
  parseLine,
  RESULTS_VERSION,
  type ResultsHeader,
  runLine,
  type WantedRuns,
  wantedLine,
} from "./result-lines.ts";
import { RunStore } from "./run-store.ts";

/** What a results file holds. */
export interface StoredRuns {
  readonly header: ResultsHeader;
  /** What was asked for last. */
  readonly wanted: WantedRuns;
  readonly store: RunStore;
  /** Lines that are damaged: their runs are missing. */
  readonly damagedLines: number;
  /** Bytes up to the end of the last whole line. */
  readonly wholeBytes: number;
}

const FILE_NAME = "runs.jsonl";
const SYNC_MS = 1000;
const BLOCK_BYTES = 1 << 20;
/** A line with the largest plan is below it. */
const LINE_BYTES_MOST = 256 << 20;
const NEWLINE = 0x0a;

/** Appends to the results in a folder; no other process does so meanwhile. */
export class ResultsFile {
  readonly path: string;
  /** The runs that were there and those that were added. */
  readonly store: RunStore;
  readonly damagedLines: number;
  readonly #file: number;
  readonly #lock: FolderLock;
  readonly #timer: NodeJS.Timeout;
  #isSynced = true;

  /**
   * Opens the folder's results, or begins them. Throws `bad-results` for those of another campaign, `cannot-write`,
   * `cannot-read`, and `results-busy` where another process appends.
   */
  constructor(folder: string, header: ResultsHeader) {
    this.path = resultsPath(folder);
    makeFolder(folder);
    this.#lock = new FolderLock(folder);
    try {
      const found = this.#find() ?? this.#begin(header);
      refuseOther(this.path, found.header, header);
      this.store = found.store;
      this.damagedLines = found.damagedLines;
      this.#file = openToAppend(this.path, found.wholeBytes);
      if (exactJson(found.wanted) !== exactJson(header.wanted)) this.#write(wantedLine(header.wanted));
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.#timer = setInterval(() => this.#syncSoon(), SYNC_MS).unref();
  }

  /** Adds finished runs. Returns those that are new: others are not written again. Throws `cannot-write`. */
  append(runs: readonly FinishedRun[]): readonly FinishedRun[] {
    const added = runs.filter((run) => this.store.add(run, this.path));
    if (added.length > 0) this.#write(added.map(runLine).join(""));
    return added;
  }

  /** All runs are on the disk, and the folder is free for others. Throws `cannot-write`. */
  close(): void {
    clearInterval(this.#timer);
    try {
      fsyncSync(this.#file);
    } catch (cause) {
      throw unwritable(this.path, cause);
    } finally {
      closeSync(this.#file);
      this.#lock.release();
    }
  }

  #find(): StoredRuns | undefined {
    return statSync(this.path, { throwIfNoEntry: false }) ? readResults(this.path) : undefined;
  }

  /** The file is there with its first line or not at all. */
  #begin(header: ResultsHeader): StoredRuns {
    const beside = `${this.path}.part`;
    const line = Buffer.from(headerLine(header));
    try {
      const file = openSync(beside, "w");
      try {
        writeWhole(file, line);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(beside, this.path);
      syncFolder(dirname(this.path));
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
    const store = new RunStore(header.identity.grid.length);
    return { header, wanted: header.wanted, store, damagedLines: 0, wholeBytes: line.length };
  }

  #write(text: string): void {
    try {
      writeWhole(this.#file, Buffer.from(text));
      this.#isSynced = false;
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }

  #syncSoon(): void {
    if (this.#isSynced) return;
    this.#isSynced = true;
    fsync(this.#file, () => {}); // what is wrong with the disk, the next write or the last sync says
  }
}

/** The results in a folder, or in a file. Throws `cannot-read`, `bad-results`. */
export function readResultsOf(folderOrFile: string): StoredRuns {
  const isFolder = statSync(folderOrFile, { throwIfNoEntry: false })?.isDirectory();
  return readResults(isFolder ? resultsPath(folderOrFile) : folderOrFile);
}

export function resultsPath(folder: string): string {
  return join(folder, FILE_NAME);
}

function readResults(path: string): StoredRuns {
  const file = openToRead(path);
  try {
    return collect(path, wholeLines(path, file));
  } finally {
    closeSync(file);
  }
}

function collect(path: string, lines: Iterable<{ text: string; end: number }>): StoredRuns {
  let found: { header: ResultsHeader; wanted: WantedRuns; store: RunStore } | undefined;
  let [damagedLines, wholeBytes] = [0, 0];
  for (const { text, end } of lines) {
    const line = parseLine(text);
    wholeBytes = end;
    if (!found) {
      const header = headerOf(path, line);
      found = { header, wanted: header.wanted, store: new RunStore(header.identity.grid.length) };
    } else if (line?.kind === "run") found.store.add(line, path);
    else if (line?.kind === "wanted") found.wanted = line.wanted;
    else damagedLines++;
  }
  if (!found) throw notResults(path);
  return { ...found, damagedLines, wholeBytes };
}

function headerOf(path: string, line: ReturnType<typeof parseLine>): ResultsHeader {
  if (line?.kind !== "header") throw notResults(path);
  if (line.header) return line.header;
  const other = line.version !== RESULTS_VERSION;
  throw new HeapsoakError(
    "bad-results",
    other
      ? `${path}: results of format ${line.version}; this heapsoak reads format ${RESULTS_VERSION}.`
      : `${path}: the first line is not what heapsoak writes.`,
  );
}

function notResults(path: string): HeapsoakError {
  return new HeapsoakError("bad-results", `${path}: not the results of a campaign, or their first line is damaged.`, {
    hint: "Name another folder: nothing says any more whose runs these are.",
  });
}

function refuseOther(path: string, its: ResultsHeader, mine: ResultsHeader): void {
  const found = differences(its.identity, mine.identity);
  if (found.length === 0) return;
  throw new HeapsoakError("bad-results", `${path}: the runs in it belong to ${found.join("; to ")}.`, {
    hint: "A campaign goes on only with the same scenario, grid, horizon, seeds and heapsoak; more --runs are fine. Name another --out, or remove the folder.",
  });
}

/** The lines that have an end, with where that is. Lines too long for memory are cut, and so damaged. */
function* wholeLines(path: string, file: number): Generator<{ text: string; end: number }> {
  const block = Buffer.alloc(BLOCK_BYTES);
  let pending: Buffer[] = [];
  let [pendingBytes, at] = [0, 0];
  for (;;) {
    const length = readBlock(path, file, block);
    if (length === 0) return;
    let low = 0;
    for (let high = block.indexOf(NEWLINE); high >= 0 && high < length; high = block.indexOf(NEWLINE, low)) {
      pending.push(block.subarray(low, high));
      yield { text: Buffer.concat(pending).toString("utf8"), end: at + high + 1 };
      [pending, pendingBytes, low] = [[], 0, high + 1];
    }
    pendingBytes += length - low;
    if (pendingBytes <= LINE_BYTES_MOST) pending.push(Buffer.from(block.subarray(low, length)));
    at += length;
  }
}

function readBlock(path: string, file: number, block: Buffer): number {
  try {
    return readSync(file, block, 0, block.length, null);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Without the last line, if it was being written. */
function openToAppend(path: string, wholeBytes: number): number {
  try {
    const file = openSync(path, "a");
    ftruncateSync(file, wholeBytes);
    return file;
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

function unwritable(path: string, cause: unknown): HeapsoakError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const why = code === "ENOSPC" ? "the disk is full" : code;
  return new HeapsoakError("cannot-write", `${path}: cannot be written (${why}).`, {
    hint: "The runs that are in it stay; the same command goes on from there.",
    cause,
  });
}

function unreadable(path: string, cause: unknown): HeapsoakError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new HeapsoakError("cannot-read", `${path}: cannot be read (${code}).`, { cause });
}
