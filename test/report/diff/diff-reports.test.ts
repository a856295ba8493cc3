import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffRecords } from "../../../src/report/diff/diff.ts";
import { diffMarkdown } from "../../../src/report/diff/diff-markdown.ts";
import { diffText } from "../../../src/report/diff/diff-text.ts";
import { plainPaint } from "../../../src/report/paint.ts";
import type { RunRecord } from "../../../src/soak/record.ts";
import { failedRecord, heapRecord, runRecord } from "../../support/run-records.ts";

const diff = (old: RunRecord, fresh: RunRecord) => {
  return diffRecords({ name: "main", record: old }, { name: "branch", record: fresh });
};
const worse = diff(
  runRecord(),
  failedRecord({
    scenario: { ...runRecord().scenario, seed: 2 },
    heaps: {
      main: heapRecord({
        minimumFreeBytes: 5480,
        peakLiveBytes: 20_000,
        holes: 40,
        visits: { p50: 2, p99: 17, max: 41 },
      }),
    },
  }),
);

describe("the comparison on a terminal", () => {
  test("says what is worse first, then what is better, and counts the rest", () => {
    expect(diffText(worse)).toBe(`WORSE  main → branch: 4 of 22 figures and statements are worse
  not the same seed: 1, now 2
  not the same time simulated: 30 d, now 11 d 3 h 14 min

                                    OLD       NEW               CHANGE  THRESHOLD
worse
  verdict                          pass      fail
  expectation survives: 30 d        met   NOT MET
  failure crash                       –  happened
  heaps.main.minimumFreeBytes  10,960 B   5,480 B     −5,480 B (−50 %)        5 %
better
  heaps.main.peakLiveBytes     30,000 B  20,000 B  −10,000 B (−33.3 %)        5 %

15 of 22 are the same; 1 within the threshold; 1 not judged: no threshold (--all lists them)
`);
  });

  test("lists all that has changed where it is asked to", () => {
    const text = diffText(worse, { all: true });
    expect(text).toContain("  heaps.main.visitsMax               40        41          +1 (+2.5 %)        5 %\n");
    expect(text).toContain("  heaps.main.holes                   12        40         +28 (+233 %)        off\n");
    expect(text).toMatch(/\n15 of 22 are the same\n$/);
  });

  test("marks what is worse and what is better", () => {
    const paint = { ...plainPaint, bad: (text: string) => `<${text}>`, good: (text: string) => `{${text}}` };
    const lines = diffText(worse, { paint }).split("\n");
    expect(lines.filter((line) => line.startsWith("<"))).toHaveLength(5);
    expect(lines.filter((line) => line.startsWith("{"))).toHaveLength(1);
  });

  test("without changes is two lines", () => {
    expect(diffText(diff(runRecord(), runRecord()))).toBe(
      "NOT WORSE  main → branch: nothing of 21 figures and statements is worse\n\n21 of 21 are the same\n",
    );
  });
});

test("the comparison as Markdown has what is worse in the open and the rest folded", () => {
  const markdown = diffMarkdown(worse);
  expect(markdown).toMatch(
    /^### ❌ main → branch: 4 of 22 figures and statements are worse\n\n- not the same seed: 1, now 2\n/,
  );
  expect(markdown).toContain("| heaps.main.minimumFreeBytes | 10,960 B | 5,480 B | −5,480 B (−50 %) | 5 % |\n");
  expect(markdown.indexOf("**worse**")).toBeLessThan(markdown.indexOf("<details><summary>better (1)</summary>"));
  expect(markdown).toMatch(/\n15 of 22 are the same\.\n$/);
});

describe("hostile records", () => {
  const named = (name: string) => {
    const heaps = { [name]: heapRecord({ failedRequests: 1 }) };
    const expectations = [{ text: name, met: false, observed: name }];
    return runRecord({ heaps, expectations, scenario: { ...runRecord().scenario, title: name, device: name } });
  };
  const clean = (name: string) => runRecord({ heaps: { [name]: heapRecord() } });

  test("cannot command the terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        const text = diffText(diff(clean(name), named(name)), { all: true });
        expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
      }),
    );
  });

  test("cannot leave their cell in Markdown, nor mark up, nor notify anybody", () => {
    const name = "a|b\n# c <script>alert(1)</script> ![x](http://x) @everyone `d` **e**";
    const markdown = diffMarkdown(diff(clean(name), named(name)));
    expect(markdown).not.toMatch(/<script|[^\\]!\[|@everyone|[^\\]`|\n# c/);
    const rows = markdown.split("\n").filter((line) => line.startsWith("| heaps"));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.replaceAll("\\|", "").split("|")).toHaveLength(7);
  });

  test("with thousands of changes and long names stay within what GitHub takes", () => {
    const expectations = (met: boolean) =>
      Array.from({ length: 3000 }, (_, index) => ({ text: `${index} ${"x".repeat(5000)}`, met, observed: "" }));
    const record = diff(
      runRecord({ expectations: expectations(true) }),
      runRecord({ expectations: expectations(false) }),
    );
    expect(record.worse).toBe(3000);
    const markdown = diffMarkdown(record);
    expect(markdown.length).toBeLessThan(65_536);
    expect(markdown).toMatch(/and 2,\d{3} more/);
    expect(diffText(record).length).toBeLessThan(20_000);
  });
});
