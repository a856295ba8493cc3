import type { HeapGuess } from "../board/recording/live-figures.ts";
import type { RecordProgress } from "../board/recording/record-session.ts";
import { formatBytes } from "../quantities.ts";
import { silenceText } from "./silence-text.ts";
import { formatCount } from "./table.ts";

/** A recording while it goes on, in one line: `00:01:23  1,204 events/s  free 34.1 KiB, largest 20 KiB  lost 0 …`. */
export function recordLine(progress: RecordProgress): string {
  const { elapsedMs, eventsPerSecond, heap, lostFrames, ringDropped, reconnections } = progress;
  const words = [clockText(elapsedMs)];
  if (!progress.isConnected) words.push("the port is gone, waiting for it");
  else if (progress.silentMs !== undefined) words.push(silenceText(progress.silentMs));
  else if (progress.isWaiting) words.push("waiting for the board to say what it is");
  else words.push(`${formatCount(Math.round(eventsPerSecond))} events/s`, heapText(heap));
  words.push(`lost ${formatCount(lostFrames)}, ring ${formatCount(ringDropped)}, reconnected ${reconnections}`);
  return words.join("  ");
}

function heapText(heap: HeapGuess): string {
  if (!heap.known) return `free unknown (${heap.reason})`;
  const largest = heap.largestFreeBytes === undefined ? "unknown" : formatBytes(heap.largestFreeBytes);
  return `free ${formatBytes(heap.freeBytes)}, largest ${largest}`;
}

/** `01:02:03`, hours as many as there are. */
function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
