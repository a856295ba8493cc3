/** The header of a recording: what a replay must know of the board, and what a reader wants to. */
import { findAllocator } from "../../allocators/catalogue.ts";
import { HeapsoakError } from "../../errors.ts";
import { formatAddress } from "../../quantities.ts";
import { escapeText } from "../../trace/board-events.ts";
import { RECORDING_KEY, RECORDING_VALUE } from "../../trace/format.ts";
import { headerInSizes, sizeMeaningName } from "../size-meaning.ts";
import type { BoardIdentity } from "../wire/messages.ts";

/** What is known of a recording before the board has said a word. */
export interface RecordingStart {
  /** heapsoak's version. */
  readonly version: string;
  /** When it began, by the host's clock, as ISO 8601. */
  readonly startedIso: string;
}

const VALUE_CHARACTERS_MOST = 200;

/** Header lines. Without an identity they say nothing of the heap, and the records have no offsets. */
export function recordingHeader({ version, startedIso }: RecordingStart, identity: BoardIdentity | undefined): string {
  const values = {
    [RECORDING_KEY]: RECORDING_VALUE,
    heapsoak: version,
    started: startedIso,
    ...(identity ? boardValues(identity) : {}),
  };
  return Object.entries(values)
    .map(([key, value]) => `# ${key}=${headerText(value)}\n`)
    .join("");
}

/** What the header says of a board. Two recordings may share a file where `PLACE_KEYS` are equal. */
export function boardValues(identity: BoardIdentity): Record<string, string | number> {
  const [board = "", buildId = "", allocator = "", version = ""] = identity.names;
  return {
    board,
    build_id: buildId,
    allocator,
    allocator_version: version,
    heap_size: identity.heapBytes,
    arena_base: formatAddress(identity.heapLow),
    clock_hz: identity.clockHz,
    size_meaning: sizeMeaningName(identity.sizeMeaning),
    size_header: headerOf(identity),
  };
}

/** Keys that must be the same for offsets, sizes and replays to mean the same. */
const PLACE_KEYS = ["allocator", "heap_size", "arena_base", "size_meaning"] as const;

/** Whether the heap of a board is the one that a header describes; the first key that differs, or undefined. */
export function otherPlace(header: ReadonlyMap<string, string>, identity: BoardIdentity): string | undefined {
  const values = boardValues(identity);
  return PLACE_KEYS.find((key) => header.get(key) !== headerText(values[key]));
}

/** A value on one line, as readers give it back: without blanks around it. */
function headerText(value: string | number | undefined): string {
  return escapeText(String(value).slice(0, VALUE_CHARACTERS_MOST)).trim();
}

/** Bytes that have been taken off the reported sizes: what is left is placed as the request was. */
export function headerOf({ sizeMeaning, names }: BoardIdentity): number {
  try {
    return headerInSizes(sizeMeaning, findAllocator(names[2] ?? "").name);
  } catch (error) {
    if (error instanceof HeapsoakError) return 0; // an allocator that heapsoak does not know
    throw error;
  }
}
