import type { DeviceForecast, ForecastRecord, TrendRecord } from "../forecast/record.ts";
import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { formatCount } from "./table.ts";

type Settings = Pick<ForecastRecord, "requestBytes" | "horizonUs" | "confidence">;

/** When a request will be refused, in a sentence; a date that nothing shows is not named. */
export function exhaustionLine(device: DeviceForecast, { requestBytes, horizonUs, confidence }: Settings): string {
  const { exhaustion, outcome } = device;
  if (!exhaustion) return "nothing can be said of the time ahead";
  const percent = `${Number((confidence * 100).toPrecision(4))} %`;
  const request = formatBytes(requestBytes);
  if (outcome === "within-horizon") {
    const { earliestUs, latestUs, expectedUs } = exhaustion;
    const span = `${percent}: ${instant(device, earliestUs, "earliestAt")} to ${instant(device, latestUs, "latestAt")}`;
    const what = exhaustion.by === "largest" ? "largest block" : "free memory";
    return `${what} below ${request}: ${instant(device, expectedUs, "expectedAt")} (${span}), if the device is not restarted before${farAhead(device)}`;
  }
  const horizon = formatDuration(horizonUs);
  if (outcome === "not-within-horizon") {
    const earliest =
      exhaustion.earliestUs === null ? "" : `; not before ${instant(device, exhaustion.earliestUs, "earliestAt")}`;
    return `${request} not refused within ${horizon} (${percent})${earliest}`;
  }
  const share = Math.round(exhaustion.withinHorizonRatio * 100);
  return `${request} refused within ${horizon} in ${share} % of the futures that fit the log: undecided`;
}

/** The same in a cell of a table. */
export function exhaustionCell(device: DeviceForecast, { horizonUs }: Settings): string {
  const { exhaustion, outcome } = device;
  if (!exhaustion) return "?";
  if (outcome === "within-horizon") return instant(device, exhaustion.expectedUs, "expectedAt");
  return outcome === "undecided" ? "undecided" : `not within ${formatDuration(horizonUs)}`;
}

/** A slope and its interval: `−1,234 (−1,300 to −1,100)`. */
export function slopeText(trend: TrendRecord | null): string {
  return trend ? `${figure(trend.bytesPerDay)} (${figure(trend.low)} to ${figure(trend.high)})` : "";
}

/** A number for people, whole from ten on, with a proper minus. */
export function figure(value: number): string {
  const size = Math.abs(value);
  const text = size >= 10 ? formatCount(Math.round(size)) : String(Number(size.toPrecision(2)));
  return value < 0 && text !== "0" ? `−${text}` : text;
}

/** A date where the log has dates, or else how long after its end. */
function instant(
  { exhaustion }: DeviceForecast,
  us: number | null,
  key: "earliestAt" | "expectedAt" | "latestAt",
): string {
  if (us === null) return "no bound";
  const at = exhaustion?.[key];
  return at ? `${at.slice(0, 10)} ${at.slice(11, 16)}` : `in ${roundedDuration(us)}`;
}

/** Weeks ahead nobody needs minutes. */
function roundedDuration(us: number): string {
  const unitUs = us > 2 * 86_400e6 ? 3600e6 : 60e6;
  return formatDuration(Math.max(unitUs, Math.round(us / unitUs) * unitUs));
}

/** Far beyond what was observed, the trend is taken on trust. */
function farAhead({ exhaustion, track }: DeviceForecast): string {
  const times = (exhaustion?.expectedUs ?? 0) / Math.max(1, track.observedUs);
  return times > 5 ? `; that is ${Math.round(times)} times as far ahead as was observed` : "";
}
