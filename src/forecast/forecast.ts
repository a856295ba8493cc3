import { packageVersion } from "../version.ts";
import type { NamedColumns } from "./csv-format.ts";
import { type JudgedDevice, judgeDevice } from "./device-forecast.ts";
import { fleetForecast, pool } from "./fleet.ts";
import { readCounters } from "./read.ts";
import { FORECAST_FORMAT, FORECAST_VERSION, type ForecastOutcome, type ForecastRecord } from "./record.ts";

/** Where nobody says what will be requested. */
export const DEFAULT_REQUEST_BYTES = 1024;
export const DEFAULT_HORIZON_US = 90 * 86_400e6;
export const DEFAULT_CONFIDENCE = 0.95;
/** With more devices than these, each is judged by fewer windows: pairs of windows take the time. */
const DEVICES_IN_FULL = 32;
const WINDOWS_OF_MANY = 96;

/** What to forecast, from which files. */
export interface ForecastRequest {
  /** Tables and logs; `-` is standard input. Files of the same device follow each other in time. */
  readonly paths: readonly string[];
  readonly columns?: NamedColumns;
  /** One of `FORMATS`; recognised where it is not given. */
  readonly format?: string | undefined;
  /** Bytes that must be free in one block; 1 KiB where nobody says. */
  readonly requestBytes?: number | undefined;
  readonly horizonUs?: number;
  /** Of all intervals and verdicts, between 0.5 and 0.99. */
  readonly confidence?: number;
  /** Devices in the field. */
  readonly fleet?: number | undefined;
}

/**
 * Reads counters of free memory and says where they lead. Memory does not grow with the files.
 * Throws `cannot-read`, `bad-counters`, `bad-argument`.
 */
export async function forecast(request: ForecastRequest): Promise<ForecastRecord> {
  const { horizonUs = DEFAULT_HORIZON_US, confidence = DEFAULT_CONFIDENCE } = request;
  const requestBytes = request.requestBytes ?? DEFAULT_REQUEST_BYTES;
  const { paths, columns = {}, format } = request;
  const { tracks, sources } = await readCounters({ paths, columns, format, requestBytes });
  const judged: JudgedDevice[] = [];
  for (const track of tracks.values()) {
    if (tracks.size > DEVICES_IN_FULL) track.series.coarsen(WINDOWS_OF_MANY);
    judged.push(judgeDevice(track, { requestBytes, horizonUs, confidence }));
  }
  const devices = judged.map((device) => device.forecast);
  return {
    format: FORECAST_FORMAT,
    version: FORECAST_VERSION,
    provenance: { heapsoak: packageVersion() },
    requestBytes,
    requestIsGiven: request.requestBytes !== undefined,
    horizonUs,
    confidence,
    sources,
    devices,
    pooled: devices.length > 1 ? pool(judged, confidence) : null,
    fleet: request.fleet === undefined ? null : fleetForecast(judged, request.fleet, confidence),
    outcome: worst(devices.map(({ outcome }) => outcome)),
  };
}

function worst(outcomes: readonly ForecastOutcome[]): ForecastOutcome {
  if (outcomes.includes("within-horizon")) return "within-horizon";
  return outcomes.includes("undecided") ? "undecided" : "not-within-horizon";
}
