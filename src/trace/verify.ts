import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { HeapField, Opcode, OperationField } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "../allocators/entry.ts";
import { Device } from "../device/device.ts";
import { HeapsoakError } from "../errors.ts";
import { formatAddress } from "../quantities.ts";
import { heapPicture } from "../report/picture.ts";
import type { Snapshot } from "../wasm/engine.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { HeapRecord } from "../wasm/heap-record.ts";
import {
  formatChecksum,
  formatOffset,
  NOT_RECORDED,
  type RecordingTotals,
  type StatisticClaim,
  type TraceBatch,
  type TraceBreak,
  type TraceCheck,
} from "./format.ts";
import { recordedAllocator, recordedHeapBytes, recordedOptions, recordedPlace, recordedRegions } from "./header.ts";
import { OperationQueue } from "./operation-queue.ts";
import { type OpenTrace, openTrace } from "./reader.ts";
import { unlessFault } from "./replay-result.ts";
import { step, stepToFault } from "./stepping.ts";

/** Differences described of each trace; behind the first one most that follow are its consequences. */
const SHOWN = 3;
/** Blocks shown on either side of a difference. */
const BLOCKS_AROUND = 4;

/** A place where the emulated allocator does not answer as the original did. */
export interface Mismatch {
  /** From 1; of an `s` or `h` record the operation before it. */
  readonly operation: number;
  readonly line: number;
  /** The record without what it expects. */
  readonly record: string;
  readonly expected: string;
  readonly got: string;
  /** The heap's blocks around the place, in one line. */
  readonly around: string;
}

export interface Verification {
  readonly file: string;
  readonly allocator: string;
  readonly operations: number;
  /** Operations behind a gap of a recording, up to the next boot: no one knows what they should give. */
  readonly notCompared: number;
  /** What a board's recording says of itself. */
  readonly recording?: RecordingTotals;
  readonly mismatches: number;
  /** The first few. */
  readonly shown: readonly Mismatch[];
  /** What stopped the device: the rest of the trace was not compared. */
  readonly stopped: string | undefined;
}

/**
 * Replays a trace on the heap that its header describes and compares every offset, every figure of an `s` record
 * and every checksum. In the recording of a board the heap starts anew at each boot, and what stands between a gap
 * and the next boot is not compared. Throws `HeapsoakError` for a file that is not a trace or lacks the header's keys.
 */
export async function verifyTrace(path: string, options: { build?: "release" | "debug" } = {}): Promise<Verification> {
  const trace = await openTrace(path);
  try {
    const verifier = new Verifier(trace, options.build ?? "release");
    for await (const batch of trace.batches()) {
      verifier.compare(batch);
      if (verifier.stopped) break;
    }
    return verifier.result();
  } finally {
    await trace.close();
  }
}

/** The traces that the paths name: files as they are, folders with all `.trace` and `.trace.gz` in them, sorted. Throws `cannot-read`. */
export async function traceFiles(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (path === "-" || !(await isFolder(path))) found.push(path);
    else found.push(...(await tracesIn(path)));
  }
  return found;
}

async function tracesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const traces = names.filter((name) => /\.trace(\.gz)?$/.test(name)).sort();
  if (traces.length > 0) return traces.map((name) => join(folder, name));
  throw new HeapsoakError("cannot-read", `${folder}: holds no .trace and no .trace.gz file.`);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // opening it will say why
  }
}

class Verifier {
  stopped: string | undefined;
  readonly #trace: OpenTrace;
  readonly #entry: AllocatorEntry;
  readonly #device: Device;
  readonly #record: HeapRecord;
  readonly #queue: OperationQueue;
  readonly #arenaBytes: number;
  #operations = 0;
  #notCompared = 0;
  #lost = false;
  #mismatches = 0;
  #shown: Mismatch[] = [];
  #before: { snapshot: Snapshot; slots: Uint32Array } | undefined;

  constructor(trace: OpenTrace, build: "release" | "debug") {
    this.#trace = trace;
    this.#entry = recordedAllocator(trace);
    const { device, parts } = recordedPlace(trace, this.#entry.pointerBytes, recordedRegions(trace));
    this.#arenaBytes = recordedHeapBytes(trace);
    this.#device = new Device(device, { build });
    const heap = this.#device.addHeap({
      allocator: this.#entry.name,
      parts,
      options: recordedOptions(trace, this.#entry),
    });
    this.#record = this.#device.recordOf(heap);
    this.#queue = new OperationQueue(this.#device.engine, () => this.#run());
  }

  /** Throws `bad-trace` where an operation has no recorded offset to be compared with. */
  compare(batch: TraceBatch): void {
    this.#refuseBare(batch);
    let from = 0;
    for (const mark of marksOf(batch)) {
      this.#add(batch, from, mark.after);
      from = mark.after;
      this.#mark(mark);
    }
    this.#add(batch, from, batch.count);
    this.#queue.flush();
  }

  #refuseBare(batch: TraceBatch): void {
    const bare = batch.expected.subarray(0, batch.count).indexOf(NOT_RECORDED);
    if (bare >= 0) {
      throw new HeapsoakError(
        "bad-trace",
        `${this.#trace.name}: line ${batch.lines[bare]}: there is no OFF to compare.`,
        {
          hint: "Replay it without --verify.",
        },
      );
    }
  }

  #add(batch: TraceBatch, from: number, end: number): void {
    if (this.#lost) {
      this.#operations += end - from;
      this.#notCompared += end - from;
      return;
    }
    for (let index = from; index < end && !this.stopped; index++) this.#queue.add(batch, index, ++this.#operations);
  }

  #mark(mark: TraceCheck | TraceBreak): void {
    this.#queue.flush();
    if (this.stopped) return;
    if (!isBreak(mark)) {
      if (!this.#lost) this.#check(mark);
    } else if (mark.kind === "gap") this.#lost = true;
    else this.#reboot();
  }

  #reboot(): void {
    this.#lost = false;
    this.#queue.reboot(() => void this.#record.restart());
  }

  result(): Verification {
    return {
      file: this.#trace.name,
      allocator: this.#entry.name,
      operations: this.#operations,
      notCompared: this.#notCompared,
      ...(this.#trace.recording && { recording: this.#trace.recording }),
      mismatches: this.#mismatches,
      shown: this.#shown,
      stopped: this.stopped,
    };
  }

  /** Runs the queue and compares offsets. */
  #run(): void {
    if (this.stopped) return;
    this.#remember();
    try {
      this.#record.batchCore.heapReplay(this.#record.address, 0, this.#queue.count);
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      this.#stop();
      return;
    }
    this.#compareOffsets(this.#queue.count);
  }

  #compareOffsets(count: number): void {
    const wrong: number[] = [];
    const { fast } = this.#device.engine;
    for (let at = fast.firstMismatch(0, count); at < count; at = fast.firstMismatch(at + 1, count)) {
      if (this.#mismatches++ < SHOWN) wrong.push(at);
    }
    if (wrong.length > 0) this.#show(wrong, count);
  }

  /** Repeats the run to describe the heap as it was behind each of the operations `wrong`. */
  #show(wrong: readonly number[], count: number): void {
    const results = wrong.map((index) => this.#queue.buffer.get(index, OperationField.Result));
    this.#goBack();
    let from = 0;
    for (const [nth, index] of wrong.entries()) {
      this.#record.batchCore.heapReplay(this.#record.address, from, index + 1);
      from = index + 1;
      this.#shown.push(this.#offsetMismatch(index, results[nth] ?? 0));
    }
    if (from < count) this.#record.batchCore.heapReplay(this.#record.address, from, count);
  }

  #offsetMismatch(index: number, result: number): Mismatch {
    const expected = this.#queue.buffer.get(index, OperationField.Expected);
    const arena = this.#record.get(HeapField.Arena);
    const places = [result, expected].map((offset) => arena + offset);
    return {
      operation: this.#queue.positions.numbers[index] ?? 0,
      line: this.#queue.positions.lines[index] ?? 0,
      record: this.#recordText(index),
      expected: formatOffset(expected),
      got: formatOffset(result),
      around: unlessFault(() => picturesAround(this.#record, places)) ?? "the heap cannot be walked",
    };
  }

  /** The device stopped in the run: finds where, and compares what came before. */
  #stop(): void {
    this.#goBack();
    const { index, fault } = stepToFault(this.#record.batchCore, this.#record, this.#queue.count);
    this.#goBack();
    if (index > 0) this.#record.batchCore.heapReplay(this.#record.address, 0, index);
    this.#compareOffsets(index);
    unlessFault(() => step(this.#record.batchCore, this.#record, index));
    this.#operations = this.#queue.positions.numbers[index] ?? 0;
    this.stopped = `operation ${this.#operations}: ${fault.message}`;
    this.#note({
      operation: this.#operations,
      line: this.#queue.positions.lines[index] ?? 0,
      record: this.#recordText(index),
      expected: "no fault",
      got: fault.message,
      around: this.#picture(),
    });
  }

  /** Everything queued has run. */
  #check(check: TraceCheck): void {
    if (check.kind === "checksum") this.#checkChecksum(check.crc32, check.line);
    else this.#checkStatistics(check.claims, check.line);
  }

  #checkChecksum(expected: number, line: number): void {
    const arena = this.#record.get(HeapField.Arena);
    const got = crc32(this.#device.engine.bytes.subarray(arena, arena + this.#arenaBytes));
    if (got !== expected) this.#noteCheck(line, "h", formatChecksum(expected), formatChecksum(got));
  }

  #checkStatistics(claims: readonly StatisticClaim[], line: number): void {
    const values = unlessFault(() => this.#record.statistics()) ?? [];
    for (const { key, value } of claims) {
      const raw = values[this.#entry.statisticKeys.indexOf(key)];
      const got = raw !== undefined && this.#entry.signedStatisticKeys?.includes(key) ? raw | 0 : raw;
      if (got !== value)
        this.#noteCheck(line, `s ${key}`, String(value), got === undefined ? "not reported" : String(got));
    }
  }

  #noteCheck(line: number, record: string, expected: string, got: string): void {
    this.#note({ operation: this.#operations, line, record, expected, got, around: this.#picture() });
  }

  #note(mismatch: Mismatch): void {
    if (this.#mismatches++ < SHOWN) this.#shown.push(mismatch);
  }

  #picture(): string {
    return unlessFault(() => heapPicture(this.#record.blocks())) ?? "the heap cannot be walked";
  }

  #recordText(index: number): string {
    const { buffer, positions } = this.#queue;
    const id = positions.ids[index];
    const bytes = buffer.get(index, OperationField.RequestBytes);
    switch (buffer.get(index, OperationField.Opcode) as Opcode) {
      case Opcode.Release:
        return `f ${id}`;
      case Opcode.Reallocate:
        return `r ${id} ${bytes}`;
      case Opcode.AllocateAligned:
        return `z ${id} ${buffer.get(index, OperationField.Alignment)} ${bytes}`;
      case Opcode.Allocate:
        return `a ${id} ${bytes}`;
    }
  }

  #remember(): void {
    const { slots } = this.#queue.buffer.keep(0, this.#queue.slots.high);
    this.#before = { snapshot: this.#device.snapshot(this.#before?.snapshot), slots };
  }

  #goBack(): void {
    if (!this.#before) return;
    this.#device.restore(this.#before.snapshot);
    this.#queue.buffer.putBack({ slots: this.#before.slots });
  }
}

function isBreak(mark: TraceCheck | TraceBreak): mark is TraceBreak {
  return mark.kind === "gap" || mark.kind === "boot";
}

/** Checks and breaks in the order of their lines. */
function marksOf({ checks, breaks }: TraceBatch): readonly (TraceCheck | TraceBreak)[] {
  return breaks.length === 0 ? checks : [...checks, ...breaks].sort((a, b) => a.line - b.line);
}

/** The blocks around each of the addresses that lie in the heap: `0x2001_0040: 16 [24] 40 …`. */
function picturesAround(record: HeapRecord, addresses: readonly number[]): string {
  const blocks = [...record.blocks()];
  const places = addresses.map((address) =>
    blocks.findIndex((block) => address >= block.address && address < block.address + block.bytes),
  );
  const found = [...new Set(places.filter((place) => place >= 0))].sort((a, b) => a - b);
  if (found.length === 0) return heapPicture(blocks);
  return found
    .map((place) => {
      const near = blocks.slice(Math.max(0, place - BLOCKS_AROUND), place + BLOCKS_AROUND + 1);
      return `${formatAddress(near[0]?.address ?? 0)}: ${heapPicture(near, { bookkeeping: true })}`;
    })
    .join(" … ");
}
