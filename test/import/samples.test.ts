import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FORMAT_NAMES } from "../../src/import/formats.ts";
import { importText as reportOf } from "../../src/report/import-text.ts";
import { importFile, importText, SAMPLE_FILES, SAMPLE_PATTERN, SAMPLES } from "../support/imported.ts";
import { rowsOf } from "../support/traces.ts";

function requestOf(name: string): { pattern?: string } {
  return name.startsWith("pattern") ? { pattern: SAMPLE_PATTERN } : {};
}

describe.each(SAMPLE_FILES)("the sample %s", (name) => {
  const path = join(SAMPLES, name);
  const request = requestOf(name);

  test("becomes the trace on file", async () => {
    const { text } = await importFile(path, request);
    await expect(text).toMatchFileSnapshot(`samples/expected/${name}.trace`);
  });

  test("is reported as on file", async () => {
    const { summary } = await importFile(path, request);
    const report = reportOf({ ...summary, source: name }, `${name}.trace`);
    await expect(report).toMatchFileSnapshot(`samples/expected/${name}.txt`);
  });

  test("is a trace that replays take", async () => {
    const { text, summary } = await importFile(path, request);
    expect(await rowsOf(text)).toHaveLength(summary.operations);
  });

  test("is told by its content", async () => {
    const { summary } = await importFile(path, request);
    const format = name.startsWith("recording") ? "heapsoak" : name.replace(/\..*/, "");
    expect(summary).toMatchObject({ format, wasRecognised: format !== "pattern" });
  });

  test("gives the same compressed, and with CR LF where it is text", async () => {
    const content = readFileSync(path);
    const { text } = await importFile(path, request);
    expect((await importText(gzipSync(content), request)).text).toBe(text);
    if (name.startsWith("systemview") || name.startsWith("recording")) return;
    const withCr = content.toString("latin1").replaceAll(/\r?\n/g, "\r\n");
    expect((await importText(Buffer.from(withCr, "latin1"), request)).text).toBe(text);
  });
});

test("every format has a sample", () => {
  const names = SAMPLE_FILES.map((name) => (name.startsWith("recording") ? "heapsoak" : name.replace(/\..*/, "")));
  expect(names.sort()).toEqual([...FORMAT_NAMES, "pattern"].sort());
});
