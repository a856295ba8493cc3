import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findScenario, findScenarios, shippedScenarios } from "../../src/cli/find-scenario.ts";

const root = mkdtempSync(join(tmpdir(), "heapsoak-find-"));
afterAll(() => rmSync(root, { recursive: true }));
const shipped = join(root, "shipped");
for (const path of ["net/mqtt-tls.yaml", "net/storm.yml", "basics/primer.yaml", "basics/storm.yaml", "notes.md"]) {
  mkdirSync(dirname(join(shipped, path)), { recursive: true });
  writeFileSync(join(shipped, path), "heapsoak: 1\n");
}
mkdirSync(join(root, "one"));
mkdirSync(join(root, "none"));
writeFileSync(join(root, "one", "only.yaml"), "heapsoak: 1\n");

describe("the scenario that an argument means", () => {
  test.each([
    ["a file", join(root, "one/only.yaml"), join(root, "one/only.yaml")],
    ["a folder with one", join(root, "one"), join(root, "one/only.yaml")],
    ["the name of a shipped one", "mqtt-tls", join(shipped, "net/mqtt-tls.yaml")],
    ["its name with the theme", "basics/storm", join(shipped, "basics/storm.yaml")],
  ])("is %s", (_, argument, file) => {
    expect(findScenario(argument, shipped)).toBe(file);
  });

  test.each([
    ["mqtt-tsl", 'There is neither a file nor a shipped scenario called "mqtt-tsl".', 'Did you mean "mqtt-tls"?'],
    ["mqtt", 'There is neither a file nor a shipped scenario called "mqtt".', 'Did you mean "mqtt-tls"?'],
    ["zzz.yaml", "zzz.yaml: there is no such file.", "`heapsoak scenarios` lists those that come with heapsoak."],
    ["storm", 'There are several scenarios called "storm": basics/storm, net/storm.', undefined],
    [join(root, "none"), `${join(root, "none")}: holds no scenario.`, undefined],
  ])("is none: %s", (argument, message, hint) => {
    expect(() => findScenario(argument, shipped)).toThrow(expect.objectContaining({ message, hint }));
  });

  test("is asked for where a folder holds several", () => {
    expect(() => findScenario(join(shipped, "net"), shipped)).toThrow(
      expect.objectContaining({
        message: `${join(shipped, "net")}: holds 2 scenarios.`,
        hint: `Name one of them:\n    ${join(shipped, "net/mqtt-tls.yaml")}\n    ${join(shipped, "net/storm.yml")}`,
      }),
    );
  });
});

test("to check, a folder means all in it", () => {
  expect(findScenarios([join(shipped, "net"), "primer"], shipped)).toEqual([
    join(shipped, "net/mqtt-tls.yaml"),
    join(shipped, "net/storm.yml"),
    join(shipped, "basics/primer.yaml"),
  ]);
});

test("shipped scenarios carry their folder as theme", () => {
  expect(shippedScenarios(shipped).map(({ theme, name }) => `${theme}: ${name}`)).toEqual([
    "basics: primer",
    "basics: storm",
    "net: mqtt-tls",
    "net: storm",
  ]);
  expect(shippedScenarios(join(root, "nowhere"))).toEqual([]);
});
