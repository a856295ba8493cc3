import { describe, expect, test } from "vitest";
import { counts, importText } from "../support/imported.ts";

/** ESP-IDF 4.x and before. */
const OLDER = `2 allocations trace (100 entry buffer)
32 bytes (@ 0x3ffaf214) allocated CPU 0 ccount 0x2e9b7384 caller 0x400d276d:0x400d27c1
8 bytes (@ 0x3ffaf804) allocated CPU 1 ccount 0x2e9b79c0 caller 0x400d2776:
40 bytes 'leaked' in trace (2 allocations)
total allocations 5 total frees 3
(NB: New entries were traced while dumping, so trace dump may have duplicate entries.)
(NB: Buffer has overflowed, so trace data is incomplete.)
`;

/** ESP-IDF 5.x, as its monitor shows it. */
const NEWER = `====== Heap Trace: 2 records (100 capacity) ======
    32 bytes (@ 0x3fc9f620, Internal) allocated CPU 0 ccount 0x1a31ac84 caller 0x40376321:0x40376379
--- 0x40376321: allocate at /app/main/store.c:84
--- 0x40376379: app_main at /app/main/main.c:12 (discriminator 1)
 (inlined by) start at /app/main/main.c:7
freed by 0x40376411:0x40376379
0x40376411: drop at /app/main/store.c:99
     8 bytes (@ 0x3c0a0010,    PSRAM) allocated CPU 1 ccount 0x1a31b000 caller 0x40376321:0x40376379
====== Heap Trace Summary ======
Mode: Heap Trace All
8 bytes alive in trace (1/2 allocations)
records: 2 (100 capacity, 2 high water mark)
hashmap: 10 capacity (1 hit, 1 miss)
total allocations: 2
total frees: 1
================================
`;

describe("a dump of ESP-IDF's heap trace", () => {
  test("in the words of 4.x is read with its totals and its notes", async () => {
    const found = await importText(OLDER);
    expect(found.summary).toMatchObject({ format: "esp-dump", allocations: 2, frees: 0, live: { blocks: 2 } });
    expect(counts(found)).toEqual({});
    expect(found.summary.remarks).toEqual([
      "The board went on tracing while it dumped: entries may stand in the dump twice.",
      "The board traced 5 allocations and 3 frees; the dump holds 2 records, and its buffer overflowed.",
    ]);
  });

  test("in the words of 5.x is read, with the places that the monitor writes between", async () => {
    const found = await importText(NEWER);
    expect(counts(found)).toEqual({});
    expect(found.summary).toMatchObject({ allocations: 2, frees: 1, live: { blocks: 1, requestedBytes: 8 } });
    expect(found.lines[0]).toMatch(/^a 0 32 /);
    expect(found.lines.at(-1)).toBe("f 0 at=0x40376411");
  });

  test("of each kind in one log: the heap starts anew", async () => {
    const found = await importText(`${OLDER}I (5) app: again\n${NEWER}`);
    expect(found.summary).toMatchObject({ allocations: 4, frees: 1, boots: 1 });
    expect(counts(found)).toEqual({ other: 1 });
  });
});
