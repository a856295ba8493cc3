import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readRecord } from "../../src/records/read-record.ts";
import { htmlPage } from "../../src/report/html/page.ts";
import { PageContext } from "../../src/report/html/page-context.ts";
import { recordPage } from "../../src/report/html/record-pages.ts";
import type { ReportRecord } from "../../src/report/report-record.ts";

const FOLDER = new URL("page-records/", import.meta.url);
const KINDS = readdirSync(FOLDER).map((file) => file.replace(".json", ""));
const ASSETS = { script: "", style: "" };

function sample(kind: string): ReportRecord {
  return readRecord(readFileSync(new URL(`${kind}.json`, FOLDER), "utf8"), `${kind}.json`);
}

function pageOf(record: ReportRecord) {
  const named = { name: "sample", record };
  return recordPage(named, new PageContext([named], { rowsMost: 512, hasBlocks: true }));
}

function documentOf(record: ReportRecord): string {
  return htmlPage([{ name: "sample", record }], ASSETS);
}

/** The record with every value replaced by what `change` makes of it. */
function changed(record: ReportRecord, change: (value: unknown, key: string) => unknown): ReportRecord {
  return JSON.parse(JSON.stringify(record, (key, value) => (typeof value === "object" ? value : change(value, key))));
}

describe.each(KINDS)("the page of a %s record", (kind) => {
  const record = sample(kind);
  const text = documentOf(record);

  test("has a verdict, a sentence, and sections with ids of their own", () => {
    const { title, verdict, sentence, sections } = pageOf(record);
    expect([title, verdict, sentence].every((words) => words.length > 0)).toBe(true);
    expect(sentence).not.toMatch(/undefined|NaN|null/);
    expect(new Set(sections.map(({ id }) => id)).size).toBe(sections.length);
  });

  test("says of every picture what it shows, and brings the values in a table", () => {
    const pictures = text.match(/<svg[^>]*>/g) ?? [];
    expect(pictures.length).toBeGreaterThan(0);
    for (const picture of pictures) expect(picture).toMatch(/role="img" aria-label="[^"]+"/);
    expect(text.match(/<desc>[^<]+<\/desc>/g)?.length).toBe(pictures.length);
    expect(text).toContain("<table>");
  });

  test("draws at places that are numbers, and brings no style of its own", () => {
    expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
    expect(text).not.toMatch(/ style=| on\w+=/);
  });

  test("is the same for the same record", () => {
    expect(documentOf(sample(kind))).toBe(text);
  });

  test("leaves hostile texts inert", () => {
    const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>'\u202e\u0000`;
    const hostile = changed(record, (value, key) => (isFreeText(value, key) ? attack : value));
    const page = documentOf(hostile);
    expect(page).not.toContain("<script>alert");
    expect(page).not.toContain("<img");
    expect(page.includes("\u202e") || page.includes("\0")).toBe(false);
  });

  test("stands whatever figures the record holds", () => {
    const figures = (...some: number[]) => fc.array(fc.constantFrom(...some), { minLength: 7, maxLength: 7 });
    const property = fc.property(figures(0, 1, 3, 2 ** 31, 2 ** 53 - 1), figures(0, 0.5, 1e-9, 1e9), (whole, parts) => {
      let index = 0;
      const odd = changed(record, (value) => {
        if (typeof value !== "number") return value;
        return (Number.isInteger(value) ? whole : parts)[index++ % 7];
      });
      expect(documentOf(odd)).not.toMatch(/(?: d|x|y|cx|cy|width|height)="[^"]*(?:NaN|Infinity|undefined)/);
    });
    fc.assert(property, { numRuns: 20, seed: 7 });
  });

  test("stands without what the record's lists may lack", () => {
    const bare = JSON.parse(JSON.stringify(record), (_, value) =>
      Array.isArray(value) && !isPair(value) ? [] : value,
    );
    expect(() => documentOf(bare)).not.toThrow();
  });
});

/** Words that the record's reader lets be anything: not those of a fixed choice, nor seeds. */
function isFreeText(value: unknown, key: string): boolean {
  const free =
    /^(title|path|device|allocator|heap|task|step|name|function|reason|detail|trace|text|board|buildId|emulatedAs|versionsExactFor|site|block|picture|map|formula|elf|core|owner|problem|allocatorVersion|plan|warnings|notes|evidence)$/;
  return typeof value === "string" && free.test(key);
}

/** Intervals are pairs, which a reader insists on. */
function isPair(value: readonly unknown[]): boolean {
  return value.length === 2 && value.every((item) => typeof item === "number");
}

test("an accepted risk is drawn as a limit, and a cell without failures as open downwards", () => {
  const text = documentOf(sample("risk"));
  expect(text).toContain("accepted: 5.0 %");
  const [, unseen = ""] = /<title>freertos-heap4, 30 KiB: (.*?)<\/g>/s.exec(text) ?? [];
  expect(unseen).toContain("below 4.9 %");
  expect(unseen).not.toContain("<circle");
});

test("risks below two per cent have a logarithmic axis", () => {
  const rare = changed(sample("risk"), (value, key) => (key === "upperBound95" ? 0.0004 : value));
  expect(documentOf(rare)).toMatch(/>0\.1 %</);
  expect(documentOf(sample("risk"))).not.toMatch(/>0\.1 %</);
});

test("a bound that something unknown reaches is drawn as open, one above its limit as bad", () => {
  const text = documentOf(sample("stack-bound"));
  const [, main = ""] = /<g class="(\w+)"><title>main-stack: ≥ 488 B/.exec(text) ?? [];
  expect(main).toBe("bad");
  expect(text).toContain("main-stack: ≥ 488 B EXCEEDS the limit of 400 B");
});
