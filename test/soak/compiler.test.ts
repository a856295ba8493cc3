import { describe, expect, test } from "vitest";
import { ActivationKind } from "../../assembly/soak/context-map.ts";
import { streamIdentity } from "../../src/soak/compiler-numbers.ts";
import { disassemble } from "../../src/soak/disassemble.ts";
import { compiledSoak } from "../support/soak-scenario.ts";

/** The program of task `t` with these steps, without the column of steps. */
async function program(steps: string, more = ""): Promise<string[]> {
  const compiled = await compiledSoak(
    `tasks:\n  t: { priority: 1, stack: { size: 1 KiB }, every: 1 s, do: [${steps}] }\n${more}`,
  );
  return disassemble(compiled, "t").map((line) => line.slice(6).replace(/ *;.*/, ""));
}

describe("the program of a task", () => {
  test("holds a constant in the instruction itself", async () => {
    expect(await program("{ allocate: a, size: 48 }, { work: 30 us }, { wait: 2 s }, { free: a }")).toEqual([
      "allocate a 48 main 0 crash",
      "work 30us",
      "wait 2000000us",
      "free a",
      "end",
    ]);
  });

  test("gives every draw a stream of its own, and times that no word holds a descriptor", async () => {
    expect(await program("{ wait: { uniform: [1 ms, 2 ms] } }, { work: { exponential: 1 s } }, { wait: 2 h }")).toEqual(
      ["wait uniform(1000, 2000)us~0", "work exponential(1000000, 0)us~1", "wait constant(7200000000, 0)us~2", "end"],
    );
  });

  test("draws sizes and counts between whole ends as whole numbers", async () => {
    const steps = "{ allocate: a, size: { uniform: [16, 64] } }, { repeat: { uniform: [1, 3] }, do: [{ free: a }] }";
    expect(await program(steps)).toEqual([
      "allocate a uniform-whole(16, 64)~0 main 0 crash",
      "repeat %0 uniform-whole(1, 3)~1 →18",
      "free a",
      "loop %0 →13",
      "end",
    ]);
  });

  test("computes sizes from sampled names, and folds what is constant", async () => {
    const steps = [
      "{ sample: n, from: { lognormal: [180, 0.4], max: 1400 } }",
      "{ allocate: a, size: n * 2 + 32 }",
      "{ allocate: b, size: 3 * 8 + 1 }",
      "{ free: a }, { free: b }",
    ];
    expect(await program(steps.join(", "))).toEqual([
      "sample n lognormal(180, 0.4 in -Infinity..1400)~0",
      "allocate a (n 2 * 32 +) main 0 crash",
      "allocate b 25 main 0 crash",
      "free a",
      "free b",
      "end",
    ]);
  });

  test("keeps a normal draw above zero and gives a choice its table", async () => {
    const steps = "{ allocate: a, size: { normal: [40, 30] } }, { allocate: a, size: { choice: { 32: 5, 64: 3 } } }";
    expect((await program(steps)).slice(0, 2)).toEqual([
      "allocate a normal(40, 30 in 0..Infinity)~0 main 0 crash",
      "allocate a choice(2 values)~1 main 0 crash",
    ]);
  });

  test("enters calls with frame, touched bytes and RAII", async () => {
    const steps =
      "{ call: f, frame: 96, raii: true, do: [{ allocate: a, size: 8 }] }, { call: g, frame: 64, touch: 16, do: [{ work: 1 us }] }";
    expect(await program(steps)).toEqual([
      "enter 96 96 1",
      "allocate a 8 main 0 crash",
      "leave",
      "enter 64 16 0",
      "work 1us",
      "leave",
      "end",
    ]);
  });

  test("shares a loop counter between loops side by side, and nests others", async () => {
    const steps =
      "{ repeat: 2, do: [{ repeat: 3, do: [{ work: 1 us }] }] }, { recurse: r, frame: 32, depth: 5, do: [{ work: 2 us }] }";
    expect(await program(steps)).toEqual([
      "repeat %0 2 →19",
      "repeat %1 3 →16",
      "work 1us",
      "loop %1 →10",
      "loop %0 →5",
      "recurse 5 32 32 →32 %0",
      "work 2us",
      "recurse-next →26 %0",
      "end",
    ]);
  });

  test("leaves out what never happens, and the question where the answer is known", async () => {
    const steps =
      "{ chance: 0, do: [{ work: 1 us }] }, { chance: 1, do: [{ work: 2 us }] }, { repeat: 0, do: [{ work: 3 us }] }";
    expect(await program(steps)).toEqual(["work 2us", "end"]);
  });

  test("branches on chances and choices", async () => {
    const steps =
      "{ chance: 25 %, do: [{ work: 1 us }], else: [{ work: 2 us }] }, { choose: [{ weight: 1, do: [{ work: 3 us }] }, { weight: 3, do: [{ work: 4 us }] }] }";
    expect(await program(steps)).toEqual([
      "chance 0.25 ~0 →10",
      "work 1us",
      "jump →13",
      "work 2us",
      "choose ~1 0.25→22 1→27",
      "work 3us",
      "jump →30",
      "work 4us",
      "end",
    ]);
  });

  test("puts the steps of orElse behind the end, and comes back", async () => {
    const steps = "{ allocate: a, size: 8, orElse: [{ work: 1 us }] }, { free: a }";
    expect(await program(steps)).toEqual([
      "allocate a 8 main 0 crash else →11",
      "free a",
      "end",
      "work 1us",
      "jump →8",
    ]);
  });

  test("carries the failure policy of the step, of the task and of the heap", async () => {
    const compiled = await compiledSoak(`
heaps:
  main: { allocator: tlsf, size: 16 KiB, onAllocationFailure: reboot }
  fast: { allocator: tlsf, size: 16 KiB }
tasks:
  own:
    priority: 1
    stack: { size: 1 KiB }
    every: 1 s
    onAllocationFailure: { retryAfter: 5 ms, times: 3, then: drop }
    do: [{ allocate: a, size: 8 }, { allocate: b, size: 8, onAllocationFailure: drop }]
  other: { priority: 2, stack: { size: 1 KiB }, every: 1 s, do: [{ allocate: a, size: 8, heap: [fast, main] }, { allocate: b, size: 8 }] }`);
    const listing = (name: string) => disassemble(compiled, name).map((line) => line.slice(6).replace(/ *;.*/, ""));
    expect(listing("own").slice(0, 2)).toEqual([
      "allocate a 8 main 0 retry(3 × 5000us, drop)",
      "allocate b 8 main 0 drop",
    ]);
    expect(listing("other")[0]).toMatch(/^allocate a 8 \[fast, main\] 0 /);
    expect(listing("other")[1]).toBe("allocate b 8 main 0 reboot");
  });

  test("names queues, caches and modes", async () => {
    const more =
      "queues: { q: { capacity: 2 } }\ncaches: { c: { slots: 2 } }\nmodes: { on: { for: 1 s, then: off }, off: { for: 2 s, then: on } }";
    const steps =
      "{ allocate: a, size: 8 }, { send: a, to: q }, { receive: q, as: b, timeout: 5 ms, onTimeout: continue }, { cache: b, in: c }, { until: off }";
    expect((await program(steps, more)).slice(1)).toEqual([
      "send a q",
      "receive q b 5000us else-continue",
      "cache b c",
      "until off",
      "end",
    ]);
  });
});

describe("a compiled scenario", () => {
  test("numbers steps with their place, label and line", async () => {
    const compiled = await compiledSoak(`tasks:
  t:
    priority: 1
    stack: { size: 1 KiB }
    every: 1 s
    do:
      - call: f
        frame: 32
        do: [{ allocate: a, size: 8 }]`);
    expect(compiled.steps.map(({ path, label }) => `${path}: ${label}`)).toEqual([
      "tasks.t: start",
      "tasks.t.do[0]: call f",
      "tasks.t.do[0].do[0]: allocate a",
    ]);
    expect(compiled.steps[1]?.line).toBe(13);
  });

  test("gives each instance its own streams, keyed by its name, and one program", async () => {
    const { contexts } = await compiledSoak(
      "tasks: { t: { priority: 1, stack: { size: 1 KiB }, instances: 2, poisson: 1/s, do: [{ work: { exponential: 1 ms } }] } }",
    );
    expect(contexts.map(({ sites }) => sites.map(({ name }) => name))).toEqual([
      ["t#0/do[0].work", "t#0/poisson"],
      ["t#1/do[0].work", "t#1/poisson"],
    ]);
    expect(contexts[0]?.program).toBe(contexts[1]?.program);
    expect(contexts[1]?.sites[0]?.identity).toBe(streamIdentity("t#1/do[0].work"));
  });

  test("orders tasks before interrupts and levels by priority, interrupts above all tasks", async () => {
    const compiled = await compiledSoak(`
tasks:
  high: { priority: 7, stack: { size: 1 KiB }, every: 1 s, do: [{ work: 1 us }] }
  low: { priority: 2, stack: { size: 1 KiB }, loop: true, do: [{ wait: 1 s }] }
  same: { priority: 7, stack: { size: 1 KiB }, at: 5 s, do: [{ work: 1 us }] }
interrupts:
  tick: { priority: 1, every: 1 ms, frame: 16, do: [{ work: 1 us }] }
stacks: { interrupts: { size: 1 KiB } }`);
    expect(compiled.contexts.map(({ name, level }) => [name, level])).toEqual([
      ["high", 1],
      ["low", 0],
      ["same", 1],
      ["tick", 2],
    ]);
    expect(compiled).toMatchObject({ taskCount: 3, levelCount: 3, firstInterruptLevel: 2 });
    expect(compiled.contexts.map(({ activation }) => activation)).toEqual([
      ActivationKind.Periodic,
      ActivationKind.Loop,
      ActivationKind.Once,
      ActivationKind.Periodic,
    ]);
    expect(compiled.contexts[2]?.firstDelayUs).toBe(5_000_000);
  });

  test("counts what a context must keep: names, loops and calls open at once", async () => {
    const { contexts } = await compiledSoak(`
tasks:
  t:
    priority: 1
    stack: { size: 1 KiB }
    every: 1 s
    do:
      - call: f
        frame: 16
        do: [{ call: g, frame: 16, do: [{ allocate: a, size: 8 }] }, { repeat: 2, do: [{ free: a }] }]
      - { call: h, frame: 16, do: [{ sample: n, from: { uniform: [1, 9] } }, { allocate: b, size: n }] }
      - { free: b }`);
    expect(contexts[0]).toMatchObject({ names: ["a", "b"], samples: ["n"], localCount: 1, frameCapacity: 2 });
  });

  test("refers to words that exist, whatever the scenario", async () => {
    const { image } = await compiledSoak(
      "tasks: { t: { priority: 1, stack: { size: 1 KiB }, every: { choice: { 1 s: 1, 2 s: 1 } }, do: [{ wait: { uniform: [1 s, 2 s] } }] } }",
    );
    for (const { at, target } of image.relocations) {
      expect(at).toBeLessThan(image.words.length);
      expect(target).toBeLessThan(image.words.length);
    }
    expect(image.relocations.length).toBeGreaterThan(1);
  });
});

test("stream identities are 64-bit FNV-1a", () => {
  expect(streamIdentity("")).toBe(0xcbf29ce484222325n);
  expect(streamIdentity("a")).toBe(0xaf63dc4c8601ec8cn);
  expect(streamIdentity("foobar")).toBe(0x85944171f73967e8n);
});
