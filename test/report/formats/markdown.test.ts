import fc from "fast-check";
import { expect, test } from "vitest";
import { MARKDOWN_LENGTH_MOST, markdown } from "../../../src/report/formats/markdown.ts";
import { distinctlyNamed } from "../../../src/report/formats/runs-of.ts";
import { failedRecord, heapRecord, runRecord } from "../../support/run-records.ts";
import { hostileText } from "./hostile-text.ts";
import { compareRecord, everyRecord, riskRecord, textedRun } from "./sample-records.ts";

test("a run is its verdict, what was expected and observed, its figures and where it comes from", () => {
  const text = markdown([{ name: "gateway", record: runRecord() }]);
  expect(text.split("\n").slice(0, 9)).toEqual([
    "### ✅ **PASS** A gateway",
    "",
    "no failure in 30 d",
    "",
    "| Expected |  | Observed |",
    "| --- | --- | --- |",
    "| no unexpected failure | ✅ met | no failure in 30 d |",
    "| survives: 30 d | ✅ met | no failure in 30 d |",
    "",
  ]);
  expect(text).toContain("<details><summary>Heaps</summary>");
  expect(text).toContain("| peak live bytes | 30,000 |");
  expect(text).toContain("<sub>device stm32f407vg · seed 1 · digest 0123abcd");
});

test("what failed has the terminal's lines about it behind a click, with those who hold the memory", () => {
  const text = markdown([{ name: "gateway", record: failedRecord() }]);
  expect(text).toContain("| survives: 30 d | ❌ **not met** | failed after 11 d 3 h 14 min |");
  expect(text).toMatch(
    /<details><summary>Details: no unexpected failure<\/summary>\n\n```text\n {2}when .*\n[^<]*held by .*tasks\.uplink\.do\[2\] allocate packet/,
  );
});

test("several records begin with a table, and those that failed are open", () => {
  const text = markdown([
    { name: "good", record: runRecord() },
    { name: "bad", record: failedRecord() },
  ]);
  expect(text).toMatch(/^## heapsoak\n\n\| Record \| Verdict \|/);
  expect(text).toContain("<details><summary>good: <b>PASS</b> A gateway</summary>");
  expect(text).toContain("<details open><summary>bad: <b>FAIL</b> A gateway</summary>");
});

test("a comparison is a table of its candidates, each behind a click", () => {
  const text = markdown([{ name: "cmp", record: compareRecord() }]);
  expect(text).toMatch(/^### ✅ \*\*PASS\*\* cmp\n/);
  expect(text).toContain("| freertos-heap4 | 40 KiB | FAIL |");
  expect(text).toContain("| buddy | 40KiB | refused |");
  expect(text).toContain("| it can be run | ❔ undecided | refused: mqtt-tls does not fit |");
  expect(text).toContain("➖ not met, though by another candidate");
});

test("a campaign is its cells", () => {
  const text = markdown([{ name: "risk", record: riskRecord() }]);
  expect(text).toContain("| tlsf 40 KiB | ✅ met | risk below 4.9 %: 0 of 60 runs failed |");
});

test("a comment that would be too long says what it leaves out, and keeps its markup whole", () => {
  const heaps = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`heap-${index}`, heapRecord()]));
  const records = Array.from({ length: 100 }, (_, index) => ({ name: `r${index}`, record: failedRecord({ heaps }) }));
  const text = markdown(records);
  expect(text.length).toBeLessThanOrEqual(MARKDOWN_LENGTH_MOST);
  expect(text).toMatch(/\*\d+ more parts are left out: the page has them all\.\*\n$/);
  expect(text.match(/<details/g)?.length).toBe(text.match(/<\/details>/g)?.length);
});

test("a fence in a text does not end the block it stands in", () => {
  const text = markdown([{ name: "x", record: textedRun("```` </details>") }]);
  expect(text).toMatch(/^`````text$/m);
});

test("hostile texts are no markup: cells stay as many as the head's, elements are those of the report", () => {
  fc.assert(
    fc.property(hostileText, (hostile) => {
      const text = markdown(distinctlyNamed(everyRecord(hostile)));
      const outside = text.replaceAll(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
      const elements = [...outside.matchAll(/<([a-z!/-]+)/gi)].map(([, name = ""]) => name.replace("/", ""));
      expect(elements.filter((name) => !["details", "summary", "b", "sub", "!--"].includes(name))).toEqual([]);
      for (const table of outside.matchAll(/(?:^\|.*\n)+/gm)) {
        const widths = table[0]
          .trim()
          .split("\n")
          .map((line) => line.replaceAll(/\\[\\|]/g, "").split("|").length);
        expect(new Set(widths).size).toBe(1);
      }
      const inline = outside.replaceAll(/<summary>.*<\/summary>/g, "");
      expect(inline.replaceAll(/\\./g, "")).not.toMatch(/[`[_~]|@(?!\u2060)|[#!](?=\w)/);
    }),
    { numRuns: 100 },
  );
});
