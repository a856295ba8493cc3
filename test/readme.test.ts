import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseDeviceFile } from "../src/device/device-file.ts";

const [readme = "", manual = ""] = ["../README.md", "../docs/library.md"].map((page) =>
  readFileSync(new URL(page, import.meta.url), "utf8"),
);
const library = new URL("../dist/src/index.js", import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), "heapsoak-readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = [...`${readme}\n${manual}`.matchAll(/```js\n((?:(?!```).)*)```\s*```text\n((?:(?!```).)*)```/gs)].map(
  ([, code = "", output = ""]) => ({
    code,
    output,
  }),
);

test("the README and the page of the library have examples to run", () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
});

test("the README's device file describes a device", () => {
  const [, yaml = ""] = /```yaml\n(# my-board\.yaml.*?)```/s.exec(readme) ?? [];
  expect(parseDeviceFile(yaml, "my-board.yaml").banks.map(({ name }) => name)).toEqual(["SRAM", "CCM"]);
});

test.each(examples)("example %# prints what its page says", ({ code, output }) => {
  const file = join(folder, "example.mjs");
  writeFileSync(file, code.replaceAll('"heapsoak"', JSON.stringify(library)));
  expect(execFileSync(process.execPath, [file], { encoding: "utf8" })).toBe(output);
});
