import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { failedRecord, runRecord } from "../support/run-records.ts";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-diff-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
function file(name: string, content: unknown): string {
  writeFileSync(path(name), JSON.stringify(content));
  return path(name);
}
const GOOD = file("good.json", runRecord());
const BAD = file("bad.json", failedRecord());

function diff(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "diff", ...args], { encoding: "utf8", input });
  return { code: status, out: stdout, err: stderr };
}

describe("heapsoak diff", () => {
  test("ends with 1 and a table where something is worse", () => {
    const { code, out } = diff([GOOD, BAD]);
    expect(code).toBe(1);
    expect(out).toMatch(/^WORSE {2}good → bad: 3 of \d+ figures and statements are worse\n/);
  });

  test("ends with 0 where nothing is, also from standard input", () => {
    const { code, out } = diff([BAD, "-"], JSON.stringify(runRecord()));
    expect(code).toBe(0);
    expect(out).toMatch(/^NOT WORSE {2}bad → standard input: /);
  });

  test("writes Markdown and a record, the same each time", () => {
    const written = [1, 2].map(() => {
      diff([GOOD, BAD, "--markdown", path("diff.md"), "--json", path("diff.json")]);
      return [readFileSync(path("diff.md"), "utf8"), readFileSync(path("diff.json"), "utf8")];
    });
    expect(written[0]).toEqual(written[1]);
    expect(written[0]?.[0]).toMatch(/^### ❌ good → bad/);
    expect(JSON.parse(written[0]?.[1] ?? "")).toMatchObject({ format: "heapsoak.diff", version: 1, worse: 3 });
  });

  test("leaves standard output to what is written there", () => {
    const { out, err } = diff([GOOD, BAD, "--json", "-"]);
    expect(JSON.parse(out)).toMatchObject({ format: "heapsoak.diff" });
    expect(err).toMatch(/^WORSE/);
  });

  test.each([
    ["a file that is not there", [GOOD, path("none.json")], /none.json: there is no such file/],
    ["an unknown figure", [GOOD, BAD, "--threshold", "minimumFreeByts=1"], /Did you mean minimumFreeBytes\?/],
    ["two records from one input", ["-", "-"], /Only one of the records/],
    [
      "a file that would be overwritten",
      [GOOD, BAD, "--json", BAD],
      /the record .*bad.json and --json name the same file/,
    ],
    [
      "one file for two things",
      [GOOD, BAD, "--json", path("x"), "--markdown", path("x")],
      /--json and --markdown name the same file/,
    ],
    ["an output that cannot be", [GOOD, BAD, "--json", path("no/folder.json")], /cannot be written/],
    ["what is no record", [GOOD, file("other.json", { format: "heapsoak.diff", version: 1 })], /other.json/],
  ])("ends with 2 for %s", (_, args, message) => {
    const { code, out, err } = diff(args);
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(existsSync(path("x"))).toBe(false);
  });
});
