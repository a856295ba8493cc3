import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import type { NamedColumns } from "../forecast/csv-format.ts";
import { type ForecastRequest, forecast } from "../forecast/forecast.ts";
import { parseSize } from "../quantities.ts";
import { forecastText } from "../report/forecast-text.ts";
import { VERDICTS } from "../report/verdict-of.ts";
import { parseCount } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { EXIT_CODES } from "./run.ts";
import { parseTimeOption } from "./scenario-options.ts";

interface ForecastOptions {
  readonly request?: string;
  readonly horizon: string;
  readonly confidence: string;
  readonly fleet?: string;
  readonly time?: string;
  readonly free?: string;
  readonly minFree?: string;
  readonly largest?: string;
  readonly deviceColumn?: string;
  readonly format?: string;
  readonly json?: string;
}

const FLEET_MOST = 1_000_000_000;

const EXAMPLES = `
Tables are CSV or TSV with a header. Columns are recognised by their words, in any order and spelling: time (time,
timestamp, ts, date, epoch …), uptime (uptime_s, millis, t_ms …), free (free, free_heap, heapFreeBytes …), least free
(min_free, minimum_ever_free …), largest (largest_block, maxAllocHeap, max_block …), used and total, boots (boot_count,
reboots …), device (device, mac, host, node_id …).
Logs: lines of Arduino, ESP-IDF, ESP8266, Zephyr, Zephelin, LVGL, mbedTLS, o1heap, MicroPython, "[MEM] free: N |
max: N | frag: N%", name=number pairs and JSON Lines (heaptop's too), with a time before the text: ISO dates, seconds
since 1970, 12:34:56, [ 12.345] or ESP-IDF's (12345).

Reboots are told by an uptime that goes back, a count of boots, or a least-free counter that rises; trends are taken
within boots only. "LEAK": free memory falls. "FRAGMENTATION": it does not, and the largest block falls.

Examples:
  $ heapsoak forecast counters.csv
  When will 16 KiB for a TLS session be refused, and how often in a year in the field?
    $ heapsoak forecast counters.csv --request 16KiB --fleet 5000
  Columns with names of their own:
    $ heapsoak forecast log.csv --time stamp:ms --free hp0 --largest hp2 --device-column board
  From a serial log, for CI:
    $ heapsoak forecast - --horizon 1y --json forecast.json < serial.log

Exit codes: 0 no exhaustion within the horizon at the given confidence, 1 expected within the horizon, 2 bad input,
3 undecided.`;

/** `heapsoak forecast`: from counters that devices log to when a request will be refused. */
export function forecastCommand(): Command {
  return new Command("forecast")
    .summary("say from logged counters whether memory runs out, why and when")
    .description("Tells leaks from fragmentation in logged heap counters, and when a request will be refused.")
    .argument("<counters...>", "tables or logs, plain or gzip; - for standard input")
    .option("--request <size>", "bytes that must be free in one block; 1 KiB by default")
    .option("--horizon <time>", "how far to look ahead", "90d")
    .option("--confidence <ratio>", "of all intervals, from 0.5 to 0.99", "0.95")
    .option("--fleet <n>", "devices in the field: adds the exhaustions to expect a year")
    .option("--time <column[:unit]>", "column of times; unit s, ms or us of numbers since boot")
    .option("--free <column>", "column of free bytes")
    .option("--min-free <column>", "column of the least free bytes since boot")
    .option("--largest <column>", "column of the largest free block")
    .option("--device-column <column>", "column that tells devices apart; without one, a file is a device")
    .option("--format <name>", "csv, json-lines, heaptop, or a form of log lines; recognised by default")
    .option("--json <file>", "write the record; - for standard output, everything else then goes to stderr")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(paths: string[], options: ForecastOptions): Promise<void> {
  const request = requestOf(paths, options);
  if (options.json !== undefined) await refuseUnwritable(options.json);
  const record = await forecast(request);
  process.exitCode = EXIT_CODES[VERDICTS.forecast[record.outcome]];
  const out = options.json === "-" ? process.stderr : process.stdout;
  out.write(forecastText(record, paintFor(out)));
  if (options.json !== undefined) await writeWhole(options.json, `${JSON.stringify(record, undefined, 2)}\n`);
}

function requestOf(paths: readonly string[], options: ForecastOptions): ForecastRequest {
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice !== undefined) throw new HeapsoakError("bad-argument", `${twice}: is given twice.`);
  const { request, fleet } = options;
  return {
    paths,
    columns: columnsOf(options),
    format: options.format,
    requestBytes: request === undefined ? undefined : parseSize(request, "--request"),
    horizonUs: parseTimeOption(options.horizon, "--horizon"),
    confidence: parseConfidence(options.confidence),
    fleet: fleet === undefined ? undefined : parseCount(fleet, "--fleet", 1, FLEET_MOST),
  };
}

function columnsOf({ time, free, minFree, largest, deviceColumn }: ForecastOptions): NamedColumns {
  return {
    ...(time !== undefined && { time }),
    ...(free !== undefined && { free }),
    ...(minFree !== undefined && { minimum: minFree }),
    ...(largest !== undefined && { largest }),
    ...(deviceColumn !== undefined && { device: deviceColumn }),
  };
}

function parseConfidence(text: string): number {
  const confidence = /^0?\.\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (confidence >= 0.5 && confidence <= 0.99) return confidence;
  throw new HeapsoakError(
    "bad-argument",
    `--confidence: got "${text.slice(0, 40)}", expected a ratio from 0.5 to 0.99.`,
  );
}
