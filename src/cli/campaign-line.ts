import { formatCount } from "../report/table.ts";
import type { CampaignProgress } from "../risk/campaign/executor.ts";
import { formatDuration } from "../scenario/quantities.ts";

/** How far a campaign is: `412 of 2,000 runs (118 from before), 31 failed, 54 runs/s on 2 workers, ETA 29 s`. */
export function campaignLine(progress: CampaignProgress, elapsedMs: number): string {
  const { finished, earlier, left, failures, leftMs, workers } = progress;
  const before = earlier === 0 ? "" : ` (${formatCount(earlier)} from before)`;
  const words = [`${formatCount(finished)} of ${formatCount(finished + left)} runs${before}`];
  words.push(`${formatCount(failures)} failed`);
  const speed = (1000 * (finished - earlier)) / Math.max(elapsedMs, 1);
  words.push(`${speed < 10 ? speed.toFixed(1) : formatCount(Math.round(speed))} runs/s on ${workersText(workers)}`);
  if (leftMs !== undefined) words.push(`ETA ${formatDuration(Math.ceil(leftMs / 1000) * 1e6)}`);
  return words.join(", ");
}

function workersText(workers: number): string {
  return workers === 1 ? "1 worker" : `${workers} workers`;
}
