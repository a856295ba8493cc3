import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FIGURES, FRAME_TYPES, LAYOUTS, REFUSALS } from "../../src/board/wire/protocol.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");

const rows = [...page.matchAll(/^\| (\d+) \| `(\w+)` \| ([^|]*) \|/gm)].map(([, type, name, payload]) => ({
  type: Number(type),
  name,
  payload,
}));

test("the page of the protocol lists every frame with its number and its fields", () => {
  const declared = Object.entries(FRAME_TYPES).map(([name, type]) => {
    const fields = LAYOUTS[name as keyof typeof LAYOUTS].map(([field, kind]) => `${field}: ${kind}`);
    return { type, name, payload: fields.join(", ") || "none" };
  });
  expect(rows).toEqual(declared);
});

test("the page of the protocol gives the reasons of refusals and the keys of figures", () => {
  const reasons = /Reasons of a `refusal`:(.*?)\n\n/s.exec(page)?.[1]?.match(/\b\d(?= )/g);
  expect(reasons?.map(Number)).toEqual(Object.values(REFUSALS));
  const keys = /A figure has 5: a key \((.*?)\)/s.exec(page)?.[1]?.split(/,\s+/);
  expect(keys?.map((key) => Number.parseInt(key, 10))).toEqual(Object.values(FIGURES));
});
