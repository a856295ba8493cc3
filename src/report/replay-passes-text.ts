import { formatDuration } from "../scenario/quantities.ts";
import type { AtEnd, PassCycle, PassRow } from "../trace/replay-passes.ts";
import type { ReplayResult } from "../trace/replay-result.ts";
import type { Paint } from "./paint.ts";
import { formatCount, tableLines } from "./table.ts";

const AT_END_TEXTS: Readonly<Record<AtEnd, string>> = {
  keep: "what is live stays",
  release: "what is live is released",
  reboot: "then the board reboots",
};

const HEADS = ["free", "largest free", "live blocks", "refused so far"];

/** How the passes of a repeated replay went: a table, the first refusal, and whether it goes on like that for ever. */
export function passLines(result: ReplayResult, paint: Paint): string[] {
  const { allocator, history } = result;
  if (history.rows.length === 0) return [];
  const title = `${allocator} at the end of passes (${AT_END_TEXTS[history.atEnd]})`;
  return [
    paint.strong(title),
    ...bootLines(result),
    ...rowLines(history.rows),
    ...refusalLines(result, paint),
    ...cycleLines(result, paint),
  ];
}

/** A trace that boots carries little from pass to pass, whatever becomes of its blocks. */
function bootLines({ recording }: ReplayResult): string[] {
  return recording && recording.boots > 0 ? ["  the trace itself boots in each pass: there the heap starts anew"] : [];
}

function rowLines(rows: readonly PassRow[]): string[] {
  const width = Math.max(...rows.map(({ pass }) => formatCount(pass).length));
  const table = rows.map(({ pass, freeBytes, largestFreeBytes, liveBlocks, failedRequests }) => ({
    title: `  pass ${formatCount(pass).padStart(width)}`,
    cells: [freeBytes, largestFreeBytes, liveBlocks, failedRequests].map((figure) =>
      figure === undefined ? "?" : formatCount(figure),
    ),
  }));
  return tableLines(HEADS, table);
}

function refusalLines({ history, passUs }: ReplayResult, paint: Paint): string[] {
  if (!history.firstRefusal) return [];
  const { pass, failedRequests } = history.firstRefusal;
  const requests = `${formatCount(failedRequests)} ${failedRequests === 1 ? "request" : "requests"}`;
  return [paint.bad(`pass ${formatCount(pass)} is the first with a refusal: ${requests}${spanText(pass, passUs)}`)];
}

/** When a pass is, by the trace's own times. */
function spanText(pass: number, passUs: number | undefined): string {
  if (passUs === undefined) return "";
  const each = `each pass lasts ${formatDuration(passUs)}`;
  if (pass === 1) return `, within the first ${formatDuration(passUs)}`;
  return `, between ${formatDuration((pass - 1) * passUs)} and ${formatDuration(pass * passUs)} after the start (${each})`;
}

function cycleLines({ history, passes, leftHeap, fault }: ReplayResult, paint: Paint): string[] {
  if (fault) return [];
  if (leftHeap) return ["not compared from pass to pass, for metadata has led out of the heap"];
  if (history.cycle) return [cycleLine(history.cycle, history.firstRefusal !== undefined, paint)];
  return [`not proved that it goes on like this: in ${formatCount(passes)} passes the heap never came back to a state`];
}

function cycleLine({ from, every, failedRequests }: PassCycle, hasRefused: boolean, paint: Paint): string {
  const start = from === 0 ? "the start" : `pass ${formatCount(from)}`;
  const turn = every === 1 ? "after every pass" : `every ${formatCount(every)} passes`;
  const same = `proved: from ${start} on the heap is the same ${turn}, byte for byte`;
  if (failedRequests === 0) {
    return `${same}; the trace can be repeated for ever, and no ${hasRefused ? "further " : ""}request is refused`;
  }
  const refused = `${formatCount(failedRequests)} refused in each ${every === 1 ? "pass" : `${formatCount(every)}`}`;
  return paint.bad(`${same}; so it goes on for ever, with ${refused}`);
}
