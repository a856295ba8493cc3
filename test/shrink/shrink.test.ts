import { describe, expect, test } from "vitest";
import { shrinkText } from "../../src/report/shrink-text.ts";
import { shrunkC } from "../../src/shrink/c-text.ts";
import type { ShrinkRecord } from "../../src/shrink/record.ts";
import { shrinkTrace } from "../../src/shrink/shrink.ts";
import { shrunkTrace } from "../../src/shrink/trace-text.ts";
import { replayTrace } from "../../src/trace/replay.ts";
import { verifyTrace } from "../../src/trace/verify.ts";
import { temporaryFolder } from "../support/traces.ts";

const { folder, write } = temporaryFolder();

/** Random allocations, reallocations and frees that keep about half of the heap in use; a large request at the end. */
function failingTrace(allocator: string, operations: number, seed: number, heapBytes = 8192, lastBytes = 2800): string {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const live: { id: number; bytes: number }[] = [];
  const lines = [`# allocator=${allocator}`, `# heap_size=${heapBytes}`];
  let id = 0;
  for (let bytes = 0; lines.length < operations + 2; ) {
    const size = 1 + random(random(8) === 0 ? 400 : 60);
    const at = random(Math.max(1, live.length));
    const block = live[at];
    if (!block || (random(100) < 55 && bytes + size < heapBytes * 0.55)) {
      live.push({ id, bytes: size });
      bytes += size;
      lines.push(`a ${id++} ${size}`);
    } else if (random(8) === 0) {
      bytes += size - block.bytes;
      block.bytes = size;
      lines.push(`r ${block.id} ${size}`);
    } else {
      live.splice(at, 1);
      bytes -= block.bytes;
      lines.push(`f ${block.id}`);
    }
  }
  return `${[...lines, `a ${id} ${lastBytes}`].join("\n")}\n`;
}

/** How a trace fails, told by the replayer alone. */
async function failureOf(path: string) {
  const [result] = await replayTrace(path);
  if (!result) throw new Error("a replay has a result");
  const { failedRequests, fragmentationFailures } = result.counters;
  return { failedRequests, fragmentationFailures, fault: result.fault?.kind, bytes: result.worst?.requestBytes };
}

function written(name: string, record: ShrinkRecord): string {
  return write(name, shrunkTrace(record));
}

/** The trace without the operations of one id. */
function withoutId(text: string, id: number): string {
  return text
    .split("\n")
    .filter((line) => !new RegExp(`^[afrz] ${id}( |$)`).test(line))
    .join("\n");
}

describe("a trace whose last request is refused by fragmentation", () => {
  const cases = ["freertos-heap4", "tlsf", "newlib-nano", "umm-firstfit", "buddy", "o1heap"].map(
    (allocator, index) => [allocator, index + 3] as const,
  );

  test.each(cases)("shrinks on %s to a short one that fails in the same way", async (allocator, seed) => {
    const record = await shrinkTrace(write(`${allocator}.trace`, failingTrace(allocator, 1500, seed)));
    expect(record.failure.kind).toMatch(/fragmentation|exhaustion/);
    expect(record.after.operations).toBeLessThanOrEqual(40);
    expect(record.minimal).toBe(true);
    const path = written(`${allocator}.short.trace`, record);
    expect(await failureOf(path)).toEqual({
      failedRequests: 1,
      fragmentationFailures: record.failure.kind === "fragmentation" ? 1 : 0,
      fault: undefined,
      bytes: record.failure.requestBytes,
    });
    expect((await verifyTrace(path)).mismatches).toBe(0);
  });

  test("shrinks to one of which no block can be left out", async () => {
    const record = await shrinkTrace(write("minimal.trace", failingTrace("freertos-heap4", 2500, 3, 8192, 1800)));
    const text = shrunkTrace(record);
    const ids = [...new Set(record.steps.map(({ block }) => block))].map((_, id) => id);
    expect(ids.length).toBeGreaterThan(2);
    for (const id of ids) {
      const path = write("less.trace", withoutId(text, id));
      const { fragmentationFailures } = await failureOf(path);
      expect(fragmentationFailures, `without block ${id}`).toBe(0);
    }
  });

  test("keeps its holes: a heap that merely lacks a header's bytes is another failure", async () => {
    const record = await shrinkTrace(write("spread.trace", failingTrace("freertos-heap4", 2500, 3, 8192, 1800)));
    expect(record.failure.freeBytes).toBeGreaterThanOrEqual(record.failure.requestBytes + 8);
    expect(record.steps.at(-1)?.picture.match(/\[/g)?.length).toBeGreaterThan(1);
  });
});

describe("other failures", () => {
  test("exhaustion keeps the blocks that fill the heap", async () => {
    const path = write("full.trace", failingTrace("freertos-heap4", 900, 5, 8192, 7900));
    const record = await shrinkTrace(path);
    expect(record.failure).toMatchObject({ kind: "exhaustion", requestBytes: 7900 });
    expect(record.after.operations).toBe(2);
  });

  test("a double free that an assertion stops shrinks to itself", async () => {
    const lines = failingTrace("freertos-heap4", 400, 2).trimEnd().split("\n").slice(0, -1);
    const path = write("double.trace", `${[...lines, "a 9000 24", "a 9001 8", "f 9000", "f 9000"].join("\n")}\n`);
    const record = await shrinkTrace(path);
    expect(record.failure).toMatchObject({ kind: "fault", detail: "assertion" });
    expect(record.steps.map(({ verb, block }) => `${verb} ${block}`)).toEqual(["allocate a", "free a", "free a"]);
  });

  test("a double free that hands memory out twice shrinks to the block that gets it", async () => {
    const text = ["# allocator=fixed-pool", "# heap_size=1024", "# option_blockBytes=32"];
    const traffic = Array.from({ length: 40 }, (_, id) => [`a ${id} 20`, ...(id % 2 ? [`f ${id}`] : [])]).flat();
    const fatal = ["a 90 20", "a 92 20", "f 90", "f 92", "f 90", "a 93 20", "a 94 20", "a 95 20"];
    const path = write("twice.trace", `${[...text, ...traffic.slice(0, 30), ...fatal].join("\n")}\n`);
    const record = await shrinkTrace(path);
    expect(["overlap", "fault", "corruption"]).toContain(record.failure.kind);
    expect(record.after.operations).toBeLessThanOrEqual(6);
  });

  test("what happened before the last boot is left out", async () => {
    const first = ["a 0 100", "a 1 100", "f 0"];
    const last = ["a 0 400", "a 1 300", "a 2 600"];
    const header = ["# allocator=freertos-heap4", "# heap_size=1024", "# recording=1"];
    const path = write("boots.trace", `${[...header, ...first, "! boot", ...last].join("\n")}\n`);
    const record = await shrinkTrace(path);
    expect(record.before).toMatchObject({ operations: 6, boots: 1, line: 10 });
    expect(record.steps.at(-1)).toMatchObject({ requestBytes: 600, offset: null, line: 10 });
  });

  test("a reallocation that is refused stays one", async () => {
    const header = ["# allocator=newlib-nano", "# heap_size=2048"];
    const body = ["a 0 300", "a 1 20", "a 2 700", "a 3 20", "f 2", "r 1 900", "a 5 1", "f 0", "r 1 1200"];
    const record = await shrinkTrace(write("grow.trace", `${[...header, ...body].join("\n")}\n`));
    expect(record.steps.at(-1)).toMatchObject({ verb: "reallocate", offset: null });
    expect(await failureOf(written("grow.short.trace", record))).toMatchObject({ failedRequests: 1 });
  });
});

describe("what cannot be shrunk", () => {
  test("a trace in which nothing fails says what to do", async () => {
    const path = write("fine.trace", "# allocator=tlsf\n# heap_size=8192\na 0 100\nf 0\n");
    await expect(shrinkTrace(path)).rejects.toMatchObject({
      code: "bad-trace",
      message: expect.stringContaining("nothing to shrink"),
      hint: expect.stringContaining("--heap-size"),
    });
  });

  test("standard input is refused, for it cannot be read twice", async () => {
    await expect(shrinkTrace("-")).rejects.toMatchObject({ code: "bad-argument" });
  });

  test("a trace that is torn, empty or garbage is refused as a replay refuses it", async () => {
    for (const [index, content] of ["", "# allocator=tlsf\n", "\u0000\u0001\u0002", "a 1\n", "a 0 10 0\n"].entries()) {
      await expect(shrinkTrace(write(`bad${index}.trace`, content))).rejects.toMatchObject({ name: "HeapsoakError" });
    }
    await expect(shrinkTrace(`${folder}/missing.trace`)).rejects.toMatchObject({ code: "cannot-read" });
  });
});

test("a budget that ends says so", async () => {
  const record = await shrinkTrace(write("short.trace", failingTrace("freertos-heap4", 1500, 3)), { maxReplays: 12 });
  expect(record.minimal).toBe(false);
  expect(record.replays).toBeLessThan(20);
  expect(shrinkText(record)).toContain("the budget ended first");
});

describe("the report and the C code", () => {
  const header = "# allocator=freertos-heap4\n# heap_size=1024\n# base_misalignment=0\n";
  const body = [
    "! task task=1 text=uplink",
    "a 0 64 8 t=0 at=main.c:10 task=1",
    "a 1 400 80 t=1 at=main.c:11 task=1",
    "a 2 200 488 t=2 at=main.c:12 task=1",
    "f 1 t=3 at=main.c:13 task=1",
    "a 3 500 -1 t=4 at=main.c:14 task=1",
  ];

  test("of a short sequence are the texts on file", async () => {
    const record = await shrinkTrace(write("plain.trace", `${header}${body.join("\n")}\n`));
    const named = { ...record, trace: "plain.trace" };
    await expect(shrinkText(named)).toMatchFileSnapshot("golden/plain.txt");
    await expect(shrunkC(named)).toMatchFileSnapshot("golden/plain.c");
    await expect(shrunkTrace(named)).toMatchFileSnapshot("golden/plain.trace");
  });

  test("of a long sequence is a table that a loop runs", async () => {
    const record = await shrinkTrace(write("long.trace", `${header}${body.join("\n")}\n`));
    const [first, ...rest] = record.steps;
    const many = Array.from({ length: 45 }, (_, index) => ({ ...record.steps[0], block: `b${index}` }));
    const grown = { ...rest[0], verb: "reallocate", block: "b3" } as const;
    const steps = [...many, grown, { ...first, alignment: 32 }, ...rest] as ShrinkRecord["steps"];
    await expect(shrunkC({ ...record, allocator: "newlib-nano", steps })).toMatchFileSnapshot("golden/table.c");
  });

  test("no text of a trace ends a comment of the C code", async () => {
    const record = await shrinkTrace(write("hostile.trace", `${header}${body.join("\n")}\n`));
    const failure = { ...record.failure, kind: "fault", detail: "*/ #error" } as const;
    expect(shrunkC({ ...record, failure })).not.toContain("*/ #error");
  });
});
