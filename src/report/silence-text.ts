import { formatDuration } from "../scenario/quantities.ts";

/** What it means when a board's heartbeats stay away: `SILENT for 12 s: the board hangs, or was halted`. */
export function silenceText(silentMs: number): string {
  return `SILENT for ${formatDuration(Math.floor(silentMs / 1000) * 1e6)}: the board hangs, or was halted`;
}
