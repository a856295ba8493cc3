/** The screen of `heapsoak board watch`: a state in, lines out. Nothing here knows of terminals or time. */
import type { HeapSample, WatchedHeap, WatchedHolder, WatchedTwin, WatchState } from "../board/watch/watch-state.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { oneLine } from "./one-line.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { heapMap } from "./picture.ts";
import { ramBars } from "./ram-bar.ts";
import { silenceText } from "./silence-text.ts";
import { formatCount, formatRatio } from "./table.ts";
import { sparkline } from "./terminal/sparkline.ts";
import { wrapped } from "./wrapped.ts";

export interface ScreenSize {
  readonly width: number;
  readonly height: number;
}

type Tone = "plain" | "strong" | "good" | "bad" | "dim" | "map";

interface Line {
  readonly text: string;
  readonly tone: Tone;
}

const STACKS_SHOWN = 6;
const HOLDERS_SHOWN = 6;
const REFUSALS_SHOWN = 3;
const BAR_WIDTH = 20;
/** Less of a stack left than this is marked. */
const STACK_LEFT_RATIO_LEAST = 0.1;
const INDENT = "      ";
const BUILD_MOST = 12;
const CAUSES =
  "note: likely causes are another version or other options of the allocator, other bounds of the heap, or calls that the agent does not see.";
const KEYS = "q quits   r reads the board's memory back";

/** At most `height` lines of at most `width` characters; sections that do not fit are left out from the bottom. */
export function watchScreen(state: WatchState, size: ScreenSize, paint: Paint = plainPaint): string[] {
  const width = Math.max(1, size.width);
  const above = [...header(state, width), ...twinLines(state.twin, width), ...ram(state, width), ...heap(state, width)];
  const below = [...stacks(state), ...holders(state), ...refusals(state)];
  const room = Math.max(0, size.height - 1);
  const body = [...above, ...below].slice(0, room);
  const lines = [...body, ...log(state, room - body.length)];
  const padded = [...lines, ...Array<Line>(room - lines.length).fill(plain(""))];
  return [...padded, { text: KEYS, tone: "dim" } as const].map((line) => painted(line, width, paint));
}

/** The state in one line, for where there is no terminal. */
export function watchLine(state: WatchState): string {
  const { heap: watched, twin, figures } = state;
  const free = watched?.current
    ? `${formatBytes(watched.summary.freeBytes)} free, largest ${formatBytes(watched.summary.largestFreeBytes)}, ${watched.summary.holes} holes`
    : figures?.free === undefined
      ? "free bytes not known"
      : `${formatBytes(figures.free)} free by the board's own figures`;
  const parts = [uptime(state), `${formatCount(state.eventsPerSecond)} events/s`, free, `twin ${twinWords(twin)}`];
  if (state.line.lost > 0) parts.push(`${formatCount(state.line.lost)} frames lost`);
  if (state.silentMs !== undefined) parts.push(silenceText(state.silentMs));
  if (state.disconnected !== undefined) parts.push(`not connected: ${state.disconnected}`);
  return oneLine(parts.join("; "));
}

/** What was seen, for the end of a watch. */
export function watchSummary(state: WatchState): string[] {
  const { twin, line, board, refusals: refused } = state;
  const lines = [
    `${nameOf(board)} on ${state.port}: ${formatCount(line.frames)} frames, ${formatCount(line.lost)} lost, ${formatCount(line.corrupt)} corrupt`,
    `twin: ${twinWords(twin)}`,
  ];
  const { firstDifference } = twin;
  if (firstDifference)
    lines.push(`first difference: ${firstDifference.message}`, `heap before it: ${firstDifference.picture}`);
  if (refused.count > 0)
    lines.push(`refused requests: ${formatCount(refused.count)}; the last: ${refused.last.at(-1) ?? ""}`);
  return [...lines, ...twin.warnings.map((warning) => `note: ${warning}`)].map(oneLine);
}

function plain(text: string): Line {
  return { text, tone: "plain" };
}

function header(state: WatchState, width: number): Line[] {
  const { board, line, disconnected, silentMs } = state;
  const allocator = board ? `${board.allocator} ${board.version}` : "";
  const build = board?.build ? `build ${board.build.slice(0, BUILD_MOST)}` : "";
  const first = [nameOf(board), build, allocator, state.port, uptime(state)].filter((part) => part.trim() !== "");
  const quality = [
    `${formatCount(state.eventsPerSecond)} events/s`,
    `${formatCount(line.frames)} frames`,
    `${formatCount(line.lost)} lost`,
    `${formatCount(line.corrupt)} corrupt`,
    ...(state.dropped === undefined ? [] : [`${formatCount(state.dropped)} dropped by the board's ring`]),
  ].join(", ");
  const trouble = disconnected === undefined ? silentMs && silenceText(silentMs) : `NOT CONNECTED (${disconnected})`;
  const connection = trouble || "connected";
  const tone = trouble ? "bad" : "plain";
  return [{ text: first.join("  "), tone: "strong" }, ...hanging(`line: ${connection}, ${quality}`, width, tone)];
}

function nameOf(board: WatchState["board"]): string {
  return board ? board.board || "a board without a name" : "a board that has not introduced itself";
}

function uptime({ uptimeUs, sinceBoot }: WatchState): string {
  return uptimeUs === undefined ? "" : `up ${sinceBoot ? "" : "at least "}${wholeSeconds(uptimeUs)}`;
}

function wholeSeconds(us: number): string {
  return us < 1e6 ? "0 s" : formatDuration(Math.floor(us / 1e6) * 1e6);
}

/** The words of the twin are never cut but wrapped: they are what a watch is for. */
function twinLines(twin: WatchedTwin, width: number): Line[] {
  const tone = twin.state === "synchronised" ? "good" : twin.state === "waiting" ? "dim" : "bad";
  const lines = hanging(`twin: ${twinWords(twin)}`, width, tone);
  const warnings = twin.warnings.flatMap((warning) => hanging(`note: ${warning}`, width, "dim"));
  const { firstDifference, state } = twin;
  const picture = firstDifference ? [plain(`${INDENT}heap before it: ${firstDifference.picture}`)] : [];
  const causes = state === "different" ? hanging(CAUSES, width, "dim") : [];
  return [...lines, ...picture, ...causes, ...warnings];
}

/** Wrapped, with what follows the first line set in. */
function hanging(text: string, width: number, tone: Tone): Line[] {
  return wrapped(text, width - INDENT.length).map((line, index) => {
    return { text: index === 0 ? line : `${INDENT}${line}`, tone };
  });
}

/** `synchronised, 12,345 placements, all equal`. */
function twinWords({ state, reason, remedy, placements, differences, firstDifference }: WatchedTwin): string {
  const before =
    firstDifference && state !== "different" ? `; was different at operation ${firstDifference.operation}` : "";
  const compared = `${formatCount(placements)} placement${placements === 1 ? "" : "s"}, ${differences === 0 ? "all equal" : `${differences} different`}`;
  const what = {
    waiting: `waiting: ${reason}`,
    synchronised: `synchronised, ${compared}`,
    unsynchronised: `unsynchronised: ${reason}`,
    different: `DIFFERENT at ${reason}`,
    faulted: `FAULTED: ${reason}`,
  }[state];
  return `${what}${remedy === undefined ? "" : `; ${remedy}`}${before}`;
}

function ram({ ram: watched }: WatchState, width: number): Line[] {
  if (!watched) return [];
  const named = ramBars(watched, Math.max(10, width - 30));
  if (named.length === 0) return [];
  const bars = named.map(({ bank, cells }): Line => {
    return {
      text: `${bank.name.slice(0, 8).padEnd(8)} ${formatAddress(bank.low)} ${cells} ${formatBytes(bank.bytes)}`,
      tone: "map",
    };
  });
  return [plain(""), plain(`RAM of ${watched.device.name}   # heap   s static data   t taken   . other`), ...bars];
}

function heap(state: WatchState, width: number): Line[] {
  const { heap: watched, figures } = state;
  if (!watched) return reported(figures);
  const { summary, low, bytes, current, counters } = watched;
  const stale = current ? "" : " (as it last was)";
  const fragmented = fragmentation(summary);
  const misuse = counters.wildFrees + counters.doubleFrees;
  return [
    plain(""),
    {
      text: `heap ${formatAddress(low)} + ${formatBytes(bytes)}${stale}   # live   . free   + both   - bookkeeping`,
      tone: current ? "plain" : "dim",
    },
    { text: heapMap(watched.blocks, width), tone: "map" },
    plain(
      `free ${formatBytes(summary.freeBytes)} in ${formatCount(summary.holes)} hole${summary.holes === 1 ? "" : "s"}, largest request ${formatBytes(summary.largestFreeBytes)}, fragmentation ${formatRatio(fragmented)}, ${formatCount(summary.liveBlocks)} blocks live`,
    ),
    ...(misuse > 0
      ? [
          {
            text: `misuse: ${counters.doubleFrees} double frees, ${counters.wildFrees} frees of no block`,
            tone: "bad",
          } as const,
        ]
      : []),
    ...sparklines(watched, width),
  ];
}

/** What the allocator itself says, where the twin has no heap. */
function reported(figures: WatchState["figures"]): Line[] {
  const words = Object.entries(figures ?? {}).map(([key, value]) => `${key} ${formatCount(value)}`);
  return words.length === 0 ? [] : [plain(""), plain(`the board's own figures: ${words.join(", ")}`)];
}

function fragmentation({ freeBytes, largestFreeBytes }: HeapSample): number {
  return freeBytes === 0 ? 0 : Math.max(0, 1 - largestFreeBytes / freeBytes);
}

function sparklines({ history, bytes }: WatchedHeap, width: number): Line[] {
  if (history.length < 2) return [];
  const shown = history.slice(-Math.max(1, width - 26));
  const seconds = `last ${formatDuration(shown.length * 1e6)}`;
  return [
    plain(
      `free      ${sparkline(
        shown.map(({ freeBytes }) => freeBytes / bytes),
        true,
      )} ${seconds}`,
    ),
    plain(`fragment. ${sparkline(shown.map(fragmentation), true)}`),
  ];
}

function stacks({ stacks: all }: WatchState): Line[] {
  if (all.length === 0) return [];
  const tightest = [...all].sort((a, b) => left(a) - left(b)).slice(0, STACKS_SHOWN);
  const lines = tightest.map((stack): Line => {
    const used = Math.max(0, stack.bytes - stack.unusedBytes);
    const filled = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * used) / Math.max(1, stack.bytes)));
    const bar = "#".repeat(filled).padEnd(BAR_WIDTH, ".");
    const text = `  ${stack.name.slice(0, 20).padEnd(20)} ${bar} ${formatBytes(used)} of ${formatBytes(stack.bytes)}, ${formatBytes(stack.unusedBytes)} never used`;
    return { text, tone: left(stack) < STACK_LEFT_RATIO_LEAST ? "bad" : "plain" };
  });
  return [plain(""), plain("stacks, the tightest first"), ...lines];
}

function left({ bytes, unusedBytes }: { bytes: number; unusedBytes: number }): number {
  return unusedBytes / Math.max(1, bytes);
}

function holders({ holders: sites, tasks }: WatchState): Line[] {
  const rows = sites.slice(0, HOLDERS_SHOWN).map((holder) => plain(holderRow(holder)));
  if (rows.length === 0) return [];
  const known = tasks.length > 1 ? [plain(`by task: ${tasks.slice(0, 4).map(taskWords).join(", ")}`)] : [];
  return [plain(""), plain("who holds the heap, by call site"), ...rows, ...known];
}

function holderRow({ name, blocks, bytes, oldestUs }: WatchedHolder): string {
  const size = formatBytes(bytes).padStart(9);
  return `  ${name.slice(0, 32).padEnd(32)} ${size} in ${formatCount(blocks).padStart(6)} block${blocks === 1 ? ", " : "s,"} oldest ${wholeSeconds(oldestUs)}`;
}

function taskWords({ name, bytes }: WatchedHolder): string {
  return `${name} ${formatBytes(bytes)}`;
}

function refusals({ refusals: { count, last } }: WatchState): Line[] {
  if (count === 0) return [];
  const rows = last.slice(-REFUSALS_SHOWN).map((text): Line => ({ text: `  ${text}`, tone: "bad" }));
  return [plain(""), { text: `refused requests: ${formatCount(count)}`, tone: "bad" }, ...rows];
}

/** The last lines of the log that fit into `room` with a title. */
function log({ log: lines }: WatchState, room: number): Line[] {
  if (lines.length === 0 || room < 3) return [];
  return [plain(""), plain("log"), ...lines.slice(-(room - 2)).map((text) => plain(`  ${text}`))];
}

function painted({ text, tone }: Line, width: number, paint: Paint): string {
  const shown = clip(oneLine(text), width);
  if (tone === "plain") return shown;
  if (tone !== "map") return paint[tone](shown);
  return shown.replaceAll(/#+|\++|\.{2,}/g, (run) =>
    run[0] === "#" ? paint.strong(run) : run[0] === "." ? paint.dim(run) : run,
  );
}

function clip(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}
