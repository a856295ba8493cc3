/** The moment of failure: the request, the holes beside it, what is in the way, who holds the memory, the last operations. */
import { formatAddress } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { counted } from "../../soak/figures.ts";
import type {
  BlockAtFailure,
  HeapRecordOfRun,
  OperationOfRun,
  PinsOfRun,
  RunFailure,
  RunRecord,
} from "../../soak/record.ts";
import { plainPaint } from "../paint.ts";
import { placeText } from "../place-text.ts";
import { askedOf, freeOf } from "../run-failure-text.ts";
import { simulatedDate, simulatedInstant } from "../simulated-time.ts";
import { formatCount } from "../table.ts";
import { DRAWING_WIDTH, drawing, rectangle, words } from "./drawing.ts";
import { heapMap } from "./heap-map.ts";
import { type Html, html } from "./markup.ts";
import { factList, figure, type PageRow, subheading, table, toned } from "./parts.ts";
import type { Section } from "./record-page.ts";
import { mapOverTime } from "./series-picture.ts";

const HOLES_SHOWN = 12;
const PINS_SHOWN = 24;
const HOLDERS_SHOWN = 12;
const OPERATIONS_SHOWN = 12;
const BAR_HEIGHT = 16;
const BAR_GAP = 6;
const BAR_LABEL = 150;
/** Windows before the end that stand for the moment where the record has no blocks of it. */
const LAST_WINDOWS = 24;

/** The section, or nothing where the run did not fail. */
export function momentSection(record: RunRecord): Section[] {
  const { failure } = record;
  if (!failure) return [];
  const heap = failure.heap === null ? undefined : record.heaps[failure.heap];
  const body = html`${failureFacts(failure, heap)}
${heap && heapAtFailure(record, failure, heap)}
${record.pinned && pinsTable(record.pinned)}
${heap && heap.holders.length > 0 && html`${subheading("Who holds the memory at the end")}${holdersTable(heap)}`}
${operationsOf(record)}`;
  return [{ id: "moment", title: "The moment of failure", body }];
}

function failureFacts(failure: RunFailure, heap: HeapRecordOfRun | undefined): Html {
  const { atUs, requestBytes, freeBytes, largestFreeBytes, line, message, step, task } = failure;
  const facts: [string, Html | string][] = [
    ["when", `${simulatedInstant(atUs)}, after ${formatDuration(atUs)}`],
    ["what", message],
  ];
  if (task !== null || step !== null) {
    const place = html`<code>${placeText(task, step)}</code>`;
    facts.push(["where", line ? html`${place}, line ${line} of the scenario` : place]);
  }
  if (requestBytes !== null) facts.push(["asked", askedOf(failure, heap)]);
  if (freeBytes !== null && largestFreeBytes !== null) facts.push(["free", freeOf(failure, plainPaint)]);
  return factList(facts, "lines");
}

function heapAtFailure({ moment }: RunRecord, failure: RunFailure, heap: HeapRecordOfRun): Html {
  const name = failure.heap ?? "";
  if (moment?.blocks) {
    return html`${heapMap(moment.blocks, `Heap ${name} when it failed, every block to scale, addresses from left to right and downwards`)}
${requestBesideHoles(failure, moment.blocks)}`;
  }
  const why = moment
    ? "The heap could not be walked block by block, or has more than 4,096 blocks."
    : "The blocks of the moment are not in this record.";
  return html`<p class="note">${why} Up to then:</p>
${figure(mapOverTime(name, lastWindows(heap), { columns: LAST_WINDOWS, failedAtUs: null }), {
  caption: `Heap ${name} up to the failure: addresses upwards, time to the right; the stronger the colour, the fuller`,
})}`;
}

/** The heap with the end of its series alone, from time 0 on. */
function lastWindows(heap: HeapRecordOfRun): HeapRecordOfRun {
  const map = heap.series.map.slice(-LAST_WINDOWS);
  return { ...heap, series: { ...heap.series, map, atUs: map.map((_, index) => index + 1) } };
}

/** The request and the free blocks on one scale, largest first. */
function requestBesideHoles({ requestBytes }: RunFailure, blocks: readonly BlockAtFailure[]): Html | null {
  const holes = blocks.filter(({ state }) => state === "free" || state === "untouched");
  const sorted = [...holes].sort((a, b) => b.bytes - a.bytes || a.address - b.address);
  const shown = sorted.slice(0, HOLES_SHOWN);
  if (requestBytes === null || shown.length === 0) return null;
  const bars = [
    { label: "request", bytes: requestBytes, colour: "bad", address: "" },
    ...shown.map(({ address, bytes, state }) => ({
      label: formatAddress(address),
      bytes,
      colour: state === "free" ? "hole" : "untouched",
      address: state === "free" ? "" : " never used",
    })),
  ];
  const most = Math.max(...bars.map(({ bytes }) => bytes), 1);
  const scale = (DRAWING_WIDTH - 2 * BAR_LABEL) / most;
  const shapes = bars.map(({ label, bytes, colour, address }, row) => {
    const y = row * (BAR_HEIGHT + BAR_GAP);
    return [
      words(BAR_LABEL - 60, y + 12, label, row === 0 ? "end strong" : "end"),
      rectangle(
        { x: BAR_LABEL - 52, y, width: Math.max(1, bytes * scale), height: BAR_HEIGHT },
        `fill ${colour} bordered`,
      ),
      words(BAR_LABEL - 44 + bytes * scale, y + 12, `${formatCount(bytes)} B${address}`),
    ];
  });
  const rest = sorted.slice(HOLES_SHOWN).reduce((sum, { bytes }) => sum + bytes, 0);
  const more =
    rest > 0 ? `; ${formatCount(rest)} B more in ${counted(sorted.length - shown.length, "smaller hole")}` : "";
  const caption = `The request beside the holes, largest first${more}. A hole holds its block's header too.`;
  const height = bars.length * (BAR_HEIGHT + BAR_GAP);
  return figure(drawing({ width: DRAWING_WIDTH, height, label: caption, hasText: true }, shapes), { caption });
}

function pinsTable({ pins, releasedBytes, largestFreeBytes }: PinsOfRun): Html {
  const rows = pins.slice(0, PINS_SHOWN).map(({ task, step, bytes, ageUs, leaked }) => ({
    title: html`<code>${placeText(task, step)}</code>`,
    cells: [formatCount(bytes), formatDuration(ageUs), leaked ? toned("leaked", "bad") : ""],
  }));
  const fits = `Without ${pins.length === 1 ? "it" : "them"} a request of ${formatCount(largestFreeBytes)} B fits: released, and tried.`;
  return html`${subheading(`In the way: ${counted(pins.length, "block")} of ${formatCount(releasedBytes)} B`)}<p>${fits}</p>
${table(["owner", "bytes", "age", ""], rows, { caption: "Blocks in the way of the request", captionHidden: true, words: [3] })}`;
}

/** Who holds the heap's memory at the end, most bytes first. */
export function holdersTable({ holders }: HeapRecordOfRun): Html {
  const rows = holders.slice(0, HOLDERS_SHOWN).map(({ task, step, blocks, bytes, oldestUs, leaked }) => ({
    title: html`<code>${placeText(task, step)}</code>`,
    cells: [formatCount(bytes), formatCount(blocks), simulatedDate(oldestUs), leaked ? toned("leaked", "bad") : ""],
  }));
  const left = holders.length - rows.length;
  const more = left > 0 && html`<p class="note">and ${counted(left, "other holder")}</p>`;
  const heads = ["holder", "bytes", "blocks", "oldest from", ""];
  return html`${table(heads, rows, { caption: "Who holds the memory", captionHidden: true, words: [4] })}${more}`;
}

function operationsOf({ moment, failure }: RunRecord): Html | null {
  if (!moment || moment.operations.length === 0) return null;
  const rows = [...moment.operations].reverse().map((operation) => operationRow(operation, failure?.atUs ?? 0));
  const shown = operationTable(rows.slice(0, OPERATIONS_SHOWN), "The last operations");
  const earlier = rows.slice(OPERATIONS_SHOWN);
  return html`${subheading("The last operations, latest first")}${shown}
${earlier.length > 0 && html`<details><summary>${counted(earlier.length, "earlier operation")}</summary>${operationTable(earlier, "Earlier operations")}</details>`}`;
}

function operationTable(rows: readonly PageRow[], caption: string): Html {
  const heads = ["before the failure", "operation", "heap", "where", "bytes", "returned", "visits"];
  return table(heads, rows, { caption, captionHidden: true, words: [1, 2, 3] });
}

function operationRow(operation: OperationOfRun, failedAtUs: number): PageRow {
  const { atUs, heap, task, step, requestBytes, visits } = operation;
  const failed = isRefused(operation);
  return {
    title: failedAtUs - atUs <= 0 ? "at the failure" : formatDuration(failedAtUs - atUs),
    cells: [
      operation.operation,
      heap,
      html`<code>${placeText(task, step)}</code>`,
      operation.operation === "reboot" || operation.operation === "release" ? "" : formatCount(requestBytes),
      resultText(operation),
      formatCount(visits),
    ],
    ...(failed && { tone: "bad" as const }),
  };
}

/** A request that returned no memory. */
function isRefused({ operation, result, requestBytes }: OperationOfRun): boolean {
  return operation !== "release" && operation !== "reboot" && result === null && requestBytes > 0;
}

function resultText(operation: OperationOfRun): Html | string {
  if (isRefused(operation)) return toned("refused", "bad");
  const address = operation.result ?? operation.address;
  return address === null ? "" : html`<code>${formatAddress(address)}</code>`;
}
