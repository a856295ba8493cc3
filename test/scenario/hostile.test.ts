import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { HeapsoakError } from "../../src/errors.ts";
import { parseScenario } from "../../src/scenario/load.ts";

const EXAMPLE = readFileSync(join(import.meta.dirname, "example.yaml"), "utf8");
const HEAD = "heapsoak: 1\ndevice: stm32f407vg\n";

/** True when the text is a scenario or refused in our words; anything else fails the test. */
async function settles(text: string): Promise<boolean> {
  try {
    await parseScenario(text, "mutant.yaml");
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
  }
  return true;
}

/** Ways to every value of the tree. */
function paths(node: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof node !== "object" || node === null) return [path];
  const keys = Array.isArray(node) ? node.map((_, index) => index) : Object.keys(node);
  return [path, ...keys.flatMap((key) => paths((node as Record<string | number, unknown>)[key], [...path, key]))];
}

const tree: unknown = parse(EXAMPLE);
const places = paths(tree).filter((path) => path.length > 0);

/** The example with the value at the path replaced, or removed where it is undefined. */
function changed(path: readonly (string | number)[], value: unknown): string {
  const copy = structuredClone(tree) as Record<string | number, unknown>;
  let node = copy;
  for (const step of path.slice(0, -1)) node = node[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? "";
  if (value !== undefined) node[last] = value;
  else if (Array.isArray(node)) node.splice(Number(last), 1);
  else delete node[last];
  return stringify(copy);
}

const oddValues = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    0,
    -1,
    1e308,
    0.5,
    "",
    "__proto__",
    "constructor",
    "5 %",
    "1 s",
    "3 KiB",
  ),
  fc.constantFrom<unknown>([], {}, { uniform: [1, 2] }, { choice: {} }, { empirical: "." }, [[[]]], "x * (y", "285 y"),
  fc
    .constantFrom(...places)
    .map((path) => path.reduce<unknown>((node, step) => (node as Record<string, unknown>)[step], tree)),
  fc.string(),
  fc.jsonValue({ maxDepth: 3 }),
);

describe("whatever a file holds, it is a scenario or refused with a reason", () => {
  test("the example with one value changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), oddValues, (path, value) => settles(changed(path, value))),
      { numRuns: 400, seed: 1 },
    );
  }, 30_000);

  test("the example with a stretch of its text replaced", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(EXAMPLE.length), fc.nat(40), fc.string({ maxLength: 20 }), (at, length, text) =>
        settles(EXAMPLE.slice(0, at) + text + EXAMPLE.slice(at + length)),
      ),
      { numRuns: 300, seed: 2 },
    );
  }, 30_000);
});

describe("a huge or deep file is refused within a second", () => {
  const aliases = `a: &a [${"0, ".repeat(2000)}]\n${Array.from({ length: 90 }, (_, i) => `k${i}: [*a]`).join("\n")}`;
  const manyTasks = Array.from({ length: 6000 }, (_, i) => `  t${i}: { every: 1 s, do: [] }`).join("\n");
  const manyStacks = Array.from({ length: 900 }, (_, i) => `  t${i}: { every: 1 s, instances: 1000, do: [] }`).join(
    "\n",
  );
  const nested = (depth: number) => `${"{ repeat: 2, do: [".repeat(depth)}{ wrok: 1 ms }${"] }".repeat(depth)}`;
  const cases: [string, string][] = [
    ["300 KiB of text", `${HEAD}why: ${"x".repeat(300_000)}`],
    ["brackets without end", `${HEAD}tasks: ${"[".repeat(100_000)}`],
    ["aliases that multiply", HEAD + aliases],
    [
      "a bomb of aliases",
      `${HEAD}a: &a [x, x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &b${i} [*${i ? `b${i - 1}` : "a"}, *${i ? `b${i - 1}` : "a"}]`).join("\n")}`,
    ],
    ["thousands of tasks", `${HEAD}tasks:\n${manyTasks}`],
    ["hundreds of thousands of stacks", `${HEAD}tasks:\n${manyStacks}`],
    ["steps nested to the limit", `${HEAD}tasks: { w: { every: 1 s, do: [${nested(28)}] } }`],
    ["thousands of wrong steps", `${HEAD}tasks: { w: { every: 1 s, do: [${"{ a: 1 }, ".repeat(20_000)}] } }`],
    [
      "a long expression",
      `${HEAD}heaps: { m: { allocator: tlsf, size: 1 KiB } }\ntasks: { w: { every: 1 s, do: [{ allocate: x, size: "${"a+".repeat(90_000)}a" }] } }`,
    ],
  ];

  test.each(cases)("%s", async (_, text) => {
    const before = process.cpuUsage();
    await expect(parseScenario(text, "huge.yaml")).rejects.toThrow(HeapsoakError);
    // Processor time, because other tests share the machine.
    expect(process.cpuUsage(before).user / 1e3).toBeLessThan(1500);
  });

  test("a count of a thousand million is not a huge file", async () => {
    const text = `${HEAD}tasks: { w: { every: 1 s, do: [{ repeat: 1000000000, do: [{ work: 1 us }] }] } }`;
    expect((await parseScenario(text, "long.yaml")).tasks[0]?.steps[0]).toMatchObject({ count: { value: 1e9 } });
  });
});
