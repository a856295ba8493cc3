import { expect, test } from "vitest";
import { type CheckedFigures, checkText } from "../../src/report/check-text.ts";
import { parseScenario } from "../../src/scenario/load.ts";

const FIGURES: CheckedFigures = {
  drawing: "SRAM, 128 KiB",
  tasks: [],
  mainStack: { bytes: 80, bounded: true },
};

function scenario(tasks: string, more = "") {
  return parseScenario(
    `heapsoak: 1\ndevice: stm32f407vg\nuptime: 1 d\nheaps: { main: { allocator: tlsf, size: 8 KiB } }\n${tasks}\n${more}`,
    "a.yaml",
  );
}

test.each([
  ["every: 1 s, jitter: 5 %", "every 1 s ± 5.0 %"],
  ["every: { exponential: 2 min }", "every 2 min (exponential)"],
  ["every: { uniform: [1 s, 3 s] }", "every 1 s to 3 s"],
  ["poisson: 4/s", "poisson, 4/s"],
  ["poisson: 1/d", "poisson, 1/d"],
  ["poisson: 90/h", "poisson, 1.5/min"],
  ["at: 1 h", "at 1 h"],
  ["loop: true", "in a loop"],
])("a task with `%s` starts %s", async (activation, words) => {
  const text = checkText(
    await scenario(`tasks: { t: { priority: 1, ${activation}, do: [ { work: 1 ms } ] } }`),
    FIGURES,
  );
  expect(text.split("\n").find((line) => line.startsWith("t "))).toContain(`  ${words}  `);
});

test("a stack that is too small for its worst case is marked, and recursion without an end is said", async () => {
  const tasks = "tasks: { a: { priority: 1, every: 1 s, do: [] }, b: { priority: 1, every: 1 s, do: [] } }";
  const text = checkText(await scenario(tasks), {
    ...FIGURES,
    tasks: [
      { bytes: 1500, bounded: true },
      { bytes: 600, bounded: false },
    ],
  });
  expect(text).toMatch(/^a .* 1 KiB +1,500 B: TOO DEEP +none$/m);
  expect(text).toMatch(/^b .* 1 KiB +600 B \+ recursion +none$/m);
});

test("warnings stand with file, line and path", async () => {
  const checked = await scenario("tasks: { t: { priority: 1, every: 1 s, do: [ { free: nothing } ] } }");
  expect(checkText(checked, FIGURES)).toMatch(/^a\.yaml:5: warning: tasks\.t\.do\[0\]: .*nothing/m);
});

test("without expectations the page says so", async () => {
  const checked = await scenario("tasks: { t: { priority: 1, every: 1 s, do: [] } }");
  expect(checkText(checked, FIGURES)).toContain("\nIt states no expectations.\n");
});
