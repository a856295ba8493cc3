/** The page of a forecast: each device's trends with their confidence, until a request no longer fits. */
import type { DeviceForecast, ForecastRecord, TrendRecord } from "../../forecast/record.ts";
import { formatBytes } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import {
  byUrgency,
  DEVICE_HEADS,
  deviceRow,
  fleetLines,
  forecastOutcome,
  pooledLines,
  sourceTexts,
  trackText,
  WORDS,
} from "../forecast-text.ts";
import { exhaustionLine, slopeText } from "../forecast-words.ts";
import { plainPaint } from "../paint.ts";
import { type Html, html } from "./markup.ts";
import { figure } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { aboveZero, band, limit, line, moment, type Plane, type Point, plot } from "./svg-plot.ts";
import { BYTES, linearScale, rounded, TIME } from "./svg-scale.ts";
import { capitalized, judged, list, textTable, unbroken } from "./text-parts.ts";

/** Devices that are drawn; the table has them all. */
const DRAWN_MOST = 12;

/** The page of a forecast record. */
export function forecastPage(record: ForecastRecord): RecordPage {
  const { devices, pooled, fleet, confidence, sources, provenance } = record;
  const outcome = forecastOutcome(record, plainPaint).replaceAll("\n", " ");
  const drawn = byUrgency(devices).slice(0, DRAWN_MOST);
  const rest = devices.length - drawn.length;
  const together = [...(pooled ? pooledLines(pooled, confidence) : []), ...(fleet ? fleetLines(fleet, record) : [])];
  return {
    title: devices.length === 1 ? `Forecast of ${devices[0]?.device ?? ""}` : `Forecast of ${devices.length} devices`,
    ...judged(record),
    sentence: `${capitalized(outcome)}.`,
    sections: [
      ...drawn.map((device, index) => deviceSection(device, record, index)),
      {
        id: "devices",
        title: rest > 0 ? "All devices" : "Figures",
        body: html`${devicesTable(record)}${together.length > 0 && list(unbroken(together))}`,
      },
      { id: "sources", title: "What was read", body: html`${list(sources.flatMap(sourceTexts))}` },
    ],
    provenance: [["heapsoak", provenance.heapsoak]],
  };
}

function devicesTable(record: ForecastRecord): Html {
  const devices = byUrgency(record.devices);
  return textTable(
    DEVICE_HEADS,
    devices.map((device) => deviceRow(device, record)),
    {
      first: "Device",
      caption: "Devices, those that run out within the horizon first",
      words: [1],
      tone: (index) => (devices[index]?.outcome === "within-horizon" ? "bad" : undefined),
    },
  );
}

function deviceSection(device: DeviceForecast, record: ForecastRecord, index: number): Section {
  const lines = [...device.evidence, exhaustionLine(device, record), trackText(device)];
  return {
    id: `device-${index + 1}`,
    title: `${device.device}: ${WORDS[device.verdict]}`,
    body: html`${deviceFigure(device, record)}${list(lines)}`,
  };
}

interface DrawnTrend {
  readonly name: string;
  readonly colour: string;
  readonly trend: TrendRecord;
}

/** Of what is only counted as used, no level is known: nothing can be drawn. */
function drawnTrends({ free, largest }: DeviceForecast): DrawnTrend[] {
  return [
    ...(free && !free.isUsed ? [{ name: "free memory", colour: "series-1", trend: free }] : []),
    ...(largest && !largest.isUsed ? [{ name: "largest block", colour: "series-2", trend: largest }] : []),
  ];
}

function deviceFigure(device: DeviceForecast, { requestBytes, horizonUs, confidence }: ForecastRecord): Html {
  const trends = drawnTrends(device);
  if (trends.length === 0) return html`<p>The counters tell no level, so that no trend can be drawn.</p>`;
  const fromUs = -device.track.observedUs;
  const most = Math.max(
    requestBytes,
    ...trends.flatMap(({ trend }) => [
      levelAt(trend, trend.bytesPerDay, fromUs),
      trend.levelBytes,
      levelAt(trend, trend.high, horizonUs),
    ]),
  );
  const picture = plot(
    {
      label: `Trends of ${device.device}`,
      description: trends.map(({ name, trend }) => `${name}: ${slopeText(trend)} bytes a day`).join("; "),
      height: 280,
      x: linearScale([fromUs, horizonUs], TIME),
      y: linearScale(rounded([0, most], BYTES), BYTES),
      xTitle: "time from the last sample",
      yTitle: "bytes",
    },
    (plane) => [
      moment(plane, 0, "last sample"),
      ...trends.flatMap((drawn) => trendMarks(plane, drawn, fromUs, horizonUs)),
      limit(plane, requestBytes, `request: ${formatBytes(requestBytes)}`, "bad", "left"),
      ...exhaustionMark(plane, device, horizonUs),
    ],
  );
  return figure(picture, {
    caption: `Trends of the least values, as far as they were logged and ${formatDuration(horizonUs)} ahead (dashed), each with its slope's ${Math.round(confidence * 100)} % interval.`,
    legend: trends.map(({ name, colour, trend }) => ({ colour, label: `${name}: ${slopeText(trend)} B a day` })),
  });
}

function trendMarks(plane: Plane, { trend, colour }: DrawnTrend, fromUs: number, horizonUs: number): Html[] {
  const now: Point = [0, trend.levelBytes];
  const ahead = (slope: number) => aboveZero(now, [horizonUs, levelAt(trend, slope, horizonUs)]);
  return [
    band(plane, ahead(trend.high), ahead(trend.low), colour),
    line(plane, [[fromUs, levelAt(trend, trend.bytesPerDay, fromUs)], now], colour),
    line(plane, ahead(trend.bytesPerDay), `${colour} dashed`),
  ];
}

function exhaustionMark(plane: Plane, { exhaustion }: DeviceForecast, horizonUs: number): Html[] {
  const expectedUs = exhaustion?.expectedUs ?? null;
  if (expectedUs === null || expectedUs > horizonUs) return [];
  return [moment({ ...plane, top: plane.top + 16 }, expectedUs, "expected to be refused", "bad")];
}

function levelAt({ levelBytes }: TrendRecord, bytesPerDay: number, us: number): number {
  return levelBytes + (bytesPerDay * us) / 86_400e6;
}
