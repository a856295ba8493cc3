import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { roleOf } from "../../src/forecast/columns.ts";
import { countersOf } from "../support/counter-forecast.ts";
import { counterTable } from "../support/counter-series.ts";

const MINUTES = Array.from({ length: 40 }, (_, i) => i);

/** A line for each of forty minutes. */
function lines(line: (minute: number) => string): string {
  return MINUTES.map((minute) => `${line(minute)}\n`).join("");
}

function iso(minute: number): string {
  return new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString();
}

async function only(text: string | Buffer, settings: Parameters<typeof countersOf>[1] = {}) {
  const { tracks, sources } = await countersOf([text], settings);
  const [track] = tracks.values();
  const [source] = sources;
  if (!track || !source || tracks.size !== 1) throw new Error("expected one device");
  const { free, largest } = track.series.windows;
  const { minimumFree } = track;
  return { source, record: track.record(), free: Math.min(...free), largest: Math.min(...largest), minimumFree, track };
}

describe("names of columns", () => {
  test.each([
    ["free", "free"],
    ["Free Heap", "free"],
    ["heapFreeBytes", "free"],
    ["internal_free", "free"],
    ["xAvailableHeapSpaceInBytes", "free"],
    ["available_heap", "free"],
    ["min_free_heap", "minimum"],
    ["xMinimumEverFreeBytesRemaining", "minimum"],
    ["xSizeOfLargestFreeBlockInBytes", "largest"],
    ["minimum_ever_free", "minimum"],
    ["heap_min", "minimum"],
    ["largest_free_block", "largest"],
    ["maxAllocHeap", "largest"],
    ["max_block", "largest"],
    ["biggest free", "largest"],
    ["max_used", undefined],
    ["free_blocks", undefined],
    ["psram_free", undefined],
    ["used", "used"],
    ["total_heap", "total"],
    ["timestamp", "time"],
    ["time_ms", "time"],
    ["uptime_s", "uptime"],
    ["millis", "uptime"],
    ["boot_count", "boot"],
    ["device_id", "device"],
    ["temperature", undefined],
    ["max", undefined],
    ["heap", undefined],
    ["constructor", undefined],
  ])("%s stands for %s", (name, role) => {
    expect(roleOf(name)?.role).toBe(role);
  });

  test("a unit in the name scales the figures", () => {
    expect(roleOf("free_kb")?.bytes).toBe(1024);
    expect(roleOf("uptime_ms")?.unit).toBe("ms");
  });
});

describe("tables", () => {
  test.each([",", ";", "\t", "|"])("are read with %j between the cells", async (delimiter) => {
    const table = counterTable({ seed: 1, days: 1 }).replaceAll(",", delimiter);
    const { source, record } = await only(table);
    expect(source.format).toBe("csv");
    expect(source.columns).toEqual({ time: "time", free: "free_heap", largest: "largest_block" });
    expect(record.samples).toBe(144);
  });

  test("may have comments above, quotes, kilobytes, and their header again in the middle", async () => {
    const half = lines((i) => `"${iso(i)}","x, ""y""",${i + 50},`);
    const { source, free } = await only(`# export\n\ntime,note,free_kb,min\n${half}time,note,free_kb,min\n`);
    expect(source).toMatchObject({ samples: 40, brokenLines: 0 });
    expect(free).toBe(50 * 1024);
  });

  test("tell devices apart by their column, also by the one that is named", async () => {
    const table = `t_ms,board,hp\n${lines((i) => `${i * 60_000},${i % 2 ? "b" : "a"},${900 + i}`)}`;
    const { tracks } = await countersOf([table], { columns: { time: "t_ms", device: "board", free: "hp" } });
    expect([...tracks.keys()]).toEqual(["a", "b"]);
    expect([...tracks.values()].map((track) => track.record().samples)).toEqual([20, 20]);
  });

  test("broken lines are counted, and named by their numbers", async () => {
    const table = counterTable({ seed: 1, days: 1 }).split("\n");
    table.splice(5, 0, "2026-02-31T00:00:00Z,1,1", "2026-01-05T08:10:00Z,abc,1", "2026-01-05T08:10:00Z,100", '"2026');
    const { source } = await only(table.join("\n"));
    expect(source.brokenLines).toBe(4);
    expect(source.faults).toEqual([
      { line: 6, reason: '"2026-02-31T00:00:00Z" is no time' },
      { line: 7, reason: 'free_heap: "abc" is no number' },
      { line: 8, reason: "2 cells where the header has 3" },
    ]);
  });

  test("a last line without its end is left out: half a number is another number", async () => {
    const { source, free } = await only(`${counterTable({ seed: 1, days: 1 })}2026-01-06T07:30:00Z,6`);
    expect(source).toMatchObject({ samples: 144, brokenLines: 0, unfinishedBytes: 22 });
    expect(free).toBeGreaterThan(50_000);
  });

  test("a compressed table is read like a plain one", async () => {
    const table = counterTable({ seed: 1, days: 3 });
    expect((await countersOf([gzipSync(table)])).sources).toEqual((await countersOf([table])).sources);
  });

  test("a compressed table that is cut off is read up to there, and that is said", async () => {
    const whole = gzipSync(counterTable({ seed: 1, days: 60 }));
    const { source } = await only(whole.subarray(0, whole.length >> 1));
    expect(source.cut).toBe("counters 1: the gzip data is cut off.");
    expect(source.samples).toBeGreaterThan(2000);
    expect(source.samples).toBeLessThan(6500);
    expect(source.brokenLines).toBe(0);
  });

  test("used and total give free", async () => {
    const { free } = await only(`time,used,total\n${lines((i) => `${iso(i)},${2000 + i},10000`)}`);
    expect(free).toBe(7961);
  });
});

describe("logs", () => {
  test.each([
    ["arduino", (i: number) => `I (${i * 60_000}) app: Free heap: ${9000 - i} min: 700 largest: 800`, 8961, 800, 700],
    ["mem", (i: number) => `[${iso(i)}] [MEM] free: ${9000 - i} | max: 800 | frag: 84%`, 8961, 800],
    [
      "zephyr",
      (i: number) =>
        `[00:${10 + i}:00.000,000] <inf> allocated 100, free ${900 - i}, max allocated 300, heap size 1024`,
      861,
      Infinity,
      661,
    ],
    [
      "esp-idf",
      (i: number) => `I (${i * 60_000}) x: a\n free ${9000 - i} allocated 5 min_free 700 largest_free_block 800`,
      8961,
      800,
      700,
    ],
    ["esp8266", (i: number) => `12:${10 + i}:01.5 -> frag:  50% (freeheap: ${9000 - i} - maxblock= 800)`, 8961, 800],
    [
      "lvgl",
      (i: number) => `[ ${i * 60}.345] used:  ${55_000 + i} (  6 %), frag:   1 %, biggest free: 800`,
      -55_039,
      800,
    ],
    [
      "mbedtls",
      (i: number) =>
        `${iso(i)} Current use: 33 blocks / ${2500 + i} bytes, max: 99 blocks / 5392 bytes (total 8560 bytes), alloc / free: 8803 / 8771`,
      -2539,
      Infinity,
    ],
    [
      "o1heap",
      (i: number) => `[ ${i * 60}.000] Heap status ${64 + i}/8000 Peak alloc 896 Peak req 256 OOM count 0`,
      7897,
      Infinity,
      7104,
    ],
    [
      "zephelin",
      (i: number) => `[ ${i * 60}.000] zpl_memory_event k_heap (0x20001000) ${100 + i}B ${900 - i}B main`,
      861,
      Infinity,
    ],
    [
      "micropython",
      (i: number) =>
        `${1_760_000_000 + i * 60} x\nGC: total: 64000, used: 5, free: ${9000 - i}\n No. of 1-blocks: 1, 2-blocks: 3, max blk sz: 4, max free sz: 50`,
      8961,
      800,
    ],
    [
      "key-value",
      (i: number) => `${iso(i)} uptime_s=${i * 60} heap_free=${9000 - i} largest_block=800 temp=21`,
      8961,
      800,
    ],
    [
      "json-lines",
      (i: number) =>
        `{"ht":1,"type":"sample","t_ms":${i * 60_000},"regions":{"internal":{"total":1,"free":${9000 - i},"min":700,"largest":800},"dma":{"free":3}}}`,
      8961,
      800,
      700,
    ],
  ])("of %s are recognised by their lines", async (format, line, free, largest, minimum = Infinity) => {
    const read = await only(lines((i) => `boot chatter, heap of words\n${line(i)}`).replace(/^boot.*\n(?=\{)/gm, ""));
    expect(read.source).toMatchObject({ format, samples: 40, brokenLines: 0 });
    expect(read.free).toBe(free);
    expect(read.largest).toBe(largest);
    expect(read.minimumFree).toBe(minimum);
    expect(read.record.observedUs).toBe(39 * 60e6);
  });

  test("a boot banner begins a new stretch", async () => {
    const text = lines((i) =>
      i === 20 ? "ets Jun  8 2016 00:22:57\nrst:0x1 (POWERON_RESET)" : `${iso(i)} free heap: 900${i % 9}`,
    );
    expect((await only(text, { format: "key-value" })).record).toMatchObject({ samples: 39, reboots: 1, segments: 2 });
  });

  test("a boot banner is one of all heaps that the log tells of, and makes no device of its own", async () => {
    const heap = (i: number, base: string) => `[ ${i * 60}.000] zpl_memory_event heap (${base}) 100B 900B main`;
    const text = lines((i) => (i === 20 ? "*** Booting Zephyr OS v3.7 ***" : `${heap(i, "0x20")}\n${heap(i, "0x30")}`));
    const { tracks } = await countersOf([`*** Booting Zephyr OS v3.7 ***\n${text}`]);
    expect([...tracks].map(([name, track]) => [name, track.record().reboots])).toEqual([
      ["heap 0x20", 1],
      ["heap 0x30", 1],
    ]);
  });

  test("a time of day counts on over midnight", async () => {
    const text = lines((i) => `${i < 20 ? "23:" : "00:"}${String(40 + (i % 20)).padStart(2, "0")}:00 heap free: 5000`);
    expect((await only(text)).record).toMatchObject({ segments: 2, lastAt: null, clockJumps: 0 });
  });
});

describe("what is no counters", () => {
  test.each([
    ["an empty file", "", "has no lines"],
    ["prose", "to be or not to be\n".repeat(100), "no counters of a heap were recognised"],
    ["a table without a time", `a,free\n${lines((i) => `1,${i}`)}`, "no counters"],
    ["a log without times", lines((i) => `Free heap: ${i} min: 1 largest: 1`), "no time"],
    ["times without a unit", `time,free\n${lines((i) => `${i},900`)}`, "the time 0 has no unit"],
    ["a dump in UTF-16", "\xff\xfea\0", "UTF-16"],
    [
      "a compressed file of which only its beginning is there",
      "\x1f\x8b\x08\0",
      "the gzip data is cut off. No samples",
    ],
    ["a compressed file that is none", `\x1f\x8b\x08${"\xff".repeat(40)}`, "the gzip data is damaged"],
    ["only a header", "time,free\n", "holds no samples"],
  ])("%s is refused with the reason", async (_, text, reason) => {
    await expect(countersOf([Buffer.from(text, "latin1")])).rejects.toThrow(reason);
  });

  test("a named column that is not there is refused with those that are", async () => {
    const refused = countersOf([counterTable({ seed: 1, days: 1 })], { columns: { free: "fere" } });
    await expect(refused).rejects.toMatchObject({
      code: "bad-counters",
      message: '--free: there is no column "fere".',
      hint: "The header has: time, free_heap, largest_block.",
    });
  });

  test("an unknown format is refused with the closest", async () => {
    await expect(countersOf([""], { format: "arduno" })).rejects.toMatchObject({ hint: 'Did you mean "arduino"?' });
  });

  test("more devices than a fleet's log can have are a wrong column", async () => {
    const rows = Array.from({ length: 10_002 }, (_, i) => `${iso(0)},${i},900\n`).join("");
    await expect(countersOf([`time,id,free\n${rows}`])).rejects.toThrow("line 10002: more than 10000 devices");
  });
});
