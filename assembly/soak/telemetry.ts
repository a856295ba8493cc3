/**
 * Telemetry: what is kept of each heap over any uptime, in a fixed number of rows.
 *
 * A sample closes the window since the one before. Rows take one sample each until all are in use; then
 * neighbours are merged and a row takes twice as many, and so on:
 *
 *   1 2 3 4 5 6 7 8     =>     1-2 3-4 5-6 7-8  9-10 …
 *
 * The least free bytes and the least largest free request of a window are exact: the ledger keeps them between
 * samples. Everything else is what the samples saw.
 *
 * Invariant: a sample changes nothing that the run can see. A heap whose metadata is broken is not walked, as
 * the walk could end in a fault that the device would not have; its row repeats what was last known.
 */
import { HeapField, OUTPUT } from "../memory-map";
import { Verb } from "../perform";
import { dispatch } from "../registry";
import { SOAK, SoakField } from "../soak-map";
import { resetLargestFreeWindow } from "./ledger";
import { SoakHeapField } from "./ledger-map";
import { forgetExtremes, SoakHeap } from "./soak-heap";
import { ROW_FIGURES, RowField, SeriesField, SurveyField, TELEMETRY_ROWS, TelemetryField } from "./telemetry-map";

const ROW_BYTES: u32 = RowField.Length << 2;
const MAP_BYTES: u32 = (RowField.AddressMapEnd - RowField.AddressMap) << 2;
const WINDOW_BEGIN: f64 = -1;

/** Starts the series of all heaps: no rows, and every window begins now. */
export function prepareTelemetry(): void {
  const telemetry = telemetryRecord();
  memory.fill(telemetry, 0, TelemetryField.Length << 2);
  store<u32>(telemetry, 1, TelemetryField.SamplesPerRow << 2);
  for (let index: u32 = 0; index < heapCount(); index++) {
    const series = seriesOf(telemetry, index);
    memory.fill(series, 0, SeriesField.Rows << 2);
    store<u32>(series, u32.MAX_VALUE, SeriesField.WarmupMinimumLargestFree << 2);
    forgetWorst(series);
  }
}

/** Closes the windows of all heaps at SoakField.Now. Cost: two walks a heap. */
export function sampleTelemetry(): void {
  const telemetry = telemetryRecord();
  openRow(telemetry);
  sampleInto(telemetry);
  store<u32>(telemetry, load<u32>(telemetry, TelemetryField.RowSamples << 2) + 1, TelemetryField.RowSamples << 2);
}

/** The run is over: samples what has happened since the last sample, into the last row where no time has passed. */
export function closeTelemetry(): void {
  const telemetry = telemetryRecord();
  const sampledNow = load<u64>(telemetry, TelemetryField.SampledAt << 2) == now();
  if (sampledNow && load<u32>(telemetry, TelemetryField.Rows << 2) != 0) sampleInto(telemetry);
  else sampleTelemetry();
}

/** The warm-up is over: what expectations are judged on begins now. */
export function beginJudging(): void {
  closeTelemetry();
  const telemetry = telemetryRecord();
  store<u64>(telemetry, now(), TelemetryField.JudgedFrom << 2);
  store<u32>(telemetry, 1, TelemetryField.WarmedUp << 2);
  for (let index: u32 = 0; index < heapCount(); index++) {
    const series = seriesOf(telemetry, index);
    setWarmupAside(series, soakHeapOf(index));
    forgetWorst(series);
  }
}

/** Keeps what the warm-up had come to, and lets the extremes begin anew. */
function setWarmupAside(series: u32, heap: u32): void {
  store<u64>(series, load<u64>(heap, SoakHeapField.FailedRequests << 2), SeriesField.WarmupFailedRequests << 2);
  const fragmentation = load<u64>(heap, SoakHeapField.FragmentationFailures << 2);
  store<u64>(series, fragmentation, SeriesField.WarmupFragmentationFailures << 2);
  store<u32>(series, load<u32>(heap, SoakHeapField.Leaks << 2), SeriesField.WarmupLeaks << 2);
  store<u32>(series, load<u32>(heap, SoakHeapField.PeakLiveBytes << 2), SeriesField.WarmupPeakLiveBytes << 2);
  const largestFree = load<u32>(heap, SoakHeapField.MinimumLargestFree << 2);
  store<u32>(series, largestFree, SeriesField.WarmupMinimumLargestFree << 2);
  store<u32>(series, load<u32>(heap, SoakHeapField.VisitsMost << 2), SeriesField.WarmupVisitsMost << 2);
  forgetExtremes(changetype<SoakHeap>(heap));
  const least = load<u32>(heap, SoakHeapField.WindowMinimumLargestFree << 2); // a window has just begun
  store<u32>(heap, least, SoakHeapField.MinimumLargestFree << 2);
}

function forgetWorst(series: u32): void {
  store<f64>(series, WINDOW_BEGIN, SeriesField.WorstExternal << 2);
  store<f64>(series, WINDOW_BEGIN, SeriesField.WorstInternal << 2);
}

/** Makes sure that the last row takes another sample. */
function openRow(telemetry: u32): void {
  const rows = load<u32>(telemetry, TelemetryField.Rows << 2);
  const samplesPerRow = load<u32>(telemetry, TelemetryField.SamplesPerRow << 2);
  if (rows != 0 && load<u32>(telemetry, TelemetryField.RowSamples << 2) < samplesPerRow) return;
  store<u32>(telemetry, 0, TelemetryField.RowSamples << 2);
  if (rows == TELEMETRY_ROWS) {
    for (let index: u32 = 0; index < heapCount(); index++) mergeRows(rowsOf(telemetry, index));
    store<u32>(telemetry, samplesPerRow << 1, TelemetryField.SamplesPerRow << 2);
  }
  store<u32>(telemetry, (rows == TELEMETRY_ROWS ? rows / 2 : rows) + 1, TelemetryField.Rows << 2);
}

/** Samples all heaps into the last row. */
function sampleInto(telemetry: u32): void {
  const last = load<u32>(telemetry, TelemetryField.Rows << 2) - 1;
  const isNew = load<u32>(telemetry, TelemetryField.RowSamples << 2) == 0;
  for (let index: u32 = 0; index < heapCount(); index++) {
    const heap = soakHeapOf(index);
    const series = seriesOf(telemetry, index);
    const row = load<u32>(series, SeriesField.Rows << 2) + last * ROW_BYTES;
    const known = isNew && last == 0 ? 0 : isNew ? row - ROW_BYTES : row;
    const sound = surveyed(series, heap, known);
    if (isNew) beginRow(row);
    addSample(row, series, heap);
    noteWorst(series, heap);
    beginWindow(heap, sound);
  }
  store<u64>(telemetry, now(), TelemetryField.SampledAt << 2);
  const samples = load<u64>(telemetry, TelemetryField.Samples << 2);
  store<u64>(telemetry, samples + 1, TelemetryField.Samples << 2);
}

/** Puts a SurveyField record of the heap into OUTPUT; of a broken heap (false) what row `known` says, or nothing. */
function surveyed(series: u32, heap: u32, known: u32): bool {
  const record = load<u32>(heap, SoakHeapField.Record << 2);
  const visits = load<u32>(record, HeapField.Visits << 2);
  const sound = dispatch(record, Verb.Check, 0, 0) != 0;
  if (sound) dispatch(record, Verb.Survey, 0, 0);
  else repeatSurvey(series, known);
  store<u32>(record, visits, HeapField.Visits << 2);
  return sound;
}

function repeatSurvey(series: u32, known: u32): void {
  if (load<u32>(series, SeriesField.Inconsistent << 2) == 0) {
    store<u32>(series, 1, SeriesField.Inconsistent << 2);
    store<u64>(series, now(), SeriesField.InconsistentAt << 2);
  }
  memory.fill(OUTPUT, 0, SurveyField.Length << 2);
  if (known == 0) return;
  store<u32>(OUTPUT, load<u32>(known, (RowField.Holes + 2) << 2), SurveyField.Holes << 2);
  const largestFree = load<u32>(known, (RowField.LargestFreeBytes + 2) << 2);
  store<u32>(OUTPUT, largestFree, SurveyField.LargestFreeBytes << 2);
  memory.copy(OUTPUT + (SurveyField.AddressMap << 2), known + (RowField.AddressMap << 2), MAP_BYTES);
}

/** A row without samples: any value is less than its least and more than its greatest. */
function beginRow(row: u32): void {
  memory.fill(row, 0, ROW_BYTES);
  for (let figure: u32 = 0; figure < <u32>ROW_FIGURES; figure++) {
    store<u32>(row + figure * 12, u32.MAX_VALUE, RowField.FreeBytes << 2);
  }
}

/** Adds the window that ends now, from the ledger and the survey in OUTPUT. */
function addSample(row: u32, series: u32, heap: u32): void {
  const emptyFree = load<u32>(heap, SoakHeapField.EmptyFreeBytes << 2);
  const leastFree = lessOrNone(emptyFree, load<u32>(heap, SoakHeapField.WindowPeakLiveBytes << 2));
  const largestFree = load<u32>(OUTPUT, SurveyField.LargestFreeBytes << 2);
  const leastLargest = min(load<u32>(heap, SoakHeapField.WindowMinimumLargestFree << 2), largestFree);
  const requestedBytes = load<u32>(heap, SoakHeapField.RequestedBytes << 2);
  store<u64>(row, now(), RowField.At << 2);
  widen(row + (RowField.FreeBytes << 2), leastFree, freeBytesOf(heap));
  widen(row + (RowField.LargestFreeBytes << 2), leastLargest, largestFree);
  widenBy(row + (RowField.Holes << 2), load<u32>(OUTPUT, SurveyField.Holes << 2));
  widenBy(row + (RowField.LiveBlocks << 2), load<u32>(heap, SoakHeapField.LiveBlocks << 2));
  widenBy(row + (RowField.RequestedBytes << 2), requestedBytes);
  const failed = load<u64>(heap, SoakHeapField.FailedRequests << 2);
  addFailures(row, failed - load<u64>(series, SeriesField.FailedRequests << 2));
  store<u64>(series, failed, SeriesField.FailedRequests << 2);
  const visits = load<u32>(heap, SoakHeapField.WindowVisitsMost << 2);
  store<u32>(row, max(load<u32>(row, RowField.VisitsMost << 2), visits), RowField.VisitsMost << 2);
  memory.copy(row + (RowField.AddressMap << 2), OUTPUT + (SurveyField.AddressMap << 2), MAP_BYTES);
}

/** Fragmentation as this sample sees it, kept where it is the worst since judging began. */
function noteWorst(series: u32, heap: u32): void {
  const freeBytes = freeBytesOf(heap);
  const largestFree = load<u32>(OUTPUT, SurveyField.LargestFreeBytes << 2);
  const external: f64 = freeBytes ? 1.0 - <f64>min(largestFree, freeBytes) / <f64>freeBytes : 0;
  keepWorst(series + (SeriesField.WorstExternal << 2), external);
  const liveBytes = load<u32>(heap, SoakHeapField.LiveBytes << 2);
  const requestedBytes = load<u32>(heap, SoakHeapField.RequestedBytes << 2);
  const internal: f64 = liveBytes ? 1.0 - <f64>min(requestedBytes, liveBytes) / <f64>liveBytes : 0;
  keepWorst(series + (SeriesField.WorstInternal << 2), internal);
}

function keepWorst(place: u32, ratio: f64): void {
  if (ratio <= load<f64>(place)) return;
  store<f64>(place, ratio);
  store<u64>(place, now(), 8);
}

/** The ledger begins a window by looking at the heap; of a broken heap the account of largest free requests goes on. */
function beginWindow(heap: u32, sound: bool): void {
  if (sound) resetLargestFreeWindow(heap);
  store<u32>(heap, load<u32>(heap, SoakHeapField.LiveBytes << 2), SoakHeapField.WindowPeakLiveBytes << 2);
  store<u32>(heap, 0, SoakHeapField.WindowVisitsMost << 2);
}

/** Merges neighbours in place: [1][2][3][4] => [1-2][3-4]. */
function mergeRows(rows: u32): void {
  for (let i: u32 = 0; i < <u32>TELEMETRY_ROWS / 2; i++) {
    const earlier = rows + 2 * i * ROW_BYTES;
    const later = earlier + ROW_BYTES;
    mergeInto(later, earlier);
    memory.copy(rows + i * ROW_BYTES, later, ROW_BYTES);
  }
}

/** `later` becomes the row of both windows: times, last values and the map are its own already. */
function mergeInto(later: u32, earlier: u32): void {
  for (let figure: u32 = 0; figure < <u32>ROW_FIGURES; figure++) {
    const to = later + (RowField.FreeBytes << 2) + figure * 12;
    const from = earlier + (RowField.FreeBytes << 2) + figure * 12;
    store<u32>(to, min(load<u32>(to), load<u32>(from)));
    store<u32>(to, max(load<u32>(to, 4), load<u32>(from, 4)), 4);
  }
  addFailures(later, load<u32>(earlier, RowField.FailedRequests << 2));
  const visits = max(load<u32>(later, RowField.VisitsMost << 2), load<u32>(earlier, RowField.VisitsMost << 2));
  store<u32>(later, visits, RowField.VisitsMost << 2);
}

/** Adds to the row's failures, which stay at the largest number they can hold. */
function addFailures(row: u32, failures: u64): void {
  const sum = load<u32>(row, RowField.FailedRequests << 2) + failures;
  store<u32>(row, <u32>min<u64>(sum, u32.MAX_VALUE), RowField.FailedRequests << 2);
}

function widenBy(figure: u32, value: u32): void {
  widen(figure, value, value);
}

function widen(figure: u32, least: u32, last: u32): void {
  store<u32>(figure, min(load<u32>(figure), least));
  store<u32>(figure, max(load<u32>(figure, 4), last), 4);
  store<u32>(figure, last, 8);
}

function freeBytesOf(heap: u32): u32 {
  const emptyFree = load<u32>(heap, SoakHeapField.EmptyFreeBytes << 2);
  return lessOrNone(emptyFree, load<u32>(heap, SoakHeapField.LiveBytes << 2));
}

function lessOrNone(total: u32, part: u32): u32 {
  return total > part ? total - part : 0;
}

function now(): u64 {
  return load<u64>(SOAK + (SoakField.Now << 2));
}

function heapCount(): u32 {
  return load<u32>(SOAK + (SoakField.HeapCount << 2));
}

function telemetryRecord(): u32 {
  return load<u32>(SOAK + (SoakField.Telemetry << 2));
}

function soakHeapOf(index: u32): u32 {
  return load<u32>(SOAK + (SoakField.Heaps << 2)) + index * (SoakHeapField.Length << 2);
}

function seriesOf(telemetry: u32, index: u32): u32 {
  return telemetry + (TelemetryField.Length << 2) + index * (SeriesField.Length << 2);
}

function rowsOf(telemetry: u32, index: u32): u32 {
  return load<u32>(seriesOf(telemetry, index), SeriesField.Rows << 2);
}
