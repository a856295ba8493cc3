import { expect, test } from "vitest";
import { HeapsoakError, printable } from "../src/errors.ts";

test("text from files shows what a terminal would obey instead of obeying it", () => {
  expect(printable("\u001b[2Jred\rtask\u0007")).toBe("\\x1b[2Jred\\x0dtask\\x07");
  expect(printable("evil\u202Egnp.exe\u2066")).toBe("evil\\x202egnp.exe\\x2066");
});

test("lines, tabs and other scripts stay as they are", () => {
  expect(printable("one\n\ttwo – žluťoučký 電池")).toBe("one\n\ttwo – žluťoučký 電池");
});

test("messages and hints of errors are printable", () => {
  const { message, hint } = new HeapsoakError("bad-trace", "a\u001b[31m", { hint: "b\u009b" });
  expect([message, hint]).toEqual(["a\\x1b[31m", "b\\x9b"]);
});
