/** Tables as other programs export them: their figures, dates, gaps and clocks. */
import { describe, expect, test } from "vitest";
import { cellBytes } from "../../src/forecast/byte-cell.ts";
import { roleOf } from "../../src/forecast/columns.ts";
import { judgeDevice } from "../../src/forecast/device-forecast.ts";
import { countersOf } from "../support/counter-forecast.ts";

const START_MS = Date.UTC(2026, 2, 20);
const DAY_MS = 86_400e3;
const HOURS = Array.from({ length: 480 }, (_, hour) => hour);
const freeAt = (hour: number) => 120_000 - 100 * hour - ((hour * 7919) % 900);
const isoAt = (hour: number) => new Date(START_MS + hour * 3600e3).toISOString();

/** Twenty days of a leak of 2,400 bytes a day, with each row written by `row`. */
function table(header: string, row: (hour: number) => string): string {
  return `${[header, ...HOURS.map(row)].join("\n")}\n`;
}

async function judged(text: string) {
  const { tracks, sources } = await countersOf([text]);
  const [track] = tracks.values();
  if (!track) throw new Error("expected a device");
  const { forecast } = judgeDevice(track, { requestBytes: 1024, horizonUs: 180 * DAY_MS * 1000, confidence: 0.95 });
  return { forecast, source: sources[0], counts: track.record() };
}

describe("a cell of bytes", () => {
  test.each([
    ["118035", 1, false, 118_035],
    ["118035 B", 1, false, 118_035],
    ["115.3 KiB", 1, false, 118_067],
    ["23.4 KB", 1, false, 23_962],
    ["1.5MiB", 1, false, 1_572_864],
    ["64 bytes", 1024, false, 64],
    ["118,035", 1, false, 118_035],
    ["1,118,035.5", 1, false, 1_118_036],
    ["118 035", 1, true, 118_035],
    ["118'035", 1, false, 118_035],
    ["118\xe2\x80\xaf035", 1, true, 118_035],
    ["118\xa0035", 1, true, 118_035],
    ["1.118.035", 1, true, 1_118_035],
    ["118035,5", 1, true, 118_036],
    ["115,269", 1024, true, 118_035],
    ["115.269", 1024, true, 118_035],
    ["0x1cd13", 1, false, 118_035],
  ] as const)("%j in units of %i bytes, decimal comma %s, is %i", (cell, unitBytes, decimalComma, bytes) => {
    expect(cellBytes(cell, unitBytes, decimalComma)).toBe(bytes);
  });

  test.each([
    ["118.035", 1, true],
    ["118,035", 1, true],
    ["115,269", 1024, false],
    ["1,18,035", 1, false],
    ["1.2.3", 1, false],
    ["12 monkeys", 1, false],
    ["", 1, false],
  ] as const)("%j in units of %i bytes, decimal comma %s, is none", (cell, unitBytes, decimalComma) => {
    expect(cellBytes(cell, unitBytes, decimalComma)).toBeNaN();
  });
});

describe("an export", () => {
  test.each([
    ["with units in its cells", table("time,free", (hour) => `${isoAt(hour)},${freeAt(hour)} B`)],
    ["with averages", table("time,free_heap_mean", (hour) => `${isoAt(hour)},${freeAt(hour)}.25`)],
    [
      "with dates and times of day apart",
      table("Date,Time,free", (hour) => `${isoAt(hour).slice(0, 10)},${isoAt(hour).slice(11, 19)},${freeAt(hour)}`),
    ],
    ["with an offset of hours", table("time,free", (hour) => `${isoAt(hour + 2).slice(0, 19)}+02,${freeAt(hour)}`)],
    [
      "with dates that begin with the day",
      table("time;free", (hour) => {
        const [year, month, rest = ""] = isoAt(hour).split("-");
        return `${rest.slice(0, 2)}.${month}.${year} ${rest.slice(3, 11)};${freeAt(hour)}`;
      }),
    ],
    [
      "with rows of other series",
      table("time,temperature,free", (hour) => `${isoAt(hour)},21,${hour % 3 ? "" : freeAt(hour)}`),
    ],
    [
      "whose clock loses its date",
      table("time,free", (hour) => `${hour % 200 === 199 ? "1970-01-01T00:00:09Z" : isoAt(hour)},${freeAt(hour)}`),
    ],
    [
      "that ends with a lost date",
      `${table("time,free", (hour) => `${isoAt(hour)},${freeAt(hour)}`)}1970-01-01T00:00:09Z,120000\n`,
    ],
    [
      "that ends with the year 2000",
      `${table("time,free", (hour) => `${isoAt(hour)},${freeAt(hour)}`)}2000-01-01T00:00:09Z,120000\n`,
    ],
    [
      "with a date far ahead",
      table("time,free", (hour) => `${hour === 300 ? "2036-02-07T06:28:15Z" : isoAt(hour)},${freeAt(hour)}`),
    ],
  ])("%s shows the leak and its end", async (_, text) => {
    const { forecast } = await judged(text);
    expect(forecast.verdict).toBe("leak");
    expect(forecast.free?.bytesPerDay).toBeGreaterThan(-2500);
    expect(forecast.free?.bytesPerDay).toBeLessThan(-2300);
    expect(forecast.outcome).toBe("within-horizon");
    expect((forecast.exhaustion?.expectedUs ?? 0) / 86_400e6).toBeCloseTo(29, -1);
  });

  test("has empty rows counted as other lines, not as broken ones", async () => {
    const { source } = await judged(table("time,free", (hour) => `${isoAt(hour)},${hour % 3 ? "null" : freeAt(hour)}`));
    expect(source).toMatchObject({ samples: 160, otherLines: 321, brokenLines: 0 });
  });

  test("does not bridge a clock set by years with a least-free counter", async () => {
    const { counts } = await judged(
      table(
        "time,free,min_free",
        (hour) => `${hour < 9 ? isoAt(hour - 150_000) : isoAt(hour)},${freeAt(hour)},${90_000 - hour}`,
      ),
    );
    expect(counts.observedUs / 86_400e6).toBeLessThan(21);
  });

  test.each([
    [
      "with the newest sample first",
      table("time,free", (hour) => `${isoAt(479 - hour)},${freeAt(479 - hour)}`),
      /times of most samples go back/,
    ],
    [
      "whose uptime has another unit than its dates",
      table("time,uptime,free", (hour) => `${isoAt(hour)},${hour * 3600e3},${freeAt(hour)}`),
      /uptime does not run as the dates do/,
    ],
    [
      "with the least of each hour",
      table("time,free,free_heap_min", (hour) => `${isoAt(hour)},${freeAt(hour)},${freeAt(hour) - 50}`),
      /rises again and again/,
    ],
    [
      "with points for thousands, or fractions",
      table("time;free", (hour) => `${isoAt(hour)};${(freeAt(hour) / 1000).toFixed(3)}`),
      /may be thousands or a fraction/,
    ],
    [
      "with months before days, or behind",
      table("time,free", (hour) => `3/20/2026 12:00:00 AM,${freeAt(hour)}`),
      /is no time/,
    ],
    ["of one line without an end", "time,free\n2026-03-20T00:00:00Z,1000", /last line, which has no end/],
  ])("%s is refused with the reason", async (_, text, reason) => {
    await expect(judged(text)).rejects.toThrow(reason);
  });
});

test.each(["free_heap_max", "max_free", "tick", "ticks"])("%s is no column that a forecast rests on", (name) => {
  expect(roleOf(name)).toBeUndefined();
});

test("a log's times of day within the first hour after midnight are times", async () => {
  const rows = HOURS.map((i) => `[00:${String(i % 60).padStart(2, "0")}:00] heap free=${freeAt(i)}\n`).slice(0, 60);
  const { sources } = await countersOf([rows.join("")]);
  expect(sources[0]).toMatchObject({ samples: 60, brokenLines: 0 });
});
