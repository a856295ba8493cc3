import { describe, expect, test } from "vitest";
import { paintFor } from "../../src/cli/colors.ts";
import { plainPaint } from "../../src/report/paint.ts";

const terminal = { isTTY: true };

test("colours appear on a terminal", () => {
  expect(paintFor(terminal, {}).bad("x")).not.toBe("x");
});

test.each([
  ["without a terminal", {}, {}],
  ["with NO_COLOR", terminal, { NO_COLOR: "1" }],
  ["on a dumb terminal", terminal, { TERM: "dumb" }],
])("no colours appear %s", (_, stream, environment) => {
  expect(paintFor(stream, environment).bad("x")).toBe("x");
});

describe("block characters", () => {
  test.each([
    ["in a locale that has them", { LANG: "de_DE.UTF-8" }, true],
    ["without colours, too", { LANG: "C.utf8", NO_COLOR: "1" }, true],
    ["in Windows' own terminal", { WT_SESSION: "1" }, true],
    ["not in a locale without", { LANG: "C" }, false],
    ["not where LC_ALL overrules the language", { LC_ALL: "C", LANG: "C.UTF-8" }, false],
    ["not on a dumb terminal", { LANG: "C.UTF-8", TERM: "dumb" }, false],
  ])("are drawn on a terminal %s", (_, environment, drawn) => {
    expect(paintFor(terminal, environment).glyphs.blocks).toBe(drawn);
  });

  test("are never drawn into a pipe", () => {
    expect(paintFor({}, { LANG: "C.UTF-8" })).toBe(plainPaint);
  });

  test("are as many as the terminal has columns, from 50 to 100", () => {
    const widths = [0, 20, 72, 300].map((columns) => paintFor({ isTTY: true, columns }, {}).glyphs.columns);
    expect(widths).toEqual([80, 50, 72, 100]);
  });
});

test("an empty NO_COLOR is no refusal", () => {
  expect(paintFor(terminal, { NO_COLOR: "" }).strong("x")).not.toBe("x");
});
