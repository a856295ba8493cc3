import { SoakHeapField } from "../../assembly/soak/ledger-map.ts";
import {
  MAP_CELLS,
  MAP_CELLS_PER_WORD,
  RowField,
  SeriesField,
  TELEMETRY_ROWS,
  TelemetryField,
} from "../../assembly/soak/telemetry-map.ts";
import { SOAK, SoakField } from "../../assembly/soak-map.ts";
import type { HeapSeries } from "../soak/record.ts";
import type { Engine } from "./engine.ts";

/** A heap's worst moments since the warm-up ended: what expectations are judged on. */
export interface JudgedHeap {
  readonly minimumFreeBytes: number;
  readonly minimumLargestFreeBytes: number;
  readonly failedRequests: number;
  readonly fragmentationFailures: number;
  readonly leaks: number;
  readonly visitsMost: number;
  /** The worst sample of either kind, 0 to 1, and when; undefined before the first sample. */
  readonly worstExternal: WorstRatio | undefined;
  readonly worstInternal: WorstRatio | undefined;
}
export interface WorstRatio {
  readonly ratio: number;
  readonly atUs: number;
}

/** A heap's extremes over the whole run, warm-up included. */
export interface HeapExtremes {
  readonly peakLiveBytes: number;
  readonly minimumFreeBytes: number;
  readonly minimumLargestFreeBytes: number;
  readonly visitsMost: number;
}

/** What telemetry knows of a heap at a moment. */
export interface HeapTelemetry {
  readonly series: HeapSeries;
  readonly judged: JudgedHeap;
  readonly wholeRun: HeapExtremes;
  /** When a sample first found the heap's metadata broken, or undefined. */
  readonly inconsistentUs: number | undefined;
}

/** Bytes of engine memory that the telemetry of so many heaps takes, for any uptime. */
export function telemetryBytes(heapCount: number): number {
  return (TelemetryField.Length + heapCount * (SeriesField.Length + TELEMETRY_ROWS * RowField.Length)) * 4;
}

/** The telemetry in engine memory (assembly/soak/telemetry.ts): the only place of the host that knows its offsets. */
export class SoakTelemetry {
  readonly #engine: Engine;
  readonly #heapCount: number;
  readonly #address: number;

  /** Reserves the memory and hands it to the kernel, which clears it when the run starts. */
  static reserve(engine: Engine, heapCount: number): SoakTelemetry {
    const address = engine.allocatePool(telemetryBytes(heapCount));
    engine.setWord(SOAK + SoakField.Telemetry * 4, address);
    const telemetry = new SoakTelemetry(engine, address, heapCount);
    for (let index = 0; index < heapCount; index++) {
      engine.setWord(telemetry.#seriesOf(index) + SeriesField.Rows * 4, telemetry.#rowsOf(index));
    }
    return telemetry;
  }

  private constructor(engine: Engine, address: number, heapCount: number) {
    this.#engine = engine;
    this.#address = address;
    this.#heapCount = heapCount;
  }

  /** When judging began; 0 without a warm-up, undefined while a warm-up of `warmupUs` has not ended. */
  judgedFromUs(warmupUs: number): number | undefined {
    if (warmupUs === 0) return 0;
    const ended = this.#engine.word(this.#address + TelemetryField.WarmedUp * 4) !== 0;
    return ended ? this.#wide(this.#address + TelemetryField.JudgedFrom * 4) : undefined;
  }

  /** Ends the warm-up: the run must stand at the warm-up's last microsecond. */
  beginJudging(): void {
    this.#engine.exact.soakBeginJudging();
  }

  /** All heaps as of now, the window since the last sample included. Changes nothing in the engine. */
  read(): HeapTelemetry[] {
    const restore = this.#setAside();
    try {
      this.#engine.exact.soakCloseTelemetry();
      return Array.from({ length: this.#heapCount }, (_, index) => this.#heap(index));
    } finally {
      restore();
    }
  }

  /** The extremes of heap number `index`. Reads a few words only. */
  extremes(index: number): HeapExtremes {
    return this.#wholeRun(index);
  }

  /** What closing the last window changes: the telemetry and the accounts of the heaps. */
  #setAside(): () => void {
    const { bytes } = this.#engine;
    const heaps = this.#soakHeapOf(0);
    const kept = [
      { low: this.#address, bytes: telemetryBytes(this.#heapCount) },
      { low: heaps, bytes: this.#heapCount * SoakHeapField.Length * 4 },
    ].map(({ low, bytes: length }) => ({ low, copy: bytes.slice(low, low + length) }));
    return () => {
      for (const { low, copy } of kept) bytes.set(copy, low);
    };
  }

  #heap(index: number): HeapTelemetry {
    const series = this.#seriesOf(index);
    const broken = this.#engine.word(series + SeriesField.Inconsistent * 4) !== 0;
    return {
      series: this.#series(index),
      judged: this.#judged(index),
      wholeRun: this.#wholeRun(index),
      inconsistentUs: broken ? this.#wide(series + SeriesField.InconsistentAt * 4) : undefined,
    };
  }

  #judged(index: number): JudgedHeap {
    const series = this.#seriesOf(index);
    const account = (field: SoakHeapField) => this.#engine.word(this.#soakHeapOf(index) + field * 4);
    const since = (total: SoakHeapField, before: SeriesField) =>
      this.#wide(this.#soakHeapOf(index) + total * 4) - this.#wide(series + before * 4);
    return {
      minimumFreeBytes: this.#leastFree(index, account(SoakHeapField.PeakLiveBytes)),
      minimumLargestFreeBytes: this.#minimumLargestFree(index),
      failedRequests: since(SoakHeapField.FailedRequests, SeriesField.WarmupFailedRequests),
      fragmentationFailures: since(SoakHeapField.FragmentationFailures, SeriesField.WarmupFragmentationFailures),
      leaks: account(SoakHeapField.Leaks) - this.#engine.word(series + SeriesField.WarmupLeaks * 4),
      visitsMost: account(SoakHeapField.VisitsMost),
      worstExternal: this.#worst(series + SeriesField.WorstExternal * 4),
      worstInternal: this.#worst(series + SeriesField.WorstInternal * 4),
    };
  }

  #wholeRun(index: number): HeapExtremes {
    const account = (field: SoakHeapField) => this.#engine.word(this.#soakHeapOf(index) + field * 4);
    const warmup = (field: SeriesField) => this.#engine.word(this.#seriesOf(index) + field * 4);
    const peakLiveBytes = Math.max(account(SoakHeapField.PeakLiveBytes), warmup(SeriesField.WarmupPeakLiveBytes));
    const minimumLargestFree = this.#minimumLargestFree(index);
    return {
      peakLiveBytes,
      minimumFreeBytes: this.#leastFree(index, peakLiveBytes),
      minimumLargestFreeBytes: Math.min(minimumLargestFree, warmup(SeriesField.WarmupMinimumLargestFree)),
      visitsMost: Math.max(account(SoakHeapField.VisitsMost), warmup(SeriesField.WarmupVisitsMost)),
    };
  }

  #leastFree(index: number, peakLiveBytes: number): number {
    const emptyFreeBytes = this.#engine.word(this.#soakHeapOf(index) + SoakHeapField.EmptyFreeBytes * 4);
    return Math.max(0, emptyFreeBytes - peakLiveBytes);
  }

  #minimumLargestFree(index: number): number {
    const account = (field: SoakHeapField) => this.#engine.word(this.#soakHeapOf(index) + field * 4);
    return Math.min(account(SoakHeapField.MinimumLargestFree), account(SoakHeapField.WindowMinimumLargestFree));
  }

  #worst(address: number): WorstRatio | undefined {
    const ratio = new DataView(this.#engine.bytes.buffer).getFloat64(address, true);
    return ratio < 0 ? undefined : { ratio, atUs: this.#wide(address + 8) };
  }

  #series(index: number): HeapSeries {
    const count = this.#engine.word(this.#address + TelemetryField.Rows * 4);
    const rows = Array.from({ length: count }, (_, i) => this.#rowsOf(index) + i * RowField.Length * 4);
    const column = (field: number) => rows.map((row) => this.#engine.word(row + field * 4));
    const figure = (field: RowField) => ({ min: column(field), max: column(field + 1), last: column(field + 2) });
    return {
      atUs: rows.map((row) => this.#wide(row + RowField.At * 4)),
      freeBytes: figure(RowField.FreeBytes),
      largestFreeBytes: figure(RowField.LargestFreeBytes),
      holes: figure(RowField.Holes),
      liveBlocks: figure(RowField.LiveBlocks),
      requestedBytes: figure(RowField.RequestedBytes),
      failedRequests: column(RowField.FailedRequests),
      visitsMax: column(RowField.VisitsMost),
      map: rows.map((row) => this.#mapOf(row)),
    };
  }

  #mapOf(row: number): string {
    let digits = "";
    for (let cell = 0; cell < MAP_CELLS; cell++) {
      const word = this.#engine.word(row + (RowField.AddressMap + Math.floor(cell / MAP_CELLS_PER_WORD)) * 4);
      digits += (word >>> ((cell % MAP_CELLS_PER_WORD) * 4)) & 15;
    }
    return digits;
  }

  #seriesOf(index: number): number {
    return this.#address + (TelemetryField.Length + index * SeriesField.Length) * 4;
  }

  #rowsOf(index: number): number {
    const behindSeries = this.#seriesOf(this.#heapCount);
    return behindSeries + index * TELEMETRY_ROWS * RowField.Length * 4;
  }

  #soakHeapOf(index: number): number {
    return this.#engine.word(SOAK + SoakField.Heaps * 4) + index * SoakHeapField.Length * 4;
  }

  /** A 64-bit value below 2^53, low word first. */
  #wide(address: number): number {
    return this.#engine.word(address) + this.#engine.word(address + 4) * 2 ** 32;
  }
}
