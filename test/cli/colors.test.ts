import { expect, test } from "vitest";
import { paintFor } from "../../src/cli/colors.ts";

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

test("an empty NO_COLOR is no refusal", () => {
  expect(paintFor(terminal, { NO_COLOR: "" }).strong("x")).not.toBe("x");
});
