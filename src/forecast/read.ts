import { basename } from "node:path";
import type { Readable } from "node:stream";
import { HeapsoakError, printable } from "../errors.ts";
import { openSource } from "../trace/input.ts";
import { decodedName, eachLine, type LineCounts } from "./counter-lines.ts";
import { CsvReader, type NamedColumns } from "./csv-format.ts";
import { DeviceTrack } from "./device-track.ts";
import { FORMATS, Recogniser } from "./recognise.ts";
import type { SourceRecord } from "./record.ts";
import { blankSample, clearSample, LineKind, type LineReader, type Sample } from "./sample.ts";

/** More are no fleet's log but a wrong column. */
const DEVICES_MOST = 10_000;
const FAULTS_KEPT = 3;
/** Of the lines that were meant to be samples, what may be broken. */
const BROKEN_RATIO_MOST = 0.5;
/** So many lines are looked at to find out the format before the file counts as unrecognised. */
const WAITING_LINES_MOST = 50_000;
const WAITING_STEP = 2000;

/** What to read, and how. */
export interface ReadRequest {
  readonly paths: readonly string[];
  readonly columns: NamedColumns;
  readonly format?: string | undefined;
  /** A largest block below this counts as exhausted. */
  readonly requestBytes: number;
}

/** A file, or what stands for one. */
export interface CounterInput {
  readonly path: string;
  open(): Promise<Readable>;
}

/** The devices by name, as they were met, and what the files were like. */
export interface Counters {
  readonly tracks: ReadonlyMap<string, DeviceTrack>;
  readonly sources: readonly SourceRecord[];
}

/** Reads all files into the tracks of their devices. Throws `cannot-read`, `bad-counters`, `bad-argument`. */
export function readCounters(request: ReadRequest): Promise<Counters> {
  const inputs = request.paths.map((path) => ({ path, open: () => openSource(path, path) }));
  return readCounterStreams(inputs, request);
}

/** The same from any streams; each is opened when it is its turn. */
export async function readCounterStreams(
  inputs: readonly CounterInput[],
  request: Omit<ReadRequest, "paths">,
): Promise<Counters> {
  const tracks = new Map<string, DeviceTrack>();
  const sources: SourceRecord[] = [];
  const names = deviceNames(inputs.map(({ path }) => path));
  for (const [index, { path, open }] of inputs.entries()) {
    const file = new CounterFile(path, names[index] ?? path, request, tracks);
    sources.push(await file.read(await open()));
  }
  refuseDisorder(tracks.values());
  return { tracks, sources };
}

/** Of samples that are out of order, what is still some order. */
const DISORDER_RATIO_MOST = 0.5;
/** A least-free counter that rises more often than this counts something else. */
const RISE_RATIO_MOST = 0.25;
const SAMPLES_TO_JUDGE = 10;

/** Throws `bad-counters` for what no device logs, but a wrong order, unit or column does. */
function refuseDisorder(tracks: Iterable<DeviceTrack>): void {
  const judged = [...tracks].filter((track) => track.record().samples >= SAMPLES_TO_JUDGE);
  const isAll = (is: (track: DeviceTrack) => boolean) => judged.length > 0 && judged.every(is);
  const refuse = (what: string, hint: string) => {
    throw new HeapsoakError("bad-counters", `${judged[0]?.device}: ${what}.`, { hint });
  };
  if (isAll((track) => track.record().outOfOrder > track.record().samples * DISORDER_RATIO_MOST)) {
    refuse("the times of most samples go back", "Sort the samples by time, the oldest first.");
  }
  const isDated = ({ known }: DeviceTrack) => known.uptime && known.dated;
  if (isAll((track) => isDated(track) && track.record().clockJumps > track.record().samples * DISORDER_RATIO_MOST)) {
    const hint = "Is its unit another one? An uptime without a unit in its name counts as seconds: --time COLUMN:ms.";
    refuse("the uptime does not run as the dates do", hint);
  }
  const isByMinimum = ({ known }: DeviceTrack) => known.minimum && !known.uptime && !known.boot;
  if (isAll((track) => isByMinimum(track) && track.record().reboots > track.record().samples * RISE_RATIO_MOST)) {
    const hint = "Is it the least of each interval? Take its column out, or name the right one with --min-free.";
    refuse("the least free memory since boot rises again and again", hint);
  }
}

/** A file without a column of devices is one device: its name, or its path where two have the same name. */
function deviceNames(paths: readonly string[]): string[] {
  const bases = paths.map((path) => (path === "-" ? "standard input" : basename(path)));
  return bases.map((base, index) => (bases.indexOf(base) === bases.lastIndexOf(base) ? base : (paths[index] ?? base)));
}

/** One file on its way into the tracks. */
class CounterFile {
  readonly #name: string;
  readonly #device: string;
  readonly #request: Omit<ReadRequest, "paths">;
  readonly #tracks: Map<string, DeviceTrack>;
  readonly #recogniser: Recogniser;
  readonly #counts: LineCounts = { lines: 0, tooLong: 0, unfinishedBytes: 0, cut: null };
  readonly #sample: Sample = blankSample();
  readonly #faults: { line: number; reason: string }[] = [];
  #reader: LineReader | undefined;
  #waiting: { text: string; line: number }[] = [];
  /** By the bytes that stand for the device in this file. */
  readonly #named = new Map<string, DeviceTrack>();
  #samples = 0;
  #broken = 0;
  #other = 0;
  #hasBooted = false;

  constructor(path: string, device: string, request: Omit<ReadRequest, "paths">, tracks: Map<string, DeviceTrack>) {
    this.#name = path === "-" ? "standard input" : path;
    this.#device = device;
    this.#request = request;
    this.#tracks = tracks;
    this.#recogniser = new Recogniser(request.columns, request.format);
  }

  async read(input: Readable): Promise<SourceRecord> {
    await eachLine(input, this.#name, this.#counts, (line) => this.#take(line));
    if (!this.#reader) this.#recognise(true);
    this.#refuseUseless();
    return {
      name: printable(this.#name),
      format: this.#reader?.format ?? "",
      columns: this.#reader instanceof CsvReader ? namesOf(this.#reader) : null,
      lines: this.#counts.lines,
      samples: this.#samples,
      otherLines: this.#other,
      brokenLines: this.#broken,
      tooLongLines: this.#counts.tooLong,
      unfinishedBytes: this.#counts.unfinishedBytes,
      cut: this.#counts.cut,
      faults: this.#faults,
    };
  }

  #take(line: string): void {
    if (this.#reader) {
      this.#line(this.#reader, line, this.#counts.lines);
      return;
    }
    this.#waiting.push({ text: line, line: this.#counts.lines });
    const count = this.#waiting.length;
    if (count === 30 || count % WAITING_STEP === 0) this.#recognise(false);
  }

  #recognise(isWhole: boolean): void {
    const found = this.#recogniser.find(
      this.#waiting.map(({ text }) => text),
      isWhole,
    );
    if (!found && (isWhole || this.#waiting.length >= WAITING_LINES_MOST)) this.#refuseUnknown();
    if (!found) return;
    this.#reader = found.reader;
    this.#other += found.headerLines;
    for (const { text, line } of this.#waiting.slice(found.headerLines)) this.#line(found.reader, text, line);
    this.#waiting = [];
  }

  #line(reader: LineReader, text: string, number: number): void {
    const sample = clearSample(this.#sample);
    const kind = reader.read(text, sample);
    if (kind === LineKind.Sample) this.#add(sample);
    else if (kind === LineKind.Broken) this.#fault(number, reader.fault);
    else {
      this.#other++;
      if (kind === LineKind.Boot) this.#boot();
    }
  }

  /** Of all heaps that the file tells of, and of those that it will tell of. */
  #boot(): void {
    this.#hasBooted = true;
    for (const track of this.#named.values()) track.boot();
  }

  #add(sample: Sample): void {
    this.#samples++;
    this.#trackOf(sample.device).add(sample);
  }

  #trackOf(device: string): DeviceTrack {
    const known = this.#named.get(device);
    if (known) return known;
    const name = device === "" ? this.#device : printable(decodedName(device.slice(0, 80)));
    let track = this.#tracks.get(name);
    if (!track) {
      if (this.#tracks.size >= DEVICES_MOST) this.#refuseDevices();
      track = new DeviceTrack(name, this.#request.requestBytes);
      this.#tracks.set(name, track);
    }
    this.#named.set(device, track);
    if (this.#hasBooted) track.boot();
    return track;
  }

  #fault(line: number, reason: string): void {
    this.#broken++;
    if (this.#faults.length < FAULTS_KEPT) this.#faults.push({ line, reason: printable(decodedName(reason)) });
  }

  #refuseUseless(): void {
    this.#refuseCutSource();
    const meant = this.#samples + this.#broken;
    const first = this.#faults[0];
    if (this.#samples > 0 && this.#broken <= meant * BROKEN_RATIO_MOST) return;
    if (!first) {
      const cut = this.#counts.unfinishedBytes > 0 ? " but perhaps in its last line, which has no end" : "";
      throw new HeapsoakError("bad-counters", `${this.#name}: holds no samples${cut}.`);
    }
    const which = `line ${first.line}: ${first.reason}`;
    throw new HeapsoakError(
      "bad-counters",
      `${this.#name}: ${this.#broken} of ${meant} samples cannot be read; ${which}.`,
      { hint: timeHint(first.reason) },
    );
  }

  /** Where what was read before the cut holds no samples, the cut is why. */
  #refuseCutSource(): void {
    const { cut } = this.#counts;
    if (cut !== null && this.#samples === 0) throw new HeapsoakError("bad-counters", `${cut} No samples stand before.`);
  }

  #refuseUnknown(): never {
    this.#refuseCutSource();
    throw new HeapsoakError(
      "bad-counters",
      this.#counts.lines === 0
        ? `${this.#name}: has no lines.`
        : `${this.#name}: no counters of a heap were recognised in its first lines.`,
      {
        hint: `Name the columns (--time TIME --free FREE --largest LARGEST), or the format (--format ${FORMATS.join(" | ")}).`,
      },
    );
  }

  #refuseDevices(): never {
    throw new HeapsoakError(
      "bad-counters",
      `${this.#name}: line ${this.#counts.lines}: more than ${DEVICES_MOST} devices.`,
      {
        hint: "Is the column of devices the right one? Otherwise split the file.",
      },
    );
  }
}

function namesOf({ columns }: CsvReader): Record<string, string> {
  return Object.fromEntries(Object.entries(columns).map(([role, { name }]) => [role, printable(decodedName(name))]));
}

function timeHint(reason: string): string {
  if (reason.endsWith("a fraction")) return "Write the bytes as whole numbers without separators.";
  if (reason.endsWith('" is no time')) {
    return "Times may be 2026-01-31 07:30:00, 31.01.2026 07:30:00, seconds since 1970 or since boot, 07:30:00.";
  }
  if (reason.endsWith("has no unit"))
    return "Say which column and unit: --time COLUMN:ms, :s or :us for times since boot.";
  if (reason === "no time") {
    return "Each sample needs a time: an ISO date, seconds since 1970, [ 12.345] or (12345) before the text, or a column.";
  }
  return "Expected a time and a number of bytes in every line that has counters.";
}
