import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { DAY_US, judgeDevice } from "../../src/forecast/device-forecast.ts";
import { FORECAST_FORMAT } from "../../src/forecast/record.ts";
import { countersOf } from "../support/counter-forecast.ts";
import { counterTable } from "../support/counter-series.ts";

const QUESTION = { requestBytes: 1024, horizonUs: 90 * DAY_US, confidence: 0.95 };

/** Either a forecast without NaN and endless numbers, or an error for users. */
async function survives(input: string | Buffer, columns = {}): Promise<void> {
  try {
    const { tracks } = await countersOf([input], { columns });
    for (const track of tracks.values()) {
      const text = JSON.stringify(judgeDevice(track, QUESTION).forecast, (_, value) => {
        if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} in the record`);
        return value;
      });
      expect(text).toContain('"verdict"');
    }
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    expect(error.code).toBe("bad-counters");
  }
}

const CELL = fc.oneof(
  fc.constantFrom(
    "",
    "NaN",
    "-1",
    "1e308",
    "0x10",
    "Infinity",
    "999999999999999999999",
    '"',
    '""',
    "2026-01-05T07:30:00Z",
    "1700000000",
    "12:00:01",
    "null",
  ),
  fc.integer({ min: 0, max: 70_000 }).map(String),
  fc.string({ maxLength: 8 }),
);
const LINE = fc.oneof(
  fc.array(CELL, { maxLength: 6 }).map((cells) => cells.join(",")),
  fc
    .tuple(fc.date({ noInvalidDate: true }), fc.nat(100_000), fc.nat(60_000))
    .map(([at, free, largest]) => `${at.toISOString()},${free},${largest}`),
  fc
    .tuple(fc.nat(2 ** 32), fc.nat(100_000))
    .map(([ms, free]) => `I (${ms}) a: Free heap: ${free} min: 3 largest: ${free >> 1}`),
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    "time,free,largest",
    "[MEM] free: 1 | max: 2 | frag: 3%",
    "rst:0x1",
    '{"ht":1,"t_ms":5,"free":3}',
    "{".repeat(50),
    "GC: total: 1, used: 1, free: 1",
  ),
);

describe("hostile input", () => {
  test("of any lines ends in a forecast or in an error for users", async () => {
    const text = fc.tuple(
      fc.constantFrom("time,free,largest", "uptime_ms;free;device", "x", ""),
      fc.array(LINE, { maxLength: 80 }),
    );
    await fc.assert(
      fc.asyncProperty(text, ([header, lines]) => survives(`${header}\n${lines.join("\n")}\n`)),
      { numRuns: 300 },
    );
  });

  test("of any bytes does too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), (bytes) => survives(Buffer.from(bytes))),
      { numRuns: 200 },
    );
  });

  test("cut off anywhere is read up to there, or refused", async () => {
    const table = counterTable({ seed: 1, days: 1 });
    await fc.assert(
      fc.asyncProperty(fc.nat(table.length), (end) => survives(table.slice(0, end))),
      { numRuns: 100 },
    );
  });

  test("of one endless line takes no memory, and is counted", async () => {
    const { sources } = await countersOf([`${counterTable({ seed: 1, days: 1 })}${"7".repeat(3_000_000)}\n`]);
    expect(sources[0]).toMatchObject({ samples: 144, tooLongLines: 1 });
  });

  test("names of devices reach the record without what a terminal would obey", async () => {
    const { tracks } = await countersOf(
      ["time,device,free\n2026-01-01T00:00:00Z,\x1b[31mb\xc3\xb6se,900\n"].map((text) => Buffer.from(text, "latin1")),
    );
    expect([...tracks.keys()]).toEqual(["\\x1b[31mböse"]);
  });

  test("half of it garbage is refused with the first line that cannot be read", async () => {
    const rows = counterTable({ seed: 1, days: 1 }).split("\n");
    const broken = rows.map((row, i) => (i > 50 ? "\0\0\0" : row));
    await expect(countersOf([broken.join("\n")])).rejects.toThrow(/94 of 144 samples cannot be read; line 52: 1 cells/);
  });
});

test("the format of the record is a promise", () => {
  expect(FORECAST_FORMAT).toBe("heapsoak.forecast");
});
