import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layOut, planScenario } from "../../src/scenario/layout.ts";
import { loadScenario, parseScenario, type ScenarioOptions } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import { parseSetting } from "../../src/scenario/settings.ts";

const EXAMPLE = join(import.meta.dirname, "example.yaml");

/** A small scenario around some lines. */
function scenario(lines: string, options?: ScenarioOptions): Promise<Scenario> {
  return parseScenario(`heapsoak: 1\ndevice: stm32f407vg\n${lines}`, "small.yaml", options);
}

const HEAP = "heaps: { main: { allocator: freertos-heap4, size: 8 KiB } }\n";
const WORKER = "tasks: { worker: { every: 1 s, do: [{ allocate: x, size: 8 }, { free: x }] } }\n";

describe("the example of the format", () => {
  test("loads with one warning: its probes' guard is smaller than their interval", async () => {
    const { warnings } = await loadScenario(EXAMPLE);
    expect(warnings.map(({ path, message }) => [path.join("."), message])).toEqual([
      [
        "tasks.uplink.stack.guard",
        "the guard has 32 B, and frames are probed every 4 KiB: it can still be stepped over",
      ],
    ]);
  });

  test("comes out in base units with every default filled in", async () => {
    const { device: _, source: __, file: ___, ...rest } = await loadScenario(EXAMPLE);
    await expect(rest).toMatchFileSnapshot(join(import.meta.dirname, "example.model.txt"));
  });

  test("lies in memory as the format says", async () => {
    const { drawing, heaps, stacks } = layOut(await loadScenario(EXAMPLE));
    await expect(`${drawing}\n`).toMatchFileSnapshot(join(import.meta.dirname, "example.map.txt"));
    expect(heaps.map(({ name, regions }) => [name, regions[0]?.bytes])).toEqual([
      ["main", 40 * 1024],
      ["messages", 4096],
    ]);
    expect(stacks.map(({ name }) => name)).toEqual(["interrupts", "sensor", "uplink", "connection"]);
  });
});

describe("a setting", () => {
  const size = ({ heaps }: Scenario) => heaps[0]?.parts[0]?.bytes;

  test("changes a value before the scenario is judged", async () => {
    const changed = await loadScenario(EXAMPLE, {
      set: { "heaps.main.size": "44 KiB", "tasks.uplink.do[2].frame": 400, "heaps.main.isrSafe": true },
      uptime: "2 d",
      seed: 7,
    });
    expect(size(changed)).toBe(44 * 1024);
    expect(changed).toMatchObject({ uptimeUs: 2 * 86_400e6, seed: 7n, heaps: [{ isrSafe: true }, {}] });
    expect(changed.tasks[1]?.steps[2]).toMatchObject({ name: "publish", frame: 400 });
    expect(changed.source).not.toBe((await loadScenario(EXAMPLE)).source);
  });

  test("names the first heap where none is named, and drops options that the new allocator does not have", async () => {
    const changed = await loadScenario(EXAMPLE, {
      heapSize: { "": "30 KiB" },
      allocator: { "": "tlsf", messages: "heap_4" },
    });
    expect(changed.heaps).toMatchObject([
      { allocator: "tlsf", parts: [{ bytes: 30 * 1024 }] },
      { allocator: "freertos-heap4", options: {} },
    ]);
  });

  test.each([
    [{ "heaps.mian.size": 1 }, /heaps has no "mian" \(did you mean "main"\?\)/],
    [{ "tasks.uplink.do[9].size": 1 }, /tasks.uplink.do has no "9" \(the list has \[0\] to \[3\]\)/],
    [{ "title.size": 1 }, /a value stands there/],
    [{ "heaps..size": 1 }, /is not a path/],
    [{ "heaps.main.sise": 1 }, /example.yaml:11:3: heaps.main.sise: unknown key \(did you mean "size"\?\)/],
    [{ "heaps.main.size": "3 k" }, /changed by the setting heaps.main.size/],
    [{ "constructor.x": 1 }, /leads nowhere/],
  ])("%o is refused", async (set, message) => {
    await expect(loadScenario(EXAMPLE, { set })).rejects.toThrow(message);
  });

  test("is YAML behind the equals sign", () => {
    expect(parseSetting("heaps.main.size=40 KiB")).toEqual(["heaps.main.size", "40 KiB"]);
    expect(parseSetting("a.b={ uniform: [1, 2] }")).toEqual(["a.b", { uniform: [1, 2] }]);
    expect(() => parseSetting("heaps.main.size")).toThrow(/PATH=VALUE/);
  });

  test("does not reach what an alias shares", async () => {
    const shared = "tasks:\n  a: { every: 1 s, do: &s [{ work: 1 ms }] }\n  b: { every: 1 s, do: *s }\n";
    const { tasks } = await scenario(shared, { set: { "tasks.b.do[0].work": "2 ms" } });
    expect(tasks.map(({ steps }) => steps[0])).toMatchObject([{ us: { value: 1000 } }, { us: { value: 2000 } }]);
  });
});

describe("a failure policy", () => {
  test("of the step goes before the task's, the task's before the heap's", async () => {
    const { tasks } = await scenario(`
heaps: { main: { allocator: freertos-heap4, size: 8 KiB, onAllocationFailure: drop } }
tasks:
  a: { every: 1 s, do: [{ allocate: x, size: 8 }] }
  b: { every: 1 s, onAllocationFailure: reboot, do: [{ allocate: x, size: 8 }, { allocate: y, size: 8, onAllocationFailure: crash }] }
`);
    const policies = tasks.map(({ steps }) => steps.map((step) => "policy" in step && step.policy.kind));
    expect(policies).toEqual([["drop"], ["reboot", "crash"]]);
  });
});

describe("memory", () => {
  test("holds one stack for each instance, aligned as their guards need", async () => {
    const loaded = await scenario(`
tasks:
  worker: { every: 1 s, instances: 2, stack: { size: 1000, guard: { kind: mpu, bytes: 256 } }, do: [{ work: 1 ms }] }
  child: { do: [{ work: 1 ms }] }
`);
    const { stacks } = planScenario(loaded);
    expect(stacks.map(({ name }) => name)).toEqual(["worker#1", "worker#2"]);
    expect(stacks.map(({ low }) => low % 256)).toEqual([0, 0]);
  });

  test("has a stack below the data at the region's base", async () => {
    const loaded = await scenario(
      `static: { sram: 1 KiB }\ntasks: { worker: { every: 1 s, stack: { size: 1 KiB, guard: { kind: stack-below-data } }, do: [] } }`,
    );
    expect(planScenario(loaded).placements).toMatchObject([
      { kind: "stack", low: 0x20000000 },
      { kind: "static", low: 0x20000400 },
    ]);
  });

  test("of several regions is written with the regions or beside them", async () => {
    const beside = await scenario(
      `heaps: { m: { allocator: freertos-heap5, regions: [ccm, sram], size: [1 KiB, 2 KiB] } }\n${WORKER}`,
    );
    const within = await scenario(
      `heaps: { m: { allocator: freertos-heap5, regions: [{ region: ccm, size: 1 KiB }, { region: sram, size: 2 KiB }] } }\n${WORKER}`,
    );
    expect(beside.heaps[0]?.parts).toEqual([
      { region: "ccm", bytes: 1024 },
      { region: "sram", bytes: 2048 },
    ]);
    expect(within.heaps).toEqual(beside.heaps);
    expect(layOut(within).heaps[0]?.regions).toHaveLength(2);
  });
});

describe("a warning", () => {
  test.each([
    [
      "a name that can never hold anything",
      `${HEAP}tasks: { w: { every: 1 s, do: [{ allocate: packet, size: 8 }, { free: pakcet }] } }`,
      '"pakcet" can never hold anything in w (did you mean "packet"?)',
    ],
    [
      "a guard smaller than the interval of the probes",
      `tasks: { w: { every: 1 s, stack: { size: 8 KiB, guard: { kind: probe, interval: 4 KiB, bytes: 32 } }, do: [] } }`,
      "can still be stepped over",
    ],
    [
      "a guard that an untouched frame steps over",
      `tasks: { w: { every: 1 s, stack: { size: 1 KiB, guard: { kind: mpu, bytes: 64 } }, do: [{ call: parse, frame: 512, touch: 16 }] } }`,
      '"call parse" leaves 496 B untouched and can step over the guard of 64 B',
    ],
    [
      "a queue nobody receives from",
      `${HEAP}queues: { q: { capacity: 1, whenFull: fail } }\ntasks: { w: { every: 1 s, do: [{ allocate: x, size: 8 }, { send: x, to: q }] } }`,
      'nobody receives from "q"',
    ],
    [
      "a heap that nothing uses",
      `${HEAP}tasks: { w: { every: 1 s, do: [] } }`,
      'nothing is ever allocated from "main"',
    ],
    ["a task that never runs", `tasks: { w: { every: 1 s, do: [] }, idle: { do: [] } }`, '"idle" never runs'],
    [
      "a request larger than its heap",
      `${HEAP}tasks: { w: { every: 1 s, do: [{ allocate: x, size: 9 KiB }] } }`,
      "asks for at least 9 KiB, and main has 8 KiB",
    ],
    [
      "a proof that chance forbids",
      `expect: [{ periodic: true }]\ntasks: { w: { every: 1 s, jitter: 5 %, do: [] } }`,
      "only a scenario without draws",
    ],
    [
      "a horizon too short to decide",
      `uptime: 1 d\nexpect: [{ survives: 2 d }]\ntasks: { w: { every: 1 s, do: [] } }`,
      "asks for 2 d, and `uptime` is 1 d",
    ],
  ])("tells of %s", async (_, lines, message) => {
    const { warnings } = await scenario(lines);
    expect(warnings.map((warning) => warning.message).join("\n")).toContain(message);
    expect(warnings[0]?.line).toBeGreaterThan(2);
  });
});

describe("a guard", () => {
  const stackOf = async (core: string, guard: string) => {
    const device = `device: { core: ${core}, banks: { ram: { at: 0x20000000, size: 32 KiB } } }`;
    const text = `heapsoak: 1\n${device}\ntasks: { w: { every: 1 s, stack: { size: 1000, guard: ${guard} }, do: [] } }`;
    return planScenario(await parseScenario(text, "guard.yaml")).stacks[0]?.low;
  };

  test.each([
    ["cortex-m0+", "{ kind: mpu, bytes: 128 }", 128],
    ["cortex-m4", "{ kind: mpu, bytes: 512 }", 512],
    ["cortex-m4", "{ kind: watchpoint, bytes: 64 }", 64],
    ["cortex-m23", "{ kind: mpu, bytes: 96 }", 32],
    ["cortex-m33", "{ kind: mpu, bytes: 96 }", 32],
    ["cortex-m33", "{ kind: limit-register }", 8],
    ["riscv", "{ kind: mpu, bytes: 12 }", 8],
    ["riscv", "{ kind: watchpoint, bytes: 32 }", 32],
    ["xtensa", "{ kind: watchpoint, bytes: 32 }", 32],
    ["cortex-m0", "{ kind: freertos-2 }", 8],
  ])("of %s: %s aligns the stack's low end to %d", async (core, guard, alignment) => {
    const low = await stackOf(core, guard);
    expect(low).toBe(Math.floor((0x20008000 - 1000) / alignment) * alignment);
  });

  test.each([
    ["cortex-m0", "{ kind: mpu, bytes: 32 }", "has no memory protection"],
    ["xtensa", "{ kind: mpu, bytes: 32 }", "has no memory protection"],
    ["cortex-m0+", "{ kind: watchpoint }", "has no data watchpoint"],
    ["cortex-m23", "{ kind: watchpoint }", "has no data watchpoint"],
    ["cortex-m23", "{ kind: limit-register }", "has no stack limit registers"],
    ["cortex-m7", "{ kind: limit-register }", "has no stack limit registers"],
    ["cortex-m33", "{ kind: mpu, bytes: 48 }", "is a multiple of 32 bytes, got 48"],
    ["riscv", "{ kind: mpu, bytes: 6 }", "is a multiple of 4 bytes, got 6"],
  ])("that %s cannot have is refused: %s", async (core, guard, message) => {
    await expect(stackOf(core, guard)).rejects.toThrow(message);
  });
});

describe("files beside a scenario", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "heapsoak-scenario-"));
    await writeFile(join(folder, "sizes.txt"), "# measured\n12\n1 KiB\n\n40 B # often\n");
    await writeFile(join(folder, "wrong.txt"), "12\nmany\n");
    await writeFile(join(folder, "board.yaml"), "core: cortex-m33\nbanks: { ram: { at: 0x20000000, size: 32 KiB } }\n");
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (lines: string) => {
    const path = join(folder, "scenario.yaml");
    await writeFile(path, `heapsoak: 1\n${lines}`);
    return path;
  };
  const drawing = (file: string) =>
    `device: board.yaml\n${HEAP}tasks: { w: { every: 1 s, stack: { size: 1 KiB, guard: { kind: limit-register } }, do: [{ allocate: x, size: { empirical: ${file} } }] } }`;

  test("are found from its folder", async () => {
    const loaded = await loadScenario(await write(drawing("sizes.txt")));
    expect(loaded.device).toMatchObject({ id: "board", coreName: "Cortex-M33" });
    expect(loaded.tasks[0]?.steps[0]).toMatchObject({ size: { kind: "empirical", values: [12, 1024, 40] } });
  });

  test("are refused with the line that is wrong", async () => {
    await expect(loadScenario(await write(drawing("wrong.txt")))).rejects.toThrow(/wrong.txt:2: got "many"/);
  });

  test("give way to the device of the command line", async () => {
    const path = await write(`device: nowhere.yaml\n${HEAP}${WORKER}`);
    await expect(loadScenario(path)).rejects.toThrow(/there is no such file/);
    expect((await loadScenario(path, { device: "rp2040" })).device.id).toBe("rp2040");
  });
});
