import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import type { DeviceForecast, ForecastOutcome, TrendRecord } from "./record.ts";
import { LEAST_WINDOWS } from "./trend.ts";

/** Counters that occurred in the log. */
interface KnownCounters {
  readonly free: boolean;
  readonly used: boolean;
  readonly largest: boolean;
}

interface Findings extends Omit<DeviceForecast, "evidence"> {
  /** Counters whose fall comes to an end. */
  readonly slowing: readonly string[];
}

const DAYS_FOR_RHYTHM_US = 3 * 86_400e6;

/** Why the verdict is what it is, and what it could not take into account; a sentence each. */
export function evidenceOf(
  findings: Findings,
  known: KnownCounters,
  { confidence, horizonUs }: { readonly confidence: number; readonly horizonUs: number },
): string[] {
  const percent = `${Number((confidence * 100).toPrecision(4))} %`;
  if (!findings.free && !findings.largest) return [tooShort(findings), ...cautions(findings, known)];
  const lines: string[] = [];
  if (findings.free)
    lines.push(trendLine(findings.free.isUsed ? "used memory" : "free memory", findings.free, percent));
  if (findings.largest) lines.push(trendLine("the largest block", findings.largest, percent));
  if (findings.verdict === "leak-and-fragmentation" && findings.together) {
    lines.push("the largest block falls away from free memory as well: what is left is scattered");
  }
  for (const counter of findings.slowing)
    lines.push(`the fall of ${nameOf(counter)} ends within the log: a fill-up or a step, or the start of one`);
  if (findings.verdict === "undecided" && findings.slowing.length === 0)
    lines.push(tooNoisy(findings.outcome, horizonUs));
  return [...lines, ...cautions(findings, known)];
}

function trendLine(what: string, { bytesPerDay, low, high, isUsed }: TrendRecord, percent: string): string {
  // Used memory was turned round.
  const [slope, least, most] = isUsed ? [-bytesPerDay, -high, -low] : [bytesPerDay, low, high];
  const verb = most < 0 ? "falls" : least > 0 ? "rises" : "neither falls nor rises for certain";
  return `${what} ${verb}: ${signedBytes(slope)} a day (${percent}: ${signedBytes(least)} to ${signedBytes(most)})`;
}

function tooShort({ windows, track }: Findings): string {
  const { samples, observedUs } = track;
  return `too short: ${counted(windows, "window")} behind the settling of each boot, expected at least ${LEAST_WINDOWS} (${counted(samples, "sample")} in ${formatDuration(observedUs)})`;
}

function tooNoisy(outcome: ForecastOutcome, horizonUs: number): string {
  return outcome === "undecided"
    ? `too noisy or too short to say what happens within ${formatDuration(horizonUs)}`
    : "no trend is shown";
}

/** What the log does not hold. */
function cautions(findings: Findings, known: KnownCounters): string[] {
  const { track, unseenDipBytes, byTimeOfDay, alreadyBelow } = findings;
  const lines: string[] = [];
  if (alreadyBelow) lines.push("samples were below the asked size already");
  if (!known.largest) lines.push("the log has no largest block: fragmentation cannot be seen");
  if (!known.free && known.used) lines.push("the log has used memory only: when free memory ends cannot be told");
  else if (!known.free) lines.push("the log has no free memory: a leak cannot be told from fragmentation");
  if (!byTimeOfDay && track.observedUs < DAYS_FOR_RHYTHM_US) {
    lines.push("less than three days in one boot: a daily rhythm cannot be told from a trend");
  }
  if (unseenDipBytes > 0) {
    lines.push(
      `between the samples the firmware takes up to ${formatBytes(unseenDipBytes)} more (least-free counter): so much must stay free`,
    );
  }
  if (track.rebootsToldBy.length === 0) {
    lines.push(
      `reboots cannot be told: log the uptime, a count of boots or the least free memory${riseNote(track.rises)}`,
    );
  }
  return lines;
}

function riseNote(rises: number): string {
  return rises > 0
    ? `; free memory jumps up ${rises === 1 ? "once" : `${rises} times`} by more than half of all it varies by: a reboot?`
    : "";
}

function nameOf(counter: string): string {
  return counter === "largest" ? "the largest block" : "free memory";
}

/** Bytes with their sign, whole from ten on: `−1,234 B`. */
export function signedBytes(bytes: number): string {
  const size = Math.abs(bytes);
  const text =
    size >= 10 ? String(Math.round(size)).replace(/\B(?=(\d{3})+$)/g, ",") : String(Number(size.toPrecision(2)));
  if (text === "0") return "0 B";
  return `${bytes < 0 ? "−" : "+"}${text} B`;
}
