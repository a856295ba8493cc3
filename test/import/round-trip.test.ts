import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counts, importText } from "../support/imported.ts";

const SEED = 20261121;

/** An operation on block `id`, at an address of its own. */
interface Operation {
  readonly verb: "a" | "f";
  readonly id: number;
  readonly bytes: number;
}

const hex = (id: number) => `0x${(0x2000_0000 + id * 1024).toString(16)}`;

/** How each format prints an operation. The ids of formats without addresses are names. */
const PRINTERS: Readonly<Record<string, (operation: Operation) => string>> = {
  mbed: ({ verb, id, bytes }) => (verb === "a" ? `#m:${hex(id)};0x1-${bytes}` : `#f:0x0;0x1-${hex(id)}`),
  "esp-host": ({ verb, id, bytes }) =>
    `[0.5] HEAP: ${verb === "a" ? `Allocated ${bytes}` : "Freed"} bytes @ ${hex(id)} from task "t" on core 0 by:`,
  android: ({ verb, id, bytes }) => (verb === "a" ? `1: malloc ${hex(id)} ${bytes}` : `1: free ${hex(id)}`),
  mtrace: ({ verb, id, bytes }) =>
    `@ ./a:[0x1] ${verb === "a" ? `+ ${hex(id)} 0x${bytes.toString(16)}` : `- ${hex(id)}`}`,
  "malloc-lab": ({ verb, id, bytes }) => (verb === "a" ? `a ${id} ${bytes}` : `f ${id}`),
  "bohra-gabber": ({ verb, id, bytes }) => (verb === "a" ? `Allocate ${id} ${bytes}` : `Free ${id}`),
  zephyr: ({ verb, id, bytes }) => `Heap 0x180, ${verb === "a" ? "alloc" : "free"} ${hex(id)}, size ${bytes}`,
  freertos: ({ verb, id, bytes }) => `${verb === "a" ? "=malloc=" : "= free ="} ${hex(id)}, ${bytes}`,
  calls: ({ verb, id, bytes }) => (verb === "a" ? `malloc(${bytes}) = ${hex(id)}` : `free(${hex(id)})`),
};

/** Ids count up as blocks are born, which is how imports number them. */
const operations = fc.array(
  fc.record({ frees: fc.boolean(), pick: fc.nat(), bytes: fc.integer({ min: 1, max: 999 }) }),
  {
    minLength: 1,
    maxLength: 120,
  },
);

function listOf(steps: readonly { frees: boolean; pick: number; bytes: number }[]): Operation[] {
  const live: number[] = [];
  let born = 0;
  return steps.map(({ frees, pick, bytes }) => {
    if (frees && live.length > 0) return { verb: "f", id: live.splice(pick % live.length, 1)[0] ?? 0, bytes };
    live.push(born);
    return { verb: "a", id: born++, bytes };
  });
}

describe.each(Object.entries(PRINTERS))("operations printed as %s", (format, print) => {
  test("come back as they were", async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (steps) => {
        const list = listOf(steps);
        const found = await importText(`${list.map(print).join("\n")}\n`, { format });
        const records = found.lines.filter((line) => !line.startsWith("!"));
        expect(records.map((line) => line.replace(/ (?:at|t|task)=.*/, ""))).toEqual(
          list.map(({ verb, id, bytes }) => (verb === "a" ? `a ${id} ${bytes}` : `f ${id}`)),
        );
        expect(counts(found)).toEqual({});
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  test("are recognised", async () => {
    const list = listOf([false, true, false].map((frees) => ({ frees, pick: 0, bytes: 8 })));
    const header = format === "malloc-lab" ? "3\n3\n" : "";
    const found = await importText(`${header}${list.map(print).join("\n")}\n`);
    expect(found.summary).toMatchObject({ format, wasRecognised: true, operations: 3 });
  });

  test("with any bytes between them never end in anything but a trace or a refusal", async () => {
    await fc.assert(
      fc.asyncProperty(operations, fc.uint8Array({ maxLength: 60 }), fc.nat(), async (steps, noise, at) => {
        const text = Buffer.from(`${listOf(steps).map(print).join("\n")}\n`);
        const where = at % text.length;
        const mixed = Buffer.concat([text.subarray(0, where), noise, text.subarray(where)]);
        await importText(mixed, { format }).catch((error) => expect(error).toMatchObject({ code: "bad-log" }));
      }),
      { seed: SEED, numRuns: 25 },
    );
  });
});

describe("a pattern", () => {
  test("whose repetitions multiply is ended and said, with the line", async () => {
    const pattern = "(?<op>malloc) (?<addr>0x1) (?<size>(?:\\d+)+)!$";
    const log = `malloc 0x1 8!\nmalloc 0x1 ${"1".repeat(60)}\n`;
    await expect(importText(log, { pattern, patternLimitMs: 200 })).rejects.toMatchObject({
      code: "bad-argument",
      message: expect.stringMatching(/--pattern: takes too long at line 2/),
    });
  });
});

describe("a boot in mid-log", () => {
  test.each([
    "ets Jul 29 2019 12:21:46",
    " ets Jan  8 2013,rst cause:2, boot mode:(3,6)",
    "ESP-ROM:esp32s3-20210327",
    "rst:0x1 (POWERON),boot:0x8",
    "*** Booting Zephyr OS build v4.0.0 ***",
    "*** Booting MCUboot v2.1.0 ***",
    "U-Boot 2023.01 (Jan 09 2023)",
  ])("told by %j ends what was live", async (line) => {
    const found = await importText(`#m:0x3000;0x1-8\n${line}\n#f:0x0;0x1-0x3000\n`);
    expect(found.lines[1]).toBe("! boot line=2");
    expect(counts(found)).toMatchObject({ "unmatched-free": 1 });
  });
});
