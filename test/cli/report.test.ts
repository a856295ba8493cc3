import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { sample } from "../records/samples.ts";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const LEAKER = fileURLToPath(new URL("scenarios/leaker.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-report-"));
afterAll(() => rmSync(folder, { recursive: true }));

const inFolder = (name: string) => join(folder, name);

/** A file in the folder with this text. */
function file(name: string, text: string): string {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
}

const RUN = file("run.json", sample("run"));
const PASSED = file("passed.json", sample("run").replace('"verdict":"fail"', '"verdict":"pass"'));
const OPEN = file("open.json", sample("run").replace('"verdict":"fail"', '"verdict":"undecided"'));

function heapsoak(args: readonly string[], input = ""): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: "pipe" });
    let out = "";
    let err = "";
    child.stdout.on("data", (part) => {
      out += part;
    });
    child.stderr.on("data", (part) => {
      err += part;
    });
    child.stdin.on("error", () => {}); // it may end before it has read all
    child.stdin.end(input);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

describe("heapsoak report", { timeout: 60_000 }, () => {
  test("prints of a record what its command printed, and ends with 0", async () => {
    const made = await heapsoak(["run", LEAKER, "--heap-size", "512", "--quiet", "--json", inFolder("made.json")]);
    expect(made.code).toBe(1);
    expect(await heapsoak(["report", inFolder("made.json")])).toEqual({ code: 0, out: made.out, err: "" });
  });

  test("takes the record that another command writes to standard output", async () => {
    const made = await heapsoak(["run", LEAKER, "--heap-size", "512", "--quiet", "--json", "-"]);
    const { code, out } = await heapsoak(["report", "-", "--junit", "-", "--gate"], made.out);
    expect(code).toBe(1);
    expect(out).toMatch(/^<\?xml .*<failure /s);
  });

  test("writes several files at once, the same bytes each time", async () => {
    const args = ["report", RUN, PASSED, "--title", "Week 12 <b>", "--html"];
    const first = await heapsoak([...args, inFolder("a.html"), "--csv", inFolder("a.csv")]);
    expect(first).toEqual({ code: 0, out: "", err: "" });
    const second = await heapsoak([...args, "-"]);
    const page = readFileSync(inFolder("a.html"), "utf8");
    expect(second.out).toBe(page);
    expect(page).toContain("<title>Week 12 &lt;b&gt;</title>");
    expect(readFileSync(inFolder("a.csv"), "utf8")).not.toBe("");
  });

  test("calls records of the same file name by their paths", async () => {
    const { out } = await heapsoak(["report", RUN, PASSED]);
    expect(out).toMatch(/^run\n\nFAIL /);
    expect(out).toMatch(/\n\npassed\n\nPASS /);
  });

  test.each([
    ["a record that fails", [PASSED, OPEN, RUN], 1, "heapsoak: open: undecided\nheapsoak: run: fail\n"],
    ["one that is undecided", [PASSED, OPEN], 3, "heapsoak: open: undecided\n"],
    ["none of them", [PASSED], 0, ""],
  ])("with --gate ends by %s", async (_, records, code, err) => {
    expect(await heapsoak(["report", ...records, "--gate"])).toMatchObject({ code, err });
  });

  test.each([
    ["a file that is not there", ["none.json"], /none\.json: there is no such file/],
    ["a folder", [folder], /not a plain file/],
    ["half a record", [file("half.json", sample("risk").slice(0, 999))], /half\.json: cut off/],
    [
      "a record of another version",
      [file("later.json", sample("fit").replace('"version":1', '"version":7'))],
      /of version 7/,
    ],
    ["the same record twice", [RUN, RUN], /run\.json: is given twice/],
    ["two outputs to standard output", [RUN, "--html", "-", "--csv", "-"], /--html and --csv name the same file/],
    ["to overwrite a record", [RUN, "--html", RUN], /the record .*run\.json and --html name the same file/],
    ["a title without a page", [RUN, "--title", "x"], /--title is the page's/],
    ["a folder that is not there", [RUN, "--html", inFolder("none/a.html")], /cannot be written/],
    [
      "a format that does not take the kind",
      [file("w.json", sample("worst")), "--perfetto", inFolder("w")],
      /worst record/,
    ],
  ])("refuses %s in words, and writes nothing", async (_, args, expected) => {
    const { code, out, err } = await heapsoak(["report", ...args]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(expected);
    expect(err).not.toMatch(/\n {4}at /);
    expect(existsSync(inFolder("w"))).toBe(false);
  });

  test("shows a hostile record as text", async () => {
    const title = "</script><script>alert(1)</script>\\u001b[2J";
    const hostile = file("hostile.json", sample("run").replace(/"title":"[^"]*"/, `"title":"${title}"`));
    const { out } = await heapsoak(["report", hostile]);
    expect(out).toContain("\\x1b[2J");
    expect(out).not.toContain("\x1b");
    const page = await heapsoak(["report", hostile, "--html", "-"]);
    expect(page.code).toBe(0);
    expect(page.out).not.toContain("<script>alert");
  });
});

describe("--html", { timeout: 60_000 }, () => {
  test("of run and of compare writes the page that report makes of the record", async () => {
    const json = inFolder("leaker.json");
    const comparison = inFolder("comparison.json");
    const page = inFolder("page.html");
    const run = await heapsoak(["run", LEAKER, "--heap-size", "512", "--quiet", "--json", json, "--html", page]);
    expect(run.code).toBe(1);
    expect((await heapsoak(["report", json, "--html", "-"])).out).toBe(readFileSync(page, "utf8"));
    const sizes = ["--heap-sizes", "512,1KiB", "--stack", "forgetful", "--quiet"];
    const compared = await heapsoak(["compare", LEAKER, ...sizes, "--json", comparison, "--html", page]);
    expect(compared.out).toBe((await heapsoak(["report", comparison])).out);
    expect((await heapsoak(["report", comparison, "--html", "-"])).out).toBe(readFileSync(page, "utf8"));
  });

  test("of replay and risk, too; to standard output with everything else elsewhere", async () => {
    const trace = file("short.trace", "# allocator=tlsf\n# arena=4096\na 1 100\nf 1\n");
    const replay = await heapsoak(["replay", trace, "--allocator", "tlsf", "--heap-size", "4KiB", "--html", "-"]);
    expect(replay).toMatchObject({ code: 0, err: "" });
    expect(replay.out).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    const risk = await heapsoak(["risk", LEAKER, "--runs", "2", "--jobs", "1", "--quiet", "--html", "-"]);
    expect(risk.out).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect(risk.err).toMatch(/^Risk of a failure/);
  });

  test.each([
    [["run", LEAKER, "--html", inFolder("x"), "--json", inFolder("x")], "--json and --html name the same file"],
    [["run", LEAKER, "--html", inFolder("x"), "--trace", inFolder("x")], "--html and --trace name the same file"],
    [["compare", LEAKER, "--allocators", "tlsf", "--html", "-", "--json", "-"], "--json and --html name the same file"],
    [["run", LEAKER, "--html", folder], "is a folder"],
    [["risk", LEAKER, "--shard", "1/2", "--out", inFolder("part"), "--html", "-"], "--shard does not go with --html"],
    [["replay", "--verify", RUN, "--html", "-"], "--html: a verification has no page"],
  ])("is refused before anything runs: %j", async (args, expected) => {
    const { code, out, err } = await heapsoak(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(expected);
  });
});
