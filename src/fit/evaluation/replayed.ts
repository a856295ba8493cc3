/** The trace on the heap of the comparison, looked at in both of its halves. */
import { HeapField } from "../../../assembly/memory-map.ts";
import { findAllocator } from "../../allocators/catalogue.ts";
import type { OptionValues } from "../../allocators/entry.ts";
import type { Device } from "../../device/device.ts";
import { HeapsoakError } from "../../errors.ts";
import type { TraceBatch } from "../../trace/format.ts";
import { OperationQueue } from "../../trace/operation-queue.ts";
import { type OpenTrace, openTrace } from "../../trace/reader.ts";
import { replayHeap } from "../../trace/replay.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import type { HeapRecord } from "../../wasm/heap-record.ts";
import { type HeapSamples, SampleColumns } from "./heap-samples.ts";

/** The heap that trace and scenario are compared on. */
export interface EvaluationPlace {
  readonly allocator: string;
  readonly options?: OptionValues;
  readonly heapBytes: number;
}

/** The operations in front of each look of a window, ascending. */
export type Window = Float64Array;

/**
 * Replays the trace and looks at the heap in each of the windows, which follow each other. Throws `bad-trace`, also
 * where the trace stops the device.
 */
export async function replayWindows(
  path: string,
  place: EvaluationPlace,
  windows: readonly Window[],
): Promise<HeapSamples[]> {
  const trace = await openTrace(path);
  try {
    const player = new WindowPlayer(trace, place, windows);
    for await (const batch of trace.batches()) {
      player.add(batch);
      if (player.isDone) break;
    }
    return player.finish();
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    throw new HeapsoakError("bad-trace", `${trace.name}: on ${place.allocator} it stops the device: ${fault.message}`, {
      hint: "`heapsoak replay` shows the operation. Another --allocator or --heap-size may do.",
    });
  } finally {
    await trace.close();
  }
}

/** Runs the trace in pieces, from look to look. */
class WindowPlayer {
  readonly #device: Device;
  readonly #record: HeapRecord;
  readonly #queue: OperationQueue;
  readonly #windows: readonly Window[];
  readonly #finished: HeapSamples[] = [];
  #position = 0;
  #columns: SampleColumns | undefined;
  #before = { requests: 0, failedRequests: 0 };

  constructor(trace: OpenTrace, { allocator, options, heapBytes }: EvaluationPlace, windows: readonly Window[]) {
    const { device, heap } = replayHeap(trace, { heapBytes, ...(options && { options }) }, findAllocator(allocator));
    this.#device = device;
    this.#record = device.recordOf(heap);
    // The exact instance answers as the board would wherever the metadata leads.
    this.#queue = new OperationQueue(device.engine, () => {
      this.#device.engine.exact.heapReplay(this.#record.address, 0, this.#queue.count);
    });
    this.#windows = windows;
  }

  get isDone(): boolean {
    return this.#finished.length === this.#windows.length;
  }

  add(batch: TraceBatch): void {
    const first = this.#position;
    let at = 0;
    for (let next = this.#nextLook; next !== undefined && next <= first + batch.count; next = this.#nextLook) {
      this.#run(batch, at, next - first);
      at = next - first;
      this.#look();
    }
    this.#run(batch, at, batch.count);
    this.#position = first + batch.count;
  }

  /** A look that was due behind the last operation is taken now. */
  finish(): HeapSamples[] {
    while (this.#nextLook !== undefined) this.#look();
    return this.#finished;
  }

  get #nextLook(): number | undefined {
    return this.#windows[this.#finished.length]?.[this.#columns?.count ?? 0];
  }

  #run(batch: TraceBatch, from: number, end: number): void {
    let at = from;
    for (const { kind, after } of batch.breaks) {
      // One at `end` comes before a look there, and does no harm a second time.
      if (kind !== "boot" || after < from || after > end) continue;
      this.#add(batch, at, after);
      this.#queue.reboot(() => void this.#record.restart());
      at = after;
    }
    this.#add(batch, at, end);
    this.#queue.flush();
  }

  #add(batch: TraceBatch, from: number, end: number): void {
    for (let index = from; index < end; index++) this.#queue.add(batch, index, 0);
  }

  #look(): void {
    const window = this.#windows[this.#finished.length];
    this.#columns ??= this.#begin(window?.length ?? 0);
    this.#columns.add(this.#record.summary());
    if (this.#columns.count < (window?.length ?? 0)) return;
    const { requests, failedRequests } = this.#record.counters();
    const peakLiveBytes = this.#record.get(HeapField.PeakLiveBytes);
    this.#finished.push(
      this.#columns.finish({
        peakLiveBytes,
        requests: requests - this.#before.requests,
        failedRequests: failedRequests - this.#before.failedRequests,
      }),
    );
    this.#columns = undefined;
  }

  /** The counters of a window begin with its first look. */
  #begin(looks: number): SampleColumns {
    const { requests, failedRequests } = this.#record.counters();
    this.#before = { requests, failedRequests };
    this.#record.set(HeapField.PeakLiveBytes, this.#record.get(HeapField.LiveBytes));
    return new SampleColumns(looks);
  }
}
