import type { RecordingSummary } from "../board/recording/record-session.ts";
import { printable } from "../errors.ts";
import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount } from "./table.ts";

/** What was recorded, for the terminal. */
export function recordSummaryText(summary: RecordingSummary, paint: Paint = plainPaint): string {
  const { file, fileBytes, operations, durationMs, names, boots, peakLiveBytes, refused } = summary;
  const time = formatDuration(durationMs * 1000);
  const lines = [paint.strong(`${file}: ${formatCount(operations)} operations in ${time}, ${formatBytes(fileBytes)}`)];
  lines.push(`  board      ${boardText(names)}, ${counted(boots, "boot")}`);
  lines.push(
    `  heap       at most ${formatBytes(peakLiveBytes)} asked for at once, ${counted(refused, "request")} refused`,
  );
  lines.push(`  losses     ${lossText(summary)}`);
  lines.push(...oddLines(summary));
  return printable(`${lines.join("\n")}\n`);
}

function boardText(names: readonly string[] | undefined): string {
  if (!names) return "did not say what it is, so the records have no offsets";
  const [board = "", build = "", allocator = "", version = ""] = names.map((name) => name.replaceAll(/\s/gu, " "));
  return `${board} ${build}, ${allocator} ${version}`.trim();
}

function lossText({ gaps, line, ringDropped, disconnections }: RecordingSummary): string {
  if (gaps === 0 && line.corrupt === 0 && ringDropped === 0) return "none";
  return [
    `${counted(line.lost, "frame")} lost`,
    `${formatCount(ringDropped)} of them for want of room in the board's ring`,
    `${counted(line.corrupt, "frame")} damaged`,
    counted(gaps, "gap"),
    counted(disconnections, "disconnection"),
  ].join(", ");
}

/** What should not be, and is not always. */
function oddLines({ unmatchedFrees, lostFrees, outside, handedOutTwice, names }: RecordingSummary): string[] {
  const odd: [number, string][] = [
    [unmatchedFrees, "frees of blocks born before the log or in a gap"],
    [lostFrees, "frees lost in a gap, as later blocks at their place show"],
    [outside, "operations at addresses outside the heap"],
    [handedOutTwice, "addresses handed out while their blocks were live"],
  ];
  const found = odd.filter(([count]) => count > 0).map(([count, what]) => `  unusual    ${formatCount(count)} ${what}`);
  return names ? found : [...found, "  Replay it with --allocator and --heap-size."];
}
