/** The page of replays: the allocators side by side for each trace, and each heap at its worst moment. */
import { formatBytes } from "../../quantities.ts";
import type { ReplayResult } from "../../trace/replay-result.ts";
import { plainPaint } from "../paint.ts";
import { recordingRemarks } from "../recording-remarks.ts";
import { columnHead, replayHeadline, replayRemarks, replayRows } from "../replay-text.ts";
import type { ReplayRecord } from "../report-record.ts";
import { formatCount } from "../table.ts";
import { type Html, html } from "./markup.ts";
import { figure, table } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { heapStrips, mapStretches, pictureStretches, STRIP_LEGEND, type Strip } from "./svg-heap.ts";
import { paragraphs } from "./text-parts.ts";

type Replayed = ReplayRecord["replays"][number];

/** The page of a replay record. */
export function replayPage({ replays }: ReplayRecord): RecordPage {
  const results = replays.flatMap((replayed) => replayed.results);
  const refused = results.filter(({ counters }) => counters.failedRequests > 0).length;
  const stopped = results.filter(({ fault, leftHeap, inconsistency }) => fault ?? leftHeap ?? inconsistency).length;
  return {
    title: replays.length === 1 ? `Replay of ${replays[0]?.trace ?? ""}` : `Replays of ${replays.length} traces`,
    verdict: "REPLAYED",
    tone: refused + stopped > 0 ? "bad" : "good",
    sentence: `${formatCount(results.length)} replayed: requests were refused in ${formatCount(refused)}, the heap was corrupted in ${formatCount(stopped)}.`,
    sections: replays.map(traceSection),
    provenance: [["Devices", [...new Set(results.map(({ device }) => device))].join(", ")]],
  };
}

function traceSection({ trace, results }: Replayed, index: number): Section {
  const rows = replayRows(results).map(({ title, cells }) => ({ title: title.replace(/^ +/, "\u2003"), cells }));
  const recording = results[0]?.recording;
  return {
    id: `trace-${index + 1}`,
    title: trace,
    body: html`${paragraphs([replayHeadline(trace, results), ...(recording ? recordingRemarks(recording) : [])])}${table(
      ["Figure", ...results.map(columnHead)],
      rows,
      { caption: `The allocators on ${trace}`, captionHidden: true },
    )}${worstFigure(results)}${results.map(remarksOf)}`,
  };
}

/** The heaps at their worst moments, on one scale. */
function worstFigure(results: readonly ReplayResult[]): Html | false {
  const strips = results.flatMap((result): Strip[] => {
    if (!result.worst) return [];
    const { kind, state } = result.worst;
    return [{ title: columnHead(result), stretches: stretchesOf(state, result), isBad: kind !== "least-free" }];
  });
  if (strips.length === 0) return false;
  return figure(heapStrips(strips, "The heaps at their worst moments", "B"), {
    caption:
      "Each heap at its worst moment, in address order and to scale, without the allocator's own structures. A mark at its left: a request was refused there.",
    legend: STRIP_LEGEND,
  });
}

/** Block by block where the record has all of them; or else in as many parts as its map. */
function stretchesOf({ picture, map }: { readonly picture: string; readonly map: string }, { regions }: ReplayResult) {
  const blocks = pictureStretches(picture);
  if (blocks) return blocks;
  const partBytes = regions.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, map.length);
  return mapStretches(map).map((stretch) => ({ ...stretch, size: Math.round(stretch.size * partBytes) }));
}

/** The terminal's remarks as they stand there: columns of passes and registers keep their places. */
function remarksOf(result: ReplayResult): Html {
  const bytes = result.regions.reduce((sum, region) => sum + region.bytes, 0);
  const head = html`<h4>${columnHead(result)}, ${formatBytes(bytes)}</h4>`;
  const remarks = replayRemarks(result, true, plainPaint).join("\n");
  return html`${head}<div class="scroll" tabindex="0" role="region" aria-label="Remarks on ${columnHead(result)}"><pre>${remarks}</pre></div>
`;
}
