/**
 * The record of a forecast: plain versioned data, the only thing that the report reads. The same files give the same
 * record, byte for byte; no clock is read.
 */
export const FORECAST_FORMAT = "heapsoak.forecast";
export const FORECAST_VERSION = 1;

/** What the counters show. */
export type ForecastVerdict = "leak" | "fragmentation" | "leak-and-fragmentation" | "stable" | "undecided";
/** Whether a request of the asked size will be refused within the horizon. */
export type ForecastOutcome = "within-horizon" | "not-within-horizon" | "undecided";

export interface SourceRecord {
  readonly name: string;
  readonly format: string;
  /** Of a table, the column of each role. */
  readonly columns: Readonly<Record<string, string>> | null;
  readonly lines: number;
  readonly samples: number;
  /** Lines that were no samples: headers, empty lines, other prints of the firmware. */
  readonly otherLines: number;
  /** Lines that were meant as samples and could not be read. */
  readonly brokenLines: number;
  readonly tooLongLines: number;
  /** Bytes of a last line without its end, which is left out. */
  readonly unfinishedBytes: number;
  /** Why the file was read up to some place only, in a sentence, or null: its compression is cut off or damaged. */
  readonly cut: string | null;
  /** The first broken lines. */
  readonly faults: readonly { readonly line: number; readonly reason: string }[];
}

/** The trend of a counter over its least values in each window: Theil–Sen within each boot. */
export interface TrendRecord {
  readonly bytesPerDay: number;
  /** The interval at the record's confidence. */
  readonly low: number;
  readonly high: number;
  /** The line's value at the last sample. */
  readonly levelBytes: number;
  /** Where the firmware's counter only says what is used, free bytes are minus that: the level is then meaningless. */
  readonly isUsed: boolean;
}

/** When a request of the asked size will be refused, counted from the device's last sample; null: not within 100 years. */
export interface ExhaustionRecord {
  readonly earliestUs: number | null;
  readonly expectedUs: number | null;
  readonly latestUs: number | null;
  /** The same as dates, where the log has dates. */
  readonly earliestAt: string | null;
  readonly expectedAt: string | null;
  readonly latestAt: string | null;
  /** Share of the bootstrap's futures in which it comes within the horizon. */
  readonly withinHorizonRatio: number;
  /** Which counter runs out first. */
  readonly by: "free" | "largest";
}

/** What was found in the order and the times of the samples. */
export interface TrackRecord {
  readonly samples: number;
  /** From the first to the last sample, without what lies between two boots. */
  readonly observedUs: number;
  /** Date of the last sample, or null where the log has no dates. */
  readonly lastAt: string | null;
  readonly typicalIntervalUs: number | null;
  readonly reboots: number;
  /** Stretches within which the device is known not to have rebooted. */
  readonly segments: number;
  readonly gaps: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly clockJumps: number;
  readonly minimumResets: number;
  /** Reboots, and other jumps upwards, right after a sample below the asked size. */
  readonly exhaustions: number;
  /** Rises of free memory by more than half of all it varies by, without a sign of a reboot. */
  readonly rises: number;
  /** Boot, uptime or least-free counter: what reboots were told by; none: they cannot be told. */
  readonly rebootsToldBy: readonly string[];
}

export interface DeviceForecast {
  readonly device: string;
  readonly track: TrackRecord;
  /** Windows that the trends are taken over, and how long each is. */
  readonly windows: number;
  readonly windowUs: number;
  /** Whether windows were compared with those of the same time of day only. */
  readonly byTimeOfDay: boolean;
  readonly free: TrendRecord | null;
  readonly largest: TrendRecord | null;
  /** Largest block minus free memory: falls where what is free is scattered. */
  readonly together: TrendRecord | null;
  readonly minimumFreeBytes: number | null;
  readonly smallestFreeBytes: number | null;
  readonly smallestLargestBytes: number | null;
  /** Whether a sample was below the asked size already. */
  readonly alreadyBelow: boolean;
  /** How far the device's own least-free counter lies below the line: what happens between the samples. */
  readonly unseenDipBytes: number;
  readonly verdict: ForecastVerdict;
  /** Why, in sentences. */
  readonly evidence: readonly string[];
  readonly outcome: ForecastOutcome;
  readonly exhaustion: ExhaustionRecord | null;
}

/** All devices taken together: the median of their trends. */
export interface PooledForecast {
  readonly devices: number;
  readonly verdicts: Readonly<Record<ForecastVerdict, number>>;
  readonly free: { readonly bytesPerDay: number; readonly low: number; readonly high: number } | null;
  readonly largest: { readonly bytesPerDay: number; readonly low: number; readonly high: number } | null;
}

export interface FleetForecast {
  readonly devices: number;
  /** Devices that the fleet is judged by. */
  readonly observedDevices: number;
  readonly observedDeviceYears: number;
  /** Reboots a device-year that are no exhaustions. */
  readonly rebootsPerYear: number;
  /** Refused requests a year that reboot their device, over the whole fleet; null: only the bound is known. */
  readonly failuresPerYear: number | null;
  readonly low: number;
  readonly high: number;
}

export interface ForecastRecord {
  readonly format: typeof FORECAST_FORMAT;
  readonly version: typeof FORECAST_VERSION;
  readonly provenance: { readonly heapsoak: string };
  readonly requestBytes: number;
  /** False: nobody asked for this size, it is the default. */
  readonly requestIsGiven: boolean;
  readonly horizonUs: number;
  readonly confidence: number;
  readonly sources: readonly SourceRecord[];
  readonly devices: readonly DeviceForecast[];
  /** Null for a single device. */
  readonly pooled: PooledForecast | null;
  /** Null unless it was asked for. */
  readonly fleet: FleetForecast | null;
  readonly outcome: ForecastOutcome;
}
