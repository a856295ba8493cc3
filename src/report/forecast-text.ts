import type {
  DeviceForecast,
  FleetForecast,
  ForecastRecord,
  ForecastVerdict,
  PooledForecast,
  SourceRecord,
} from "../forecast/record.ts";
import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import { exhaustionCell, exhaustionLine, figure, slopeText } from "./forecast-words.ts";
import type { Paint } from "./paint.ts";
import { formatCount, type TableRow, tableLines } from "./table.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 110;
/** Of more devices, those that are no concern are counted only. */
const DEVICES_IN_FULL = 3;
const ROWS_MOST = 40;

export const WORDS: Readonly<Record<ForecastVerdict, string>> = {
  leak: "LEAK",
  fragmentation: "FRAGMENTATION",
  "leak-and-fragmentation": "LEAK AND FRAGMENTATION",
  stable: "no trend",
  undecided: "undecided",
};

/** The forecast for people: what was read, each device, all together, and the outcome. */
export function forecastText(record: ForecastRecord, paint: Paint): string {
  const lines = record.sources.flatMap(sourceTexts).flatMap((text) => wrapped(text, WIDTH));
  if (record.devices.length <= DEVICES_IN_FULL) {
    for (const device of record.devices) lines.push("", ...deviceLines(device, record, paint));
  } else lines.push("", ...tableOfDevices(record));
  if (record.pooled) lines.push("", ...pooledLines(record.pooled, record.confidence));
  if (record.fleet) lines.push("", ...fleetLines(record.fleet, record));
  return `${[...lines, "", forecastOutcome(record, paint)].join("\n")}\n`;
}

/** What was read of a file, in sentences. */
export function sourceTexts(source: SourceRecord): string[] {
  const { name, format, columns, samples, otherLines, brokenLines, tooLongLines, unfinishedBytes, cut, faults } =
    source;
  const roles = columns
    ? ` (${Object.entries(columns)
        .map(([role, column]) => `${role}: ${column}`)
        .join(", ")})`
    : "";
  const left = [
    otherLines > 1 && `${formatCount(otherLines)} other lines`,
    brokenLines > 0 &&
      `${formatCount(brokenLines)} unreadable (${faults.map(({ line, reason }) => `line ${line}: ${reason}`).join("; ")})`,
    tooLongLines > 0 && `${formatCount(tooLongLines)} too long`,
    unfinishedBytes > 0 && "an unfinished last line left out",
  ].filter((text) => typeof text === "string");
  const read = `${name}: ${format}${roles}, ${counted(samples, "sample")}${left.map((text) => `, ${text}`).join("")}`;
  return [read, ...(cut === null ? [] : [`${cut} It is read up to there.`])];
}

function deviceLines(device: DeviceForecast, record: ForecastRecord, paint: Paint): string[] {
  const { verdict, evidence } = device;
  const word =
    verdict === "stable" || verdict === "undecided" ? paint.strong(WORDS[verdict]) : paint.bad(WORDS[verdict]);
  const texts = [...evidence, exhaustionLine(device, record), trackText(device)];
  return [`${paint.strong(device.device)}: ${word}`, ...texts.flatMap((text) => indented(text))];
}

function indented(text: string): string[] {
  return wrapped(text, WIDTH - 4).map((line, index) => (index === 0 ? `  ${line}` : `    ${line}`));
}

export function trackText({
  track,
  windows,
  windowUs,
  smallestFreeBytes,
  smallestLargestBytes,
  minimumFreeBytes,
}: DeviceForecast): string {
  const found = [
    [track.reboots, "reboot"],
    [track.gaps, "gap"],
    [track.duplicates, "duplicate"],
    [track.outOfOrder, "late sample"],
    [track.clockJumps, "clock jump"],
    [track.minimumResets, "least-free counter reset"],
    [track.exhaustions, "exhaustion"],
  ] as const;
  const least = [
    smallestFreeBytes !== null && `free ${formatCount(smallestFreeBytes)}`,
    smallestLargestBytes !== null && `largest ${formatCount(smallestLargestBytes)}`,
    minimumFreeBytes !== null && `least-free counter ${formatCount(minimumFreeBytes)}`,
  ].filter((text) => typeof text === "string");
  const seen = found.filter(([count]) => count > 0).map(([count, what]) => `, ${counted(count, what)}`);
  const every = track.typicalIntervalUs ? ` every ${formatDuration(track.typicalIntervalUs)}` : "";
  const observed = `observed for ${formatDuration(track.observedUs)}${every}${seen.join("")}`;
  return `${observed}; least bytes seen: ${least.join(", ") || "none"}; ${counted(windows, "window")} of ${formatDuration(windowUs)}`;
}

export const DEVICE_HEADS = ["verdict", "free B/day", "largest B/day", "exhausted", "reboots", "observed"];

export function deviceRow(device: DeviceForecast, record: ForecastRecord): TableRow {
  return {
    title: device.device,
    cells: [
      WORDS[device.verdict],
      slopeText(device.free),
      slopeText(device.largest),
      exhaustionCell(device, record),
      String(device.track.reboots),
      formatDuration(device.track.observedUs),
    ],
  };
}

/** Those that run out within the horizon come first. */
export function byUrgency(devices: readonly DeviceForecast[]): DeviceForecast[] {
  const isUrgent = ({ outcome }: DeviceForecast) => outcome === "within-horizon";
  return [...devices.filter(isUrgent), ...devices.filter((device) => !isUrgent(device))];
}

function tableOfDevices(record: ForecastRecord): string[] {
  const shown = byUrgency(record.devices).slice(0, ROWS_MOST);
  const lines = tableLines(
    DEVICE_HEADS,
    shown.map((device) => deviceRow(device, record)),
  );
  const more = record.devices.length - shown.length;
  return more > 0 ? [...lines, `and ${formatCount(more)} more; --json lists them all`] : lines;
}

export function pooledLines({ devices, verdicts, free, largest }: PooledForecast, confidence: number): string[] {
  const counts = Object.entries(verdicts).filter(([, count]) => count > 0);
  const lines = [
    `${formatCount(devices)} devices: ${counts.map(([verdict, count]) => `${count} ${WORDS[verdict as ForecastVerdict]}`).join(", ")}`,
  ];
  const percent = percentOf(confidence);
  for (const [what, slope] of [
    ["free memory", free],
    ["largest block", largest],
  ] as const) {
    if (slope)
      lines.push(
        `  ${what}, median of the devices: ${figure(slope.bytesPerDay)} B a day (${percent}: ${figure(slope.low)} to ${figure(slope.high)})`,
      );
  }
  // At this confidence, so many healthy ones in a hundred look as if they fell.
  if (devices >= 10)
    lines.push(
      ...indented(
        `of healthy devices about ${Number(((1 - confidence) * 100).toPrecision(2))} in 100 are called falling by chance; look at the dates`,
      ),
    );
  return lines;
}

export function fleetLines(fleet: FleetForecast, { confidence }: ForecastRecord): string[] {
  const { devices, observedDevices, observedDeviceYears, rebootsPerYear, failuresPerYear, low, high } = fleet;
  const percent = percentOf(confidence);
  const rate =
    failuresPerYear === null
      ? `no exhaustion is foreseen; up to ${figure(high)} a year are compatible with what was observed (${percent})`
      : `${figure(failuresPerYear)} exhaustions a year (${percent}: ${figure(low)} to ${figure(high)})`;
  const basis = `judged by ${counted(observedDevices, "device")} over ${figure(observedDeviceYears)} device-years, with ${figure(rebootsPerYear)} other reboots a device-year`;
  const model =
    "model: each device is exhausted at the same uptime after every boot unless it reboots before for another reason, at any time alike; " +
    "an exhaustion reboots it; the observed devices stand for the fleet; uptimes are spread as in the long run";
  return [`fleet of ${formatCount(devices)}: ${rate}`, ...indented(basis), ...indented(model)];
}

export function forecastOutcome(record: ForecastRecord, paint: Paint): string {
  const horizon = formatDuration(record.horizonUs);
  const request = requestText(record);
  if (record.outcome === "within-horizon")
    return paint.bad(`a request of ${request} is expected to be refused within ${horizon}`);
  if (record.outcome === "undecided")
    return paint.strong(`undecided whether a request of ${request} is refused within ${horizon}`);
  const text = `a request of ${request} is not refused within ${horizon} if all goes on as logged (${percentOf(record.confidence)})`;
  return wrapped(text, WIDTH).join("\n");
}

function requestText({ requestBytes, requestIsGiven }: ForecastRecord): string {
  return `${formatBytes(requestBytes)}${requestIsGiven ? "" : " (the default; --request SIZE)"}`;
}

function percentOf(confidence: number): string {
  return `${Number((confidence * 100).toPrecision(4))} %`;
}
