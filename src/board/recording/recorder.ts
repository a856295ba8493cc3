import { HeapsoakError } from "../../errors.ts";
import { isAllocatorEvent, isFrame, type LinkItem } from "../link/link.ts";
import type { BoardIdentity } from "../wire/messages.ts";
import type { EarlierRecording, RecordingFile } from "./recording-file.ts";
import { otherPlace, type RecordingStart, recordingHeader } from "./recording-header.ts";
import { type RecordingCounts, RecordingText } from "./recording-text.ts";

/** Items kept while nobody knows yet what the board is: ten seconds at 20,000 a second. */
const EARLY_ITEMS_MOST = 200_000;

interface EarlyItem {
  readonly item: LinkItem;
  readonly receivedMs: number;
}

/**
 * Writes what a board sends to a file, from the header on. The header needs to know the board, so what arrives before
 * its first `boot` or `identity` is kept, and written behind the header.
 */
export class Recorder {
  /** Why nothing more is recorded: the file's failure, or a board that does not fit the file. */
  failure: HeapsoakError | undefined;
  #identity: BoardIdentity | undefined;
  readonly #file: RecordingFile;
  readonly #start: RecordingStart;
  readonly #earlier: EarlierRecording | undefined;
  #early: EarlyItem[] = [];
  #text: RecordingText | undefined;

  constructor(file: RecordingFile, start: RecordingStart, earlier?: EarlierRecording) {
    this.#file = file;
    this.#start = start;
    this.#earlier = earlier;
  }

  /** What the board said it is when it was first heard. */
  get identity(): BoardIdentity | undefined {
    return this.#identity;
  }

  /** Whether the header is written. */
  get hasBegun(): boolean {
    return this.#text !== undefined;
  }

  /** Whether frames wait for the board to say what it is. */
  get hasFrames(): boolean {
    return this.#early.some(({ item }) => isFrame(item));
  }

  /** Undefined until the header is written. */
  get counts(): Readonly<RecordingCounts> | undefined {
    return this.#text?.counts;
  }

  get live(): { readonly blocks: number; readonly requestedBytes: number } {
    return this.#text?.live ?? { blocks: 0, requestedBytes: 0 };
  }

  /** Takes items that arrived at `receivedMs`. A promise: hold the line until it settles. Never throws. */
  take(items: readonly LinkItem[], receivedMs: number): Promise<void> | undefined {
    let lines = "";
    for (const item of items) {
      if (this.failure) return undefined;
      if (!this.#text && isIntroduction(item)) lines += this.#begin(item, receivedMs);
      if (this.#text) lines += this.#text.lines(item, receivedMs);
      else this.#early.push({ item, receivedMs });
    }
    if (!this.#text && this.#early.length > EARLY_ITEMS_MOST) lines += this.#beginWithout();
    return this.#file.append(lines);
  }

  /** Writes what waits although the board has not said what it is: then the records have no offsets. */
  beginWithoutIdentity(): void {
    if (!this.#text) void this.#file.append(this.#beginWithout());
  }

  #begin(identity: BoardIdentity, receivedMs: number): string {
    this.#identity = identity;
    const differs = this.#earlier && otherPlace(this.#earlier.header, identity);
    if (this.#earlier && differs) {
      const [was, is] = [this.#earlier.header.get(differs) ?? "nothing", headerValue(identity, differs)];
      this.failure = new HeapsoakError(
        "bad-board",
        `${this.#file.path}: ${differs} is ${was}, but the board's ${is}.`,
        {
          hint: "Only recordings of the same heap share a file: give another --out.",
        },
      );
      return "";
    }
    const head = this.#open(identity);
    return head + this.#introduce(identity, receivedMs) + this.#writeEarly();
  }

  #beginWithout(): string {
    return this.#open(undefined) + this.#writeEarly();
  }

  /** The header, or the line that says where the second recording begins. */
  #open(identity: BoardIdentity | undefined): string {
    const { header, firstId, tornBytes } = this.#earlier ?? {};
    const text = header ? "" : recordingHeader(this.#start, identity);
    const known = header ?? headerMap(text);
    const place = known.has("arena_base") ? identity : undefined;
    const recording = new RecordingText(place, known, firstId ?? 0);
    this.#text = recording;
    return header ? recording.appended(tornBytes ?? 0, this.#start.startedIso) : text;
  }

  /** What must stand in front of the early items: whether the log begins at the boot. */
  #introduce(identity: BoardIdentity, receivedMs: number): string {
    const early = this.#early.map(({ item }) => item);
    if (identity.kind === "boot")
      return early.length === 0 ? "" : this.#say(identity, { fresh: false, captured: undefined }, receivedMs);
    const operations = early.filter(isAllocatorEvent).length;
    const isWhole = operations === identity.captured && !early.some(({ kind }) => kind === "gap");
    const captured = Math.max(0, identity.captured - operations);
    return this.#say(identity, { fresh: isWhole, captured }, receivedMs);
  }

  /** Begins by the time of the first early item that has one: those in front of the identity are older than it. */
  #say(identity: BoardIdentity, state: { fresh: boolean; captured: number | undefined }, receivedMs: number): string {
    const first = this.#early.find(({ item }) => "time" in item);
    const time = first && "time" in first.item ? first.item.time : identity.time;
    return this.#text?.begin({ ...identity, time }, state, first?.receivedMs ?? receivedMs) ?? "";
  }

  #writeEarly(): string {
    const lines = this.#early.map(({ item, receivedMs }) => this.#text?.lines(item, receivedMs) ?? "").join("");
    this.#early = [];
    return lines;
  }
}

function isIntroduction(item: LinkItem): item is BoardIdentity {
  return item.kind === "boot" || item.kind === "identity";
}

function headerValue(identity: BoardIdentity, key: string): string {
  const version = { version: "", startedIso: "" };
  return headerMap(recordingHeader(version, identity)).get(key) ?? "nothing";
}

/** The header's lines as a reader sees them. */
function headerMap(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line): [string, string] => {
      const equals = line.indexOf("=");
      return [line.slice(2, equals).trim(), line.slice(equals + 1).trim()];
    }),
  );
}
